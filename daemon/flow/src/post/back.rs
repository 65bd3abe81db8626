//! A queued posting that a person takes back before it is written, to split it anew or to remove it: it may wait for days, for a lock
//! say, or for a server that is gone. What is written already stays so, and is noted; where nobody can tell, nothing is taken back.

use super::{Before, left_behind, record};
use crate::effect::{POST, finish, job};
use crate::error::FlowError;
use crate::plugin::connector::{Entry, PostResult, Posted};
use crate::road::Road;
use remitd_domain::posting::State;
use remitd_host::{Failure, JobSpec};
use remitd_store::{Finish, Lease, Posting};
use std::time::Duration;

/// How often, and how many times, is looked whether the attempt that runs has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LOOKS: u32 = 100;

/// Makes a queued payment pending, unless it is written meanwhile: the caller looks again. Gives whether it was.
pub(super) async fn take_back(road: &Road, posting: &Posting, actor: &str) -> Result<bool, FlowError> {
    if posting.state != State::Queued || posting.reverses.is_some() {
        return Ok(false);
    }
    let connector = road.connector(&posting.connector)?;
    let Some(lease) = leased(road, posting).await? else { return Ok(false) };
    let job = JobSpec { key: posting.key.clone(), ..job(&lease) };
    let before = match connector.knows_keys() || lease.fence == 1 {
        true => left_behind(&connector, &job, &lease, posting).await,
        false => Ok(Before::Unknown),
    };
    let failure = match before {
        Ok(Before::Nothing) => return pending(road, &lease, posting, actor).await,
        Ok(Before::Written(Entry { external_ref })) => {
            let found = PostResult { outcome: Posted::Found, external_ref };
            return record(road, &lease, posting, Ok(found)).await.map(|()| false);
        }
        Ok(Before::Unknown) => Failure::unknown(
            "not-known",
            "the connector cannot say whether an earlier attempt has written it",
        ),
        Err(failure) => failure,
    };
    let (code, message) = (failure.code.clone(), failure.message.clone());
    finish(road, &lease, &Finish::Retry { at_ms: road.now_ms(), code, message }).await?;
    Err(FlowError::Plugin { plugin: posting.connector.clone(), failure })
}

/// The posting's effect, when no attempt is running; none where it has come to its end, be it that the posting was refused.
async fn leased(road: &Road, posting: &Posting) -> Result<Option<Lease>, FlowError> {
    let key = format!("{POST}:{}", posting.id);
    for _ in 0..LOOKS {
        let lease = road.store.take_one(&key, road.now_ms(), road.limits.lease_ms).await?;
        if lease.is_some() {
            return Ok(lease);
        }
        match road.store.effect(&key).await?.map(|effect| effect.state).as_deref() {
            Some("running") => tokio::time::sleep(LOOK_AGAIN).await,
            // It waits for the operator: it is to be taken all the same.
            Some("waiting") => {
                let mut tx = road.store.begin().await?;
                tx.revive(&key, road.now_ms()).await?;
                tx.commit().await?;
            }
            _ => return Ok(None),
        }
    }
    let why = format!("posting {} is being written just now: try again when that has ended", posting.id);
    Err(FlowError::refused("REMIT-0411", why))
}

async fn pending(road: &Road, lease: &Lease, posting: &Posting, actor: &str) -> Result<bool, FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    let moved = tx.move_posting(posting.id, State::Queued, State::Pending).await?;
    if moved {
        tx.event_of_request(posting.request_id, "posting taken back", actor, &posting.key, now_ms).await?;
    }
    // Whoever queues it has its effect begin anew.
    tx.finish(lease, &Finish::Done, now_ms).await?;
    tx.commit().await?;
    Ok(moved)
}
