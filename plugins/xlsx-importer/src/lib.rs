//! Reads Excel workbooks (.xlsx, .xlsm) of payment drafts. Owns the form of the file: its archive, its parts, its sheets, what a cell says.
//! Columns, values and the count of rows are those of every table (`tabular`). The packed file and the texts that cells share are held in
//! memory, both within limits; rows are read one by one.
//!
//! Invariant: the number of rows that `read` gives is the rows handed over plus the lines that have findings.

mod container;
mod decimal;
mod formats;
mod header;
mod kind;
mod merged;
mod row;
mod rows;
mod sheet;
mod shown;
mod texts;
mod usual;
mod workbook;
mod wrong;
mod xml;

use container::FILE_MAX_BYTES;
use merged::Merged;
use remitd_plugin_sdk::importer::{Conventions, Importer, Out, Source};
use remitd_plugin_sdk::{About, Context, Failure, export_importer, settings};
use rows::{Hidden, Rows};
use std::collections::BTreeMap;
use tabular::{Columns, Header, OwnNames, Table, Values};
use workbook::Workbook;
use wrong::Wrong;

const PIECE_BYTES: u32 = 1 << 20;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// From the firm's header to our name for it.
    #[serde(default)]
    columns: BTreeMap<String, String>,
    /// The sheet to read, where a workbook has several lists.
    sheet: Option<String>,
    #[serde(default)]
    hidden_rows: Hidden,
}

#[derive(Default)]
pub struct XlsxImporter {
    own_names: OwnNames,
    sheet: Option<String>,
    hidden_rows: Hidden,
}

impl Importer for XlsxImporter {
    const ABOUT: About = About {
        name: "Excel workbooks",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<XlsxImporter, Failure> {
        let Settings { columns, sheet, hidden_rows } = settings()?;
        Ok(XlsxImporter { own_names: OwnNames::new(&columns)?, sheet, hidden_rows })
    }

    fn recognise(file_name: &str, head: &[u8]) -> u8 {
        kind::sure(file_name, head)
    }

    fn read(
        &self,
        _context: &Context,
        source: &mut Source<'_>,
        out: &mut Out<'_>,
        conventions: &Conventions,
    ) -> Result<u64, Failure> {
        let how = Values::new(conventions)?;
        let book = match whole(source)?.and_then(Workbook::open) {
            Ok(book) => book,
            Err(wrong) => return refused(&wrong, out),
        };
        let found = match header::find(&book, &self.own_names, self.sheet.as_deref(), &how) {
            Ok(found) => found,
            Err(wrong) => return refused(&wrong, out),
        };
        let place = format!(" (in the sheet \"{}\")", found.sheet.name);
        let header = Header { line: found.line, names: &found.names, how: &place };
        let Some(columns) = Columns::find(&header, &self.own_names, out)? else { return Ok(1) };
        let wanted = rows::wanted(&columns);
        let merged = match Merged::read(&book, found.sheet, found.line, &wanted) {
            Ok(merged) => merged,
            Err(wrong) => return refused(&wrong, out),
        };
        let table = Table::new(columns, conventions)?;
        let rows = Rows { book: &book, header: &found, hidden: self.hidden_rows, how: &how, wanted };
        rows.read(merged, table, out)
    }
}

/// The whole file: the directory of a workbook stands at its end.
fn whole(source: &mut Source<'_>) -> Result<Result<Vec<u8>, Wrong>, Failure> {
    let mut file = Vec::new();
    loop {
        let piece = source.read(PIECE_BYTES)?;
        if piece.is_empty() {
            return Ok(Ok(file));
        }
        file.extend_from_slice(&piece);
        if file.len() > FILE_MAX_BYTES {
            let mebibytes = FILE_MAX_BYTES >> 20;
            let message = format!(
                "the workbook is larger than {mebibytes} MiB: split the list, and take pictures out of it"
            );
            return Ok(Err(Wrong::too_large(message)));
        }
    }
}

/// Nothing of the file was read.
fn refused(wrong: &Wrong, out: &mut Out<'_>) -> Result<u64, Failure> {
    out.reject(1, "", "", wrong.code, &*wrong.message)?;
    Ok(1)
}

export_importer!(XlsxImporter);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
