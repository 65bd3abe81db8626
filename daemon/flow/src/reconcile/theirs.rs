//! The sides of others, read through their plugins from the beginning, page by page: a gateway's events as payments, a matter
//! database's receipts. Owns the bounds; a page is never asked for twice.

use crate::plugin::gateway::Event;
use crate::road::Road;
use remitd_domain::reconcile::{History, News, Receipt, Told};
use remitd_host::{Failure, JobSpec, ReadAhead};

const PAGES_MAX: u32 = 20_000;
const EVENTS_MAX: usize = 5_000_000;
const RECEIPTS_MAX: usize = 2_000_000;
/// Receipts asked for at once.
const PAGE: u32 = 1_000;

fn job(name: &str) -> JobSpec {
    JobSpec::new(format!("reconcile {name}"), format!("reconcile:{name}"))
}

fn too_long(name: &str, what: &str) -> Failure {
    let message = format!("\"{name}\" has more {what} than can be compared, or its pages do not end");
    Failure::invalid("too-long", message)
}

/// The payments as they stand, and of when the oldest event is.
pub(super) async fn payments(road: &Road, name: &str) -> Result<(Vec<Told>, Option<i64>), Failure> {
    let gateway = road.gateway(name).map_err(|error| Failure::invalid("no-plugin", error.to_string()))?;
    let mut history = History::default();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let page = gateway.events_since(job(name), cursor.clone()).await?;
        page.events.iter().for_each(|event| history.take(news(event)));
        if history.len() > EVENTS_MAX {
            break;
        }
        if page.events.is_empty() || page.next.is_none() || page.next == cursor {
            let since_ms = history.since_ms();
            return Ok((history.told(name), since_ms));
        }
        cursor = page.next;
    }
    Err(too_long(name, "events"))
}

fn news(event: &Event) -> News<'_> {
    News {
        id: &event.id,
        what: &event.what,
        checkout: &event.checkout,
        payment: &event.payment,
        amount_minor: event.amount.amount_minor,
        currency: &event.amount.currency,
        at_ms: i64::try_from(event.at_ms).unwrap_or(i64::MAX),
    }
}

pub(super) async fn receipts(road: &Road, name: &str) -> Result<Vec<Receipt>, Failure> {
    let connector = road.connector(name).map_err(|error| Failure::invalid("no-plugin", error.to_string()))?;
    let job = JobSpec { ahead: Some(ReadAhead::default()), ..job(name) };
    let mut all = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let page = connector.written_since(job.clone(), cursor.clone(), PAGE).await?;
        all.extend(page.receipts.into_iter().map(|receipt| Receipt {
            connector: name.to_owned(),
            key: receipt.key,
            statement: receipt.statement,
            amount_minor: receipt.amount.amount_minor,
            currency: receipt.amount.currency,
            external_ref: receipt.external_ref,
        }));
        if all.len() > RECEIPTS_MAX {
            break;
        }
        if page.next.is_none() {
            return Ok(all);
        }
        if page.next == cursor {
            let message = format!("\"{name}\" gives the same cursor again: its pages do not end");
            return Err(Failure::bug("cursor", message));
        }
        cursor = page.next;
    }
    Err(too_long(name, "receipts"))
}
