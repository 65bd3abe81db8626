//! Gateway, remitd and matter software are read and laid side by side. Owns the order of the reading, and what could not be read;
//! what a difference is, `domain` says. Changes nothing in any of them.
//!
//! Work goes on meanwhile. So remitd's own rows are read first: what they say was so before the others were asked. And a
//! difference is told only if those rows still say the same afterwards.

mod ours;
mod perform;
mod theirs;
mod words;

pub use ours::read as ours;
pub use perform::{key, perform};
pub use words::Told;

use crate::effect::POST;
use crate::error::FlowError;
use crate::road::Road;
use remitd_domain::reconcile::{Difference, Found, Sides, Sum, compare, silent, sums};
use remitd_host::{Failure, FailureClass};
use std::collections::{BTreeMap, BTreeSet};

/// So many polls of a gateway may pass before a payment that only it has is missed.
const POLLS_PATIENCE: i64 = 2;
/// So far back every provider tells its events, some no further: one that does not know a younger payment has not forgotten it.
const TOLD_FOR_MS: i64 = 30 * 24 * 60 * 60_000;

/// A side that could not be compared.
#[derive(Debug, Clone)]
pub struct Unread {
    /// `gateway` or `matter`.
    pub side: &'static str,
    pub name: String,
    pub failure: Failure,
}

/// How the three stand.
#[derive(Debug, Clone)]
pub struct Reconciliation {
    pub at_ms: i64,
    pub sums: Vec<Sum>,
    pub differences: Vec<Told>,
    pub unread: Vec<Unread>,
    /// From when on each gateway tells; none where it tells nothing at all.
    pub since: BTreeMap<String, Option<i64>>,
    /// Payments of ours from before that.
    pub too_old: u64,
    /// What is on its way from one side to the other just now.
    pub moving: u64,
}

impl Reconciliation {
    pub fn is_balanced(&self) -> bool {
        self.differences.is_empty() && self.unread.is_empty()
    }
}

pub async fn reconcile(road: &Road) -> Result<Reconciliation, FlowError> {
    let at_ms = road.now_ms();
    let mut sides = Sides::default();
    ours::read(road, &mut sides).await?;
    let mut unread = Vec::new();
    gateways(road, &mut sides, &mut unread).await;
    connectors(road, &mut sides, &mut unread).await;
    let patience_ms = POLLS_PATIENCE.saturating_mul(road.limits.gateway_poll_ms);
    let unknown_ms = at_ms.saturating_sub(patience_ms);
    let silent = silent(&sides, &(at_ms.saturating_sub(TOLD_FOR_MS)..unknown_ms));
    unread.extend(silent.iter().map(|(name, count)| tells_nothing(name, *count)));
    let sums = sums(&sides);
    let since = sides.gateways.clone();
    let Found { differences, too_old } = compare(&sides);
    let too_old = too_old.saturating_sub(silent.values().sum());
    let count = differences.len();
    let mut still = differences;
    if !still.is_empty() {
        still.retain(|difference| !is_fresh(difference, unknown_ms));
        ours::read(road, &mut sides).await?;
        let now = compare(&sides).differences;
        still.retain(|difference| now.contains(difference));
    }
    let mut told = Vec::with_capacity(still.len());
    for difference in still {
        if !is_in_hand(road, &difference).await? {
            told.push(words::tell(road, &difference).await?);
        }
    }
    let moving = u64::try_from(count.saturating_sub(told.len())).unwrap_or_default();
    Ok(Reconciliation { at_ms, sums, differences: told, unread, since, too_old, moving })
}

/// A gateway that answers, but cannot be the one that took the money, or remembers nothing.
fn tells_nothing(name: &str, count: u64) -> Unread {
    let payments = if count == 1 { "a payment".to_owned() } else { format!("{count} payments") };
    let message = format!(
        "it tells nothing of the time of {payments} of ours, begun there within the last 30 days: its plugin's key or address opens \
         another account than the one that took the money, or the provider has lost its events"
    );
    Unread { side: "gateway", name: name.to_owned(), failure: Failure::invalid("tells-nothing", message) }
}

/// Whether the gateway's part of it is so new that remitd need not have heard of it.
fn is_fresh(difference: &Difference, since_ms: i64) -> bool {
    match difference {
        Difference::Unheard(told) | Difference::PaymentDiffers(_, told) => told.at_ms > since_ms,
        _ => false,
    }
}

/// Whether its posting is being written in this moment.
async fn is_in_hand(road: &Road, difference: &Difference) -> Result<bool, FlowError> {
    let Difference::ReceiptEarly(posting, _) = difference else { return Ok(false) };
    let effect = road.store.effect(&format!("{POST}:{}", posting.id)).await?;
    Ok(effect.is_some_and(|effect| effect.state == "running"))
}

/// Every gateway that is there or whose payments we have.
async fn gateways(road: &Road, sides: &mut Sides, unread: &mut Vec<Unread>) {
    let mut names: BTreeSet<String> = road.plugins.now().gateways.keys().cloned().collect();
    names.extend(sides.payments.iter().map(|payment| payment.gateway.clone()));
    for name in names {
        match theirs::payments(road, &name).await {
            Ok((told, since_ms)) => {
                sides.told.extend(told);
                sides.gateways.insert(name, since_ms);
            }
            Err(failure) => unread.push(Unread { side: "gateway", name, failure }),
        }
    }
}

/// Every connector that is there or that has postings of ours.
async fn connectors(road: &Road, sides: &mut Sides, unread: &mut Vec<Unread>) {
    let mut needed: BTreeSet<String> = sides.postings.iter().map(|one| one.connector.clone()).collect();
    needed.remove("");
    let names: BTreeSet<String> =
        road.plugins.now().connectors.keys().chain(&needed).map(ToOwned::to_owned).collect();
    for name in names {
        match theirs::receipts(road, &name).await {
            Ok(receipts) => {
                sides.receipts.extend(receipts);
                sides.connectors.insert(name);
            }
            // One that nothing was posted to need not be able to tell.
            Err(failure) if failure.class == FailureClass::Invalid && !needed.contains(&name) => {}
            Err(failure) => unread.push(Unread { side: "matter", name, failure }),
        }
    }
}
