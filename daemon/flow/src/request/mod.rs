//! Stage 2. Drafts become live links, and links end: released, discarded, cancelled, expired. Every change is one
//! conditional update by the table in `domain`, with the event that explains it, in one transaction.

use crate::effect::close_checkout;
use crate::error::FlowError;
use crate::release::{self, Release};
use crate::road::Road;
use remitd_domain::request::{Change, State};
use remitd_store::{BatchState, Request};

/// Links that expire in one transaction.
const EXPIRE_AT_ONCE: i64 = 500;

/// Lets the drafts of a batch go out: all of one in review; of a released one, those that were held and are mended. Gives the
/// number of links.
pub async fn release(road: &Road, batch: i64, release: Release, actor: &str) -> Result<u64, FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    tx.take_turn().await?;
    let found = tx.batch(batch).await?.ok_or_else(|| no_batch(batch))?;
    let account = road.account(&found.account)?;
    let in_review = tx.leave_review(batch, BatchState::Released).await?;
    tx.set_batch_expiry(batch, now_ms + account.expires_after_ms).await?;
    let released = release::drafts(&mut tx, batch, found.one_link, release, now_ms).await?;
    if !in_review && released == 0 {
        return Err(not_in_review(batch, found.state));
    }
    tx.event_of_batch(batch, "released", actor, &format!("{released} links"), now_ms).await?;
    tx.commit().await?;
    road.wake.all();
    Ok(released)
}

/// Throws a batch in review away; of a released one, the rows that are held or mended and not released.
pub async fn discard(road: &Road, batch: i64, actor: &str) -> Result<u64, FlowError> {
    let mut tx = road.store.begin().await?;
    let found = tx.batch(batch).await?.ok_or_else(|| no_batch(batch))?;
    let in_review = tx.leave_review(batch, BatchState::Discarded).await?;
    let discarded = tx.change_batch(batch, Change::Discard).await?;
    let held = tx.drop_held(batch).await?;
    if !in_review && discarded + held == 0 {
        return Err(not_in_review(batch, found.state));
    }
    let detail = format!("{discarded} drafts, {held} held rows");
    tx.event_of_batch(batch, "discarded", actor, &detail, road.now_ms()).await?;
    tx.commit().await?;
    Ok(discarded)
}

/// Voids a link before it is paid.
pub async fn cancel(road: &Road, id: i64, actor: &str, why: &str) -> Result<Request, FlowError> {
    let mut tx = road.store.begin().await?;
    let before = tx.request(id).await?.ok_or_else(|| no_request(id))?;
    if tx.change_request(id, Change::Cancel).await?.is_none() {
        let message = match before.state {
            State::Processing => {
                format!("request {id} is being paid: wait until the payment is sure or failed")
            }
            state => format!("request {id} is {state}: only an outstanding one can be cancelled"),
        };
        return Err(FlowError::refused("REMIT-0404", message));
    }
    let now_ms = road.now_ms();
    tx.event_of_request(id, "cancelled", actor, why, now_ms).await?;
    close_checkout(&mut tx, id, now_ms).await?;
    tx.commit().await?;
    road.wake.all();
    road.store.request(id).await?.ok_or_else(|| no_request(id))
}

/// Ends links whose time has passed; gives their number.
pub async fn expire(road: &Road) -> Result<usize, FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    let expired = tx.expire_requests(now_ms, EXPIRE_AT_ONCE).await?;
    for id in &expired {
        tx.event_of_request(*id, "expired", "daemon", "its time has passed", now_ms).await?;
        close_checkout(&mut tx, *id, now_ms).await?;
    }
    tx.commit().await?;
    if !expired.is_empty() {
        road.wake.all();
    }
    Ok(expired.len())
}

fn no_request(id: i64) -> FlowError {
    FlowError::refused("REMIT-0401", format!("there is no request {id}"))
}

fn no_batch(id: i64) -> FlowError {
    FlowError::refused("REMIT-0405", format!("there is no batch {id}"))
}

fn not_in_review(id: i64, state: BatchState) -> FlowError {
    FlowError::refused(
        "REMIT-0406",
        format!(
            "batch {id} is {state} and has no drafts and no held rows: there is nothing to release or discard"
        ),
    )
}
