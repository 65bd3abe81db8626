//! What a row's cells say: texts as they are, numbers as the money or the number that was meant, dates as days. Owns the turning of what
//! a file has into what a person sees in the sheet, in the firm's own order of dates and with its decimal mark.

use crate::decimal::Decimal;
use crate::formats::{Format, write_masked};
use crate::row::{Cell, Kind, Row};
use crate::workbook::Workbook;
use crate::wrong::Wrong;
use remitd_plugin_sdk::chrono::{Datelike, Days, NaiveDate};
use std::fmt::Write;
use tabular::{Cells, Order, Values};

/// A row's cells, by their columns.
pub struct Shown<'a> {
    book: &'a Workbook,
    how: &'a Values,
    values: Vec<Value>,
    text: String,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Nothing,
    Shared(u32),
    Text(Span),
    Number(Decimal, Span),
    Date(NaiveDate, Span),
}

#[derive(Debug, Clone, Copy)]
struct Span {
    begin: usize,
    end: usize,
}

impl<'a> Shown<'a> {
    pub fn new(book: &'a Workbook, how: &'a Values) -> Shown<'a> {
        Shown { book, how, values: Vec::new(), text: String::new() }
    }

    pub fn begin_row(&mut self) {
        self.values.clear();
        self.text.clear();
    }

    /// Up to the last cell that says something.
    pub fn columns(&self) -> usize {
        self.values.len()
    }

    /// Gives whether the cell says something.
    #[inline]
    pub fn add(&mut self, row: &Row, cell: &Cell) -> Result<bool, Wrong> {
        let written = row.text(cell).trim();
        let value = match cell.kind {
            Kind::Shared => {
                let number = written.parse().ok();
                let text = number.and_then(|number| self.book.texts.get(number));
                match (number, text) {
                    (_, Some("")) => return Ok(false),
                    (Some(number), Some(_)) => Value::Shared(number),
                    _ => return Err(Wrong::damaged(format!("row {}: there is no text {written}", row.line))),
                }
            }
            Kind::Number => self.number(written, cell),
            Kind::Bool => Value::Text(self.say(if written == "1" { "TRUE" } else { "FALSE" })),
            Kind::Date => self.iso(written),
            Kind::Text => Value::Text(self.say(written)),
            Kind::NoValue => return Ok(true),
        };
        let at = usize::try_from(cell.column).unwrap_or_default();
        if self.values.len() <= at {
            self.values.resize(at + 1, Value::Nothing);
        }
        if let Some(place) = self.values.get_mut(at) {
            *place = value;
        }
        Ok(true)
    }

    fn number(&mut self, written: &str, cell: &Cell) -> Value {
        let Some(number) = Decimal::read(written) else { return Value::Text(self.say(written)) };
        let begin = self.text.len();
        match self.book.formats.get(cell.style) {
            Format::Date => {
                if let Some((days, seconds)) = number.days_and_seconds() {
                    let date = date_of(days, self.book.counts_from_1904);
                    if let Some(value) = self.date(date, days, seconds) {
                        return value;
                    }
                }
            }
            Format::Mask(mask) => {
                if let Some(whole) = number.whole() {
                    write_masked(whole, mask, &mut self.text);
                    return Value::Number(number, self.since(begin));
                }
            }
            Format::Plain => {}
        }
        number.write(self.how.style.mark, &mut self.text);
        Value::Number(number, self.since(begin))
    }

    /// A date; with a time of day it is a text, as in any other file. None where there is no such day.
    fn date(&mut self, date: Option<NaiveDate>, days: u64, seconds: u64) -> Option<Value> {
        let begin = self.text.len();
        if let Some(date) = date {
            write_date(date, self.how.order, &mut self.text);
        } else if days > 0 {
            return None;
        }
        if let (Some(date), 0) = (date, seconds) {
            return Some(Value::Date(date, self.since(begin)));
        }
        if date.is_some() {
            self.text.push(' ');
        }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        // Writing into a text cannot fail.
        let _ = write!(self.text, "{hours:02}:{minutes:02}:{:02}", seconds % 60);
        Some(Value::Text(self.since(begin)))
    }

    fn iso(&mut self, written: &str) -> Value {
        match Order::YearMonthDay.read(written) {
            Ok(date) => {
                let begin = self.text.len();
                write_date(date, self.how.order, &mut self.text);
                Value::Date(date, self.since(begin))
            }
            Err(_) => Value::Text(self.say(written)),
        }
    }

    fn say(&mut self, text: &str) -> Span {
        let begin = self.text.len();
        self.text.push_str(text);
        self.since(begin)
    }

    fn since(&self, begin: usize) -> Span {
        Span { begin, end: self.text.len() }
    }
}

impl Cells for Shown<'_> {
    #[inline]
    fn text(&self, at: usize) -> &str {
        match self.values.get(at) {
            None | Some(Value::Nothing) => "",
            Some(Value::Shared(number)) => self.book.texts.get(*number).unwrap_or_default(),
            Some(Value::Text(span) | Value::Number(_, span) | Value::Date(_, span)) => {
                self.text.get(span.begin..span.end).unwrap_or_default()
            }
        }
    }

    #[inline]
    fn amount(&self, at: usize, values: &Values) -> Result<i64, String> {
        if let Some(Value::Number(number, _)) = self.values.get(at)
            && let Some(minor) = number.minor(values.style.exponent)
        {
            return Ok(minor);
        }
        values.style.read(self.text(at))
    }

    #[inline]
    fn date(&self, at: usize, written: &str, values: &Values) -> Result<NaiveDate, String> {
        match self.values.get(at) {
            Some(Value::Date(date, _)) => Ok(*date),
            _ => values.order.read(written),
        }
    }
}

/// The day that is kept as a number. Before March of 1900 a spreadsheet counts a day that never was.
fn date_of(days: u64, counts_from_1904: bool) -> Option<NaiveDate> {
    let (year, month, day) = match (counts_from_1904, days) {
        (true, _) => (1904, 1, 1),
        (false, 0 | 60) => return None,
        (false, 1..60) => (1899, 12, 31),
        (false, _) => (1899, 12, 30),
    };
    let date = NaiveDate::from_ymd_opt(year, month, day)?.checked_add_days(Days::new(days))?;
    (date.year() <= 9999).then_some(date)
}

fn write_date(date: NaiveDate, order: Order, to: &mut String) {
    let (year, month, day) = (date.year(), date.month(), date.day());
    // Writing into a text cannot fail.
    let _ = match order {
        Order::MonthDayYear => write!(to, "{month:02}/{day:02}/{year}"),
        Order::DayMonthYear => write!(to, "{day:02}/{month:02}/{year}"),
        Order::YearMonthDay => write!(to, "{year}-{month:02}-{day:02}"),
    };
}
