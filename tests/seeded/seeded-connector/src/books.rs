//! The questions.

use remitd_plugin_sdk::connector::{Matter, Payer, Statement};
use remitd_plugin_sdk::host::sql::{self, Param, Rows, Value};
use remitd_plugin_sdk::receipts::{Receipt, ReceiptPage};
use remitd_plugin_sdk::{Failure, Money};

pub(crate) const CONNECTION: &str = "matters";
const WHOLE: u32 = 10_000;

pub(crate) struct Books<'a> {
    pub bug: &'a str,
}

pub(crate) fn text(name: &str, value: &str) -> Param {
    Param { name: name.to_owned(), value: Value::Text(value.to_owned()) }
}

pub(crate) fn number(name: &str, value: i64) -> Param {
    Param { name: name.to_owned(), value: Value::Integer(value) }
}

pub(crate) fn ask(statement: &str, params: Vec<Param>) -> Result<Rows, Failure> {
    let statement = sql::Statement { text: statement.to_owned(), params, expect_rows: None };
    sql::query(CONNECTION, &statement)
}

fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text) | Value::Decimal(text)) => text.clone(),
        Some(Value::Integer(number)) => number.to_string(),
        _ => String::new(),
    }
}

pub(crate) fn usd(amount_minor: i64) -> Money {
    Money { amount_minor, currency: "USD".to_owned() }
}

impl Books<'_> {
    pub fn matters(&self, sought: &str, limit: u32) -> Result<Vec<Matter>, Failure> {
        let found = if self.bug == "text-in-the-statement" {
            let statement = [
                "SELECT DISTINCT matter, client FROM bill WHERE client LIKE '%",
                sought,
                "%' ORDER BY matter LIMIT :limit",
            ];
            ask(&statement.concat(), vec![number("limit", limit.into())])?
        } else {
            let statement = "SELECT DISTINCT matter, client FROM bill WHERE instr(client, :text) > 0 AND :text <> '' \
                 ORDER BY matter LIMIT :limit";
            ask(statement, vec![text("text", sought), number("limit", limit.into())])?
        };
        let matter = |row: &Vec<Value>| Matter {
            number: shown(row.first()),
            client: "C1".to_owned(),
            client_name: shown(row.get(1)),
            description: String::new(),
        };
        Ok(found.rows.iter().map(matter).collect())
    }

    pub fn of_matter(&self, matter: &str) -> Result<Vec<Statement>, Failure> {
        let statement =
            "SELECT number, matter, client, total, open, email FROM owed WHERE matter = :matter AND open > 0";
        Ok(self.statements(&ask(statement, vec![text("matter", matter)])?))
    }

    pub fn after(&self, cursor: &str, limit: u32) -> Result<Vec<Statement>, Failure> {
        let statement = match self.bug {
            "page-begins-with-the-last" => {
                "SELECT number, matter, client, total, open, email FROM owed WHERE open > 0 AND number >= :cursor \
                 ORDER BY number LIMIT :limit"
            }
            "paid-is-open-too" => {
                "SELECT number, matter, client, total, total - total AS open, email FROM owed WHERE number > :cursor \
                 ORDER BY number LIMIT :limit"
            }
            _ => {
                "SELECT number, matter, client, total, open, email FROM owed WHERE open > 0 AND number > :cursor \
                 ORDER BY number LIMIT :limit"
            }
        };
        let params = vec![text("cursor", cursor), number("limit", limit.into())];
        Ok(self.statements(&ask(statement, params)?))
    }

    fn statements(&self, rows: &Rows) -> Vec<Statement> {
        rows.rows.iter().map(|row| self.statement(row)).collect()
    }

    fn statement(&self, row: &[Value]) -> Statement {
        let minor = |at: usize| shown(row.get(at)).parse().unwrap_or(0);
        let email = match row.get(5) {
            Some(Value::Text(email)) => Some(email.clone()),
            #[allow(clippy::panic, reason = "the mistake is the panic")]
            _ if self.bug == "panics-without-address" => panic!("there is no address"),
            _ => None,
        };
        let payer = |email| Payer { id: String::new(), name: shown(row.get(2)), email, share: WHOLE };
        Statement {
            number: shown(row.first()),
            matter: shown(row.get(1)),
            client: "C1".to_owned(),
            client_name: shown(row.get(2)),
            issued: None,
            due: None,
            total: usd(minor(3)),
            open: usd(minor(4)),
            payers: email.map(payer).into_iter().collect(),
            details: Vec::new(),
        }
    }

    pub fn written(&self, after: i64, limit: u32) -> Result<ReceiptPage, Failure> {
        let statement = if self.bug == "receipts-begin-with-the-last" {
            "SELECT key, bill, amount, number FROM receipt WHERE number >= :after ORDER BY number LIMIT :limit"
        } else {
            "SELECT key, bill, amount, number FROM receipt WHERE number > :after ORDER BY number LIMIT :limit"
        };
        let found = ask(statement, vec![number("after", after), number("limit", limit.into())])?;
        let receipt = |row: &Vec<Value>| {
            let minor: i64 = shown(row.get(2)).parse().unwrap_or(0);
            let minor = if self.bug == "receipts-without-sign" { minor.saturating_abs() } else { minor };
            let external_ref = Some(shown(row.get(3)));
            let (key, statement) = (shown(row.first()), shown(row.get(1)));
            Receipt { key, statement, amount: usd(minor), received: None, external_ref }
        };
        let receipts: Vec<Receipt> = found.rows.iter().map(receipt).collect();
        let full = u32::try_from(receipts.len()).is_ok_and(|count| count >= limit);
        let next = receipts.last().and_then(|last| last.external_ref.clone()).filter(|_| full);
        Ok(ReceiptPage { receipts, next })
    }

    pub fn balance(&self, statement: &str) -> Result<Option<Money>, Failure> {
        let found = ask("SELECT open FROM owed WHERE number = :number", vec![text("number", statement)])?;
        let open = found.rows.first().map(|row| usd(shown(row.first()).parse().unwrap_or(0)));
        if open.is_none() && self.bug == "nothing-is-nought" {
            return Ok(Some(usd(0)));
        }
        Ok(open)
    }
}
