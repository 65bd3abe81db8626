//! Characters of a record, in the encoding that the settings name. Owns their counting. Never replaces what it cannot read.

use std::str;
use tabular::windows1252;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// Whether a character begins with this byte.
    pub fn begins(self, byte: u8) -> bool {
        self == Encoding::Windows1252 || byte & 0xC0 != 0x80
    }
}

/// Room for one record at a time.
pub struct Text {
    encoding: Encoding,
    decoded: String,
    starts: Vec<usize>,
}

/// A record as text.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    pub text: &'a str,
    /// Where each character begins; none where each is one byte.
    starts: Option<&'a [usize]>,
}

impl Text {
    pub fn new(encoding: Encoding) -> Text {
        Text { encoding, decoded: String::new(), starts: Vec::new() }
    }

    /// The record as text; an error says in words why it is none.
    pub fn decode<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Line<'a>, &'static str> {
        if bytes.contains(&0) {
            return Err("there is a NUL byte in it: save the file as plain text");
        }
        let text = match self.encoding {
            Encoding::Utf8 => str::from_utf8(bytes).map_err(
                |_| "some bytes in it are no UTF-8: save the file as such, or set encoding = \"windows-1252\"",
            )?,
            Encoding::Windows1252 => {
                self.decoded.clear();
                for byte in bytes {
                    let unknown = "a byte in it is no character of Windows-1252: set the encoding of the file";
                    self.decoded.push(windows1252(*byte).ok_or(unknown)?);
                }
                &self.decoded
            }
        };
        if text.is_ascii() {
            return Ok(Line { text, starts: None });
        }
        self.starts.clear();
        self.starts.extend(text.char_indices().map(|(at, _)| at));
        Ok(Line { text, starts: Some(&self.starts) })
    }
}

impl<'a> Line<'a> {
    /// Characters.
    pub fn length(&self) -> usize {
        self.starts.map_or(self.text.len(), <[usize]>::len)
    }

    /// From one character to before another, without the blanks around it; what is beyond the end is empty.
    #[inline]
    pub fn cell(&self, start: usize, end: usize) -> &'a str {
        let place = |at: usize| match self.starts {
            None => at.min(self.text.len()),
            Some(starts) => starts.get(at).copied().unwrap_or(self.text.len()),
        };
        self.text.get(place(start)..place(end)).unwrap_or_default().trim()
    }
}
