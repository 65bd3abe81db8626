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

/// SQLite keeps decimals as floats: what is so near to a whole minor unit is that unit. One millionth of the currency.
const FLOAT_NOISE: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// Characters of a wrong value that are repeated.
const SHOWN_MAX: usize = 100;
/// The share of a payer who pays all of it.
pub(crate) const WHOLE: u32 = 10_000;
/// Columns that become details of a statement, and the details' names.
const DETAILS: [(&str, &str); 5] = [
    ("practice", "practice"),
    ("office", "office"),
    ("responsible", "responsible"),
    ("hold", "hold"),
    (ACCOUNT_KIND, "account-kind"),
];
/// Whose money a statement asks for.
const ACCOUNT_KIND: &str = "account_kind";
const ACCOUNT_KINDS: [&str; 2] = ["operating", "trust"];

/// Every name that some statement may give a column.
const COLUMNS: [&str; 20] = [
    "number",
    "matter",
    "client",
    "client_name",
    "description",
    "issued",
    "due",
    "total",
    "open",
    "currency",
    "payer_id",
    "payer_name",
    "payer_email",
    "share",
    "cursor",
    "key",
    "statement",
    "amount",
    "received",
    "external_ref",
];

pub struct Answer<'a> {
    /// Its place in the configuration.
    setting: String,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    currency: &'a str,
}

impl<'a> Answer<'a> {
    pub fn new(setting: &str, rows: Rows, currency: &'a str) -> Answer<'a> {
        // Some databases give every name in capitals.
        let columns: Vec<String> = rows.columns.iter().map(|name| name.to_ascii_lowercase()).collect();
        let unknown: Vec<&str> = columns
            .iter()
            .map(String::as_str)
            .filter(|name| !COLUMNS.contains(name) && !DETAILS.iter().any(|(column, _)| column == name))
            .filter(|name| *name != "ref")
            .collect();
        if setting != "find" && !unknown.is_empty() {
            log::warn(&format!("{}: nobody reads the columns {}", place(setting), unknown.join(", ")));
        }
        Answer { setting: place(setting), columns, rows: rows.rows, currency }
    }

    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { answer: self, values })
    }

    /// Whether a statement has a row for each of its payers.
    pub fn is_shared(&self) -> bool {
        self.columns.iter().any(|name| name == "share")
    }

    /// Something that no single value is to blame for.
    pub fn refuse(&self, code: &str, why: &str) -> Failure {
        Failure::invalid(code, format!("{}: {why}", self.setting))
    }
}

#[derive(Clone, Copy)]

pub struct Row<'a> {
    answer: &'a Answer<'a>,
    values: &'a [Value],
}

impl Row<'_> {
    pub fn matter(&self) -> Result<Matter, Failure> {
        Ok(Matter {
            number: self.needed_text("number")?,
            client: self.text("client")?,
            client_name: self.text("client_name")?,
            description: self.text("description")?,
        })
    }

    pub fn statement(&self) -> Result<Statement, Failure> {
        let open = self.open()?;
        let total = match self.value("total") {
            Some(_) => {
                Money { amount_minor: self.minor("total", &open.currency)?, currency: open.currency.clone() }
            }
            None => open.clone(),
        };
        Ok(Statement {
            number: self.needed_text("number")?,
            matter: self.needed_text("matter")?,
            client: self.text("client")?,
            client_name: self.text("client_name")?,
            issued: self.date("issued")?,
            due: self.date("due")?,
            total,
            open,
            payers: self.payer()?.into_iter().collect(),
            details: self.details()?,
        })
    }

    /// The open amount.
    pub fn open(&self) -> Result<Money, Failure> {
        self.money("open")
    }

    pub fn receipt(&self) -> Result<Receipt, Failure> {
        Ok(Receipt {
            key: self.needed_text("key")?,
            statement: self.text("statement")?,
            amount: self.money("amount")?,
            received: self.date("received")?,
            external_ref: Some(self.text("external_ref")?).filter(|number| !number.is_empty()),
        })
    }

    /// In its own currency where there is a column for it.
    fn money(&self, column: &str) -> Result<Money, Failure> {
        let mut currency = self.text("currency")?;
        if currency.is_empty() {
            currency = self.answer.currency.to_owned();
        }
        if let (Some(value), Err(_)) = (self.value("currency"), money::exponent(&currency)) {
            return Err(self.wrong("currency", value, "a currency of ISO 4217 such as USD"));
        }
        Ok(Money { amount_minor: self.minor(column, &currency)?, currency })
    }

    pub fn cursor(&self) -> Result<String, Failure> {
        self.needed_text("cursor")
    }

    pub fn external_ref(&self) -> Result<Option<String>, Failure> {
        Ok(Some(self.text("ref")?).filter(|number| !number.is_empty()))
    }

    /// One of several payers, who may have no address; the share is still to be set.
    pub fn sharer(&self) -> Result<Payer, Failure> {
        let (email, name) = (self.text("payer_email")?, self.text("payer_name")?);
        let known = [self.text("payer_id")?, email.clone(), name.clone()];
        let id = known.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
        Ok(Payer { id, name, email, share: 0 })
    }

    /// In percent.
    pub fn share(&self) -> Result<Option<Decimal>, Failure> {
        let value = self.needed("share")?;
        if *value == Value::Null {
            return Ok(None);
        }
        let share = plain(value).trim().parse::<Decimal>().ok();
        let share = share.filter(|share| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(share));
        share.map(Some).ok_or_else(|| self.wrong("share", value, "a percentage such as 33.33"))
    }

    /// Nobody, where there is no address.
    fn payer(&self) -> Result<Option<Payer>, Failure> {
        let email = self.text("payer_email")?;
        if email.is_empty() {
            return Ok(None);
        }
        let id = Some(self.text("payer_id")?).filter(|id| !id.is_empty()).unwrap_or_else(|| email.clone());
        Ok(Some(Payer { id, name: self.text("payer_name")?, email, share: WHOLE }))
    }

    /// The further facts that have a column of their own.
    fn details(&self) -> Result<Vec<Detail>, Failure> {
        let mut details = Vec::new();
        for (column, name) in DETAILS {
            let value = self.text(column)?;
            if column == ACCOUNT_KIND && !value.is_empty() && !ACCOUNT_KINDS.contains(&value.as_str()) {
                return Err(self.wrong(column, &Value::Text(value), "operating or trust"));
            }
            if !value.is_empty() {
                details.push(Detail { name: name.to_owned(), value });
            }
        }
        Ok(details)
    }

    fn value(&self, column: &str) -> Option<&Value> {
        let at = self.answer.columns.iter().position(|name| name == column)?;
        self.values.get(at)
    }

    fn needed(&self, column: &str) -> Result<&Value, Failure> {
        self.value(column).ok_or_else(|| {
            let (setting, came) = (&self.answer.setting, self.answer.columns.join(", "));
            let message = format!("{setting} gives no column {column}; it gives {came}: write `AS {column}`");
            Failure::invalid("column-missing", message)
        })
    }

    fn wrong(&self, column: &str, value: &Value, wanted: &str) -> Failure {
        // The number says which row; it may itself be what is wrong.
        let of = match self.value("number").map(plain) {
            Some(number) if column != "number" && !number.is_empty() => format!(" of {}", number.trim_end()),
            _ => String::new(),
        };
        let message =
            format!("{}: the column {column}{of} is {}, not {wanted}", self.answer.setting, shown(value));
        Failure::invalid("column-value", message)
    }

    fn needed_text(&self, column: &str) -> Result<String, Failure> {
        let value = self.needed(column)?;
        let text = self.text(column)?;
        if text.is_empty() { Err(self.wrong(column, value, "a text or number")) } else { Ok(text) }
    }

    /// Empty for NULL and for a column that is not there. Columns of a fixed width are filled with blanks: those are not
    /// part of a number.
    fn text(&self, column: &str) -> Result<String, Failure> {
        match self.value(column) {
            None => Ok(String::new()),
            Some(Value::Bytes(_)) => Err(self.wrong(column, &Value::Bytes(Vec::new()), "a text or number")),
            Some(value) => {
                let mut text = plain(value);
                text.truncate(text.trim_end().len());
                Ok(text)
            }
        }
    }

    fn minor(&self, column: &str, currency: &str) -> Result<i64, Failure> {
        let value = self.needed(column)?;
        let exponent = money::exponent(currency)?;
        let amount = match value {
            Value::Integer(whole) => Some(Decimal::from(*whole)),
            Value::Decimal(digits) | Value::Text(digits) => digits.trim().parse::<Decimal>().ok(),
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

    fn date(&self, column: &str) -> Result<Option<Date>, Failure> {
        let value = match self.value(column) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value,
        };
        let day = match value {
            Value::Date(day) => date::naive(day).ok(),
            Value::Text(text) if text.trim().is_empty() => return Ok(None),
            Value::Text(text) | Value::Timestamp(text) => day_of(text.trim()),
            Value::Integer(digits) => day_of(&digits.to_string()),
            _ => None,
        };
        day.map(|day| Some(day.into())).ok_or_else(|| self.wrong(column, value, "a date such as 2026-12-31"))
    }
}

/// `2026-12-31`, alone or before a time, or `20261231`.
fn day_of(text: &str) -> Option<NaiveDate> {
    let day = text.split(['T', ' ']).next()?;
    NaiveDate::parse_from_str(day, "%Y-%m-%d")
        .ok()
        .filter(|_| day.len() == 10)
        .or_else(|| NaiveDate::parse_from_str(day, "%Y%m%d").ok().filter(|_| day.len() == 8))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null | Value::Bytes(_) => String::new(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(text) | Value::Text(text) | Value::Timestamp(text) => text.clone(),
        Value::Date(day) => format!("{:04}-{:02}-{:02}", day.year, day.month, day.day),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bytes(_) => "a column of bytes".to_owned(),
        // A long text would hide what is said of it.
        value => format!("\"{}\"", plain(value).chars().take(SHOWN_MAX).collect::<String>()),
    }
}
