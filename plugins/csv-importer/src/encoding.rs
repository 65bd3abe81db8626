//! Characters of a record. A file is UTF-8 as long as its bytes are; it is Windows-1252 when they are not, unless it has
//! shown itself to be UTF-8 before. Never replaces what it cannot read: the line is named instead.

use crate::records::{Record, Span};
use std::borrow::Cow;
use std::str;

/// Bytes that Windows-1252 gives no character.
const UNDEFINED: [u8; 5] = [0x81, 0x8D, 0x8F, 0x90, 0x9D];
/// Where a NUL byte is looked for before anything is read.
const HEAD_BYTES: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but ASCII so far.
    Open,
    Utf8,
    Windows1252,
}

pub struct Encoding {
    state: State,
    text: String,
    spans: Vec<Span>,
}

/// A record's fields as text.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    text: &'a str,
    spans: &'a [Span],
}

impl<'a> Fields<'a> {
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Without the blanks around it; empty beyond the last.
    #[inline(always)]
    pub fn get(&self, at: usize) -> &'a str {
        self.spans.get(at).map_or("", |span| self.trimmed(span))
    }

    /// Nothing but blanks between the delimiters.
    pub fn is_blank(&self) -> bool {
        self.spans.iter().all(|span| self.trimmed(span).is_empty())
    }

    /// Into its callers: what it takes would not all go through registers, and the sandbox waits for what goes through memory.
    #[inline(always)]
    fn trimmed(&self, span: &Span) -> &'a str {
        let field = self.text.get(span.begin..span.end).unwrap_or_default();
        match field.as_bytes() {
            // Nearly every field: what blanks there are beyond ASCII need not be looked for.
            [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => field,
            [] => field,
            _ => without_blanks(field),
        }
    }
}

#[cold]
fn without_blanks(field: &str) -> &str {
    field.trim()
}

impl Encoding {
    pub fn new(surely_utf8: bool) -> Encoding {
        let state = if surely_utf8 { State::Utf8 } else { State::Open };
        Encoding { state, text: String::new(), spans: Vec::new() }
    }

    /// The record as text; an error says in words why it is none.
    #[inline]
    pub fn decode<'a>(&'a mut self, record: Record<'a>) -> Result<Fields<'a>, &'static str> {
        // In every encoding that is read here these are the same bytes.
        match record.ascii {
            Some(text) => Ok(Fields { text, spans: record.spans }),
            None => self.decode_bytes(record),
        }
    }

    fn decode_bytes<'a>(&'a mut self, record: Record<'a>) -> Result<Fields<'a>, &'static str> {
        if record.bytes.contains(&0) {
            return Err("there is a NUL byte in it: save the file as UTF-8 text");
        }
        if self.state == State::Windows1252 {
            return self.windows1252(record);
        }
        match str::from_utf8(record.bytes) {
            Ok(text) => {
                if self.state == State::Open && !text.is_ascii() {
                    self.state = State::Utf8;
                }
                Ok(Fields { text, spans: record.spans })
            }
            Err(_) if self.state == State::Open => {
                self.state = State::Windows1252;
                self.windows1252(record)
            }
            Err(_) => Err("some bytes in it are no characters: save the file again as UTF-8"),
        }
    }

    fn windows1252(&mut self, record: Record<'_>) -> Result<Fields<'_>, &'static str> {
        if record.bytes.iter().any(|byte| UNDEFINED.contains(byte)) {
            return Err("the file is neither UTF-8 nor Windows-1252: save it again as UTF-8");
        }
        self.text.clear();
        self.spans.clear();
        for span in record.spans {
            let field = record.bytes.get(span.begin..span.end).unwrap_or_default();
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(field);
            let begin = self.text.len();
            self.text.push_str(&text);
            self.spans.push(Span { begin, end: self.text.len() });
        }
        Ok(Fields { text: &self.text, spans: &self.spans })
    }
}

/// For a head that is no text at all, words for the person who has sent it.
pub fn is_not_text(head: &[u8]) -> Option<&'static str> {
    let workbook = "this is an Excel workbook or an archive: save it as CSV";
    match head {
        [b'P', b'K', 3 | 5, 4 | 6, ..] | [0xD0, 0xCF, 0x11, 0xE0, ..] => Some(workbook),
        [b'%', b'P', b'D', b'F', ..] => Some("this is a PDF: send the list as CSV"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => None,
        _ => head.get(..HEAD_BYTES).unwrap_or(head).contains(&0).then_some(
            "there are NUL bytes in the file: it is no text, or UTF-16 without its mark; save it as UTF-8",
        ),
    }
}

/// The first bytes of a file, marks and UTF-16 undone, good enough to look for a header.
pub fn head_to_utf8(head: &[u8]) -> Cow<'_, [u8]> {
    match encoding_rs::Encoding::for_bom(head) {
        Some((encoding, _)) if encoding != encoding_rs::UTF_8 => {
            Cow::Owned(encoding.decode(head).0.into_owned().into_bytes())
        }
        Some((_, mark)) => Cow::Borrowed(head.get(mark..).unwrap_or_default()),
        None => Cow::Borrowed(head),
    }
}
