//! One invoice as its line items add up to it. Owns what is kept of it and what is wrong with it so far; knows no file and no payer.

use crate::amount::{Amount, Wrong};
use crate::code;
use crate::header::{self, Columns, International};
use crate::text::Fields;
use remitd_plugin_sdk::chrono::{Datelike, NaiveDate};

/// Of one invoice, so many findings are shown; the rest is counted.
pub const FAULTS_SHOWN: usize = 8;
/// Of a wrong value.
const VALUE_BYTES: usize = 80;

pub struct Fault {
    pub line: u32,
    pub column: &'static str,
    pub value: String,
    pub code: &'static str,
    pub message: String,
}

impl Fault {
    pub fn new(
        line: u32,
        column: &'static str,
        value: &str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Fault {
        let value = value.get(..value.floor_char_boundary(VALUE_BYTES)).unwrap_or("").to_owned();
        Fault { line, column, value, code, message: message.into() }
    }
}

/// A value that each line item repeats.
#[derive(Debug, Default)]
pub struct Repeated<T>(Option<(T, u32)>);

impl<T: Copy + PartialEq> Repeated<T> {
    pub fn get(&self) -> Option<T> {
        self.0.map(|(value, _)| value)
    }

    /// The value and line of the first one, where this is another.
    fn note(&mut self, value: T, line: u32) -> Option<(T, u32)> {
        let first = *self.0.get_or_insert((value, line));
        (first.0 != value).then_some(first)
    }
}

#[derive(Default)]
pub struct Invoice {
    /// Where its first line item stands.
    pub line: u32,
    pub number: Box<str>,
    pub client: Box<str>,
    pub matter: Box<str>,
    pub several_matters: bool,
    pub description: Box<str>,
    pub date: Repeated<NaiveDate>,
    pub total: Repeated<Amount>,
    pub net: Repeated<Amount>,
    pub tax: Repeated<Amount>,
    /// Of LINE_ITEM_TOTAL.
    pub sum: Amount,
    /// Of LINE_ITEM_TAX_TOTAL.
    pub line_tax: Amount,
    pub faults: Vec<Fault>,
    /// Found beyond those that are shown.
    pub more_faults: u32,
}

impl Invoice {
    /// None where it bills several.
    pub fn one_matter(&self) -> Option<&str> {
        (!self.several_matters && !self.matter.is_empty()).then_some(&*self.matter)
    }

    pub fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    /// What it takes to keep.
    pub fn kept_bytes(&self) -> usize {
        size_of::<Invoice>()
            + 2 * (self.number.len() + self.client.len())
            + self.matter.len()
            + self.description.len()
    }

    pub fn fault(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_SHOWN {
            self.faults.push(fault);
        } else {
            self.more_faults = self.more_faults.saturating_add(1);
        }
    }

    /// Adds one line item of the right number of fields.
    pub fn add(&mut self, line: u32, fields: Fields<'_>, columns: &Columns, currency: &str) {
        let matter = fields.get(columns.matter);
        self.several_matters |= *self.matter != *matter;
        self.add_date(line, fields.get(columns.invoice_date));
        self.add_repeated(line, header::INVOICE_TOTAL, fields.get(columns.invoice_total), |it| &mut it.total);
        self.add_up(line, header::LINE_TOTAL, fields.get(columns.line_total), |it| &mut it.sum);
        if let Some(international) = &columns.international {
            self.add_international(line, fields, international, currency);
        }
    }

    fn add_international(&mut self, line: u32, fields: Fields<'_>, at: &International, currency: &str) {
        let given = |place| Some(fields.get(place)).filter(|written| !written.is_empty());
        if let Some(other) = given(at.currency).filter(|written| !written.eq_ignore_ascii_case(currency))
            && !self.faults.iter().any(|fault| fault.column == header::CURRENCY)
        {
            let message = format!(
                "the invoice is in \"{other}\" and this account is in {currency}: give it in for an account of its currency"
            );
            self.fault(Fault::new(line, header::CURRENCY, other, code::CURRENCY, message));
        }
        if let Some(written) = given(at.net_total) {
            self.add_repeated(line, header::NET_TOTAL, written, |it| &mut it.net);
        }
        if let Some(written) = given(at.tax_total) {
            self.add_repeated(line, header::TAX_TOTAL, written, |it| &mut it.tax);
        }
        if let Some(written) = given(at.line_tax) {
            self.add_up(line, header::LINE_TAX, written, |it| &mut it.line_tax);
        }
    }

    fn add_date(&mut self, line: u32, written: &str) {
        let Some(date) = day(written) else {
            let message = "this is no date of the standard: write it as YYYYMMDD, such as 20261231";
            return self.fault(Fault::new(line, header::INVOICE_DATE, written, code::DATE, message));
        };
        if let Some((first, at)) = self.date.note(date, line) {
            let message = format!(
                "INVOICE_DATE is {:04}{:02}{:02} at line {at}: it is the same on each line item of invoice {}",
                first.year(),
                first.month(),
                first.day(),
                self.number
            );
            self.fault(Fault::new(line, header::INVOICE_DATE, written, code::SUMS, message));
        }
    }

    fn add_repeated(
        &mut self,
        line: u32,
        column: &'static str,
        written: &str,
        field: impl Fn(&mut Invoice) -> &mut Repeated<Amount>,
    ) {
        match Amount::read(written) {
            Ok(amount) => {
                if let Some((first, at)) = field(self).note(amount, line) {
                    let message = format!(
                        "{column} is {first} at line {at}: it is the same on each line item of invoice {}",
                        self.number
                    );
                    self.fault(Fault::new(line, column, written, code::SUMS, message));
                }
            }
            Err(wrong) => self.fault(unread(line, column, written, wrong)),
        }
    }

    fn add_up(
        &mut self,
        line: u32,
        column: &'static str,
        written: &str,
        field: impl Fn(&mut Invoice) -> &mut Amount,
    ) {
        let added = Amount::read(written).and_then(|amount| {
            let sum = field(self);
            *sum = sum.plus(amount).ok_or(Wrong::TooLarge)?;
            Ok(())
        });
        if let Err(wrong) = added {
            self.fault(unread(line, column, written, wrong));
        }
    }
}

fn unread(line: u32, column: &'static str, written: &str, wrong: Wrong) -> Fault {
    let code = if wrong == Wrong::Missing { code::NO_AMOUNT } else { code::AMOUNT };
    Fault::new(line, column, written, code, wrong.words())
}

/// `YYYYMMDD`, and nothing else.
pub fn day(written: &str) -> Option<NaiveDate> {
    if written.len() != 8 || !written.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = written.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}
