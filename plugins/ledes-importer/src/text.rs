//! Characters of a record. The standard says ASCII; a file is taken as UTF-8 as long as its bytes are, and as Windows-1252 when
//! they are not, unless it has shown itself to be UTF-8 before. Never replaces what it cannot read.

use std::str;
use tabular::windows1252;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but ASCII so far.
    Open,
    Utf8,
    Windows1252,
}

pub struct Text {
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

    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(move |at| self.get(at))
    }
}

impl Text {
    pub fn new() -> Text {
        Text { state: State::Open, text: String::new(), ends: Vec::new() }
    }

    /// The record as text; an error says in words why it is none.
    pub fn decode<'a>(&'a mut self, bytes: &'a [u8], ends: &'a [usize]) -> Result<Fields<'a>, &'static str> {
        if bytes.contains(&0) {
            return Err("there is a NUL byte in it: save the file as plain text");
        }
        match str::from_utf8(bytes) {
            Ok(text) if self.state != State::Windows1252 => {
                if self.state == State::Open && !text.is_ascii() {
                    self.state = State::Utf8;
                }
                Ok(Fields { text, ends })
            }
            Err(_) if self.state == State::Utf8 => {
                Err("some bytes in it are no characters: save the file again as UTF-8")
            }
            _ => self.windows1252(bytes, ends),
        }
    }

    fn windows1252(&mut self, bytes: &[u8], ends: &[usize]) -> Result<Fields<'_>, &'static str> {
        self.text.clear();
        self.ends.clear();
        let mut begin = 0;
        for &end in ends {
            for byte in bytes.get(begin..end).unwrap_or_default() {
                let char = windows1252(*byte);
                self.text
                    .push(char.ok_or("the file is neither UTF-8 nor Windows-1252: save it again as UTF-8")?);
            }
            self.ends.push(self.text.len());
            begin = end;
        }
        self.state = State::Windows1252;
        Ok(Fields { text: &self.text, ends: &self.ends })
    }
}
