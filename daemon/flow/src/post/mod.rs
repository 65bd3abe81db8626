//! Stage 5. A posting is written into the matter software, exactly once by its key: the connector writes the key beside the
//! matter rows in one transaction, and a repeat finds it there.

mod back;
mod decide;
mod entry;
mod export;
mod mend;
mod rest;
mod split;

pub use decide::{queue, remove, written};
pub use entry::check_narrative;
pub use export::csv;
pub use mend::mend;
pub use split::{Split, reallocate};

use crate::effect::{Repeat, finish, job, settle_post, verdict};
use crate::error::FlowError;
use crate::plugin::connector::{
    Connector, Entry, PostResult, Posted as PostOutcome, Posting as WirePosting, UNASKED,
};
use crate::road::{Account, Road, money};
use remitd_domain::posting::{NOBODY_KNOWS, State};
use remitd_host::{Failure, JobSpec, Money};
use remitd_store::{Behind, Finish, Lease, Posted, Posting, StoreError, Tx};
use serde::{Deserialize, Serialize};

/// More than is open.
const OVER_PAYMENT: &str = "over-payment";
const NO_ACCOUNT: &str = "no-account";

/// The payload of a posting's effect.
#[derive(Default, Serialize, Deserialize)]
struct Wanted {
    /// A person has decided, which of all times; a connector without keys tells decisions apart by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided: Option<serde_json::Value>,
    /// That it is to be written though more is paid than is open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    over_payment: bool,
}

impl Wanted {
    fn of(lease: &Lease) -> Wanted {
        serde_json::from_str(&lease.payload).unwrap_or_default()
    }
}

/// A reversal waits for what it takes back.
const WAIT_FOR_ORIGINAL_MS: i64 = 5_000;

/// The effect: write one posting, then note that it is written.
pub async fn perform(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    let found = in_full(road, lease.subject_id).await?;
    let Some((posting, behind)) = found.filter(|(posting, _)| posting.state == State::Queued) else {
        return finish(road, lease, &Finish::Done).await;
    };
    let original = match posting.reverses {
        Some(id) => road.store.posting(id).await?,
        None => None,
    };
    match &original {
        Some(original) if original.state == State::Queued || original.is_unknown() => {
            let at_ms = road.now_ms() + WAIT_FOR_ORIGINAL_MS;
            return finish(road, lease, &Finish::Again { at_ms }).await;
        }
        Some(original) if original.state != State::Posted => {
            return unneeded(road, lease, &posting, original).await;
        }
        Some(_) | None => {}
    }
    let Ok(account) = road.account(&behind.account) else {
        let why = format!("its account \"{}\" is not in the configuration any more", behind.account);
        return record(road, lease, &posting, Err(Failure::invalid(NO_ACCOUNT, why))).await;
    };
    let mut wire = wire_posting(road, account, &posting, &behind, original.as_ref())?;
    let wanted = Wanted::of(lease);
    wire.details.extend(wanted.decided.as_ref().map(entry::decided));
    road.point("post.begun")?;
    let result = match &original {
        Some(original) => reverse(road, lease, &posting, original, wire).await?,
        None => write(road, lease, &posting, &wanted, wire).await?,
    };
    road.point("post.written")?;
    record(road, lease, &posting, result).await?;
    road.point("post.finished")?;
    Ok(())
}

/// A posting with what is behind it; none where there is no such posting.
async fn in_full(road: &Road, id: i64) -> Result<Option<(Posting, Behind)>, FlowError> {
    match road.store.posting_in_full(id).await? {
        None if road.store.posting(id).await?.is_some() => {
            Err(FlowError::refused("REMIT-0409", format!("posting {id} has lost its payment")))
        }
        found => Ok(found),
    }
}

/// The posting's own key, which is the same also where it is queued anew.
fn keyed(lease: &Lease, posting: &Posting) -> JobSpec {
    JobSpec { key: posting.key.clone(), ..job(lease) }
}

async fn reverse(
    road: &Road,
    lease: &Lease,
    posting: &Posting,
    original: &Posting,
    wire: WirePosting,
) -> Result<Result<PostResult, Failure>, FlowError> {
    let connector = road.connector(&posting.connector)?;
    Ok(connector.reverse(keyed(lease, posting), original.key.clone(), wire).await)
}

async fn write(
    road: &Road,
    lease: &Lease,
    posting: &Posting,
    wanted: &Wanted,
    wire: WirePosting,
) -> Result<Result<PostResult, Failure>, FlowError> {
    let connector = road.connector(&posting.connector)?;
    let job = keyed(lease, posting);
    if wanted.over_payment || posting.statement.is_empty() {
        return Ok(connector.post(job, wire).await);
    }
    // Who has it tried again after an unknown end says that it is not written: for one attempt that comes to writing.
    let is_said = wanted.decided.is_some() && (lease.attempt == 1 || is_unasked(posting));
    let before = match is_said {
        true => Ok(Before::Nothing),
        false => left_behind(&connector, &job, lease, posting).await,
    };
    Ok(match before {
        Ok(Before::Nothing) => {
            let written = connector.post_within(job, wire, over_payment).await;
            written.map_err(|failure| if is_said { still_unknown(failure) } else { failure })
        }
        Ok(Before::Written(Entry { external_ref })) => {
            Ok(PostResult { outcome: PostOutcome::Found, external_ref })
        }
        // It would find itself in the balance.
        Ok(Before::Unknown) => connector.post(job, wire).await,
        Err(failure) => Err(failure),
    })
}

/// What the attempts before this one have left in the matter software.
enum Before {
    Nothing,
    Written(Entry),
    /// The connector cannot say.
    Unknown,
}

async fn left_behind(
    connector: &Connector,
    job: &JobSpec,
    lease: &Lease,
    posting: &Posting,
) -> Result<Before, Failure> {
    // Of all attempts: those of one that a person queues anew are counted from the start.
    if lease.fence == 1 {
        return Ok(Before::Nothing);
    }
    if connector.knows_keys() {
        let found = connector.by_key(job.clone(), posting.key.clone()).await?;
        return Ok(found.map_or(Before::Nothing, Before::Written));
    }
    Ok(if lease.attempt == 1 || is_unasked(posting) { Before::Nothing } else { Before::Unknown })
}

/// Whether the last attempt did not even learn what is open.
fn is_unasked(posting: &Posting) -> bool {
    posting.error_code.as_deref().is_some_and(|code| code.starts_with(UNASKED))
}

/// Less is open than a person thought who had it tried again: what is paid there may be this very posting.
fn still_unknown(failure: Failure) -> Failure {
    if failure.code != OVER_PAYMENT {
        return failure;
    }
    let message =
        format!("{}; it may be this very posting, of which an attempt has no known end", failure.message);
    Failure { code: NOBODY_KNOWS.to_owned(), message, ..failure }
}

/// Why it is not written, where more is paid than is open: the statement was paid by hand meanwhile, or changed. A person decides.
fn over_payment(posting: &WirePosting, open: &Money) -> Option<Failure> {
    let paid = &posting.amount;
    if open.currency != paid.currency || paid.amount_minor <= open.amount_minor {
        return None;
    }
    let shown = |minor: i64| money(minor, &paid.currency).map(|money| money.grouped()).unwrap_or_default();
    let (left, paid) = (shown(open.amount_minor.max(0)), shown(paid.amount_minor));
    let why = format!(
        "{left} of {} is open in the matter software, the payment is of {paid}: it was paid there by hand, or changed",
        posting.statement
    );
    Some(Failure::invalid(OVER_PAYMENT, why))
}

fn wire_posting(
    road: &Road,
    account: &Account,
    posting: &Posting,
    behind: &Behind,
    original: Option<&Posting>,
) -> Result<WirePosting, FlowError> {
    Ok(WirePosting {
        key: posting.key.clone(),
        statement: posting.statement.clone(),
        matter: posting.matter.clone(),
        client: posting.client.clone(),
        amount: Money { amount_minor: posting.amount_minor, currency: posting.currency.clone() },
        received: entry::day(road, account, posting, behind),
        narrative: entry::narrative(account, posting, behind)?,
        details: entry::details(account, posting, original),
        method: behind.method.clone(),
        reference: behind.gateway_ref.clone(),
        payer_name: behind.payer_name.clone(),
    })
}

/// Notes how the attempt ended; what is simply written, in one commit with others that end at the same time.
async fn record(
    road: &Road,
    lease: &Lease,
    posting: &Posting,
    result: Result<PostResult, Failure>,
) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    road.point("post.before_commit")?;
    let result = match result {
        Ok(PostResult { external_ref, .. }) if posting.reverses.is_none() => {
            let posted = Posted {
                effect_id: lease.id,
                fence: lease.fence,
                posting_id: posting.id,
                request_id: posting.request_id,
                key: posting.key.clone(),
                connector: posting.connector.clone(),
                external_ref,
                now_ms,
            };
            return Ok(road.store.posted(posted).await?);
        }
        result => result,
    };
    // Asked again after an unknown end, the connector looks for the key first.
    let next = match &result {
        Ok(_) => Finish::Done,
        Err(failure) => verdict(lease, failure, Repeat::Safe, now_ms),
    };
    if let Err(failure) = &result {
        tracing::warn!(posting = posting.id, code = failure.code, error = %failure.message, "not posted");
    }
    let mut tx = road.store.begin().await?;
    note(&mut tx, posting, &result, &next, now_ms).await?;
    tx.finish(lease, &next, now_ms).await?;
    tx.commit().await?;
    Ok(())
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
            let (connector, key) = (&posting.connector, &posting.key);
            tx.event_of_request(posting.request_id, "reversal posted", connector, key, now_ms).await?;
            rest::goes_on(tx, posting, rest::Ended::TakenBack, now_ms).await
        }
        Err(failure) => {
            let state = if matches!(next, Finish::Failed { .. }) { State::Incomplete } else { State::Queued };
            tx.posting_trouble(posting.id, state, &failure.code, &failure.message).await
        }
    }
}

/// What was never written needs no reversal, and is not to be written any more: its money has gone back. What somebody has written by
/// hand meanwhile is taken back by hand.
async fn unneeded(
    road: &Road,
    lease: &Lease,
    posting: &Posting,
    original: &Posting,
) -> Result<(), FlowError> {
    let mut tx = road.store.begin().await?;
    if original.state == State::Removed {
        rest::left_to_person(&mut tx, posting, original).await?;
        tx.finish(lease, &Finish::Done, road.now_ms()).await?;
        return Ok(tx.commit().await?);
    }
    if !tx.move_posting(original.id, original.state, State::Removed).await? {
        // Somebody has just queued it: both are looked at again.
        tx.rollback().await?;
        return finish(road, lease, &Finish::Again { at_ms: road.now_ms() + WAIT_FOR_ORIGINAL_MS }).await;
    }
    settle_post(&mut tx, original.id, road.now_ms()).await?;
    tx.move_posting(posting.id, State::Queued, State::Removed).await?;
    rest::goes_on(&mut tx, posting, rest::Ended::Unneeded(original), road.now_ms()).await?;
    tx.finish(lease, &Finish::Done, road.now_ms()).await?;
    tx.commit().await?;
    Ok(())
}

fn missing(id: i64) -> FlowError {
    FlowError::refused("REMIT-0410", format!("there is no posting {id}"))
}
