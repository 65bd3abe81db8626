//! What every importer of tables shares: which column is which, how people write amounts and dates, what spreadsheets do to cells,
//! the words for what is wrong, and the count of rows. Whoever reads a format brings [`Cells`]; a good row allocates nothing. Knows
//! no file and no delimiter; whether a draft may be sent (an address, a known account) is the daemon's own check.

mod amount;
mod columns;
pub mod damage;
mod dates;
mod header;
mod table;
mod windows1252;

pub use amount::Style;
pub use columns::{
    AMOUNT, CLIENT, COLUMNS, Column, Columns, DUE_DATE, EMAIL, INVOICE, INVOICE_DATE, MATTER, MESSAGE, NAME,
};
pub use dates::Order;
pub use header::{Header, Known, OwnNames};
pub use table::{CELL_MAX_BYTES, Cells, ROWS_MAX, Table, Values};
pub use windows1252::windows1252;

/// Codes of findings; the daemon explains each.
pub mod code {
    pub const COLUMN: &str = "REMIT-0201";
    pub const AMOUNT: &str = "REMIT-0202";
    pub const NO_AMOUNT: &str = "REMIT-0203";
    pub const NOT_ABOVE_ZERO: &str = "REMIT-0204";
    pub const DATE: &str = "REMIT-0205";
    pub const FIELDS: &str = "REMIT-0206";
    pub const ENCODING: &str = "REMIT-0209";
    pub const TOO_LONG: &str = "REMIT-0210";
    pub const DAMAGED: &str = "REMIT-0219";
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
