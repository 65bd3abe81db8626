//! Records out of a stream of pieces, each with the line on which it begins. Owns the order of the pieces and the limits of a
//! record. One that lies whole in a piece, and has no quote but around a field, is read where it lies; every other goes through
//! csv-core, which would read the first kind alike. Knows no column, and no character set beyond UTF-16, which it turns into
//! UTF-8 on the way in.

use crate::marks::Marks;
use crate::piece::{Piece, to_utf8};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::Decoder;
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

/// Why a record cannot be read; what was read of it is not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    TooLong,
    TooManyFields,
    /// A quote was opened and not closed before the end of the file: it has swallowed every row after it.
    OpenQuote,
}

/// Where a field lies among the record's bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    pub begin: usize,
    pub end: usize,
}

/// What [`Records::next`] has read.
#[derive(Clone, Copy)]
pub struct Record<'r> {
    /// Its fields, perhaps with delimiters and quotes between them.
    pub bytes: &'r [u8],
    /// The same, where its piece is known to be nothing but ASCII.
    pub ascii: Option<&'r str>,
    pub spans: &'r [Span],
}

pub struct Records<'a, 's> {
    source: &'a mut Source<'s>,
    utf16: Option<Decoder>,
    marked_utf8: bool,
    piece: Piece,
    at: usize,
    ended: bool,
    core: Reader,
    delimiter: u8,
    /// csv-core drops a mark before its first byte, so it is given the first record.
    begun: bool,
    /// Of the next byte, from 1.
    line: u32,
    /// The last byte was a CR; whether it ended a line alone is known by the next one.
    after_cr: bool,
    text: Vec<u8>,
    ends: Vec<usize>,
    text_len: usize,
    fields: usize,
    spans: [Span; FIELDS_MAX],
    /// Where in the piece the record lies, unless csv-core has copied it into `text`.
    lies: Option<Span>,
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
            piece: Piece::Bytes(Vec::new()),
            at: 0,
            ended,
            core: Reader::new(),
            delimiter: b',',
            begun: false,
            line: 1,
            after_cr: false,
            text: vec![0; RECORD_START_BYTES],
            ends: vec![0; FIELDS_MAX],
            text_len: 0,
            fields: 0,
            spans: [Span::default(); FIELDS_MAX],
            lies: None,
        };
        records.take(head);
        Ok(records)
    }

    /// The beginning of the file, before the first record is read.
    pub fn head(&self) -> &[u8] {
        let head = self.piece.bytes();
        head.get(..HEAD_BYTES).unwrap_or(head)
    }

    /// Whether a mark has said so; without one, the bytes decide.
    pub fn is_surely_utf8(&self) -> bool {
        self.marked_utf8 || self.utf16.is_some()
    }

    pub fn split_at(&mut self, delimiter: u8) {
        self.core = ReaderBuilder::new().delimiter(delimiter).build();
        self.delimiter = delimiter;
    }

    /// The record that `next` has read.
    #[inline]
    pub fn record(&self) -> Record<'_> {
        let spans = self.spans.get(..self.fields).unwrap_or_default();
        match (self.lies, &self.piece) {
            (None, _) => {
                Record { bytes: self.text.get(..self.text_len).unwrap_or_default(), ascii: None, spans }
            }
            (Some(Span { begin, end }), Piece::Ascii(text)) => {
                let ascii = text.get(begin..end).unwrap_or_default();
                Record { bytes: ascii.as_bytes(), ascii: Some(ascii), spans }
            }
            (Some(Span { begin, end }), Piece::Bytes(bytes)) => {
                Record { bytes: bytes.get(begin..end).unwrap_or_default(), ascii: None, spans }
            }
        }
    }

    /// The next record that is no blank line: the line where it begins, and what is wrong with it.
    pub fn next(&mut self) -> Result<Option<(u32, Option<Fault>)>, Failure> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let begins = self.line;
        self.lies = if self.begun { self.plain() } else { None };
        if self.lies.is_some() {
            return Ok(Some((begins, None)));
        }
        self.begun = true;
        let fault = self.copied()?;
        Ok(Some((begins, fault)))
    }

    /// The record where it lies: none, and nothing of it is read, where it is not whole or its quoting is not plain.
    fn plain(&mut self) -> Option<Span> {
        let begin = self.at;
        let end = self.fields_in_place().filter(|end| end - begin <= RECORD_MAX_BYTES)?;
        // The line end goes too; what may follow a CR is looked at before the next record, as after csv-core.
        self.after_cr = self.piece.bytes().get(end) == Some(&b'\r');
        self.line = self.line.saturating_add(u32::from(!self.after_cr));
        self.at = end + 1;
        Some(Span { begin, end })
    }

    /// Notes the fields of the record; gives where its line end stands. For itself: with csv-core around it, what it counts with
    /// would not stay in registers.
    #[inline(never)]
    fn fields_in_place(&mut self) -> Option<usize> {
        let piece = self.piece.bytes();
        let mut marks = Marks::new(piece, self.at, self.delimiter);
        let mut next = self.at;
        for (before, span) in self.spans.iter_mut().enumerate() {
            let (mut begin, mut end) = (next, marks.next()?);
            let mut after = end;
            let mut byte = *piece.get(end)?;
            if byte == b'"' {
                // A quote amidst a field is csv-core's.
                if end != begin {
                    return None;
                }
                begin += 1;
                // Between quotes the delimiter is a byte like others.
                end = marks.next()?;
                while piece.get(end) == Some(&self.delimiter) {
                    end = marks.next()?;
                }
                after = marks.next()?;
                if piece.get(end) != Some(&b'"') || after != end + 1 {
                    return None;
                }
                byte = *piece.get(after)?;
            }
            *span = Span { begin: begin - self.at, end: end - self.at };
            if byte == self.delimiter {
                next = after + 1;
            } else if byte == b'"' {
                return None;
            } else {
                self.fields = before + 1;
                return Some(after);
            }
        }
        None
    }

    /// The record by csv-core, which undoes its quoting, and what is wrong with it.
    #[inline(never)]
    fn copied(&mut self) -> Result<Option<Fault>, Failure> {
        let newlines_before = self.core.line();
        let mut fault = None;
        (self.text_len, self.fields) = (0, 0);
        loop {
            // Half a character of UTF-16 is a piece with nothing in it yet.
            while self.at >= self.piece.bytes().len() && !self.ended {
                self.refill()?;
            }
            let at_end = self.at >= self.piece.bytes().len();
            // A line end is put after the last byte: inside an open quote it does not end the record.
            let input = if at_end { b"\n" } else { self.piece.bytes().get(self.at..).unwrap_or_default() };
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
        let mut begin = 0;
        for (span, &end) in self.spans.iter_mut().zip(self.ends.get(..self.fields).unwrap_or_default()) {
            *span = Span { begin, end };
            begin = end;
        }
        Ok(fault)
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
            let Some(byte) = self.piece.bytes().get(self.at) else {
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

    #[inline(never)]
    fn refill(&mut self) -> Result<(), Failure> {
        let piece = self.source.read(PIECE_BYTES)?;
        self.at = 0;
        self.ended = piece.is_empty();
        self.take(piece);
        Ok(())
    }

    /// The piece that is read from now on.
    fn take(&mut self, mut piece: Vec<u8>) {
        if let Some(decoder) = &mut self.utf16 {
            piece = to_utf8(decoder, &piece, self.ended);
        }
        self.piece = Piece::new(piece);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, PartialEq)]
    enum By {
        Both,
        CsvCoreAlone,
    }

    /// Each record's line, fault and fields, and how many were read where they lie.
    fn read(file: &[u8], piece: usize, by: By) -> (Vec<String>, usize) {
        let mut pieces = file.chunks(piece);
        let mut opened = false;
        let mut source = Source::new(|_| {
            let piece = if opened { pieces.next() } else { None };
            opened = true;
            Ok(piece.unwrap_or_default().to_vec())
        });
        let mut records = Records::open(&mut source).unwrap();
        // The head would be gathered into one piece.
        (records.ended, records.begun) = (false, true);
        let (mut found, mut in_place) = (Vec::new(), 0);
        loop {
            records.begun = by == By::Both;
            let Some((line, fault)) = records.next().unwrap() else { return (found, in_place) };
            in_place += usize::from(records.lies.is_some());
            let record = records.record();
            let fields = record
                .spans
                .iter()
                .map(|span| String::from_utf8_lossy(&record.bytes[span.begin..span.end]).into_owned());
            let fields: Vec<String> = if fault.is_none() { fields.collect() } else { Vec::new() };
            found.push(format!("{line} {fault:?} {fields:?}"));
        }
    }

    #[test]
    fn every_short_file_reads_as_by_csv_core_alone() {
        let alphabet = b"a,\"\n\r";
        let mut in_place = 0;
        for length in 1..=5_u32 {
            for number in 0..alphabet.len().pow(length) {
                let digit = |at: u32| alphabet[number / alphabet.len().pow(at) % alphabet.len()];
                let file: Vec<u8> = (0..length).map(digit).collect();
                for piece in [2, 5] {
                    let (both, plain) = read(&file, piece, By::Both);
                    let (alone, _) = read(&file, piece, By::CsvCoreAlone);
                    assert_eq!(both, alone, "{:?} in pieces of {piece}", String::from_utf8_lossy(&file));
                    in_place += plain;
                }
                // Fields that end in the block in which they begin, and in another.
                let long = String::from_utf8(file).unwrap().replace('a', "a field of twenty-six byte");
                for piece in [64, 200] {
                    let (both, _) = read(long.as_bytes(), piece, By::Both);
                    let (alone, _) = read(long.as_bytes(), piece, By::CsvCoreAlone);
                    assert_eq!(both, alone, "{long:?} in pieces of {piece}");
                }
            }
        }
        assert!(in_place > 1_000, "{in_place} records were read where they lie");
    }
}
