//! Connectors: one matter database. Owns the usual calls of this kind and the list of its cases.

mod amounts;
mod asking;
mod database;
mod knowing;
mod posting;
mod reading;
mod reversing;
mod telling;

use crate::act::{Act, said};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended};
use remitd_flow::plugin::connector::Posting;
use remitd_host::{Date, Money};

pub(crate) fn cases() -> Vec<Case> {
    [
        asking::CASES,
        reading::CASES,
        posting::CASES,
        amounts::CASES,
        reversing::CASES,
        telling::CASES,
        knowing::CASES,
        database::CASES,
    ]
    .concat()
}

/// Matters that a search is asked for.
pub(crate) const LIMIT: u32 = 50;
/// Statements of a page.
pub(crate) const PAGE: u32 = 2_000;
pub(crate) const AMOUNT_MINOR: i64 = 101;
pub(crate) const ORIGINAL: &str = "kit-2b8e6d40-0002";

/// The currency of the fixture's settings, where they name one.
pub(crate) fn currency(bench: &Bench) -> String {
    let named = bench.fixture.settings.get("currency").and_then(toml::Value::as_str);
    named.unwrap_or("USD").to_owned()
}

/// Dates that usual calls bring.
pub(crate) const GIVEN_DATES: &str = "2026-02-28";

/// A posting onto the fixture's statement, as a payment makes it.
pub(crate) fn posting(bench: &Bench, key: &str) -> Option<Posting> {
    let part = &bench.fixture.connector;
    Some(Posting {
        key: key.to_owned(),
        statement: part.statement.clone()?,
        matter: part.matter.clone().unwrap_or_default(),
        client: String::new(),
        amount: Money { amount_minor: AMOUNT_MINOR, currency: currency(bench) },
        received: Date { year: 2026, month: 2, day: 28 },
        method: "card".to_owned(),
        reference: "ch_000001".to_owned(),
        payer_name: "Ana Souza".to_owned(),
        narrative: "Payment by card".to_owned(),
        details: Vec::new(),
    })
}

/// The text that the fixture says finds something, and the field that it is looked for in.
pub(crate) async fn sought(bench: &Bench) -> Result<Option<(String, String)>, Ended> {
    let part = &bench.fixture.connector;
    let Some(text) = part.text.clone() else { return Ok(None) };
    if let Some(field) = part.field.clone() {
        return Ok(Some((field, text)));
    }
    let world = bench.fresh().await?;
    let fields = world.connector()?.search_fields(world.job(KEY)).await;
    Ok(fields.ok().and_then(|fields| fields.into_iter().next()).map(|field| (field, text)))
}

pub(crate) async fn acts(bench: &Bench) -> Result<Vec<Act>, Ended> {
    let mut acts = vec![
        Act::new("search-fields", |world, job| {
            Box::pin(async move { said(world.connector()?.search_fields(job).await) })
        }),
        Act::new("open-since", |world, job| {
            Box::pin(async move { said(world.connector()?.open_since(job, None, PAGE).await) })
        }),
    ];
    if let Some((field, text)) = sought(bench).await? {
        acts.push(search(field, text));
    }
    if let Some(matter) = bench.fixture.connector.matter.clone() {
        acts.push(open_statements(matter));
    }
    if let Some(statement) = bench.fixture.connector.statement.clone() {
        acts.push(balance(statement));
    }
    if let Some(posting) = posting(bench, KEY) {
        acts.push(post(posting.clone()));
        acts.push(reverse(posting));
    }
    if bench.fresh().await?.connector()?.tells_receipts() {
        acts.push(Act::new("written-since", |world, job| {
            Box::pin(async move { said(world.connector()?.written_since(job, None, PAGE).await) })
        }));
    }
    if bench.fresh().await?.connector()?.knows_keys() {
        acts.push(by_key(KEY.to_owned()));
    }
    Ok(acts)
}

/// The same with the text in each argument.
pub(crate) async fn hostile(bench: &Bench, text: &str) -> Result<Vec<Act>, Ended> {
    let field = sought(bench).await?.map(|(field, _)| field);
    let text = || text.to_owned();
    let mut acts = vec![search(text(), text()), open_statements(text()), balance(text())];
    acts.extend(field.map(|field| search(field, text())));
    let cursor = text();
    acts.push(Act::new("open-since", move |world, job| {
        let cursor = cursor.clone();
        Box::pin(async move { said(world.connector()?.open_since(job, Some(cursor), PAGE).await) })
    }));
    if bench.fresh().await?.connector()?.knows_keys() {
        acts.push(by_key(text()));
    }
    if let Some(usual) = posting(bench, KEY) {
        let texts = Posting {
            method: text(),
            reference: text(),
            payer_name: text(),
            narrative: text(),
            ..usual.clone()
        };
        acts.push(post(texts));
        acts.push(post(Posting { statement: text(), matter: text(), client: text(), ..usual.clone() }));
        acts.push(post(Posting { key: text(), ..usual }));
    }
    Ok(acts)
}

fn search(field: String, text: String) -> Act {
    Act::new("search", move |world, job| {
        let (field, text) = (field.clone(), text.clone());
        Box::pin(async move { said(world.connector()?.search(job, field, text, LIMIT).await) })
    })
}

fn open_statements(matter: String) -> Act {
    Act::new("open-statements", move |world, job| {
        let matter = matter.clone();
        Box::pin(async move { said(world.connector()?.open_statements(job, matter).await) })
    })
}

fn balance(statement: String) -> Act {
    Act::new("balance", move |world, job| {
        let statement = statement.clone();
        Box::pin(async move { said(world.connector()?.balance(job, statement).await) })
    })
}

fn by_key(key: String) -> Act {
    Act::new("by-key", move |world, job| {
        let key = key.clone();
        Box::pin(async move { said(world.connector()?.by_key(job, key).await) })
    })
}

fn post(posting: Posting) -> Act {
    Act::new("post", move |world, job| {
        let posting = posting.clone();
        Box::pin(async move { said(world.connector()?.post(job, posting).await) })
    })
}

/// The reversal of a posting under a key of its own.
fn reverse(posting: Posting) -> Act {
    let original = post(Posting { key: ORIGINAL.to_owned(), ..posting.clone() });
    let reversal = Act::new("reverse", move |world, job| {
        let posting = posting.clone();
        Box::pin(async move { said(world.connector()?.reverse(job, ORIGINAL.to_owned(), posting).await) })
    });
    reversal.after(original, ORIGINAL)
}
