//! The file of one posting: a header where one is wanted, and one row of columns, separated or at fixed places. Owns how each value
//! is written; a number that does not fit its place is refused, a text is cut.

use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::connector::Posting;
use remitd_plugin_sdk::{Failure, date};
use serde::Deserialize;

/// What a column may hold.
const VALUES: [&str; 18] = [
    "key",
    "statement",
    "matter",
    "client",
    "amount",
    "amount_minor",
    "currency",
    "received",
    "method",
    "reference",
    "payer_name",
    "narrative",
    "ledger_code",
    "transaction_type",
    "bank_account",
    "trust_ledger",
    "receipt_type",
    "original_key",
];
/// Those of them that are numbers or dates: cut, they would be others.
const WHOLE: [&str; 5] = ["key", "amount", "amount_minor", "received", "original_key"];

#[derive(Debug, Clone, Deserialize)]
pub struct Layout {
    pub columns: Vec<Column>,
    /// Between columns; without it they stand at the places that their widths give.
    separator: Option<char>,
    #[serde(default)]
    header: bool,
    #[serde(default = "iso")]
    date_format: String,
    #[serde(default = "point")]
    decimal_mark: char,
    #[serde(default)]
    line_end: LineEnd,
    #[serde(default)]
    reversal: Reversal,
    /// What `receipt_type` says of a payment, and of a reversal.
    #[serde(default = "payment")]
    payment_type: String,
    #[serde(default = "reversed")]
    reversal_type: String,
}

fn iso() -> String {
    "%Y-%m-%d".to_owned()
}

fn point() -> char {
    '.'
}

fn payment() -> String {
    "payment".to_owned()
}

fn reversed() -> String {
    "reversal".to_owned()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LineEnd {
    #[default]
    Crlf,
    Lf,
}

/// How the amount of a reversal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reversal {
    /// Below zero.
    #[default]
    Minus,
    /// Above zero: the receipt's type says what it is.
    Plus,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// In the header.
    #[serde(default)]
    name: String,
    /// One of the posting's values.
    value: Option<String>,
    /// The same in every row.
    text: Option<String>,
    /// In characters, for columns at fixed places.
    width: Option<usize>,
    #[serde(default)]
    align: Align,
    #[serde(default = "blank")]
    fill: char,
}

fn blank() -> char {
    ' '
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Align {
    #[default]
    Left,
    Right,
}

impl Layout {
    pub fn check(&self) -> Result<(), Failure> {
        let wrong = |message: String| Err(Failure::invalid("settings", message));
        if self.columns.is_empty() {
            return wrong("columns: name at least one".to_owned());
        }
        for (at, column) in self.columns.iter().enumerate() {
            match (&column.value, &column.text) {
                (Some(value), None) if !VALUES.contains(&value.as_str()) => {
                    return wrong(format!(
                        "columns[{at}]: there is no value {value}; there are {}",
                        VALUES.join(", ")
                    ));
                }
                (Some(_), None) | (None, Some(_)) => {}
                _ => return wrong(format!("columns[{at}]: write value or text, one of them")),
            }
            if self.separator.is_none() && column.width.is_none_or(|width| width == 0) {
                return wrong(format!(
                    "columns[{at}] has no width: without a separator, columns stand at fixed places"
                ));
            }
        }
        if !self.columns.iter().any(|column| column.value.as_deref() == Some("key")) {
            return wrong(
                "no column holds the value key: nobody could tell one receipt from another".to_owned(),
            );
        }
        if self.separator.is_some_and(|separator| !separator.is_ascii() || separator == '"') {
            return wrong("separator: write one character such as \",\", \";\" or \"\\t\"".to_owned());
        }
        Ok(())
    }

    /// The whole file of a posting; with the original's key, of its reversal.
    pub fn file(&self, posting: &Posting, original: Option<&str>) -> Result<Vec<u8>, Failure> {
        let mut rows = Vec::new();
        if self.header {
            rows.push(self.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>());
        }
        let row = self.columns.iter().map(|column| self.cell(column, posting, original));
        rows.push(row.collect::<Result<_, _>>()?);
        match self.separator {
            Some(separator) => self.separated(separator, &rows),
            None => self.placed(&rows),
        }
    }

    fn cell(&self, column: &Column, posting: &Posting, original: Option<&str>) -> Result<String, Failure> {
        if let Some(text) = &column.text {
            return Ok(text.clone());
        }
        let detail = |name: &str| {
            let found = posting.details.iter().find(|detail| detail.name == name);
            found.map(|detail| detail.value.clone()).unwrap_or_default()
        };
        let minus = original.is_some() && self.reversal == Reversal::Minus;
        let sign = if minus && posting.amount.amount_minor != 0 { "-" } else { "" };
        let text = match column.value.as_deref().unwrap_or_default() {
            "key" => posting.key.clone(),
            "statement" => posting.statement.clone(),
            "matter" => posting.matter.clone(),
            "client" => posting.client.clone(),
            "amount" => {
                let digits = posting.amount.decimal()?.to_string();
                format!("{sign}{}", digits.replace('.', &self.decimal_mark.to_string()))
            }
            "amount_minor" => format!("{sign}{}", posting.amount.amount_minor),
            "currency" => posting.amount.currency.clone(),
            "received" => self.day(date::naive(&posting.received)?)?,
            "method" => posting.method.clone(),
            "reference" => posting.reference.clone(),
            "payer_name" => posting.payer_name.clone(),
            "narrative" => posting.narrative.clone(),
            "receipt_type" if original.is_some() => self.reversal_type.clone(),
            "receipt_type" => self.payment_type.clone(),
            "original_key" => original.unwrap_or_default().to_owned(),
            name => detail(&name.replace('_', "-")),
        };
        // A line's break would be a row's end to who reads line by line.
        Ok(text.split(char::is_control).collect::<Vec<_>>().join(" "))
    }

    fn day(&self, day: NaiveDate) -> Result<String, Failure> {
        use std::fmt::Write;
        let mut text = String::new();
        write!(text, "{}", day.format(&self.date_format)).map_err(|_| {
            Failure::invalid(
                "settings",
                format!("date_format \"{}\": write it as \"%m/%d/%Y\"", self.date_format),
            )
        })?;
        Ok(text)
    }

    fn end(&self) -> &'static str {
        match self.line_end {
            LineEnd::Crlf => "\r\n",
            LineEnd::Lf => "\n",
        }
    }

    fn separated(&self, separator: char, rows: &[Vec<String>]) -> Result<Vec<u8>, Failure> {
        let terminator = match self.line_end {
            LineEnd::Crlf => csv_core::Terminator::CRLF,
            LineEnd::Lf => csv_core::Terminator::Any(b'\n'),
        };
        let separator = u8::try_from(separator).unwrap_or(b',');
        let mut file = File {
            writer: csv_core::WriterBuilder::new().delimiter(separator).terminator(terminator).build(),
            bytes: Vec::new(),
        };
        for row in rows {
            for (at, cell) in row.iter().enumerate() {
                if at > 0 {
                    file.write(0, |writer, room| writer.delimiter(room))?;
                }
                file.write(cell.len(), |writer, room| {
                    let (result, _, length) = writer.field(cell.as_bytes(), room);
                    (result, length)
                })?;
            }
            file.write(0, |writer, room| writer.terminator(room))?;
        }
        Ok(file.bytes)
    }

    fn placed(&self, rows: &[Vec<String>]) -> Result<Vec<u8>, Failure> {
        let mut file = String::new();
        for (at, row) in rows.iter().enumerate() {
            let is_header = self.header && at == 0;
            for (column, text) in self.columns.iter().zip(row) {
                file.push_str(&column.placed(text, is_header)?);
            }
            file.push_str(self.end());
        }
        Ok(file.into_bytes())
    }
}

/// What is written so far.
struct File {
    writer: csv_core::Writer,
    bytes: Vec<u8>,
}

impl File {
    /// One step of the writer, with room for a cell of `length` bytes whose every byte is a quote.
    fn write(
        &mut self,
        length: usize,
        step: impl FnOnce(&mut csv_core::Writer, &mut [u8]) -> (csv_core::WriteResult, usize),
    ) -> Result<(), Failure> {
        let mut room = vec![0; length * 2 + 8];
        let (result, written) = step(&mut self.writer, &mut room);
        if result != csv_core::WriteResult::InputEmpty {
            return Err(Failure::bug("csv", "a cell did not fit its room"));
        }
        self.bytes.extend_from_slice(room.get(..written).unwrap_or_default());
        Ok(())
    }
}

impl Column {
    fn placed(&self, text: &str, is_header: bool) -> Result<String, Failure> {
        let width = self.width.unwrap_or_default();
        let length = text.chars().count();
        let whole = self.value.as_deref().is_some_and(|value| WHOLE.contains(&value));
        if length > width && whole && !is_header {
            let value = self.value.as_deref().unwrap_or_default();
            let message = format!("\"{text}\" is {length} characters of {value}, and its column has {width}");
            return Err(Failure::invalid("too-wide", message));
        }
        let text: String = text.chars().take(width).collect();
        let fill: String = std::iter::repeat_n(self.fill, width.saturating_sub(length)).collect();
        Ok(match self.align {
            Align::Left => format!("{text}{fill}"),
            // A sign stands in front of the zeros.
            Align::Right => match text.strip_prefix('-').filter(|_| self.fill == '0') {
                Some(digits) => format!("-{fill}{digits}"),
                None => format!("{fill}{text}"),
            },
        })
    }
}
