//! Reads CSV and TXT files of payment drafts. Owns the form of the file: its characters, its delimiter, its records. Columns, values and
//! the count of rows are those of every table (`tabular`). Memory is bounded by one piece and one record; a good row allocates
//! nothing.
//!
//! Invariant: the number of rows that `read` gives is the rows handed over plus the lines that have findings.

mod encoding;
mod header;
mod marks;
mod piece;
mod records;
mod rows;

use encoding::Encoding;
use records::Records;
use remitd_plugin_sdk::importer::{Conventions, Importer, Out, Source};
use remitd_plugin_sdk::{About, Context, Failure, export_importer, settings};
use std::collections::BTreeMap;
use tabular::{OwnNames, code};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// From the firm's header to our name for it.
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

/// How a firm writes dates and amounts is no setting: it is said once a folder, in the daemon's configuration.
#[derive(Default)]
pub struct CsvImporter {
    own_names: OwnNames,
}

impl Importer for CsvImporter {
    const ABOUT: About = About {
        name: "CSV and TXT files",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<CsvImporter, Failure> {
        let Settings { columns } = settings()?;
        Ok(CsvImporter { own_names: OwnNames::new(&columns)? })
    }

    fn recognise(file_name: &str, head: &[u8]) -> u8 {
        let name = file_name.to_ascii_lowercase();
        let by_name = [".csv", ".txt", ".tsv"].iter().any(|ending| name.ends_with(ending));
        if encoding::is_not_text(head).is_some() {
            return 0;
        }
        let head = encoding::head_to_utf8(head);
        let known = OwnNames::default()
            .known(&header::first_record(&head, header::sniff(&head, &OwnNames::default())));
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
        let delimiter = header::sniff(records.head(), &self.own_names);
        records.split_at(delimiter);
        let mut encoding = Encoding::new(records.is_surely_utf8());
        let header = header::Split { delimiter, own_names: &self.own_names };
        let Some(columns) = header.columns(&mut records, &mut encoding, out)? else {
            return Ok(1);
        };
        rows::read(&mut records, encoding, columns, conventions, out)
    }
}

export_importer!(CsvImporter);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
