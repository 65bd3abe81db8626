//! Records out of a stream of pieces, each with the line on which it begins. Owns the pieces, the record's end and its limits.
//! Knows no column and no character set.
//!
//! A record ends with `[]`, not with its line: a text may be broken by line ends, which count as one blank, and records may
//! follow each other on one line. A `[]` within a text ends nothing: it is an end where its line ends, or where the record has
//! as many fields as the header.

use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::Source;

const PIECE_BYTES: u32 = 256 * 1024;
/// One record. The standard allows two texts of 15 kB in it.
pub const RECORD_MAX_BYTES: usize = 256 * 1024;
pub const FIELDS_MAX: usize = 256;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why a record cannot be read; what was read of it is not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    TooLong,
    TooManyFields,
    /// The file ended before `[]`.
    Unended,
}

pub struct Records<'a, 's> {
    source: &'a mut Source<'s>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
    /// Of the next byte, from 1.
    line: u32,
    after_cr: bool,
    /// Fields of the header; 1 before it is known, so that the first `[]` ends.
    expected: usize,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What is more than a byte of a text.
#[inline]
fn is_mark(byte: u8) -> bool {
    matches!(byte, b'|' | b'[' | b']' | b'\r' | b'\n')
}

/// Where a record's reading stands.
struct Reading {
    fields: usize,
    fault: Option<Fault>,
    /// The last byte was the `[` that may begin an end.
    open: bool,
    /// The length of the text where a `[]` stood that ends the record if its line ends here.
    perhaps: Option<usize>,
}

impl<'a, 's> Records<'a, 's> {
    pub fn open(source: &'a mut Source<'s>) -> Result<Records<'a, 's>, Failure> {
        let mut records = Records {
            source,
            piece: Vec::new(),
            at: 0,
            ended: false,
            line: 1,
            after_cr: false,
            expected: 1,
            text: Vec::new(),
            ends: Vec::new(),
        };
        while records.piece.len() < BYTE_ORDER_MARK.len() && !records.ended {
            let more = records.source.read(PIECE_BYTES)?;
            records.ended = more.is_empty();
            records.piece.extend_from_slice(&more);
        }
        if records.piece.starts_with(BYTE_ORDER_MARK) {
            records.at = BYTE_ORDER_MARK.len();
        }
        Ok(records)
    }

    pub fn expect_fields(&mut self, fields: usize) {
        self.expected = fields;
    }

    /// Whether a mark says that the file is UTF-16, before the first record is read.
    pub fn is_utf16(&self) -> bool {
        matches!(self.piece.as_slice(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
    }

    /// Where the next byte stands.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The fields of the record that `next` has read, one after the other.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where each field of it ends.
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// The next record: the line where it begins, and what is wrong with it.
    pub fn next(&mut self) -> Result<Option<(u32, Option<Fault>)>, Failure> {
        self.text.clear();
        self.ends.clear();
        if !self.skip_blanks()? {
            return Ok(None);
        }
        let begins = self.line;
        let mut reading = Reading { fields: 1, fault: None, open: false, perhaps: None };
        while let Some(byte) = self.peek()? {
            if reading.perhaps.is_some() && matches!(byte, b'\r' | b'\n') {
                self.end(&mut reading);
                return Ok(Some((begins, reading.fault)));
            }
            if !is_mark(byte) {
                self.take_run(&mut reading);
                continue;
            }
            self.advance(byte);
            if self.take(byte, &mut reading) {
                self.end(&mut reading);
                return Ok(Some((begins, reading.fault)));
            }
        }
        if reading.perhaps.is_none() {
            reading.fault = reading.fault.or(Some(Fault::Unended));
        }
        self.end(&mut reading);
        Ok(Some((begins, reading.fault)))
    }

    /// Takes what stands before the next mark or the piece's end: most of every file.
    #[inline]
    fn take_run(&mut self, reading: &mut Reading) {
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| is_mark(*byte)).unwrap_or(rest.len());
        let run = rest.get(..length).unwrap_or_default();
        if !run.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            reading.perhaps = None;
        }
        reading.open = false;
        if self.text.len() + length > RECORD_MAX_BYTES {
            reading.fault = reading.fault.or(Some(Fault::TooLong));
        } else if reading.fault.is_none() {
            self.text.extend_from_slice(run);
        }
        self.at += length;
        self.after_cr = false;
    }

    /// Takes one mark into the record; whether it has ended it.
    #[inline]
    fn take(&mut self, byte: u8, reading: &mut Reading) -> bool {
        if byte == b']' && reading.open {
            reading.open = false;
            // Without the bracket that was taken as text.
            let before = self.text.len().saturating_sub(usize::from(reading.fault.is_none()));
            if reading.fields >= self.expected {
                self.text.truncate(before);
                return true;
            }
            reading.perhaps = Some(before);
            self.push(byte, reading);
            return false;
        }
        reading.perhaps = None;
        reading.open = byte == b'[';
        match byte {
            b'|' => {
                reading.fields += 1;
                if reading.fields > FIELDS_MAX {
                    reading.fault = reading.fault.or(Some(Fault::TooManyFields));
                } else if reading.fault.is_none() {
                    self.ends.push(self.text.len());
                }
            }
            b'\r' | b'\n' => {
                if self.text.last() != Some(&b' ') {
                    self.push(b' ', reading);
                }
            }
            _ => self.push(byte, reading),
        }
        false
    }

    #[inline]
    fn push(&mut self, byte: u8, reading: &mut Reading) {
        if reading.fault.is_some() {
            return;
        }
        if self.text.len() >= RECORD_MAX_BYTES {
            reading.fault = Some(Fault::TooLong);
        } else {
            self.text.push(byte);
        }
    }

    fn end(&mut self, reading: &mut Reading) {
        if let Some(before) = reading.perhaps {
            self.text.truncate(before);
        }
        if matches!(reading.fault, Some(Fault::TooLong | Fault::TooManyFields)) {
            self.text.clear();
            self.ends.clear();
        } else {
            self.ends.push(self.text.len());
        }
    }

    /// Whether there is a record after blanks and empty lines.
    fn skip_blanks(&mut self) -> Result<bool, Failure> {
        while let Some(byte) = self.peek()? {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(true);
            }
            self.advance(byte);
        }
        Ok(false)
    }

    #[inline]
    fn peek(&mut self) -> Result<Option<u8>, Failure> {
        if let Some(byte) = self.piece.get(self.at) {
            return Ok(Some(*byte));
        }
        if self.ended {
            return Ok(None);
        }
        self.piece = self.source.read(PIECE_BYTES)?;
        self.at = 0;
        self.ended = self.piece.is_empty();
        Ok(self.piece.first().copied())
    }

    #[inline]
    fn advance(&mut self, byte: u8) {
        self.at += 1;
        let ends_line = byte == b'\r' || (byte == b'\n' && !self.after_cr);
        self.line = self.line.saturating_add(u32::from(ends_line));
        self.after_cr = byte == b'\r';
    }
}
