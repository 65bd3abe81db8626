//! A sheet, row by row: which cells a row has, and what stands in each of them as the file has it. Owns the places of rows and cells, which a
//! file may say or leave to the order. Knows no column by name and no format.

use crate::container::PART_MAX_BYTES;
use crate::texts::{OneText, undo_escapes};
use crate::workbook::{SheetName, Workbook};
use crate::wrong::Wrong;
use crate::xml::{Xml, add_text};
use quick_xml::events::{BytesStart, Event};

/// A sheet of Excel has no more.
pub const ROWS_MAX: u32 = 1 << 20;
pub const COLUMNS_MAX: u32 = 1 << 14;
/// Texts of one row together.
const ROW_MAX_BYTES: usize = 1 << 20;

/// A row as the file has it.
#[derive(Default)]
pub struct Row {
    /// As people see it beside the row, from 1.
    pub line: u32,
    pub is_hidden: bool,
    /// The file says which line it is.
    is_placed: bool,
    /// Those that hold something.
    pub cells: Vec<Cell>,
    text: String,
}

#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// From 0.
    pub column: u32,
    pub style: u32,
    pub kind: Kind,
    begin: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Number,
    /// The number of a shared text.
    Shared,
    /// Also what a failed formula shows.
    Text,
    Bool,
    /// In ISO's form.
    Date,
    /// Of a formula; nobody has computed it.
    NoValue,
}

impl Row {
    /// What stands in a cell of this row.
    #[inline]
    pub fn text(&self, cell: &Cell) -> &str {
        self.text.get(cell.begin..cell.end).unwrap_or_default()
    }

    fn place(&mut self, written: &str, before: u32) -> Result<(), String> {
        self.line = written.parse().map_err(|_| format!("there is no row {written}"))?;
        self.is_placed = true;
        if self.line <= before || self.line > ROWS_MAX {
            return Err(format!("row {} stands behind row {before}, or is beyond all", self.line));
        }
        Ok(())
    }

    /// In the text of a cell that is the last so far; a number has none.
    fn undo_escapes(&mut self, cell: &Cell) {
        if cell.kind == Kind::Text {
            let mut text = self.text.split_off(cell.begin);
            undo_escapes(&mut text);
            self.text.push_str(&text);
        }
    }
}

pub struct Sheet<'a> {
    xml: Xml<'a>,
    part: &'a str,
    line: u32,
    inline: OneText,
}

impl<'a> Sheet<'a> {
    pub fn open(book: &'a Workbook, sheet: &'a SheetName) -> Result<Sheet<'a>, Wrong> {
        let xml = Xml::open(&book.container, &sheet.part, PART_MAX_BYTES)?;
        Ok(Sheet { xml, part: &sheet.part, line: 0, inline: OneText::default() })
    }

    /// The line of the row that was read last; of one that cannot be read, the line before.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The next row; false at the end. Rows without a cell are rows too.
    pub fn next(&mut self, row: &mut Row) -> Result<bool, Wrong> {
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
            column = cell.column + 1;
            if let Some(cell) = self.content(cell, row)? {
                row.cells.push(cell);
            }
        }
        self.line = row.line;
        Ok(true)
    }

    /// Reads a cell to its end; none where nothing is in it.
    fn content(&mut self, mut cell: Cell, row: &mut Row) -> Result<Option<Cell>, Wrong> {
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
                        row.undo_escapes(&cell);
                    }
                    "is" => {
                        in_inline = false;
                        row.text.push_str(self.inline.whole());
                        self.inline.clear();
                    }
                    _ if in_inline => self.inline.take(&event)?,
                    _ => {}
                },
                Event::Eof => return Err(wrong(self.part, "a cell has no end")),
                _ if in_value => add_text(&event, &mut row.text)?,
                _ if in_inline => self.inline.take(&event)?,
                _ => {}
            }
            if row.text.len() > ROW_MAX_BYTES {
                let message =
                    format!("row {} has more than {ROW_MAX_BYTES} bytes of text: shorten it", row.line);
                return Err(Wrong::too_large(message));
            }
        }
        cell.end = row.text.len();
        if row.text(&cell).trim().is_empty() {
            if !has_formula || cell.kind == Kind::Text {
                return Ok(None);
            }
            cell.kind = Kind::NoValue;
        }
        Ok(Some(cell))
    }
}

fn wrong(part: &str, what: impl std::fmt::Display) -> Wrong {
    Wrong::damaged(format!("{part}: {what}"))
}

fn begin_row(tag: &BytesStart<'_>, before: u32, row: &mut Row) -> Result<(), String> {
    row.cells.clear();
    row.text.clear();
    (row.line, row.is_hidden, row.is_placed) = (before + 1, false, false);
    for attribute in tag.attributes().with_checks(false).flatten() {
        match attribute.key.as_ref() {
            "r" => row.place(&attribute.value, before)?,
            "hidden" => row.is_hidden = matches!(attribute.value.as_ref(), "1" | "true"),
            _ => {}
        }
    }
    if row.line > ROWS_MAX { Err(format!("there is no row {}", row.line)) } else { Ok(()) }
}

fn begin_cell(tag: &BytesStart<'_>, column: u32, before: u32, row: &mut Row) -> Result<Cell, String> {
    let begin = row.text.len();
    let mut cell = Cell { column, style: 0, kind: Kind::Number, begin, end: begin };
    for attribute in tag.attributes().with_checks(false).flatten() {
        let value = attribute.value.as_ref();
        match attribute.key.as_ref() {
            "r" => {
                cell.column = column_of(value).ok_or_else(|| format!("there is no cell {value}"))?;
                if !row.is_placed {
                    row.place(value.trim_start_matches(|c: char| c.is_ascii_alphabetic()), before)?;
                }
            }
            "s" => cell.style = value.parse().map_err(|_| format!("there is no style {value}"))?,
            "t" => {
                cell.kind = match value {
                    "s" => Kind::Shared,
                    "b" => Kind::Bool,
                    "d" => Kind::Date,
                    "n" => Kind::Number,
                    _ => Kind::Text,
                };
            }
            _ => {}
        }
    }
    if cell.column < column || cell.column >= COLUMNS_MAX {
        return Err(format!(
            "cell {} stands behind one to its right, or is beyond all",
            name_of(cell.column)
        ));
    }
    Ok(cell)
}

/// From `AB12`, the column from 0.
#[inline]
pub fn column_of(reference: &str) -> Option<u32> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.fold(0_u32, |column, letter| {
        let letter = u32::from(letter.to_ascii_uppercase().wrapping_sub(b'A'));
        column.saturating_mul(26).saturating_add(letter + 1)
    });
    column.checked_sub(1)
}

/// The column's letters.
pub fn name_of(column: u32) -> String {
    let mut name = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        name.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    name.iter().rev().collect()
}
