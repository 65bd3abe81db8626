//! How a posting looks in the matter software, as its account says: the narrative, the day, the codes. The same posting looks
//! the same however often it is tried.

use crate::error::FlowError;
use crate::plugin::connector::{Detail, to_wire};
use crate::road::{Account, Dated, Road};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
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
    let at_ms = dated_ms(account.entry.dated, road.now_ms(), posting, behind);
    to_wire(local_day(at_ms, road.firm.time_zone))
}

fn dated_ms(dated: Dated, now_ms: i64, posting: &Posting, behind: &Behind) -> i64 {
    match dated {
        // What is written already is of the day on which it was.
        Dated::Posted => posting.posted_ms.unwrap_or(now_ms),
        // Money that goes back goes on the day on which that was heard.
        Dated::Received if posting.reverses.is_some() => posting.created_ms,
        Dated::Received => behind.received_ms,
    }
}

fn local_day(at_ms: i64, zone: Tz) -> NaiveDate {
    let at = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
    at.with_timezone(&zone).date_naive()
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
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use remitd_domain::posting::State;

    const RECEIVED: &str = "2026-03-06T18:00:00Z";
    /// When its posting was made: for a reversal, when it was heard that the money went back.
    const HEARD: &str = "2026-03-09T18:00:00Z";
    const NOW: &str = "2026-03-12T18:00:00Z";

    fn ms(at: &str) -> i64 {
        at.parse::<DateTime<Utc>>().unwrap().timestamp_millis()
    }

    fn posting(reverses: Option<i64>) -> Posting {
        let (key, matter, connector) = ("remitd-1".into(), "00124.00001".into(), "matters".into());
        Posting {
            id: 2,
            key,
            payment_id: 1,
            request_id: 1001,
            line: 0,
            reverses,
            statement: "B-1".into(),
            client: "00124".into(),
            matter,
            connector,
            amount_minor: 100,
            currency: "USD".into(),
            state: State::Queued,
            external_ref: None,
            error_code: None,
            error: None,
            created_ms: ms(HEARD),
            posted_ms: None,
        }
    }

    #[test]
    fn each_rule_gives_its_day() {
        let behind = Behind {
            account: "operating".into(),
            payer_name: "Jane Roe".into(),
            method: "card".into(),
            gateway_ref: "pay_1".into(),
            received_ms: ms(RECEIVED),
        };
        let check = |dated: Dated, reverses: Option<i64>, expect: &str| {
            assert_eq!(dated_ms(dated, ms(NOW), &posting(reverses), &behind), ms(expect), "{dated:?}");
        };
        check(Dated::Received, None, RECEIVED);
        check(Dated::Received, Some(1), HEARD);
        check(Dated::Posted, None, NOW);
        check(Dated::Posted, Some(1), NOW);
        let written = Posting { posted_ms: Some(ms(HEARD)), ..posting(None) };
        assert_eq!(dated_ms(Dated::Posted, ms(NOW), &written, &behind), ms(HEARD));
    }

    #[test]
    fn a_day_is_the_firms() {
        let check = |at: &str, zone: &str, expect: &str| {
            assert_eq!(local_day(ms(at), zone.parse().unwrap()).to_string(), expect, "{at} in {zone}");
        };
        // The day on which New York puts its clocks forward: five hours behind before, four after.
        check("2026-03-08T04:59:59Z", "America/New_York", "2026-03-07");
        check("2026-03-08T05:00:00Z", "America/New_York", "2026-03-08");
        check("2026-03-09T03:59:59Z", "America/New_York", "2026-03-08");
        check("2026-03-09T04:00:00Z", "America/New_York", "2026-03-09");
        check("2026-03-08T14:59:59Z", "Asia/Tokyo", "2026-03-08");
        check("2026-03-08T15:00:00Z", "Asia/Tokyo", "2026-03-09");
        check("2026-12-31T23:59:59Z", "UTC", "2026-12-31");
    }

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
