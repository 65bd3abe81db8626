//! Connects a matter database by settings alone. Owns the order of what is asked and written, and the meaning of the columns'
//! names; the statements are the firm's. A posting is written once: its key is looked for first, and goes into the same
//! transaction as the matter rows.

mod answer;
mod bind;
mod keyless;
mod place;
mod setup;
mod shared;

use answer::{Answer, Row};
use bind::{Named, bind};
use place::place;
use remitd_plugin_sdk::connector::{
    Connector, Matter, PostResult, Posted, Posting, Statement, StatementPage,
};
use remitd_plugin_sdk::host::log;
use remitd_plugin_sdk::host::sql::{self, Once, Rows, Statement as Sql, Stopped, Value};
use remitd_plugin_sdk::receipts::{ReceiptPage, Receipts};
use remitd_plugin_sdk::written::{Entry, Written};
use remitd_plugin_sdk::{
    About, Context, Failure, FailureClass, Money, export_connector, export_receipts, export_written, settings,
};
use setup::{Change, Setup};

pub struct SqlConnector {
    setup: Setup,
}

impl Connector for SqlConnector {
    const ABOUT: About = About {
        name: "SQL connector",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<SqlConnector, Failure> {
        let setup: Setup = settings()?;
        setup.check()?;
        Ok(SqlConnector { setup })
    }

    fn search_fields(&self) -> Result<Vec<String>, Failure> {
        Ok(self.setup.search.fields().map(str::to_owned).collect())
    }

    fn search(
        &self,
        _context: &Context,
        field: &str,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Matter>, Failure> {
        let setting = format!("search.{field}");
        let values = [("text", Value::Text(text.to_owned())), ("limit", Value::Integer(i64::from(limit)))];
        let found = self.ask(&setting, self.setup.search.statement(field), &values)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        found.take_rows().take(limit).map(|mut row| row.matter()).collect()
    }

    fn open_statements(&self, _context: &Context, matter: &str) -> Result<Vec<Statement>, Failure> {
        let values = [("matter", Value::Text(matter.to_owned()))];
        let found = self.ask("open_statements", self.setup.open_statements.as_deref(), &values)?;
        Ok(shared::statements(&found)?.into_iter().map(|(statement, _)| statement).collect())
    }

    fn open_since(
        &self,
        _context: &Context,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<StatementPage, Failure> {
        let setting = "open_since";
        let start = self.setup.cursor_start.as_ref().ok_or_else(|| setup::not_set("cursor_start"))?;
        let values = [("cursor", start.value(setting, cursor)?), ("limit", Value::Integer(i64::from(limit)))];
        let found = self.ask(setting, self.setup.open_since.as_deref(), &values)?;
        let full = is_full(&found, limit);
        let mut listed = shared::statements(&found)?;
        // The page may have ended between two payers of its last statement.
        if full && found.is_shared() && listed.pop().is_some() && listed.is_empty() {
            let why = format!("the first statement has as many payers as a page has rows, {limit}");
            return Err(found.refuse("shares", &why));
        }
        let (statements, next) = page(&found, listed, full)?;
        Ok(StatementPage { statements, next })
    }

    fn balance(&self, _context: &Context, statement: &str) -> Result<Option<Money>, Failure> {
        let values = [("statement", Value::Text(statement.to_owned()))];
        let found = self.ask("balance", self.setup.balance.as_deref(), &values)?;
        let mut rows = found.take_rows();
        match (rows.next(), rows.next()) {
            (None, _) => Ok(None),
            (Some(mut row), None) => row.open().map(Some),
            _ => Err(several("balance", &format!("the statement {statement}"))),
        }
    }

    fn post(&self, _context: &Context, posting: &Posting) -> Result<PostResult, Failure> {
        let values = posting_values(posting)?;
        self.write("post", &self.setup.post, posting, &values)
    }

    fn reverse(
        &self,
        _context: &Context,
        original_key: &str,
        posting: &Posting,
    ) -> Result<PostResult, Failure> {
        let mut values = posting_values(posting)?;
        values.push(("original_key", Value::Text(original_key.to_owned())));
        self.write("reverse", &self.setup.reverse, posting, &values)
    }
}

impl Receipts for SqlConnector {
    fn written_since(
        &self,
        _context: &Context,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<ReceiptPage, Failure> {
        let setting = "receipts";
        let cursor = self.setup.receipts_start.value(setting, cursor)?;
        let values = [("cursor", cursor), ("limit", Value::Integer(i64::from(limit)))];
        let found = self.ask(setting, self.setup.receipts.as_deref(), &values)?;
        let listed =
            found.take_rows().map(|mut row| Ok((row.receipt()?, row))).collect::<Result<_, Failure>>()?;
        let (receipts, next) = page(&found, listed, is_full(&found, limit))?;
        Ok(ReceiptPage { receipts, next })
    }
}

impl Written for SqlConnector {
    fn by_key(&self, _context: &Context, key: &str) -> Result<Option<Entry>, Failure> {
        if self.setup.keyless {
            return Ok(keyless::is_written(key)?.then_some(Entry { external_ref: None }));
        }
        let values = [("key", Value::Text(key.to_owned()))];
        let find = asking("find", self.setup.find.as_deref(), &values)?;
        let there =
            sql::query(&self.setup.connection, &find).map_err(|failure| of_setting("find", failure))?;
        Ok(self.receipt(there, key)?.map(|external_ref| Entry { external_ref }))
    }
}

fn is_full(found: &Answer<'_>, limit: u32) -> bool {
    u32::try_from(found.many()).is_ok_and(|many| many >= limit)
}

/// What a page lists, each with its row, and where the next one begins.
fn page<T>(
    found: &Answer<'_>,
    listed: Vec<(T, Row<'_>)>,
    full: bool,
) -> Result<(Vec<T>, Option<String>), Failure> {
    let mut last: Option<String> = None;
    let mut read = Vec::with_capacity(listed.len());
    for (one, mut row) in listed {
        let cursor = row.cursor()?;
        if last.as_ref() == Some(&cursor) {
            let why = format!(
                "two rows have the cursor {cursor}; it must be unique, or a page's end would lose one of them"
            );
            return Err(found.refuse("cursor", &why));
        }
        read.push(one);
        last = Some(cursor);
    }
    Ok((read, last.filter(|_| full)))
}

impl SqlConnector {
    fn ask(&self, setting: &str, text: Option<&str>, values: &[Named]) -> Result<Answer<'_>, Failure> {
        let rows = sql::query(&self.setup.connection, &asking(setting, text, values)?)
            .map_err(|failure| of_setting(setting, failure))?;
        Ok(Answer::new(setting, rows, &self.setup.currency))
    }

    /// Asks for the key and writes, in one transaction. Where another attempt was faster, the database has refused the key and the
    /// answer is its receipt; an unknown end is passed on, since the next attempt begins by asking.
    fn write(
        &self,
        setting: &str,
        changes: &[Change],
        posting: &Posting,
        values: &[Named],
    ) -> Result<PostResult, Failure> {
        if changes.is_empty() {
            return Err(setup::not_set(setting));
        }
        self.check_amount(&posting.amount)?;
        let statements = changes
            .iter()
            .map(|change| bind(setting, change.text(), change.rows(), values))
            .collect::<Result<Vec<_>, _>>()?;
        if self.setup.keyless {
            return self.write_noted(setting, &statements, posting);
        }
        let key = &posting.key;
        let named = [("key", Value::Text(key.clone()))];
        let find = asking("find", self.setup.find.as_deref(), &named)?;
        let found = |external_ref| PostResult { outcome: Posted::Found, external_ref };
        match sql::write_once(&self.setup.connection, &find, &statements) {
            Ok(Once::Found(rows)) => Ok(found(self.receipt(rows, key)?.flatten())),
            Ok(Once::Written(rows)) => {
                // Written it is, whether or not its number can be read.
                let external_ref = self.receipt(rows, key).ok().flatten().flatten();
                Ok(PostResult { outcome: Posted::Written, external_ref })
            }
            Err(Stopped::Changing(failure)) if failure.code == "unique-violation" => {
                let there = sql::query(&self.setup.connection, &find);
                match self.receipt(there.map_err(|failure| of_setting("find", failure))?, key)? {
                    Some(external_ref) => Ok(found(external_ref)),
                    None => Err(of_setting(setting, failure)),
                }
            }
            Err(Stopped::Finding(failure)) => Err(of_setting("find", failure)),
            Err(Stopped::Changing(failure)) => Err(of_setting(setting, failure)),
        }
    }

    /// Without a key: what is begun, and what is written, is noted here.
    fn write_noted(&self, setting: &str, changes: &[Sql], posting: &Posting) -> Result<PostResult, Failure> {
        let result = |outcome| PostResult { outcome, external_ref: None };
        let Some(attempt) = keyless::begin(posting)? else { return Ok(result(Posted::Found)) };
        match sql::transact(&self.setup.connection, changes) {
            Ok(_) => {
                // Where this is lost, nobody knows, and a person is asked.
                if let Err(failure) = attempt.written() {
                    log::warn(&format!(
                        "{} is written, which is not noted: {}",
                        posting.key, failure.message
                    ));
                }
                Ok(result(Posted::Written))
            }
            Err(failure) if failure.class == FailureClass::UnknownOutcome => {
                Err(keyless::nobody_knows(&posting.key, &of_setting(setting, failure).message))
            }
            Err(failure) => {
                attempt.refused()?;
                Err(of_setting(setting, failure))
            }
        }
    }

    /// What `find` gave: none where the key is not there; else the receipt's number, where there is one.
    fn receipt(&self, rows: Rows, key: &str) -> Result<Option<Option<String>>, Failure> {
        let found = Answer::new("find", rows, &self.setup.currency);
        let mut rows = found.take_rows();
        match (rows.next(), rows.next()) {
            (None, _) => Ok(None),
            (Some(mut row), None) => row.external_ref().map(Some),
            // Written twice, or found by something else than the key: nothing is written on top of it.
            _ => Err(several("find", &format!("the key {key}"))),
        }
    }

    fn check_amount(&self, amount: &Money) -> Result<(), Failure> {
        let (ours, currency) = (&self.setup.currency, &amount.currency);
        // A reversal arrives above zero too: the firm's statement writes it below.
        if amount.amount_minor < 0 {
            let message =
                format!("the posting is of {} minor units: below zero there is none", amount.amount_minor);
            return Err(Failure::invalid("amount", message));
        }
        if currency == ours {
            return Ok(());
        }
        let message = format!("the posting is in {currency}, the matter database in {ours}");
        Err(Failure::invalid("currency", message))
    }
}

/// The statement of a setting that may be left out.
fn asking(setting: &str, text: Option<&str>, values: &[Named]) -> Result<Sql, Failure> {
    bind(setting, text.ok_or_else(|| setup::not_set(setting))?, None, values)
}

fn several(setting: &str, of: &str) -> Failure {
    let message = format!("{}: there is more than one row for {of}; one is due", place(setting));
    Failure::invalid("several-rows", message)
}

/// What the database says of a statement, with the place where the statement stands.
fn of_setting(setting: &str, failure: Failure) -> Failure {
    let message = format!("{}: {}", place(setting), failure.message);
    Failure { message, ..failure }
}

fn posting_values(posting: &Posting) -> Result<Vec<Named>, Failure> {
    let text = |text: &String| Value::Text(text.clone());
    let detail = |name: &str| {
        let found = posting.details.iter().find(|detail| detail.name == name);
        found.map_or(Value::Null, |detail| text(&detail.value))
    };
    Ok(vec![
        ("key", text(&posting.key)),
        ("statement", text(&posting.statement)),
        ("matter", text(&posting.matter)),
        ("client", text(&posting.client)),
        ("amount", Value::Decimal(posting.amount.decimal()?.to_string())),
        ("amount_minor", Value::Integer(posting.amount.amount_minor)),
        ("currency", text(&posting.amount.currency)),
        ("received", Value::Date(posting.received)),
        ("method", text(&posting.method)),
        ("reference", text(&posting.reference)),
        ("payer_name", text(&posting.payer_name)),
        ("narrative", text(&posting.narrative)),
        ("ledger_code", detail("ledger-code")),
        ("transaction_type", detail("transaction-type")),
        ("bank_account", detail("bank-account")),
        ("trust_ledger", detail("trust-ledger")),
    ])
}

export_connector!(SqlConnector);
export_receipts!(SqlConnector);
export_written!(SqlConnector);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
