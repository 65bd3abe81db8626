//! Rows of a sheet as rows of a table: those with something in them, or named for what nobody can see in them: a hidden row, merged
//! cells, a formula that was never computed.

use crate::header::Found;
use crate::merged::Merged;
use crate::row::{Cell, Kind, Row, name_of};
use crate::sheet::Sheet;
use crate::shown::Shown;
use crate::workbook::Workbook;
use crate::wrong::{Wrong, code};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::Out;
use tabular::{Columns, Table, Values};

/// More empty rows than these, and what stands below is no part of the list.
const GAP_MAX_ROWS: u32 = 1_000;

/// What becomes of a row that nobody sees in the sheet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hidden {
    #[default]
    Reject,
    Take,
    Skip,
}

pub struct Rows<'a> {
    pub book: &'a Workbook,
    pub header: &'a Found<'a>,
    pub hidden: Hidden,
    pub how: &'a Values,
    /// Of each column, whether it is read.
    pub wanted: Vec<bool>,
}

impl<'a> Rows<'a> {
    /// Every row below the header.
    pub fn read(&self, mut merged: Merged, mut table: Table, out: &mut Out<'_>) -> Result<u64, Failure> {
        let mut sheet = match Sheet::open(self.book, self.header.sheet) {
            Ok(sheet) => sheet,
            Err(wrong) => return broken_off(self.header.line, &wrong, table, out),
        };
        let (mut row, mut shown) = (Row::default(), Shown::new(self.book, self.how));
        let mut last = self.header.line;
        loop {
            match sheet.next(&mut row) {
                Ok(true) if row.line <= self.header.line => continue,
                Ok(true) => {}
                Ok(false) => return Ok(table.rows()),
                Err(wrong) => return broken_off(sheet.line().max(last), &wrong, table, out),
            }
            if row.cells.is_empty() || (row.is_hidden && self.hidden == Hidden::Skip) {
                continue;
            }
            let says_something = match self.show(&row, &mut shown) {
                Ok(says_something) => says_something,
                Err(wrong) => return broken_off(last, &wrong, table, out),
            };
            if !says_something {
                continue;
            }
            if table.is_full(row.line, out)? {
                return Ok(table.rows());
            }
            let gap = row.line - last - 1;
            if gap <= GAP_MAX_ROWS {
                (last + 1..row.line).for_each(|line| table.empty(line));
            }
            last = row.line;
            match self.unseen(&row, gap, &mut merged) {
                Some((code, message)) => table.broken(row.line, "", code, message, out)?,
                None => table.row(row.line, &shown, out)?,
            }
        }
    }

    /// Reads the cells that matter; gives whether any cell of the row says something.
    fn show(&self, row: &Row, shown: &mut Shown<'a>) -> Result<bool, Wrong> {
        shown.begin_row();
        let mut says_something = false;
        for cell in &row.cells {
            if self.is_wanted(cell) || !says_something {
                says_something |= shown.add(row, cell)?;
            }
        }
        Ok(says_something)
    }

    fn is_wanted(&self, cell: &Cell) -> bool {
        usize::try_from(cell.column).ok().and_then(|at| self.wanted.get(at)) == Some(&true)
    }

    /// For a row whose values are not all in the file, or that nobody has seen, the code and words.
    fn unseen(&self, row: &Row, gap: u32, merged: &mut Merged) -> Option<(&'static str, String)> {
        let line = row.line;
        if gap > GAP_MAX_ROWS {
            let message = format!("the row stands {gap} empty rows below the list: delete it, or move it up");
            return Some((tabular::code::TOO_LONG, message));
        }
        if row.is_hidden && self.hidden == Hidden::Reject {
            let message = "the row is hidden, by a filter or by hand: show it, or delete it; or say in the importer's \
                           [plugin.settings] what becomes of such rows: hidden_rows = \"take\" or \"skip\"";
            return Some((code::HIDDEN, message.to_owned()));
        }
        if let Some(message) = merged.touch(line) {
            return Some((code::MERGED, message));
        }
        let cell = row.cells.iter().find(|cell| cell.kind == Kind::NoValue && self.is_wanted(cell))?;
        let name = name_of(cell.column);
        let message = format!(
            "the formula in {name}{line} was never computed, and its value is not in the file: open the workbook in Excel and save it"
        );
        Some((code::NO_VALUE, message))
    }
}

/// The file ends here for us, and what was below is not known.
fn broken_off(line: u32, wrong: &Wrong, mut table: Table, out: &mut Out<'_>) -> Result<u64, Failure> {
    table.broken(line + 1, "", wrong.code, &*wrong.message, out)?;
    Ok(table.rows())
}

/// Of each column of the header, whether it is one of ours.
pub fn wanted(columns: &Columns) -> Vec<bool> {
    let places = [
        columns.invoice,
        columns.invoice_date,
        columns.due_date,
        columns.name,
        columns.email,
        columns.amount,
        columns.message,
        columns.client,
        columns.matter,
    ];
    (0..columns.count).map(|at| places.contains(&Some(at))).collect()
}
