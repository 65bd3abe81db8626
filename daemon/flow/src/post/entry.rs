//! How a posting looks in the matter software, as its account says: the narrative, the day, the codes. The same posting looks
//! the same however often it is tried.

use crate::error::FlowError;
use crate::plugin::connector::{Detail, to_wire};
use crate::road::{Account, Dated, Road};
use chrono::{DateTime, Utc};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use remitd_domain::account::Kind;
use remitd_host::Date;
use remitd_store::{Behind, Posting};

/// Names of the contract.
pub(super) const LEDGER_CODE: &str = "ledger-code";
pub(super) const TRANSACTION_TYPE: &str = "transaction-type";
pub(super) const BANK_ACCOUNT: &str = "bank-account";
pub(super) const TRUST_LEDGER: &str = "trust-ledger";
const ORIGINAL_KEY: &str = "original-key";
const DECIDED: &str = "decided";

/// Narratives are a column of the matter software.
const NARRATIVE_MAX_CHARS: usize = 250;
/// A narrative is a line, not a program.
const FUEL: u64 = 5_000;

/// Whether a narrative can be written: its form, and the names in it.
pub fn check_narrative(template: &str) -> Result<(), String> {
    let (invoice, matter, client, payer) = ("INV-1", "M", "C", "P");
    let named =
        Named { invoice, matter, client, payer, method: "card", reference: "R", account: "A", number: 1 };
    render(template, &named).map(drop).map_err(|error| error.to_string())
}

/// What a narrative may name.
struct Named<'a> {
    invoice: &'a str,
    matter: &'a str,
    client: &'a str,
    payer: &'a str,
    method: &'a str,
    reference: &'a str,
    account: &'a str,
    number: i64,
}

fn values(named: &Named<'_>) -> Value {
    context! {
        invoice => named.invoice, matter => named.matter, client => named.client, payer => named.payer,
        method => named.method, reference => named.reference, account => named.account, number => named.number,
    }
}

fn render(template: &str, named: &Named<'_>) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let text = environment.render_str(template, values(named))?;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(line.chars().take(NARRATIVE_MAX_CHARS).collect())
}

pub(super) fn narrative(account: &Account, posting: &Posting, behind: &Behind) -> Result<String, FlowError> {
    let named = Named {
        invoice: &posting.statement,
        matter: &posting.matter,
        client: &posting.client,
        payer: &behind.payer_name,
        method: &behind.method,
        reference: &behind.gateway_ref,
        account: &account.name,
        number: posting.request_id,
    };
    let name = || format!("narrative of account {}", account.id);
    render(&account.entry.narrative, &named).map_err(|error| FlowError::Template { name: name(), error })
}

pub(super) fn day(road: &Road, account: &Account, posting: &Posting, behind: &Behind) -> Date {
    let at_ms = match account.entry.dated {
        Dated::Posted => road.now_ms(),
        // Money that goes back goes on the day on which that was heard.
        Dated::Received if posting.reverses.is_some() => posting.created_ms,
        Dated::Received => behind.received_ms,
    };
    let at = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
    to_wire(at.with_timezone(&road.firm.time_zone).date_naive())
}

/// By the names of the contract; those that say nothing are left out.
pub(super) fn details(account: &Account, posting: &Posting, original: Option<&Posting>) -> Vec<Detail> {
    let entry = &account.entry;
    // A trust ledger is one client's money for one matter.
    let ledger = if posting.matter.is_empty() { &posting.client } else { &posting.matter };
    let named = [
        (LEDGER_CODE, Some(&entry.ledger_code)),
        (TRANSACTION_TYPE, Some(&entry.transaction_type)),
        (BANK_ACCOUNT, Some(&entry.bank_account)),
        (TRUST_LEDGER, (account.kind == Kind::Trust).then_some(ledger)),
        (ORIGINAL_KEY, original.map(|original| &original.key)),
    ];
    let said =
        named.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    said.map(|(name, value)| Detail { name: name.to_owned(), value: value.clone() }).collect()
}

/// A person's decision, by which a connector without keys knows it from the one before.
pub(super) fn decided(by: &serde_json::Value) -> Detail {
    Detail { name: DECIDED.to_owned(), value: by.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narratives() {
        assert_eq!(check_narrative("remitd payment"), Ok(()));
        assert_eq!(
            check_narrative("{{ method }} {{ reference }} by {{ payer }} for {{ invoice or number }}"),
            Ok(())
        );
        assert!(
            check_narrative("{{ refrence }}").is_err_and(|why| why.contains("undefined")),
            "a misspelt name"
        );
        assert!(check_narrative("{{ payer").is_err(), "a brace that is not closed");
        assert!(check_narrative("{% for a in range(100000) %}x{% endfor %}").is_err(), "a program");
    }
}
