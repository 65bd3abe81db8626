//! Reads files of payment drafts whose columns stand at fixed places, by the mapping in the settings. Owns the mapping, records and
//! characters; columns, values and the count of rows are those of every table (`tabular`).
//!
//! **A record** is a line, or so many characters where the file has no line ends. Characters are counted as Unicode does, not bytes.
//!
//! **Nothing is guessed**: blanks that an editor has cut from a line's end are taken as blanks only where the amount is whole and every needed
//! column has begun; a last line that ends early may be half of one; a tab has moved what is behind it.
//!
//! Such a file does not show what it is, so no file is recognised: the importer is named, by a folder or on the command line.

mod mapping;
mod records;
mod rows;
mod text;

use mapping::{Mapping, Settings};
use records::Records;
use remitd_plugin_sdk::importer::{Conventions, Importer, Out, Source};
use remitd_plugin_sdk::{About, Context, Failure, export_importer, settings};
use tabular::code;

/// Codes of findings that only fixed widths have.
mod own_code {
    pub const LENGTH: &str = "REMIT-0230";
    pub const MOVED: &str = "REMIT-0231";
}

pub struct FixedWidthImporter {
    mapping: Mapping,
}

impl Importer for FixedWidthImporter {
    const ABOUT: About = About {
        name: "Fixed-width files",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<FixedWidthImporter, Failure> {
        Ok(FixedWidthImporter { mapping: Mapping::new(settings::<Settings>()?)? })
    }

    fn recognise(_file_name: &str, _head: &[u8]) -> u8 {
        0
    }

    fn read(
        &self,
        _context: &Context,
        source: &mut Source<'_>,
        out: &mut Out<'_>,
        conventions: &Conventions,
    ) -> Result<u64, Failure> {
        let records = Records::open(source, &self.mapping)?;
        if let Some(why) = records.unreadable() {
            out.reject(1, "", "", code::ENCODING, why)?;
            return Ok(1);
        }
        rows::read(records, &self.mapping, conventions, out)
    }
}

export_importer!(FixedWidthImporter);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
