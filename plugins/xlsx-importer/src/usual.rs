//! A row as nearly every program writes it: whole in what is in memory, no blank between its tags, no reference and no formula in it. It is
//! read where it lies, since in the sandbox each step of the XML reader is dear. Whatever is otherwise in the least is left to that
//! reader, which would read such a row alike.

use crate::row::{Cell, Row};
use memchr::{memchr, memchr2};

/// Fills the row and gives how many bytes it takes; none where it is unusual, and what is in the row then is to be forgotten.
pub fn read(bytes: &[u8], before: u32, row: &mut Row) -> Option<usize> {
    let mut rest = Rest(bytes);
    row.begin(before);
    for (name, value) in Attributes(rest.tag("<row")?) {
        row.attribute(name, value?, before).ok()?;
    }
    let mut column = 0;
    while !rest.skip("</row>") {
        let tag = rest.tag("<c")?;
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let mut cell = Cell::new(column, row);
        for (name, value) in Attributes(tag) {
            cell.attribute(name, value?, before, row).ok()?;
        }
        column = cell.next_column(column).ok()?;
        if !is_empty {
            rest.content(cell, row)?;
        }
    }
    Some(bytes.len() - rest.0.len())
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn skip(&mut self, tag: &str) -> bool {
        let behind = self.0.strip_prefix(tag.as_bytes());
        self.0 = behind.unwrap_or(self.0);
        behind.is_some()
    }

    /// What stands in the tag behind its name; an empty one ends with a slash.
    fn tag(&mut self, name: &str) -> Option<&'a str> {
        let behind = self.0.strip_prefix(name.as_bytes())?;
        let (tag, rest) = behind.split_at_checked(memchr(b'>', behind)?)?;
        self.0 = rest.get(1..)?;
        str::from_utf8(tag).ok()
    }

    /// Up to the next tag, where it is nothing but text.
    fn text(&mut self) -> Option<&'a str> {
        let (text, rest) = self.0.split_at_checked(memchr(b'<', self.0)?)?;
        self.0 = rest;
        if memchr2(b'&', b'\r', text).is_some() { None } else { str::from_utf8(text).ok() }
    }

    fn content(&mut self, cell: Cell, row: &mut Row) -> Option<()> {
        if self.skip("<v>") {
            row.content().push_str(self.text()?);
            row.end_value(&cell);
            self.skip("</v></c>").then_some(())?;
        } else {
            self.skip("<is>").then_some(())?;
            matches!(self.tag("<t")?, "" | " xml:space=\"preserve\"").then_some(())?;
            let text = self.text()?;
            if text.contains("_x") {
                return None;
            }
            row.content().push_str(text.trim());
            self.skip("</t></is></c>").then_some(())?;
        }
        row.end_cell(cell, false);
        Some(())
    }
}

/// ` r="A1" s="2"`: names, and values without references. A tag that is written otherwise has a value that is none.
struct Attributes<'a>(&'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let parts =
            self.0.strip_prefix(' ').and_then(|tag| tag.split_once("=\"")).and_then(|(name, behind)| {
                let (value, rest) = behind.split_once('"')?;
                let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':')
                    && memchr2(b'&', b'<', value.as_bytes()).is_none();
                is_plain.then_some((name, value, rest))
            });
        let Some((name, value, rest)) = parts else {
            self.0 = "";
            return Some(("", None));
        };
        self.0 = rest;
        Some((name, Some(value)))
    }
}
