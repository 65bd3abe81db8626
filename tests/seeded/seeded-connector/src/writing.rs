//! Postings, right and wrong.

use crate::SeededConnector;
use crate::books::{CONNECTION, ask, number, text};
use remitd_plugin_sdk::connector::{PostResult, Posted, Posting};
use remitd_plugin_sdk::host::sql::{self, Value};
use remitd_plugin_sdk::host::{clock, random, state};
use remitd_plugin_sdk::written::Entry;
use remitd_plugin_sdk::{Failure, FailureClass};

const INSERT: &str = "INSERT INTO receipt (key, bill, amount, entered, batch, payer) \
     VALUES (:key, :bill, :amount, :entered, :batch, :payer)";
/// What a clock and a random source gave when a component was built.
const FROZEN_DAY: &str = "2025-11-24";
const FROZEN_NUMBER: &str = "9f8e7d6c5b4a39281706";

impl SeededConnector {
    pub(crate) fn write(&self, posting: &Posting, sign: i64) -> Result<PostResult, Failure> {
        self.check(posting)?;
        let found = if self.has("found-by-amount") { by_amount(posting, sign) } else { by_key(&posting.key) };
        if let Some(receipt) = found? {
            return Ok(PostResult { outcome: Posted::Found, external_ref: Some(receipt) });
        }
        if self.has("remembers-first") {
            if state::get(&posting.key)?.is_some() {
                return Ok(PostResult { outcome: Posted::Found, external_ref: None });
            }
            let (key, value) = (posting.key.clone(), Some(vec![1]));
            state::apply(&[state::Change { key, value, version: 0 }])?;
        }
        match self.insert(posting, sign) {
            Err(failure) if failure.code == "unique-violation" => {
                Ok(PostResult { outcome: Posted::Found, external_ref: by_key(&posting.key)? })
            }
            Err(_) if self.has("failure-is-written") => {
                Ok(PostResult { outcome: Posted::Written, external_ref: None })
            }
            Err(failure) if failure.class == FailureClass::UnknownOutcome && self.has("lost-is-written") => {
                Ok(PostResult { outcome: Posted::Written, external_ref: None })
            }
            Err(failure) => Err(failure),
            Ok(()) => {
                Ok(PostResult { outcome: Posted::Written, external_ref: by_key(&posting.key).ok().flatten() })
            }
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Result<Option<Entry>, Failure> {
        let found = match self.bug.as_str() {
            "any-key-will-do" => {
                receipt(&ask("SELECT number FROM receipt ORDER BY number LIMIT 1", Vec::new())?)
            }
            _ => by_key(key)?,
        };
        let number = |receipt| Some(receipt).filter(|_| !self.has("key-without-its-receipt"));
        Ok(found.map(|receipt| Entry { external_ref: number(receipt) }))
    }

    fn check(&self, posting: &Posting) -> Result<(), Failure> {
        if posting.amount.currency != "USD" && !self.has("any-currency-will-do") {
            return Err(Failure::invalid("currency", "the books are in USD: post in USD"));
        }
        if posting.amount.amount_minor < 0 && !self.has("below-zero-will-do") {
            return Err(Failure::invalid("amount", "the amount is below zero: reverse the posting instead"));
        }
        Ok(())
    }

    fn insert(&self, posting: &Posting, sign: i64) -> Result<(), Failure> {
        let minor = posting.amount.amount_minor;
        let minor = if self.has("amount-by-float") { by_float(minor) } else { minor };
        let minor = minor.checked_mul(sign);
        let minor =
            minor.ok_or_else(|| Failure::invalid("amount", "the amount is too large for the books"))?;
        let key = match self.bug.as_str() {
            "key-by-chance" => format!("{:?}", random::bytes(8)),
            _ => posting.key.clone(),
        };
        let payer: String = match self.bug.as_str() {
            "ascii-only" => posting.payer_name.chars().filter(char::is_ascii).collect(),
            _ => posting.payer_name.clone(),
        };
        let entered =
            if self.has("day-of-the-build") { FROZEN_DAY.to_owned() } else { clock::today().to_string() };
        let batch = if self.has("chance-of-the-build") { FROZEN_NUMBER } else { "1" };
        let params = vec![
            text("key", &key),
            text("bill", &posting.statement),
            number("amount", minor),
            text("entered", &entered),
            text("batch", batch),
            text("payer", &payer),
        ];
        let receipt = sql::Statement { text: INSERT.to_owned(), params, expect_rows: None };
        if self.has("key-in-a-second-step") {
            return two_steps(posting, receipt);
        }
        sql::transact(CONNECTION, &[receipt]).map(drop)
    }
}

/// The row first, under a key of chance, and the posting's key afterwards: a crash between them loses it.
fn two_steps(posting: &Posting, receipt: sql::Statement) -> Result<(), Failure> {
    let chance = format!("{:?}", random::bytes(8));
    let named = |param: sql::Param| if param.name == "key" { text("key", &chance) } else { param };
    let params = receipt.params.into_iter().map(named).collect();
    sql::transact(CONNECTION, &[sql::Statement { params, ..receipt }])?;
    let mark = sql::Statement {
        text: "UPDATE receipt SET key = :key WHERE key = :chance".to_owned(),
        params: vec![text("key", &posting.key), text("chance", &chance)],
        expect_rows: None,
    };
    sql::transact(CONNECTION, &[mark]).map(drop)
}

#[allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the mistake is the float"
)]
fn by_float(minor: i64) -> i64 {
    ((minor as f64 / 100.0) * 100.0) as i64
}

fn receipt(rows: &sql::Rows) -> Option<String> {
    match rows.rows.first()?.first()? {
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

fn by_key(key: &str) -> Result<Option<String>, Failure> {
    Ok(receipt(&ask("SELECT number FROM receipt WHERE key = :key", vec![text("key", key)])?))
}

fn by_amount(posting: &Posting, sign: i64) -> Result<Option<String>, Failure> {
    let amount = posting.amount.amount_minor.saturating_mul(sign);
    let params = vec![text("bill", &posting.statement), number("amount", amount)];
    Ok(receipt(&ask("SELECT number FROM receipt WHERE bill = :bill AND amount = :amount", params)?))
}
