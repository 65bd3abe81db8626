//! Records out of a stream of pieces: lines that end in LF, CRLF or CR, or so many characters each where there are no line ends. Owns the
//! pieces and a record's limit. Knows no column.

use crate::mapping::{Mapping, RECORD_MAX_CHARS};
use crate::text::Encoding;
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::Source;

const PIECE_BYTES: u32 = 256 * 1024;
/// What is looked at before the first record: the mark of an encoding, and whether there are line ends.
const HEAD_BYTES: usize = 64 * 1024;
/// Of UTF-8 a character has four bytes at most.
const CHAR_MAX_BYTES: usize = 4;
pub const RECORD_MAX_BYTES: usize = RECORD_MAX_CHARS * CHAR_MAX_BYTES;
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";
/// What old systems put after the last record.
const END_OF_TEXT: u8 = 0x1A;

/// Why a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A line end, or all its characters.
    Whole,
    /// The file's end, where no line end was.
    File,
    /// It was too long; only its beginning is kept.
    TooLong,
}

/// What [`Records::next`] has read.
pub struct Record<'r> {
    /// From 1: where records are lines, its line.
    pub number: u32,
    pub bytes: &'r [u8],
    pub end: End,
}

pub struct Records<'a, 's> {
    source: &'a mut Source<'s>,
    encoding: Encoding,
    /// Characters of a record; none where it is a line.
    unbroken: Option<usize>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
    after_cr: bool,
    /// Of the record that was read last, from 1.
    number: u32,
    record: Vec<u8>,
}

impl<'a, 's> Records<'a, 's> {
    /// Reads the head.
    pub fn open(source: &'a mut Source<'s>, mapping: &Mapping) -> Result<Records<'a, 's>, Failure> {
        let (mut head, mut ended) = (Vec::new(), false);
        while head.len() < HEAD_BYTES && !ended {
            let more = source.read(PIECE_BYTES)?;
            ended = more.is_empty();
            head.extend_from_slice(&more);
        }
        let at = if head.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 };
        let has_lines = has_lines(head.get(at..HEAD_BYTES.min(head.len())).unwrap_or_default());
        Ok(Records {
            source,
            encoding: mapping.encoding,
            unbroken: mapping.record_length.filter(|_| !has_lines),
            piece: head,
            at,
            ended,
            after_cr: false,
            number: 0,
            record: Vec::new(),
        })
    }

    /// Before the first record is read: for a file that cannot be read at all, words.
    pub fn unreadable(&self) -> Option<&'static str> {
        let head = self.piece.get(..HEAD_BYTES).unwrap_or(&self.piece);
        match head {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("the file is UTF-16: save it as UTF-8 text"),
            [0xEF, 0xBB, 0xBF, ..] if self.encoding != Encoding::Utf8 => Some(
                "the file begins with the mark of UTF-8: set encoding = \"utf-8\" in the importer's settings",
            ),
            _ => head.contains(&0).then_some(
                "there are NUL bytes in the file: it is no text, or UTF-16; save it as UTF-8 text",
            ),
        }
    }

    /// Whether records follow each other without line ends.
    pub fn are_unbroken(&self) -> bool {
        self.unbroken.is_some()
    }

    /// None after the last.
    pub fn next(&mut self) -> Result<Option<Record<'_>>, Failure> {
        self.record.clear();
        let end = match self.unbroken {
            None => self.line()?,
            Some(length) => self.characters(length)?,
        };
        let left_over = |record: &[u8]| match self.unbroken {
            None => matches!(record, [] | [END_OF_TEXT]),
            Some(_) => record.iter().all(|byte| matches!(byte, b' ' | b'\r' | b'\n' | &END_OF_TEXT)),
        };
        if end == End::File && left_over(&self.record) {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        Ok(Some(Record { number: self.number, bytes: &self.record, end }))
    }

    fn line(&mut self) -> Result<End, Failure> {
        let mut end = End::Whole;
        loop {
            if !self.has_more()? {
                return Ok(if end == End::Whole { End::File } else { end });
            }
            let rest = self.piece.get(self.at..).unwrap_or_default();
            if std::mem::take(&mut self.after_cr) && rest.first() == Some(&b'\n') {
                self.at += 1;
                continue;
            }
            let line_end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = rest.get(..line_end.unwrap_or(rest.len())).unwrap_or_default();
            let room = RECORD_MAX_BYTES - self.record.len();
            if part.len() > room {
                end = End::TooLong;
            }
            self.record.extend_from_slice(part.get(..room).unwrap_or(part));
            self.at += part.len();
            if let Some(at) = line_end {
                self.after_cr = rest.get(at) == Some(&b'\r');
                self.at += 1;
                return Ok(end);
            }
        }
    }

    fn characters(&mut self, length: usize) -> Result<End, Failure> {
        let mut characters = 0;
        loop {
            if !self.has_more()? {
                return Ok(if characters == length { End::Whole } else { End::File });
            }
            for byte in self.piece.get(self.at..).unwrap_or_default() {
                // What is no UTF-8 may begin no character for long.
                let begins = self.encoding.begins(*byte) || self.record.len() >= length * CHAR_MAX_BYTES;
                if begins && characters == length {
                    return Ok(End::Whole);
                }
                characters += usize::from(begins);
                self.record.push(*byte);
                self.at += 1;
            }
        }
    }

    fn has_more(&mut self) -> Result<bool, Failure> {
        if self.at >= self.piece.len() && !self.ended {
            self.piece = self.source.read(PIECE_BYTES)?;
            self.at = 0;
            self.ended = self.piece.is_empty();
        }
        Ok(self.at < self.piece.len())
    }
}

/// A line end before the end of what is there: behind the last record there may be one in any file.
fn has_lines(head: &[u8]) -> bool {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let last = head.iter().rposition(|byte| !is_end(byte)).unwrap_or(0);
    head.get(..last).unwrap_or_default().iter().any(is_end)
}
