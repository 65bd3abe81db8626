//! What came back, read by the columns' names: amounts to whole minor units, numbers as the texts that they are, dates. What
//! does not fit is an error that names the setting, the column and the value.

use crate::place::place;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::connector::{Detail, Matter, Payer, Statement};
use remitd_plugin_sdk::host::log;
use remitd_plugin_sdk::host::sql::{Rows, Value};
use remitd_plugin_sdk::receipts::Receipt;
use remitd_plugin_sdk::rust_decimal::Decimal;
use remitd_plugin_sdk::{Date, Failure, Money, date, money};
use std::cell::Cell;

/// SQLite keeps decimals as floats: what is so near to a whole minor unit is that unit. One millionth of the currency.
const FLOAT_NOISE: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// Characters of a wrong value that are repeated.
const SHOWN_MAX: usize = 100;
/// The share of a payer who pays all of it.
pub(crate) const WHOLE: u32 = 10_000;
/// Whose money a statement asks for.
const ACCOUNT_KINDS: [&str; 2] = ["operating", "trust"];

/// Every name that some statement may give a column.
macro_rules! columns {
    ($($column:ident $name:literal),*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Column { $($column),* }
        const NAMES: [&str; [$($name),*].len()] = [$($name),*];
    };
}
columns! {
    Number "number", Matter "matter", Client "client", ClientName "client_name", Description "description",
    Issued "issued", Due "due", Total "total", Open "open", Currency "currency",
    PayerId "payer_id", PayerName "payer_name", PayerEmail "payer_email", Share "share",
    Practice "practice", Office "office", Responsible "responsible", Hold "hold", AccountKind "account_kind",
    Cursor "cursor", Key "key", Statement "statement", Amount "amount", Received "received",
    ExternalRef "external_ref", Ref "ref"
}

impl Column {
    fn name(self) -> &'static str {
        NAMES.get(self as usize).copied().unwrap_or_default()
    }
}

/// Columns that become details of a statement, and the details' names.
const DETAILS: [(Column, &str); 5] = [
    (Column::Practice, "practice"),
    (Column::Office, "office"),
    (Column::Responsible, "responsible"),
    (Column::Hold, "hold"),
    (Column::AccountKind, "account-kind"),
];

pub struct Answer<'a> {
    /// Its place in the configuration.
    setting: String,
    columns: Vec<String>,
    /// Where in a row each column stands that somebody reads.
    places: [Option<usize>; NAMES.len()],
    /// Until they are taken.
    rows: Cell<Vec<Vec<Value>>>,
    many: usize,
    currency: &'a str,
    /// Decimals of its minor unit.
    exponent: Option<u32>,
}

impl<'a> Answer<'a> {
    pub fn new(setting: &str, rows: Rows, currency: &'a str) -> Answer<'a> {
        // Some databases give every name in capitals.
        let columns: Vec<String> = rows.columns.iter().map(|name| name.to_ascii_lowercase()).collect();
        let unknown: Vec<&str> =
            columns.iter().map(String::as_str).filter(|name| !NAMES.contains(name)).collect();
        if setting != "find" && !unknown.is_empty() {
            log::warn(&format!("{}: nobody reads the columns {}", place(setting), unknown.join(", ")));
        }
        let places = NAMES.map(|name| columns.iter().position(|column| column == name));
        let (setting, exponent) = (place(setting), money::exponent(currency).ok());
        let (many, rows) = (rows.rows.len(), Cell::new(rows.rows));
        Answer { setting, columns, places, rows, many, currency, exponent }
    }

    /// Its rows, once: what stands in them is moved and not copied, since a list has thousands.
    pub fn take_rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.take().into_iter().map(|values| Row { answer: self, values })
    }

    /// How many rows came.
    pub fn many(&self) -> usize {
        self.many
    }

    /// Whether a statement has a row for each of its payers.
    pub fn is_shared(&self) -> bool {
        self.place(Column::Share).is_some()
    }

    fn place(&self, column: Column) -> Option<usize> {
        self.places.get(column as usize).copied().flatten()
    }

    /// Something that no single value is to blame for.
    pub fn refuse(&self, code: &str, why: &str) -> Failure {
        Failure::invalid(code, format!("{}: {why}", self.setting))
    }
}

/// A row, whose texts are taken out of it.
#[derive(Clone)]
pub struct Row<'a> {
    answer: &'a Answer<'a>,
    values: Vec<Value>,
}

impl Row<'_> {
    pub fn matter(&mut self) -> Result<Matter, Failure> {
        Ok(Matter {
            number: self.needed_text(Column::Number)?,
            client: self.text(Column::Client)?,
            client_name: self.text(Column::ClientName)?,
            description: self.text(Column::Description)?,
        })
    }

    pub fn statement(&mut self) -> Result<Statement, Failure> {
        let open = self.open()?;
        let total = match self.value(Column::Total) {
            Some(_) => {
                let amount_minor = self.minor(Column::Total, &open.currency)?;
                Money { amount_minor, currency: open.currency.clone() }
            }
            None => open.clone(),
        };
        Ok(Statement {
            number: self.needed_text(Column::Number)?,
            matter: self.needed_text(Column::Matter)?,
            client: self.text(Column::Client)?,
            client_name: self.text(Column::ClientName)?,
            issued: self.date(Column::Issued)?,
            due: self.date(Column::Due)?,
            total,
            open,
            payers: self.payer()?.into_iter().collect(),
            details: self.details()?,
        })
    }

    /// The open amount.
    pub fn open(&mut self) -> Result<Money, Failure> {
        self.money(Column::Open)
    }

    pub fn receipt(&mut self) -> Result<Receipt, Failure> {
        Ok(Receipt {
            key: self.needed_text(Column::Key)?,
            statement: self.text(Column::Statement)?,
            amount: self.money(Column::Amount)?,
            received: self.date(Column::Received)?,
            external_ref: Some(self.text(Column::ExternalRef)?).filter(|number| !number.is_empty()),
        })
    }

    /// In its own currency where there is a column for it.
    fn money(&mut self, column: Column) -> Result<Money, Failure> {
        let mut currency = self.text(Column::Currency)?;
        if currency.is_empty() {
            currency = self.answer.currency.to_owned();
        }
        if self.value(Column::Currency).is_some() && self.exponent(&currency).is_err() {
            let value = Value::Text(currency);
            return Err(self.wrong(Column::Currency, &value, "a currency of ISO 4217 such as USD"));
        }
        Ok(Money { amount_minor: self.minor(column, &currency)?, currency })
    }

    pub fn cursor(&mut self) -> Result<String, Failure> {
        self.needed_text(Column::Cursor)
    }

    pub fn external_ref(&mut self) -> Result<Option<String>, Failure> {
        Ok(Some(self.text(Column::Ref)?).filter(|number| !number.is_empty()))
    }

    /// One of several payers, who may have no address; the share is still to be set.
    pub fn sharer(&mut self) -> Result<Payer, Failure> {
        let (email, name) = (self.text(Column::PayerEmail)?, self.text(Column::PayerName)?);
        let known = [self.text(Column::PayerId)?, email.clone(), name.clone()];
        let id = known.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
        Ok(Payer { id, name, email, share: 0 })
    }

    /// In percent.
    pub fn share(&self) -> Result<Option<Decimal>, Failure> {
        let value = self.needed(Column::Share)?;
        if *value == Value::Null {
            return Ok(None);
        }
        let share = plain(value.clone()).trim().parse::<Decimal>().ok();
        let share = share.filter(|share| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(share));
        share.map(Some).ok_or_else(|| self.wrong(Column::Share, value, "a percentage such as 33.33"))
    }

    /// Nobody, where there is no address.
    fn payer(&mut self) -> Result<Option<Payer>, Failure> {
        let email = self.text(Column::PayerEmail)?;
        if email.is_empty() {
            return Ok(None);
        }
        let id =
            Some(self.text(Column::PayerId)?).filter(|id| !id.is_empty()).unwrap_or_else(|| email.clone());
        Ok(Some(Payer { id, name: self.text(Column::PayerName)?, email, share: WHOLE }))
    }

    /// The further facts that have a column of their own.
    fn details(&mut self) -> Result<Vec<Detail>, Failure> {
        let mut details = Vec::new();
        for (column, name) in DETAILS {
            let value = self.text(column)?;
            if column == Column::AccountKind && !value.is_empty() && !ACCOUNT_KINDS.contains(&value.as_str())
            {
                return Err(self.wrong(column, &Value::Text(value), "operating or trust"));
            }
            if !value.is_empty() {
                details.push(Detail { name: name.to_owned(), value });
            }
        }
        Ok(details)
    }

    fn value(&self, column: Column) -> Option<&Value> {
        self.values.get(self.answer.place(column)?)
    }

    fn needed(&self, column: Column) -> Result<&Value, Failure> {
        self.value(column).ok_or_else(|| {
            let (setting, came, column) =
                (&self.answer.setting, self.answer.columns.join(", "), column.name());
            let message = format!("{setting} gives no column {column}; it gives {came}: write `AS {column}`");
            Failure::invalid("column-missing", message)
        })
    }

    fn wrong(&self, column: Column, value: &Value, wanted: &str) -> Failure {
        // The number says which row; it may itself be what is wrong.
        let of = match self.value(Column::Number).cloned().map(plain) {
            Some(number) if column != Column::Number && !number.is_empty() => {
                format!(" of {}", number.trim_end())
            }
            _ => String::new(),
        };
        let (setting, column, is) = (&self.answer.setting, column.name(), shown(value));
        let message = format!("{setting}: the column {column}{of} is {is}, not {wanted}");
        Failure::invalid("column-value", message)
    }

    fn needed_text(&mut self, column: Column) -> Result<String, Failure> {
        let value = self.needed(column)?;
        let is_empty = match value {
            Value::Null => true,
            Value::Decimal(text) | Value::Text(text) | Value::Timestamp(text) => text.trim_end().is_empty(),
            Value::Boolean(_) | Value::Integer(_) | Value::Date(_) | Value::Bytes(_) => false,
        };
        if is_empty { Err(self.wrong(column, value, "a text or number")) } else { self.text(column) }
    }

    /// Empty for NULL and for a column that is not there. Columns of a fixed width are filled with blanks: those are not
    /// part of a number.
    fn text(&mut self, column: Column) -> Result<String, Failure> {
        let place = self.answer.place(column);
        let Some(value) = place.and_then(|at| self.values.get_mut(at)) else { return Ok(String::new()) };
        if matches!(value, Value::Bytes(_)) {
            return Err(self.wrong(column, &Value::Bytes(Vec::new()), "a text or number"));
        }
        let value = match column {
            // It stays: it says of which statement something else is wrong.
            Column::Number => value.clone(),
            _ => std::mem::replace(value, Value::Null),
        };
        let mut text = plain(value);
        text.truncate(text.trim_end().len());
        Ok(text)
    }

    fn minor(&self, column: Column, currency: &str) -> Result<i64, Failure> {
        let value = self.needed(column)?;
        let exponent = self.exponent(currency)?;
        let amount = match value {
            Value::Integer(whole) => Some(Decimal::from(*whole)),
            Value::Decimal(digits) | Value::Text(digits) => match plain_minor(digits, exponent) {
                Some(minor) => return Ok(minor),
                None => digits.trim().parse::<Decimal>().ok(),
            },
            _ => None,
        };
        amount
            .map(|amount| (amount, amount.round_dp(exponent)))
            .filter(|(amount, rounded)| (amount - rounded).abs() <= FLOAT_NOISE)
            .and_then(|(_, rounded)| money::to_minor(rounded, exponent).ok())
            .ok_or_else(|| {
                self.wrong(column, value, &format!("an amount in {currency} with {exponent} decimals"))
            })
    }

    fn exponent(&self, currency: &str) -> Result<u32, Failure> {
        let own = self.answer.exponent.filter(|_| currency == self.answer.currency);
        own.map_or_else(|| money::exponent(currency), Ok)
    }

    fn date(&self, column: Column) -> Result<Option<Date>, Failure> {
        let value = match self.value(column) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value,
        };
        let day = match value {
            Value::Date(day) => date::naive(day).ok(),
            Value::Text(text) if text.trim().is_empty() => return Ok(None),
            Value::Text(text) | Value::Timestamp(text) if is_instant(text.trim()) => {
                let name = column.name();
                let wanted = format!(
                    "a day: which one it is depends on the zone. Write ({name} AT TIME ZONE 'Europe/Berlin')::date AS {name}, with the \
                     firm's zone, or what the database has for that"
                );
                return Err(self.wrong(column, value, &wanted));
            }
            Value::Text(text) | Value::Timestamp(text) => day_of(text.trim()),
            Value::Integer(digits) => day_of(&digits.to_string()),
            _ => None,
        };
        day.map(|day| Some(day.into())).ok_or_else(|| self.wrong(column, value, "a date such as 2026-12-31"))
    }
}

/// Whether a time says in which zone it is. In UTC, the day of one in Berlin may be the day before.
fn is_instant(text: &str) -> bool {
    let time = text.split_once(['T', ' ']).map_or("", |(_, time)| time);
    time.contains(['+', '-']) || ["Z", "z", "UTC", "GMT"].iter().any(|zone| time.ends_with(zone))
}

/// `2026-12-31`, alone or before a time, or `20261231`.
fn day_of(text: &str) -> Option<NaiveDate> {
    let day = text.split(['T', ' ']).next()?;
    let [year, month, day] = match day.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _] => [day.get(..4), day.get(5..7), day.get(8..)],
        [_, _, _, _, _, _, _, _] => [day.get(..4), day.get(4..6), day.get(6..)],
        _ => return None,
    };
    NaiveDate::from_ymd_opt(i32::try_from(number(year?)?).ok()?, number(month?)?, number(day?)?)
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// The minor units of an amount as nearly all are written: digits, of which no more stand after the point than the currency has.
fn plain_minor(amount: &str, exponent: u32) -> Option<i64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let mut minor = 0_i64;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        minor = minor.checked_mul(10)?.checked_add(digit)?;
    }
    let missing = exponent.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    (!whole.is_empty()).then(|| minor.checked_mul(10_i64.checked_pow(missing)?)).flatten()
}

fn plain(value: Value) -> String {
    match value {
        Value::Null | Value::Bytes(_) => String::new(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(text) | Value::Text(text) | Value::Timestamp(text) => text,
        Value::Date(day) => format!("{:04}-{:02}-{:02}", day.year, day.month, day.day),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bytes(_) => "a column of bytes".to_owned(),
        // A long text would hide what is said of it.
        value => format!("\"{}\"", plain(value.clone()).chars().take(SHOWN_MAX).collect::<String>()),
    }
}
