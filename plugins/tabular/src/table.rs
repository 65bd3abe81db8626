//! Rows: each is a draft, has findings, or both, and every bad cell of it is named. Owns the checks of a row's form, the count of
//! rows, and the rule that empty rows at the end of a table are no rows.
//!
//! Invariant: [`Table::rows`] is the rows handed over without a finding, plus the lines that have findings. So whoever reads a format says
//! each of its lines once.

use crate::columns::{self, Columns};
use crate::{Order, Style, code, damage};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::importer::{Conventions, Out, Row};

/// One cell.
pub const CELL_MAX_BYTES: usize = 64 * 1024;
/// One file. More is a mistake, or better split.
pub const ROWS_MAX: u64 = 1_000_000;
/// Stands for an amount that has a finding, in a row that is checked and never taken.
const UNREAD_MINOR: i64 = 1;

/// The cells of one row.
pub trait Cells {
    /// Without the blanks around it; empty where there is none.
    fn text(&self, at: usize) -> &str;

    /// In minor units; an error says in words what is wrong. A format whose amounts are no text reads them in its own way.
    #[inline]
    fn amount(&self, at: usize, values: &Values) -> Result<i64, String> {
        values.style.read(self.text(at))
    }

    /// Of a cell in which something is `written`; an error says in words what is wrong.
    #[inline]
    fn date(&self, _at: usize, written: &str, values: &Values) -> Result<NaiveDate, String> {
        values.order.read(written)
    }
}

/// How the firm writes values.
pub struct Values {
    pub style: Style,
    pub order: Order,
}

impl Values {
    pub fn new(conventions: &Conventions) -> Result<Values, Failure> {
        let mark = match conventions.decimal_mark.as_str() {
            "." => '.',
            "," => ',',
            other => {
                let message = format!("\"{other}\" is no decimal mark: \".\" or \",\"");
                return Err(Failure::invalid("decimal-mark", message));
            }
        };
        let style =
            Style { mark, exponent: u32::from(conventions.exponent), currency: conventions.currency.clone() };
        Ok(Values { style, order: Order::named(&conventions.date_order)? })
    }
}

/// A table that is read row by row.
pub struct Table {
    columns: Columns,
    values: Values,
    rows: u64,
    /// Lines of the empty rows since the last one with something in it: rows only where another follows. At most `ROWS_MAX`.
    empty: Vec<u32>,
}

impl Table {
    pub fn new(columns: Columns, conventions: &Conventions) -> Result<Table, Failure> {
        Ok(Table { columns, values: Values::new(conventions)?, rows: 0, empty: Vec::new() })
    }

    /// The rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether no row more is taken, which is then said once: asked before each row, and reading ends there.
    #[inline]
    pub fn is_full(&mut self, line: u32, out: &mut Out<'_>) -> Result<bool, Failure> {
        let empty = u64::try_from(self.empty.len()).unwrap_or(u64::MAX);
        if self.rows + empty < ROWS_MAX {
            return Ok(false);
        }
        let message = format!("there are more than {ROWS_MAX} rows in the file: split it");
        self.broken(line, "", code::TOO_LONG, message, out)?;
        Ok(true)
    }

    /// A row with nothing in it.
    #[inline]
    pub fn empty(&mut self, line: u32) {
        self.empty.push(line);
    }

    /// A row that cannot be read at all; `value` is what is shown of it.
    pub fn broken(
        &mut self,
        line: u32,
        value: &str,
        code: &str,
        message: impl Into<String>,
        out: &mut Out<'_>,
    ) -> Result<(), Failure> {
        self.begin_row(out)?;
        out.reject(line, "", value, code, message)
    }

    /// A row with something in it.
    #[inline]
    pub fn row(&mut self, line: u32, cells: &impl Cells, out: &mut Out<'_>) -> Result<(), Failure> {
        self.begin_row(out)?;
        let columns = &self.columns;
        let text = |at: Option<usize>| at.map_or("", |at| cells.text(at));
        let row = Row {
            line,
            amount_minor: self.amount(line, cells, out)?,
            invoice_date: self.date(line, columns::INVOICE_DATE, columns.invoice_date, cells, out)?,
            due_date: self.date(line, columns::DUE_DATE, columns.due_date, cells, out)?,
            invoice: text(columns.invoice),
            payer_name: text(columns.name),
            payer_email: text(columns.email),
            message: text(columns.message),
            client: text(columns.client),
            matter: text(columns.matter),
        };
        // Also a row with findings: the daemon looks at its name and address, and its maker mends all at once.
        if texts_fit(&row, out)? { out.draft(&row) } else { Ok(()) }
    }

    /// Counts a row, and before it the empty ones that it shows to be in the midst of the table.
    #[inline]
    fn begin_row(&mut self, out: &mut Out<'_>) -> Result<(), Failure> {
        for line in self.empty.drain(..) {
            self.rows += 1;
            let message = "the row is empty: fill it in or delete it";
            out.reject(line, columns::AMOUNT, "", code::NO_AMOUNT, message)?;
        }
        self.rows += 1;
        Ok(())
    }

    #[inline]
    fn amount(&self, line: u32, cells: &impl Cells, out: &mut Out<'_>) -> Result<i64, Failure> {
        let Some(at) = self.columns.amount else { return Ok(UNREAD_MINOR) };
        let read = cells.amount(at, &self.values);
        if let Ok(minor) = read
            && minor > 0
        {
            return Ok(minor);
        }
        bad_amount(line, cells.text(at), read, out)
    }

    #[inline(always)]
    fn date(
        &self,
        line: u32,
        column: &str,
        at: Option<usize>,
        cells: &impl Cells,
        out: &mut Out<'_>,
    ) -> Result<Option<NaiveDate>, Failure> {
        let Some((at, written)) = at.map(|at| (at, cells.text(at))).filter(|(_, text)| !text.is_empty())
        else {
            return Ok(None);
        };
        match cells.date(at, written, &self.values) {
            Ok(date) => Ok(Some(date)),
            Err(message) => bad_date(line, column, written, message, out),
        }
    }
}

#[cold]
fn bad_date(
    line: u32,
    column: &str,
    written: &str,
    message: String,
    out: &mut Out<'_>,
) -> Result<Option<NaiveDate>, Failure> {
    let (code, message) = match damage::in_date(written) {
        Some(damaged) => (code::DAMAGED, damaged),
        None => (code::DATE, message),
    };
    out.reject(line, column, written, code, message)?;
    Ok(None)
}

#[cold]
fn bad_amount(
    line: u32,
    written: &str,
    read: Result<i64, String>,
    out: &mut Out<'_>,
) -> Result<i64, Failure> {
    let (code, message) = match read {
        // Said here already, where the amount is known as it was written.
        Ok(_) => (
            code::NOT_ABOVE_ZERO,
            "the amount is not above zero: ask for at least one cent, or delete the row".to_owned(),
        ),
        Err(_) if written.is_empty() => {
            (code::NO_AMOUNT, "there is no amount: write what is to be paid".to_owned())
        }
        Err(message) => match damage::in_number(written) {
            Some(damaged) => (code::DAMAGED, damaged),
            None => (code::AMOUNT, message),
        },
    };
    out.reject(line, columns::AMOUNT, written, code, message)?;
    Ok(UNREAD_MINOR)
}

/// Says what is wrong with a row's texts; gives whether all are short enough to be handed over.
#[inline]
fn texts_fit(row: &Row<'_>, out: &mut Out<'_>) -> Result<bool, Failure> {
    let numbers = [row.invoice, row.client, row.matter];
    let texts = [row.payer_name, row.payer_email, row.message];
    let short = |text: &&str| text.len() <= CELL_MAX_BYTES;
    let well = numbers.iter().all(|text| short(text) && damage::in_number(text).is_none())
        && texts.iter().all(|text| short(text) && damage::in_text(text).is_none());
    if well { Ok(true) } else { bad_texts(row, out) }
}

#[cold]
fn bad_texts(row: &Row<'_>, out: &mut Out<'_>) -> Result<bool, Failure> {
    let texts = [
        (columns::INVOICE, row.invoice, damage::in_number(row.invoice)),
        (columns::NAME, row.payer_name, damage::in_text(row.payer_name)),
        (columns::EMAIL, row.payer_email, damage::in_text(row.payer_email)),
        (columns::MESSAGE, row.message, damage::in_text(row.message)),
        (columns::CLIENT, row.client, damage::in_number(row.client)),
        (columns::MATTER, row.matter, damage::in_number(row.matter)),
    ];
    let mut fit = true;
    for (column, text, damaged) in texts {
        if let Some(message) = damaged {
            out.reject(row.line, column, text, code::DAMAGED, message)?;
        }
        if text.len() > CELL_MAX_BYTES {
            fit = false;
            let message = format!("the text is longer than {CELL_MAX_BYTES} bytes: shorten it");
            out.reject(row.line, column, text, code::TOO_LONG, message)?;
        }
    }
    Ok(fit)
}
