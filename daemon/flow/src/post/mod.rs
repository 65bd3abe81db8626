//! Stage 5. A posting is written into the matter software, exactly once by its key: the connector writes the key beside the
//! matter rows in one transaction, and a repeat finds it there.

mod entry;
mod export;
mod mend;
mod rest;
mod split;

pub use entry::check_narrative;
pub use export::csv;
pub use mend::mend;
pub use split::{Split, reallocate};

use crate::effect::{POST, Repeat, finish, job, verdict};
use crate::error::FlowError;
use crate::plugin::connector::{PostResult, Posting as WirePosting};
use crate::road::{Road, money};
use remitd_domain::posting::State;
use remitd_host::{Failure, FailureClass, JobSpec, Money};
use remitd_store::{Finish, Lease, Posting, StoreError, Tx};
use std::sync::Arc;

/// More than is open; and the payload of an effect whose posting is to be written all the same.
const OVER_PAYMENT: &str = "over-payment";
const DECIDED: &str = r#"{"decided":true}"#;

/// How the code of a failure begins after which the balance was not known yet, and nothing written.
const UNASKED: &str = "balance-";

/// A reversal waits for what it takes back.
const WAIT_FOR_ORIGINAL_MS: i64 = 5_000;

/// The effect: write one posting, then note that it is written.
pub async fn perform(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    let posting = road.store.posting(lease.subject_id).await?;
    let Some(posting) = posting.filter(|posting| posting.state == State::Queued) else {
        return finish(road, lease, &Finish::Done).await;
    };
    let original = match posting.reverses {
        Some(id) => road.store.posting(id).await?,
        None => None,
    };
    match original.as_ref().map(|original| original.state) {
        Some(State::Queued) => {
            let at_ms = road.now_ms() + WAIT_FOR_ORIGINAL_MS;
            return finish(road, lease, &Finish::Again { at_ms }).await;
        }
        Some(State::Pending | State::Incomplete | State::Removed) => {
            return unneeded(road, lease, &posting, original.as_ref()).await;
        }
        Some(State::Posted) | None => {}
    }
    let conflict = conflict(road, lease, &posting).await?;
    road.point("post.asked")?;
    let result = match conflict {
        Some(conflict) => Err(conflict),
        None => write(road, lease, &posting, original.as_ref()).await?,
    };
    road.point("post.written")?;
    record(road, lease, &posting, result).await?;
    road.point("post.finished")?;
    Ok(())
}

/// More than is open: the statement was paid by hand meanwhile, or changed. A person decides; who tries it again has decided. Only
/// before anything was written, since a later attempt may find its own posting in the balance.
async fn conflict(road: &Road, lease: &Lease, posting: &Posting) -> Result<Option<Failure>, FlowError> {
    let unasked = |code: &str| code.starts_with(UNASKED);
    let unwritten = lease.attempt == 1 || posting.error_code.as_deref().is_some_and(unasked);
    if !unwritten || lease.payload == DECIDED || posting.reverses.is_some() || posting.statement.is_empty() {
        return Ok(None);
    }
    let job = JobSpec { key: format!("balance:{}", posting.key), ..job(lease) };
    let open = match road.connector(&posting.connector)?.balance(job, posting.statement.clone()).await {
        Ok(Some(open)) => open,
        Err(failure) if failure.class == FailureClass::Unavailable => {
            return Ok(Some(Failure { code: format!("{UNASKED}{}", failure.code), ..failure }));
        }
        // What is not there, or cannot be asked at all, the connector itself will say.
        Ok(None) | Err(_) => return Ok(None),
    };
    if open.currency != posting.currency || posting.amount_minor <= open.amount_minor {
        return Ok(None);
    }
    let (left, paid) =
        (money(open.amount_minor.max(0), &open.currency)?, money(posting.amount_minor, &posting.currency)?);
    let why = format!(
        "{} of {} is open in the matter software, the payment is of {}: it was paid there by hand, or changed",
        left.grouped(),
        posting.statement,
        paid.grouped()
    );
    Ok(Some(Failure::invalid(OVER_PAYMENT, why)))
}

async fn write(
    road: &Road,
    lease: &Lease,
    posting: &Posting,
    original: Option<&Posting>,
) -> Result<Result<PostResult, Failure>, FlowError> {
    let connector = road.connector(&posting.connector)?;
    // The posting's own key, which is the same also where it is queued anew.
    let job = JobSpec { key: posting.key.clone(), ..job(lease) };
    let wire = wire_posting(road, posting, original).await?;
    Ok(match original {
        Some(original) => connector.reverse(job, original.key.clone(), wire).await,
        None => connector.post(job, wire).await,
    })
}

async fn wire_posting(
    road: &Road,
    posting: &Posting,
    original: Option<&Posting>,
) -> Result<WirePosting, FlowError> {
    let missing = || FlowError::refused("REMIT-0409", format!("posting {} has lost its payment", posting.id));
    let payment = road.store.payment(posting.payment_id).await?.ok_or_else(missing)?;
    let request = road.store.request(posting.request_id).await?.ok_or_else(missing)?;
    let account = road.account(&request.account)?;
    Ok(WirePosting {
        key: posting.key.clone(),
        statement: posting.statement.clone(),
        matter: posting.matter.clone(),
        client: posting.client.clone(),
        amount: Money { amount_minor: posting.amount_minor, currency: posting.currency.clone() },
        received: entry::day(road, account, &payment, posting),
        narrative: entry::narrative(account, &request, &payment, posting)?,
        details: entry::details(account, posting, original),
        method: payment.method,
        reference: payment.gateway_ref,
        payer_name: request.payer_name,
    })
}

/// Notes how the attempt ended, in one commit with other postings that end at the same time.
async fn record(
    road: &Road,
    lease: &Lease,
    posting: &Posting,
    result: Result<PostResult, Failure>,
) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    // Asked again after an unknown end, the connector looks for the key first.
    let next = match &result {
        Ok(_) => Finish::Done,
        Err(failure) => verdict(lease, failure, Repeat::Safe, now_ms),
    };
    if let Err(failure) = &result {
        tracing::warn!(posting = posting.id, code = failure.code, error = %failure.message, "not posted");
    }
    let ended = Arc::new((lease.clone(), posting.clone(), result, next));
    road.point("post.before_commit")?;
    let noted = road.store.together(move |tx| {
        let ended = Arc::clone(&ended);
        Box::pin(async move {
            let (lease, posting, result, next) = &*ended;
            note(tx, posting, result, next, now_ms).await?;
            tx.finish(lease, next, now_ms).await
        })
    });
    Ok(noted.await?)
}

async fn note(
    tx: &mut Tx,
    posting: &Posting,
    result: &Result<PostResult, Failure>,
    next: &Finish,
    now_ms: i64,
) -> Result<(), StoreError> {
    match result {
        Ok(result) => {
            tx.posting_posted(posting.id, result.external_ref.as_deref(), now_ms).await?;
            let what = if posting.reverses.is_some() { "reversal posted" } else { "posted" };
            tx.event_of_request(posting.request_id, what, &posting.connector, &posting.key, now_ms).await?;
            rest::goes_on(tx, posting, None, now_ms).await
        }
        Err(failure) => {
            let state = if matches!(next, Finish::Failed { .. }) { State::Incomplete } else { State::Queued };
            tx.posting_trouble(posting.id, state, &failure.code, &failure.message).await
        }
    }
}

/// What was never written needs no reversal, and is not to be written any more: its money has gone back.
async fn unneeded(
    road: &Road,
    lease: &Lease,
    posting: &Posting,
    original: Option<&Posting>,
) -> Result<(), FlowError> {
    let mut tx = road.store.begin().await?;
    if let Some(original) = original.filter(|original| original.state != State::Removed)
        && !tx.move_posting(original.id, original.state, State::Removed).await?
    {
        // Somebody has just queued it: both are looked at again.
        tx.rollback().await?;
        return finish(road, lease, &Finish::Again { at_ms: road.now_ms() + WAIT_FOR_ORIGINAL_MS }).await;
    }
    tx.move_posting(posting.id, State::Queued, State::Removed).await?;
    rest::goes_on(&mut tx, posting, original, road.now_ms()).await?;
    tx.finish(lease, &Finish::Done, road.now_ms()).await?;
    tx.commit().await?;
    Ok(())
}

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
        let decided = posting.error_code.as_deref() == Some(OVER_PAYMENT);
        tx.want_again(&key, POST, *id, if decided { DECIDED } else { "{}" }, now_ms).await?;
        tx.revive(&key, now_ms).await?;
        tx.event_of_request(posting.request_id, "posting queued", actor, &posting.key, now_ms).await?;
    }
    tx.commit().await?;
    road.wake.all();
    Ok(())
}

fn not_to_be_posted(posting: &Posting) -> Option<String> {
    if posting.connector.is_empty() {
        let why =
            "has no connector: set `connector` on its account for new links, and write this one by hand";
        return Some(why.to_owned());
    }
    let waits = matches!(posting.state, State::Pending | State::Incomplete | State::Queued);
    (!waits).then(|| format!("is {}: only a pending, incomplete or queued one can be posted", posting.state))
}

/// Takes postings out of the road that were handled by hand: all of them or none.
pub async fn remove(road: &Road, ids: &[i64], actor: &str) -> Result<(), FlowError> {
    let mut tx = road.store.begin().await?;
    for id in ids {
        let posting = tx.posting(*id).await?.ok_or_else(|| missing(*id))?;
        if !matches!(posting.state, State::Pending | State::Incomplete) {
            let text =
                format!("posting {id} is {}: only a pending or incomplete one can be removed", posting.state);
            return Err(FlowError::refused("REMIT-0411", text));
        }
        tx.move_posting(*id, posting.state, State::Removed).await?;
        let (request, key) = (posting.request_id, &posting.key);
        tx.event_of_request(request, "posting removed", actor, key, road.now_ms()).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn missing(id: i64) -> FlowError {
    FlowError::refused("REMIT-0410", format!("there is no posting {id}"))
}
