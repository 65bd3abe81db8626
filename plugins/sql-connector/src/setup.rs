//! The settings, and the checks that need no database. Everything wrong is said before the first call reaches it.

use crate::bind::names;
use crate::place::place;
use remitd_plugin_sdk::host::sql::Value;
use remitd_plugin_sdk::{Failure, money};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;

const READS: [&str; 2] = ["text", "limit"];
const POSTS: [&str; 17] = [
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
    "original_key",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    pub connection: String,
    pub currency: String,
    #[serde(default)]
    pub search: Searches,
    pub open_statements: Option<String>,
    pub open_since: Option<String>,
    pub cursor_start: Option<Start>,
    pub balance: Option<String>,
    pub find: Option<String>,
    #[serde(default)]
    pub post: Vec<Change>,
    #[serde(default)]
    pub reverse: Vec<Change>,
    /// Nowhere in the database can a key stand.
    #[serde(default)]
    pub keyless: bool,
    pub receipts: Option<String>,
    #[serde(default)]
    pub receipts_start: Start,
}

/// One statement of a transaction, and how many rows it must change.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Change {
    Any(String),
    Rows(Counted),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    sql: String,
    rows: u64,
}

impl Change {
    pub fn text(&self) -> &str {
        match self {
            Change::Any(text) => text,
            Change::Rows(counted) => &counted.sql,
        }
    }

    pub fn rows(&self) -> Option<u64> {
        match self {
            Change::Any(_) => None,
            Change::Rows(counted) => Some(counted.rows),
        }
    }
}

/// The first cursor; its kind is the kind of all.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Start {
    Number(i64),
    Text(String),
}

impl Default for Start {
    fn default() -> Start {
        Start::Text(String::new())
    }
}

impl Start {
    /// What `:cursor` is in the statement of `setting`.
    pub fn value(&self, setting: &str, cursor: Option<&str>) -> Result<Value, Failure> {
        match (self, cursor) {
            (Start::Number(first), None) => Ok(Value::Integer(*first)),
            (Start::Number(_), Some(cursor)) => cursor.parse().map(Value::Integer).map_err(|_| {
                let message = format!(
                    "{}: the cursor {cursor} is no whole number, but the first one is",
                    place(setting)
                );
                Failure::invalid("cursor", message)
            }),
            (Start::Text(first), None) => Ok(Value::Text(first.clone())),
            (Start::Text(_), Some(cursor)) => Ok(Value::Text(cursor.to_owned())),
        }
    }
}

/// Statements by field, in the order in which they were written.
#[derive(Default)]
pub struct Searches(Vec<(String, String)>);

impl Searches {
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(field, _)| field.as_str())
    }

    pub fn statement(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, statement)| statement.as_str())
    }
}

impl<'de> Deserialize<'de> for Searches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Searches, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Searches;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of statements by field")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Searches, A::Error> {
                let mut searches = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    searches.push(entry);
                }
                Ok(Searches(searches))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Setup {
    pub fn check(&self) -> Result<(), Failure> {
        money::exponent(&self.currency)?;
        if self.open_since.is_some() && self.cursor_start.is_none() {
            let message = format!(
                "{} needs cursor_start: 0 where the cursor is a number, \"\" where it is a text",
                place("open_since")
            );
            return Err(Failure::invalid("settings", message));
        }
        let writes = !self.post.is_empty() || !self.reverse.is_empty();
        if writes && self.find.is_none() && !self.keyless {
            let message = "[plugin.settings] post and reverse need find: without it a posting could be written twice; where the database has no \
                 place for a key, keyless = true lets a person decide";
            return Err(Failure::invalid("settings", message));
        }
        if self.keyless && self.find.is_some() {
            let message = "[plugin.settings] find looks for the key, and keyless says that it is nowhere: take one of them out";
            return Err(Failure::invalid("settings", message));
        }
        for (field, statement) in &self.search.0 {
            let setting = format!("search.{field}");
            check_names(&setting, statement, &READS)?;
            check_asks(&setting, statement, "text")?;
        }
        let reads: [(&str, &Option<String>, &[&str]); 5] = [
            ("open_statements", &self.open_statements, &["matter"]),
            ("open_since", &self.open_since, &["cursor", "limit"]),
            ("balance", &self.balance, &["statement"]),
            ("find", &self.find, &["key"]),
            ("receipts", &self.receipts, &["cursor", "limit"]),
        ];
        for (setting, statement, known) in reads {
            let Some(statement) = statement else { continue };
            check_names(setting, statement, known)?;
            check_asks(setting, statement, known.first().unwrap_or(&""))?;
            if known.contains(&"limit") {
                check_ends(setting, statement)?;
            }
        }
        let post = POSTS.split_last().map_or(&[][..], |(_original_key, rest)| rest);
        for (setting, changes, known) in [("post", &self.post, post), ("reverse", &self.reverse, &POSTS)] {
            for change in changes {
                check_names(setting, change.text(), known)?;
            }
            let keyed = changes.iter().any(|change| names(change.text()).contains(&"key"));
            if !changes.is_empty() && !keyed && !self.keyless {
                let message = format!("{} writes :key nowhere: a repeat would not find it", place(setting));
                return Err(Failure::invalid("settings", message));
            }
        }
        Ok(())
    }
}

fn check_names(setting: &str, statement: &str, known: &[&str]) -> Result<(), Failure> {
    match names(statement).into_iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let (place, known) = (place(setting), known.join(", :"));
            let message = format!("{place} has the parameter :{name}; it can have :{known}");
            Err(Failure::invalid("settings", message))
        }
    }
}

/// A statement that asks for nothing in particular answers the same to every question: each key would be found, each matter
/// would have all statements.
fn check_asks(setting: &str, statement: &str, name: &str) -> Result<(), Failure> {
    if names(statement).contains(&name) {
        return Ok(());
    }
    let message = format!("{} names :{name} nowhere: it would answer the same to everything", place(setting));
    Err(Failure::invalid("settings", message))
}

/// A page with fewer rows than were asked for is the last: one that a number of its own cuts shorter would end the list.
fn check_ends(setting: &str, statement: &str) -> Result<(), Failure> {
    if names(statement).contains(&"limit") {
        return Ok(());
    }
    let message = format!(
        "{} names :limit nowhere: a page of another size would be taken for the last one, and the rest left out; write LIMIT :limit, or \
         TOP (:limit) in SQL Server",
        place(setting)
    );
    Err(Failure::invalid("settings", message))
}

pub fn not_set(setting: &str) -> Failure {
    Failure::invalid("not-configured", format!("{} is not set", place(setting)))
}
