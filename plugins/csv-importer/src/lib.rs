//! Reads CSV and TXT files of payment drafts. Owns which column is which, how people write amounts and dates, and the words
//! for what is wrong; whether a draft may be sent (an address, an amount above zero) is the daemon's own check. Memory is
//! bounded by one piece and one record; a good row allocates nothing.
//!
//! Invariant: the number of rows that `read` gives is the rows handed over plus the lines that have findings.

mod amount;
mod damage;
mod dates;
mod encoding;
mod header;
mod piece;
mod records;
mod rows;

use encoding::Encoding;
use header::Columns;
use records::Records;
use remitd_plugin_sdk::importer::{Conventions, Importer, Out, Source};
use remitd_plugin_sdk::{About, Context, Failure, export_importer, settings};
use rows::Rows;

/// Codes of findings; the daemon explains each.
mod code {
    pub const COLUMN: &str = "REMIT-0201";
    pub const AMOUNT: &str = "REMIT-0202";
    pub const NO_AMOUNT: &str = "REMIT-0203";
    pub const NOT_ABOVE_ZERO: &str = "REMIT-0204";
    pub const DATE: &str = "REMIT-0205";
    pub const FIELDS: &str = "REMIT-0206";
    pub const ENCODING: &str = "REMIT-0209";
    pub const TOO_LONG: &str = "REMIT-0210";
    pub const OPEN_QUOTE: &str = "REMIT-0216";
    pub const DAMAGED: &str = "REMIT-0219";
}

/// There is nothing to set: how a firm writes dates and amounts is said once a folder, in the daemon's configuration.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvImporter {}

impl Importer for CsvImporter {
    const ABOUT: About = About {
        name: "CSV and TXT files",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<CsvImporter, Failure> {
        settings()
    }

    fn recognise(file_name: &str, head: &[u8]) -> u8 {
        let name = file_name.to_ascii_lowercase();
        let by_name = [".csv", ".txt", ".tsv"].iter().any(|ending| name.ends_with(ending));
        if encoding::is_not_text(head).is_some() {
            return 0;
        }
        let head = encoding::head_to_utf8(head);
        let known = header::known(&header::first_record(&head, header::sniff(&head)));
        match (known.required, known.all, by_name) {
            (3, _, _) => 95,
            (_, 2.., _) => 60,
            (_, _, true) => 20,
            _ => 0,
        }
    }

    fn read(
        &self,
        _context: &Context,
        source: &mut Source<'_>,
        out: &mut Out<'_>,
        conventions: &Conventions,
    ) -> Result<u64, Failure> {
        let mut records = Records::open(source)?;
        if let Some(why) = encoding::is_not_text(records.head()) {
            out.reject(1, "", "", code::ENCODING, why)?;
            return Ok(1);
        }
        let delimiter = header::sniff(records.head());
        records.split_at(delimiter);
        let mut encoding = Encoding::new(records.is_surely_utf8());
        let Some(columns) = Columns::read(&mut records, &mut encoding, delimiter, out)? else {
            return Ok(1);
        };
        Rows::new(columns, encoding, conventions)?.read(&mut records, out)
    }
}

export_importer!(CsvImporter);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
