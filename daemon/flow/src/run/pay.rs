//! A payer's click, answered at once: the effects that it leaves are performed here and now instead of in their lanes.

use super::lanes::run_now;
use crate::collect::{Begun, Standing, Step, begin};
use crate::error::FlowError;
use crate::intake::stale;
use crate::road::Road;
use remitd_store::CheckoutState;
use std::sync::Arc;
use std::time::Duration;

/// How often, and how many times, a click looks whether the checkout that another one begins has opened.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LOOKS: u32 = 100;

/// Begins the checkout of a link, or finds the one that is open.
pub async fn pay(road: &Arc<Road>, token: &str, amount_minor: Option<i64>) -> Result<Begun, FlowError> {
    let (road, token) = (road.clone(), token.to_owned());
    // A task of its own: a browser that goes away must not leave an effect half done for the length of its lease.
    #[allow(clippy::disallowed_methods, reason = "awaited right here, unless whoever asked is gone")]
    let walk = tokio::spawn(async move { walk(&road, &token, amount_minor).await });
    match walk.await {
        Ok(begun) => begun,
        Err(error) => Err(FlowError::Io(std::io::Error::other(error))),
    }
}

async fn walk(road: &Road, token: &str, amount_minor: Option<i64>) -> Result<Begun, FlowError> {
    // Nobody pays what is not owed any more.
    if let Some(ended) = stale::look(road, token).await? {
        return match ended.replaced_by {
            None => Ok(Begun::Not(Standing::Cancelled)),
            Some(new) => replaced(road, new).await,
        };
    }
    let mut step = begin(road, token, amount_minor).await?;
    if let Step::Close { key } = &step {
        run_now(road, key).await?;
        step = begin(road, token, amount_minor).await?;
    }
    match step {
        Step::Said(begun) => Ok(begun),
        Step::Close { .. } => Ok(Begun::NotYet),
        Step::Begin { key, checkout } => {
            run_now(road, &key).await?;
            opened(road, &key, checkout).await
        }
    }
}

/// To the page of the link that took the place of this one: the payer sees the amount before paying it.
async fn replaced(road: &Road, new: i64) -> Result<Begun, FlowError> {
    match road.store.request(new).await? {
        Some(new) => Ok(Begun::At(road.link(new.nonce)?)),
        None => Ok(Begun::Unknown),
    }
}

async fn opened(road: &Road, key: &str, checkout: i64) -> Result<Begun, FlowError> {
    // Another click may have it in hand, also in another daemon: its answer is a row.
    for _ in 0..LOOKS {
        // Before the checkout is looked at: both change in one transaction, so that the end of the one shows in the other.
        let running = road.store.effect(key).await?.is_some_and(|effect| effect.state == "running");
        let Some(checkout) = road.store.checkout(checkout).await? else { break };
        match (checkout.state, checkout.url) {
            (CheckoutState::Open, Some(url)) => return Ok(Begun::At(url)),
            (CheckoutState::Failed, _) => return Ok(Begun::Refused),
            (CheckoutState::Beginning, _) => {}
            _ => break,
        }
        if !running {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(Begun::NotYet)
}
