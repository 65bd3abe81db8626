//! Texts that cells share. Owns what a text is: its runs together, without the signs that say how it is pronounced, its escapes
//! undone.

use crate::container::{Container, PART_MAX_BYTES};
use crate::wrong::Wrong;
use crate::xml::{Xml, add_text};
use quick_xml::events::Event;

/// All of them together; they stay in memory.
const TEXTS_MAX_BYTES: usize = 64 << 20;
const TEXTS_MAX: usize = 4_000_000;

#[derive(Default)]
pub struct Texts {
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Texts {
    pub fn read(container: &Container, part: &str) -> Result<Texts, Wrong> {
        let mut xml = Xml::open(container, part, PART_MAX_BYTES)?;
        // Enough for all of them, so that they are never copied to where there is more room.
        let hint = usize::try_from(container.size_hint(part)).unwrap_or(usize::MAX);
        let mut texts = Texts { text: String::with_capacity(hint.min(TEXTS_MAX_BYTES)), ends: Vec::new() };
        let mut one = OneText::default();
        loop {
            let event = xml.next()?;
            match &event {
                Event::End(tag) if tag.local_name().as_ref() == "si" => texts.end_one(&mut one)?,
                Event::Eof => return Ok(texts),
                _ => one.take(&event)?,
            }
        }
    }

    fn end_one(&mut self, one: &mut OneText) -> Result<(), Wrong> {
        self.text.push_str(one.whole());
        one.clear();
        if self.text.len() > TEXTS_MAX_BYTES || self.ends.len() >= TEXTS_MAX {
            let mebibytes = TEXTS_MAX_BYTES >> 20;
            return Err(Wrong::too_large(format!(
                "the workbook has more than {mebibytes} MiB of texts, or more than {TEXTS_MAX}: split the list"
            )));
        }
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Without the blanks around it; none where there is no text of this number.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&str> {
        let at = usize::try_from(number).ok()?;
        let end = |at: usize| self.ends.get(at).and_then(|end| usize::try_from(*end).ok());
        let begin = at.checked_sub(1).map_or(Some(0), end)?;
        self.text.get(begin..end(at)?)
    }
}

/// A text that is put together from its runs.
#[derive(Default)]
pub struct OneText {
    text: String,
    in_text: bool,
    /// Within the signs that say how the text is pronounced.
    in_phonetic: bool,
}

impl OneText {
    #[inline]
    pub fn take(&mut self, event: &Event<'_>) -> Result<(), Wrong> {
        match event {
            Event::Start(tag) => self.stands(tag.local_name().as_ref(), true),
            Event::End(tag) => self.stands(tag.local_name().as_ref(), false),
            _ if self.in_text && !self.in_phonetic => add_text(event, &mut self.text)?,
            _ => {}
        }
        Ok(())
    }

    fn stands(&mut self, tag: &str, inside: bool) {
        match tag {
            "t" => self.in_text = inside,
            "rPh" => self.in_phonetic = inside,
            _ => {}
        }
    }

    /// Without the blanks around it.
    pub fn whole(&mut self) -> &str {
        undo_escapes(&mut self.text);
        self.text.trim()
    }

    pub fn clear(&mut self) {
        self.text.clear();
        (self.in_text, self.in_phonetic) = (false, false);
    }
}

/// `_x000D_` stands for a character that XML does not have, and `_x005F_` for the `_` of such a one that is meant as it stands.
pub fn undo_escapes(text: &mut String) {
    if !text.contains("_x") {
        return;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let unit = escape.get(2..6).filter(|_| escape.get(6..7) == Some("_"));
        let unit = unit.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let c = unit.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        plain.push(c.unwrap_or('_'));
        rest = escape.get(if c.is_some() { 7 } else { 1 }..).unwrap_or_default();
    }
    plain.push_str(rest);
    *text = plain;
}
