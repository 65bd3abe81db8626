//! A sheet, row by row. Owns the way through its XML. A usual row is read where it lies (`usual`), every other tag by tag.

use crate::container::PART_MAX_BYTES;
use crate::row::{Cell, Row};
use crate::texts::OneText;
use crate::usual;
use crate::workbook::{SheetName, Workbook};
use crate::wrong::Wrong;
use crate::xml::{Xml, add_text};
use quick_xml::events::{BytesStart, Event};

/// Texts of one row together.
const ROW_MAX_BYTES: usize = 1 << 20;

pub struct Sheet<'a> {
    xml: Xml<'a>,
    part: &'a str,
    line: u32,
    inline: OneText,
    /// Whether usual rows are read where they lie.
    by_sight: bool,
}

impl<'a> Sheet<'a> {
    pub fn open(book: &'a Workbook, sheet: &'a SheetName) -> Result<Sheet<'a>, Wrong> {
        let xml = Xml::open(&book.container, &sheet.part, PART_MAX_BYTES)?;
        Ok(Sheet { xml, part: &sheet.part, line: 0, inline: OneText::default(), by_sight: true })
    }

    /// Every row tag by tag.
    #[cfg(test)]
    pub fn by_tags_alone(mut self) -> Sheet<'a> {
        self.by_sight = false;
        self
    }

    /// The line of the row that was read last; of one that cannot be read, the line before.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The next row; false at the end. Rows without a cell are rows too.
    pub fn next(&mut self, row: &mut Row) -> Result<bool, Wrong> {
        // Behind a row, the next begins where the XML reader stands.
        if self.by_sight
            && self.line > 0
            && let Some(bytes) = usual::read(self.xml.ahead()?, self.line, row)
        {
            self.xml.skip(bytes);
            self.line = row.line;
            return Ok(true);
        }
        loop {
            match self.xml.next()? {
                Event::Start(tag) if tag.local_name().as_ref() == "row" => {
                    begin_row(&tag, self.line, row).map_err(|what| wrong(self.part, what))?;
                    break;
                }
                Event::End(tag) if tag.local_name().as_ref() == "sheetData" => return Ok(false),
                Event::Eof => return Ok(false),
                _ => {}
            }
        }
        let mut column = 0;
        loop {
            let cell = match self.xml.next()? {
                Event::Start(tag) if tag.local_name().as_ref() == "c" => {
                    begin_cell(&tag, column, self.line, row).map_err(|what| wrong(self.part, what))?
                }
                Event::End(tag) if tag.local_name().as_ref() == "row" => break,
                Event::Eof => return Err(wrong(self.part, "a row has no end")),
                _ => continue,
            };
            column = cell.next_column(column).map_err(|what| wrong(self.part, what))?;
            self.content(cell, row)?;
        }
        self.line = row.line;
        Ok(true)
    }

    /// Reads a cell to its end.
    fn content(&mut self, cell: Cell, row: &mut Row) -> Result<(), Wrong> {
        let (mut in_value, mut in_inline, mut has_formula) = (false, false, false);
        loop {
            let event = self.xml.next()?;
            match &event {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "v" => in_value = true,
                    "f" => has_formula = true,
                    "is" => in_inline = true,
                    _ if in_inline => self.inline.take(&event)?,
                    _ => {}
                },
                Event::End(tag) => match tag.local_name().as_ref() {
                    "c" => break,
                    "v" => {
                        in_value = false;
                        row.end_value(&cell);
                    }
                    "is" => {
                        in_inline = false;
                        row.content().push_str(self.inline.whole());
                        self.inline.clear();
                    }
                    _ if in_inline => self.inline.take(&event)?,
                    _ => {}
                },
                Event::Eof => return Err(wrong(self.part, "a cell has no end")),
                _ if in_value => add_text(&event, row.content())?,
                _ if in_inline => self.inline.take(&event)?,
                _ => {}
            }
            if row.bytes() > ROW_MAX_BYTES {
                let message =
                    format!("row {} has more than {ROW_MAX_BYTES} bytes of text: shorten it", row.line);
                return Err(Wrong::too_large(message));
            }
        }
        row.end_cell(cell, has_formula);
        Ok(())
    }
}

fn wrong(part: &str, what: impl std::fmt::Display) -> Wrong {
    Wrong::damaged(format!("{part}: {what}"))
}

fn begin_row(tag: &BytesStart<'_>, before: u32, row: &mut Row) -> Result<(), String> {
    row.begin(before);
    for attribute in tag.attributes().with_checks(false).flatten() {
        row.attribute(attribute.key.as_ref(), &attribute.value, before)?;
    }
    Ok(())
}

fn begin_cell(tag: &BytesStart<'_>, column: u32, before: u32, row: &mut Row) -> Result<Cell, String> {
    let mut cell = Cell::new(column, row);
    for attribute in tag.attributes().with_checks(false).flatten() {
        cell.attribute(attribute.key.as_ref(), &attribute.value, before, row)?;
    }
    Ok(cell)
}
