//! Rows: each record is a draft, has findings, or both, and every bad cell of it is named. Owns the checks of a row's form, and the
//! rule that empty records at the end of a file are no rows.

use crate::amount::Style;
use crate::code;
use crate::damage;
use crate::dates::Order;
use crate::encoding::{Encoding, Fields};
use crate::header::{self, Columns};
use crate::records::{FIELDS_MAX, Fault, RECORD_MAX_BYTES, Records};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::importer::{Conventions, Out, Row};

/// One cell.
const FIELD_MAX_BYTES: usize = 64 * 1024;
/// Stands for an amount that has a finding, in a row that is checked and never taken.
const UNREAD_MINOR: i64 = 1;
/// One file. More is a mistake, or better split.
const ROWS_MAX: u64 = 1_000_000;

pub struct Rows {
    columns: Columns,
    encoding: Encoding,
    style: Style,
    order: Order,
    rows: u64,
    /// Lines of the empty records since the last row: rows only where another row follows. At most `ROWS_MAX`.
    empty: Vec<u32>,
}

impl Rows {
    pub fn new(columns: Columns, encoding: Encoding, conventions: &Conventions) -> Result<Rows, Failure> {
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
        let order = Order::named(&conventions.date_order)?;
        Ok(Rows { columns, encoding, style, order, rows: 0, empty: Vec::new() })
    }

    /// Every record to the end; gives the number of rows.
    pub fn read(mut self, records: &mut Records<'_, '_>, out: &mut Out<'_>) -> Result<u64, Failure> {
        let columns = self.columns;
        while let Some((line, fault)) = records.next()? {
            if self.rows + self.count_empty() >= ROWS_MAX {
                self.begin_row(out)?;
                let message = format!("there are more than {ROWS_MAX} rows in the file: split it");
                out.reject(line, "", "", code::TOO_LONG, message)?;
                break;
            }
            if let Some(fault) = fault {
                self.begin_row(out)?;
                faulty(line, fault, columns.count, out)?;
                continue;
            }
            match self.encoding.decode(records.record()) {
                Ok(fields) if fields.is_blank() => self.empty.push(line),
                Ok(fields) => {
                    // Apart from `self.encoding`, which lends the fields.
                    begin_row(&mut self.rows, &mut self.empty, out)?;
                    let shape = Shape { columns: &columns, style: &self.style, order: self.order };
                    shape.row(line, fields, out)?;
                }
                Err(why) => {
                    self.begin_row(out)?;
                    out.reject(line, "", "", code::ENCODING, why)?;
                }
            }
        }
        Ok(self.rows)
    }

    fn begin_row(&mut self, out: &mut Out<'_>) -> Result<(), Failure> {
        begin_row(&mut self.rows, &mut self.empty, out)
    }

    fn count_empty(&self) -> u64 {
        u64::try_from(self.empty.len()).unwrap_or(u64::MAX)
    }
}

/// Counts a row, and before it the empty ones that it shows to be in the midst of the file.
fn begin_row(rows: &mut u64, empty: &mut Vec<u32>, out: &mut Out<'_>) -> Result<(), Failure> {
    for line in empty.drain(..) {
        *rows += 1;
        out.reject(line, header::AMOUNT, "", code::NO_AMOUNT, "the row is empty: fill it in or delete it")?;
    }
    *rows += 1;
    Ok(())
}

fn faulty(line: u32, fault: Fault, columns: usize, out: &mut Out<'_>) -> Result<(), Failure> {
    match fault {
        Fault::TooLong => {
            let message = format!(
                "the row is longer than {RECORD_MAX_BYTES} bytes: is a quote opened in it and closed far below?"
            );
            out.reject(line, "", "", code::TOO_LONG, message)
        }
        Fault::TooManyFields => {
            let message = format!("the row has more than {FIELDS_MAX} fields, the first line has {columns}");
            out.reject(line, "", "", code::FIELDS, message)
        }
        Fault::OpenQuote => {
            let message =
                "a quote (\") is opened in this row and never closed: it hides all the rows below it";
            out.reject(line, "", "", code::OPEN_QUOTE, message)
        }
    }
}

/// What a row of this file looks like.
struct Shape<'a> {
    columns: &'a Columns,
    style: &'a Style,
    order: Order,
}

impl Shape<'_> {
    fn row(&self, line: u32, fields: Fields<'_>, out: &mut Out<'_>) -> Result<(), Failure> {
        let columns = self.columns;
        if fields.len() != columns.count {
            let message = format!(
                "the row has {} fields, the first line has {}: is a delimiter missing, or a text not in quotes?",
                fields.len(),
                columns.count
            );
            return out.reject(line, "", "", code::FIELDS, message);
        }
        let text = |at: Option<usize>| at.map_or("", |at| fields.get(at));
        let row = Row {
            line,
            amount_minor: self.amount(line, text(columns.amount), out)?,
            invoice_date: self.date(line, header::INVOICE_DATE, text(columns.invoice_date), out)?,
            due_date: self.date(line, header::DUE_DATE, text(columns.due_date), out)?,
            invoice: text(columns.invoice),
            payer_name: text(columns.name),
            payer_email: text(columns.email),
            message: text(columns.message),
            client: text(columns.client),
            matter: text(columns.matter),
        };
        let texts = [
            (header::INVOICE, row.invoice, damage::in_number(row.invoice)),
            (header::NAME, row.payer_name, damage::in_text(row.payer_name)),
            (header::EMAIL, row.payer_email, damage::in_text(row.payer_email)),
            (header::MESSAGE, row.message, damage::in_text(row.message)),
            (header::CLIENT, row.client, damage::in_number(row.client)),
            (header::MATTER, row.matter, damage::in_number(row.matter)),
        ];
        let mut fits = true;
        for (column, text, damaged) in texts {
            if let Some(message) = damaged {
                out.reject(line, column, text, code::DAMAGED, message)?;
            }
            if text.len() > FIELD_MAX_BYTES {
                fits = false;
                let message = format!("the text is longer than {FIELD_MAX_BYTES} bytes: shorten it");
                out.reject(line, column, text, code::TOO_LONG, message)?;
            }
        }
        // Also a row with findings: the daemon looks at its name and address, and its maker mends all at once.
        if fits { out.draft(&row) } else { Ok(()) }
    }

    #[inline]
    fn amount(&self, line: u32, written: &str, out: &mut Out<'_>) -> Result<i64, Failure> {
        let (code, message) = match self.style.read(written) {
            Ok(minor) if minor > 0 => return Ok(minor),
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
        out.reject(line, header::AMOUNT, written, code, message)?;
        Ok(UNREAD_MINOR)
    }

    #[inline]
    fn date(
        &self,
        line: u32,
        column: &str,
        written: &str,
        out: &mut Out<'_>,
    ) -> Result<Option<NaiveDate>, Failure> {
        if written.is_empty() {
            return Ok(None);
        }
        match self.order.read(written) {
            Ok(date) => Ok(Some(date)),
            Err(message) => {
                let (code, message) = match damage::in_date(written) {
                    Some(damaged) => (code::DAMAGED, damaged),
                    None => (code::DATE, message),
                };
                out.reject(line, column, written, code, message)?;
                Ok(None)
            }
        }
    }
}
