//! A lane takes its kind's effects that are due and performs them, some at a time. A lane never falls: what goes wrong is
//! written to the effect, or, where the database is away, waits for its lease to end.

use super::cron;
use crate::effect::{CHECKOUT, CLOSE, MAIL, MAILS, POLL, POST, PUSH, RECONCILE, back_off_ms, finish};
use crate::error::FlowError;
use crate::road::Road;
use crate::{collect, deliver, intake, post, reconcile, release};
use remitd_store::{Finish, Lease};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The longest between two looks; news come by [`crate::Wake`].
const LOOK: Duration = Duration::from_secs(1);
/// A full lane is filled again by so great a part of it: a look at the store is a commit.
const REFILLS: usize = 2;
const SOON: Duration = Duration::from_millis(10);
const AWAY: Duration = Duration::from_secs(2);
/// So many times within the length of a lease.
const RENEWALS: i64 = 3;

pub(super) async fn lane(road: Arc<Road>, kind: &'static str, mut stop: watch::Receiver<bool>) {
    let mut news = road.wake.listen();
    let mut in_hand = JoinSet::new();
    let at_once = match kind {
        POST => road.limits.postings_at_once,
        _ => road.limits.effects_at_once,
    };
    let at_once = at_once.max(1);
    let too_full = at_once - (at_once / REFILLS).max(1);
    while !*stop.borrow() {
        news.mark_unchanged();
        let room = i64::try_from(at_once - in_hand.len().min(at_once)).unwrap_or(1);
        let taken = match road.store.take(kind, road.now_ms(), road.limits.lease_ms, room).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(kind, %error, "the database is away: looking again");
                pause(&mut stop, AWAY).await;
                continue;
            }
        };
        let took = !taken.is_empty();
        for lease in taken {
            let road = road.clone();
            in_hand.spawn(async move { hold(&road, &lease).await });
        }
        if in_hand.len() > too_full {
            make_room(&mut in_hand, at_once, too_full).await;
            continue;
        }
        if took {
            // There may be more.
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            _ = stop.changed() => {}
            _ = news.changed() => {}
            Some(_) = in_hand.join_next(), if !in_hand.is_empty() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        while in_hand.try_join_next().is_some() {}
    }
    while in_hand.join_next().await.is_some() {}
}

/// Waits until one has ended, and a little for so many that a look is worth its commit: others that take long keep no place empty.
async fn make_room(in_hand: &mut JoinSet<()>, at_once: usize, too_full: usize) {
    if in_hand.len() >= at_once {
        in_hand.join_next().await;
    }
    let soon = tokio::time::sleep(SOON);
    tokio::pin!(soon);
    while in_hand.len() > too_full {
        tokio::select! {
            _ = in_hand.join_next() => {}
            () = &mut soon => break,
        }
    }
    while in_hand.try_join_next().is_some() {}
}

/// Performs an effect for as long as it takes: what is still in hand is nobody else's.
async fn hold(road: &Road, lease: &Lease) {
    tokio::select! {
        () = perform(road, lease) => {}
        never = renew(road, lease) => match never {},
    }
}

/// Renews the lease in time. Where it is lost all the same, or has come to its end just now, the effect's own fence decides.
async fn renew(road: &Road, lease: &Lease) -> Infallible {
    let lease_ms = road.limits.lease_ms;
    loop {
        tokio::time::sleep(Duration::from_millis(u64::try_from(lease_ms / RENEWALS).unwrap_or(1))).await;
        match road.store.renew(lease, road.now_ms() + lease_ms).await {
            Ok(true) => {}
            Ok(false) => return std::future::pending().await,
            Err(error) => tracing::warn!(effect = lease.key, %error, "its lease could not be renewed"),
        }
    }
}

async fn pause(stop: &mut watch::Receiver<bool>, long: Duration) {
    tokio::select! {
        _ = stop.changed() => {}
        () = tokio::time::sleep(long) => {}
    }
}

/// Performs one effect now, whenever it is due; nothing where somebody has it in hand.
pub async fn run_now(road: &Road, key: &str) -> Result<(), FlowError> {
    if let Some(lease) = road.store.take_one(key, road.now_ms(), road.limits.lease_ms).await? {
        perform(road, &lease).await;
    }
    Ok(())
}

/// Performs an effect and sees to it that its row says how it went.
pub async fn perform(road: &Road, lease: &Lease) {
    let next = |schedule: &str, now_ms: i64| cron::next_ms(schedule, road.firm.time_zone, now_ms);
    // Boxed, so that the largest of them is not on the stack of whoever performs a small one.
    let stage: Pin<Box<dyn Future<Output = Result<(), FlowError>> + Send + '_>> = match lease.kind.as_str() {
        MAIL => Box::pin(deliver::perform(road, lease)),
        MAILS => Box::pin(release::perform(road, lease)),
        CHECKOUT => Box::pin(collect::perform_begin(road, lease)),
        CLOSE => Box::pin(collect::perform_close(road, lease)),
        POST => Box::pin(post::perform(road, lease)),
        POLL => Box::pin(collect::perform_poll(road, lease)),
        PUSH => Box::pin(intake::push::perform(road, lease, next)),
        RECONCILE => Box::pin(reconcile::perform(road, lease, next)),
        other => {
            let unknown = format!("there is no effect of kind \"{other}\"");
            Box::pin(std::future::ready(Err(FlowError::refused("REMIT-0310", unknown))))
        }
    };
    let Err(error) = stage.await else { return };
    match error {
        // Nothing more is written: exactly as if the process had ended there.
        FlowError::Crashed(point) => tracing::error!(point, effect = lease.key, "crashed"),
        FlowError::Store(remitd_store::StoreError::LeaseLost(_)) => {
            tracing::warn!(effect = lease.key, "its lease was lost: somebody else goes on with it");
        }
        error => note(road, lease, &error).await,
    }
}

/// What no stage foresaw: tried again where time may help, else it waits for the operator.
async fn note(road: &Road, lease: &Lease, error: &FlowError) {
    tracing::error!(effect = lease.key, attempt = lease.attempt, %error, code = error.code(), "an effect failed");
    let now_ms = road.now_ms();
    let (code, message) = (error.code().to_owned(), error.to_string());
    let next = if error.may_pass() {
        Finish::Retry { at_ms: now_ms + back_off_ms(lease.attempt), code, message }
    } else {
        Finish::Wait { code, message }
    };
    if let Err(error) = finish(road, lease, &next).await {
        tracing::warn!(effect = lease.key, %error, "its end could not be written: its lease will run out");
    }
}
