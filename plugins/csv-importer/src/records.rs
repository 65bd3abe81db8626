//! Records out of a stream of pieces, each with the line on which it begins. Owns the pieces, the quoting (csv-core) and the
//! limits of a record. Knows no column and no character set beyond UTF-16, which it turns into UTF-8 on the way in.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::{Decoder, DecoderResult};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::Source;

const PIECE_BYTES: u32 = 256 * 1024;
/// What is looked at before the first record: the mark of the encoding, and the header.
const HEAD_BYTES: usize = 64 * 1024;
/// A record's fields together.
pub const RECORD_MAX_BYTES: usize = 256 * 1024;
pub const FIELDS_MAX: usize = 256;
/// Where a record's buffer begins; it doubles as far as [`RECORD_MAX_BYTES`].
const RECORD_START_BYTES: usize = 4 * 1024;
/// Stands in UTF-8 nowhere: what was no UTF-16 either is found where the record is decoded.
const NO_CHARACTER: u8 = 0xFF;

/// Why a record cannot be read; what was read of it is not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    TooLong,
    TooManyFields,
    /// A quote was opened and not closed before the end of the file: it has swallowed every row after it.
    OpenQuote,
}

pub struct Records<'a, 's> {
    source: &'a mut Source<'s>,
    utf16: Option<Decoder>,
    marked_utf8: bool,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
    core: Reader,
    /// Of the next byte, from 1.
    line: u32,
    /// The last byte was a CR; whether it ended a line alone is known by the next one.
    after_cr: bool,
    text: Vec<u8>,
    ends: Vec<usize>,
    text_len: usize,
    fields: usize,
}

impl<'a, 's> Records<'a, 's> {
    /// Reads the head and finds out about marks of UTF-8 and UTF-16.
    pub fn open(source: &'a mut Source<'s>) -> Result<Records<'a, 's>, Failure> {
        let mut head = source.read(PIECE_BYTES)?;
        let mut ended = head.is_empty();
        while head.len() < HEAD_BYTES && !ended {
            let more = source.read(PIECE_BYTES)?;
            ended = more.is_empty();
            head.extend_from_slice(&more);
        }
        let mark = encoding_rs::Encoding::for_bom(&head);
        let marked_utf8 = mark.is_some_and(|(encoding, _)| encoding == encoding_rs::UTF_8);
        let utf16 =
            mark.filter(|_| !marked_utf8).map(|(encoding, _)| encoding.new_decoder_without_bom_handling());
        head.drain(..mark.map_or(0, |(_, length)| length));
        let mut records = Records {
            source,
            utf16,
            marked_utf8,
            piece: head,
            at: 0,
            ended,
            core: Reader::new(),
            line: 1,
            after_cr: false,
            text: vec![0; RECORD_START_BYTES],
            ends: vec![0; FIELDS_MAX],
            text_len: 0,
            fields: 0,
        };
        records.transcode();
        Ok(records)
    }

    /// The beginning of the file, before the first record is read.
    pub fn head(&self) -> &[u8] {
        self.piece.get(..HEAD_BYTES).unwrap_or(&self.piece)
    }

    /// Whether a mark has said so; without one, the bytes decide.
    pub fn is_surely_utf8(&self) -> bool {
        self.marked_utf8 || self.utf16.is_some()
    }

    pub fn split_at(&mut self, delimiter: u8) {
        self.core = ReaderBuilder::new().delimiter(delimiter).build();
    }

    /// The fields of the record that `next` has read, one after the other.
    pub fn text(&self) -> &[u8] {
        self.text.get(..self.text_len).unwrap_or_default()
    }

    /// Where each field of it ends.
    pub fn ends(&self) -> &[usize] {
        self.ends.get(..self.fields).unwrap_or_default()
    }

    /// The next record that is no blank line: the line where it begins, and what is wrong with it.
    pub fn next(&mut self) -> Result<Option<(u32, Option<Fault>)>, Failure> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let begins = self.line;
        let newlines_before = self.core.line();
        let mut fault = None;
        (self.text_len, self.fields) = (0, 0);
        loop {
            if self.at >= self.piece.len() && !self.ended {
                self.refill()?;
            }
            let at_end = self.at >= self.piece.len();
            // A line end is put after the last byte: inside an open quote it does not end the record.
            let input = if at_end { b"\n" } else { self.piece.get(self.at..).unwrap_or_default() };
            let text = self.text.get_mut(self.text_len..).unwrap_or_default();
            let ends = self.ends.get_mut(self.fields..).unwrap_or_default();
            let (result, read, wrote, ended) = self.core.read_record(input, text, ends);
            self.after_cr = read.checked_sub(1).and_then(|last| input.get(last)) == Some(&b'\r');
            self.at += if at_end { 0 } else { read };
            self.text_len += wrote;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty if at_end => {
                    fault = fault.or(Some(Fault::OpenQuote));
                    break;
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => fault = self.make_room().or(fault),
                ReadRecordResult::OutputEndsFull => {
                    self.fields = 0;
                    fault = fault.or(Some(Fault::TooManyFields));
                }
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        let newlines = self.core.line().saturating_sub(newlines_before);
        self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        Ok(Some((begins, fault)))
    }

    /// Doubles the record's buffer, or from the limit on reads over the old bytes: the record is only skipped.
    fn make_room(&mut self) -> Option<Fault> {
        if self.text.len() < RECORD_MAX_BYTES {
            self.text.resize(self.text.len() * 2, 0);
            return None;
        }
        self.text_len = 0;
        Some(Fault::TooLong)
    }

    /// Whether there is a record after the blank lines.
    fn skip_line_ends(&mut self) -> Result<bool, Failure> {
        loop {
            let Some(byte) = self.piece.get(self.at) else {
                if self.ended {
                    return Ok(false);
                }
                self.refill()?;
                continue;
            };
            let lone_cr = self.after_cr && *byte != b'\n';
            self.line = self.line.saturating_add(u32::from(lone_cr));
            self.after_cr = *byte == b'\r';
            match byte {
                b'\n' => self.line = self.line.saturating_add(1),
                b'\r' => {}
                _ => return Ok(true),
            }
            self.at += 1;
        }
    }

    fn refill(&mut self) -> Result<(), Failure> {
        self.piece = self.source.read(PIECE_BYTES)?;
        self.at = 0;
        self.ended = self.piece.is_empty();
        self.transcode();
        Ok(())
    }

    /// The piece from UTF-16 to UTF-8, where the file is UTF-16. A character cut by the piece's end waits in the decoder.
    fn transcode(&mut self) {
        let Some(decoder) = &mut self.utf16 else { return };
        let mut utf8 = Vec::with_capacity(self.piece.len() * 2);
        let mut rest = self.piece.as_slice();
        loop {
            let room =
                decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(rest.len() * 3 + 8);
            let begin = utf8.len();
            utf8.resize(begin + room, 0);
            let into = utf8.get_mut(begin..).unwrap_or_default();
            let (result, read, wrote) = decoder.decode_to_utf8_without_replacement(rest, into, self.ended);
            utf8.truncate(begin + wrote);
            rest = rest.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => utf8.push(NO_CHARACTER),
            }
        }
        self.piece = utf8;
    }
}
