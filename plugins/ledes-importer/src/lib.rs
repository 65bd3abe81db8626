//! Reads LEDES 1998B and LEDES 98BI V2: what a firm's billing system writes for its clients' e-billing. One draft an invoice. Owns the
//! form of the file, the sums, and the words for what is wrong; whether a draft may be sent is the daemon's own check.
//!
//! **An invoice** is one INVOICE_NUMBER of one CLIENT_ID. Its line items may stand apart from each other. It may bill several matters:
//! the client gets one invoice and pays it in one sum, so it is one draft; INVOICE_TOTAL is then the total of all its matters, and the draft names
//! no matter, since none of them would be right. Where each matter has a total of its own under one number, the totals differ
//! from line item to line item, and the invoice is rejected rather than guessed at.
//!
//! **A row** of the report is an invoice; one broken line item rejects its invoice. The finding stands at that line, further ones
//! of the same invoice say their line in words. A record that belongs to no invoice is a rejected row of its own.
//!
//! **Tax** (98BI V2): INVOICE_TOTAL is with tax, INVOICE_NET_TOTAL without. Whether LINE_ITEM_TOTAL is with its tax, billing systems
//! see differently, so both are taken where they fit exactly: the sum of LINE_ITEM_TOTAL is INVOICE_TOTAL, or it is with the sum of
//! LINE_ITEM_TAX_TOTAL. INVOICE_NET_TOTAL, where given, must fit to the same reading.
//!
//! Memory is bounded: an invoice is kept until the file's end, a line item never.

mod amount;
mod checks;
mod header;
mod invoice;
mod invoices;
mod payers;
mod reading;
mod records;
mod text;

use payers::{Directory, Payer};
use reading::Reading;
use remitd_plugin_sdk::importer::{Conventions, Importer, Out, Source};
use remitd_plugin_sdk::{About, Context, Failure, export_importer, host, settings};

/// Codes of findings; the daemon explains each.
mod code {
    pub use tabular::code::*;

    pub const SUMS: &str = "REMIT-0220";
    pub const PAYER: &str = "REMIT-0221";
    pub const CURRENCY: &str = "REMIT-0222";
    pub const NO_INVOICE: &str = "REMIT-0223";
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    payers: Vec<Payer>,
    due_days: Option<u16>,
    #[serde(default)]
    describe: bool,
}

pub struct LedesImporter {
    payers: Directory,
    due_days: Option<u16>,
    describe: bool,
}

impl Importer for LedesImporter {
    const ABOUT: About = About {
        name: "LEDES files",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<LedesImporter, Failure> {
        let Settings { payers, due_days, describe } = settings()?;
        Ok(LedesImporter { payers: Directory::new(payers)?, due_days, describe })
    }

    fn recognise(file_name: &str, head: &[u8]) -> u8 {
        let name = file_name.to_ascii_lowercase();
        let mark: String = head
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(head)
            .iter()
            .map(|byte| char::from(byte.to_ascii_uppercase()))
            .filter(|c| !c.is_whitespace())
            .take(MARK_CHARS)
            .collect();
        match mark.as_str() {
            mark if mark.starts_with("LEDES1998B[]") || mark.starts_with("LEDES98BIV2[]") => 100,
            // Another LEDES: nobody else can say why it is not read.
            mark if mark.starts_with("LEDES") => 60,
            _ if head.contains(&0) => 0,
            _ if name.ends_with(".led") || name.ends_with(".ledes") => 30,
            _ if name.ends_with(".txt") => 5,
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
        let (rows, seen) = Reading::new(self, conventions)?.read(source, out)?;
        host::log::info(&seen);
        Ok(rows)
    }
}

/// The longest first record.
const MARK_CHARS: usize = "LEDES98BIV2[]".len();

export_importer!(LedesImporter);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
