//! A row and its cells as the file has them. Owns their places, which a file may say or leave to the order, and what may be in a cell. Knows no
//! XML, no column by name and no format.

use crate::texts::undo_escapes;

/// A sheet of Excel has no more.
const ROWS_MAX: u32 = 1 << 20;
pub const COLUMNS_MAX: u32 = 1 << 14;

#[derive(Default)]
pub struct Row {
    /// As people see it beside the row, from 1.
    pub line: u32,
    pub is_hidden: bool,
    /// Those that hold something.
    pub cells: Vec<Cell>,
    /// The file says which line it is.
    is_placed: bool,
    /// What stands in the cells, one behind the other.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Another one, behind the line `before`.
    #[inline]
    pub fn begin(&mut self, before: u32) {
        self.cells.clear();
        self.text.clear();
        (self.line, self.is_hidden, self.is_placed) = (before + 1, false, false);
    }

    /// What the row's tag says; an error says in words what cannot be.
    #[inline]
    pub fn attribute(&mut self, name: &str, value: &str, before: u32) -> Result<(), String> {
        match name {
            "r" => self.place(value, before)?,
            "hidden" => self.is_hidden = matches!(value, "1" | "true"),
            _ => {}
        }
        Ok(())
    }

    fn place(&mut self, written: &str, before: u32) -> Result<(), String> {
        self.line = written.parse().map_err(|_| format!("there is no row {written}"))?;
        self.is_placed = true;
        if self.line <= before || self.line > ROWS_MAX {
            return Err(format!("row {} stands behind row {before}, or is beyond all", self.line));
        }
        Ok(())
    }

    /// What stands in a cell of this row.
    #[inline]
    pub fn text(&self, cell: &Cell) -> &str {
        self.text.get(cell.begin..cell.end).unwrap_or_default()
    }

    /// Bytes of its cells so far.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Where a cell's text goes.
    pub fn content(&mut self) -> &mut String {
        &mut self.text
    }

    /// The text of the cell is whole.
    #[inline]
    pub fn end_value(&mut self, cell: &Cell) {
        if cell.kind == Kind::Text && self.text.get(cell.begin..).is_some_and(|text| text.contains("_x")) {
            let mut text = self.text.split_off(cell.begin);
            undo_escapes(&mut text);
            self.text.push_str(&text);
        }
    }

    /// The cell is whole; one with nothing in it is none.
    #[inline]
    pub fn end_cell(&mut self, mut cell: Cell, has_formula: bool) {
        cell.end = self.text.len();
        if self.text(&cell).trim().is_empty() {
            if !has_formula || cell.kind == Kind::Text {
                return;
            }
            cell.kind = Kind::NoValue;
        }
        self.cells.push(cell);
    }
}

impl Cell {
    /// Of the row, at this column unless its tag says otherwise.
    #[inline]
    pub fn new(column: u32, row: &Row) -> Cell {
        let begin = row.text.len();
        Cell { column, style: 0, kind: Kind::Number, begin, end: begin }
    }

    /// What the cell's tag says; an error says in words what cannot be.
    #[inline]
    pub fn attribute(&mut self, name: &str, value: &str, before: u32, row: &mut Row) -> Result<(), String> {
        match name {
            "r" => {
                self.column = column_of(value).ok_or_else(|| format!("there is no cell {value}"))?;
                if !row.is_placed {
                    row.place(value.trim_start_matches(|c: char| c.is_ascii_alphabetic()), before)?;
                }
            }
            "s" => self.style = value.parse().map_err(|_| format!("there is no style {value}"))?,
            "t" => {
                self.kind = match value {
                    "s" => Kind::Shared,
                    "b" => Kind::Bool,
                    "d" => Kind::Date,
                    "n" => Kind::Number,
                    _ => Kind::Text,
                };
            }
            _ => {}
        }
        Ok(())
    }

    /// Where the next cell stands unless it says otherwise; `least` is where this one had to.
    #[inline]
    pub fn next_column(&self, least: u32) -> Result<u32, String> {
        if (least..COLUMNS_MAX).contains(&self.column) {
            return Ok(self.column + 1);
        }
        Err(format!("cell {} stands behind one to its right, or is beyond all", name_of(self.column)))
    }
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
