//! Characters of a record. A file is UTF-8 as long as its bytes are; it is Windows-1252 when they are not, unless it has
//! shown itself to be UTF-8 before. Never replaces what it cannot read: the line is named instead.

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
    ends: Vec<usize>,
}

/// A record's fields as text.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Fields<'a> {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Without the blanks around it; empty beyond the last.
    #[inline]
    pub fn get(&self, at: usize) -> &'a str {
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(begin);
        self.text.get(begin..end).unwrap_or("").trim()
    }

    /// Nothing but blanks between the delimiters.
    pub fn is_blank(&self) -> bool {
        self.text.trim_start().is_empty()
    }
}

impl Encoding {
    pub fn new(surely_utf8: bool) -> Encoding {
        let state = if surely_utf8 { State::Utf8 } else { State::Open };
        Encoding { state, text: String::new(), ends: Vec::new() }
    }

    /// The record as text; an error says in words why it is none.
    pub fn decode<'a>(&'a mut self, bytes: &'a [u8], ends: &'a [usize]) -> Result<Fields<'a>, &'static str> {
        if bytes.contains(&0) {
            return Err("there is a NUL byte in it: save the file as UTF-8 text");
        }
        if self.state == State::Windows1252 {
            return self.windows1252(bytes, ends);
        }
        match str::from_utf8(bytes) {
            Ok(text) => {
                if self.state == State::Open && !text.is_ascii() {
                    self.state = State::Utf8;
                }
                Ok(Fields { text, ends })
            }
            Err(_) if self.state == State::Open => {
                self.state = State::Windows1252;
                self.windows1252(bytes, ends)
            }
            Err(_) => Err("some bytes in it are no characters: save the file again as UTF-8"),
        }
    }

    fn windows1252<'a>(&'a mut self, bytes: &[u8], ends: &[usize]) -> Result<Fields<'a>, &'static str> {
        if bytes.iter().any(|byte| UNDEFINED.contains(byte)) {
            return Err("the file is neither UTF-8 nor Windows-1252: save it again as UTF-8");
        }
        self.text.clear();
        self.ends.clear();
        let mut begin = 0;
        for &end in ends {
            let field = bytes.get(begin..end).unwrap_or_default();
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(field);
            self.text.push_str(&text);
            self.ends.push(self.text.len());
            begin = end;
        }
        Ok(Fields { text: &self.text, ends: &self.ends })
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
