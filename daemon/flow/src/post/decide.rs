//! What people decide of postings that wait for them, each time of all that they name or of none: queue them, take them out of the
//! road, say that they are written.

use super::{OVER_PAYMENT, Wanted, back, missing, rest};
use crate::effect::{POST, settle_post};
use crate::error::FlowError;
use crate::road::Road;
use remitd_domain::posting::State;
use remitd_store::Posting;

/// Queues postings that wait for a person, or that were refused and are mended: all of them or none.
pub async fn queue(road: &Road, ids: &[i64], actor: &str) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    for id in ids {
        let posting = tx.posting(*id).await?.ok_or_else(|| missing(*id))?;
        if let Some(why) = not_to_be_posted(&posting) {
            return Err(FlowError::refused("REMIT-0411", format!("posting {id} {why}")));
        }
        tx.move_posting(*id, posting.state, State::Queued).await?;
        let key = format!("{POST}:{id}");
        let over_payment = posting.error_code.as_deref() == Some(OVER_PAYMENT);
        let decided = (over_payment || posting.is_unknown()).then(|| now_ms.into());
        let wanted = Wanted { decided, over_payment };
        let payload = serde_json::to_string(&wanted).map_err(std::io::Error::other)?;
        tx.want_again(&key, POST, *id, &payload, now_ms).await?;
        tx.revive(&key, now_ms).await?;
        tx.event_of_request(posting.request_id, "posting queued", actor, &posting.key, now_ms).await?;
    }
    tx.commit().await?;
    road.wake.all();
    Ok(())
}

fn not_to_be_posted(posting: &Posting) -> Option<String> {
    if posting.is_by_hand() {
        let why = "takes back what was handled by hand: take it back there too, then posting remove";
        return Some(why.to_owned());
    }
    if posting.connector.is_empty() {
        let why =
            "has no connector: set `connector` on its account for new links, and write this one by hand";
        return Some(why.to_owned());
    }
    let waits = matches!(posting.state, State::Pending | State::Incomplete | State::Queued);
    (!waits).then(|| format!("is {}: only a pending, incomplete or queued one can be posted", posting.state))
}

/// Takes postings out of the road that were handled by hand: all of them or none. Queued ones are taken back first, and queued again
/// where one of them cannot be removed.
pub async fn remove(road: &Road, ids: &[i64], actor: &str) -> Result<(), FlowError> {
    let mut back = Vec::new();
    let removed = take_out(road, ids, actor, &mut back).await;
    if removed.is_err() {
        // Each by itself: one may be somebody else's by now.
        for id in back {
            queue(road, &[id], actor).await?;
        }
    }
    removed
}

async fn take_out(road: &Road, ids: &[i64], actor: &str, back: &mut Vec<i64>) -> Result<(), FlowError> {
    for id in ids {
        let posting = road.store.posting(*id).await?.ok_or_else(|| missing(*id))?;
        if back::take_back(road, &posting, actor).await? {
            back.push(*id);
        }
    }
    let (mut tx, mut removed) = (road.store.begin().await?, Vec::new());
    for id in ids {
        let posting = tx.posting(*id).await?.ok_or_else(|| missing(*id))?;
        if !matches!(posting.state, State::Pending | State::Incomplete) {
            let text =
                format!("posting {id} is {}: only a pending or incomplete one can be removed", posting.state);
            return Err(FlowError::refused("REMIT-0411", text));
        }
        tx.move_posting(*id, posting.state, State::Removed).await?;
        settle_post(&mut tx, *id, road.now_ms()).await?;
        let (request, key, now_ms) = (posting.request_id, &posting.key, road.now_ms());
        tx.event_of_request(request, "posting removed", actor, key, now_ms).await?;
        removed.push(posting);
    }
    // What is removed beside its reversal does not go on.
    for posting in &removed {
        let ended = rest::Ended::by_hand(road, &mut tx, posting).await?;
        rest::goes_on(&mut tx, posting, ended, road.now_ms()).await?;
    }
    tx.commit().await?;
    road.wake.all();
    Ok(())
}

/// What a person found in the matter software, of postings of which nobody else could know: all of them or none.
pub async fn written(road: &Road, ids: &[i64], actor: &str) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    for id in ids {
        let posting = tx.posting(*id).await?.ok_or_else(|| missing(*id))?;
        if !posting.is_unknown() {
            let why = format!(
                "posting {id} is {}: only one of which nobody knows whether it is written can be called so",
                posting.state
            );
            return Err(FlowError::refused("REMIT-0411", why));
        }
        tx.posting_posted(*id, None, now_ms).await?;
        settle_post(&mut tx, *id, now_ms).await?;
        tx.event_of_request(posting.request_id, "posting found", actor, &posting.key, now_ms).await?;
        rest::goes_on(&mut tx, &posting, rest::Ended::TakenBack, now_ms).await?;
    }
    tx.commit().await?;
    road.wake.all();
    Ok(())
}
