//! What stages hand to each other as effects: the kinds, what a mail is about, and what a failure means: one table for all
//! kinds, with the back-off.

use crate::error::FlowError;
use crate::road::Road;
use remitd_domain::email::addresses;
use remitd_host::{Failure, FailureClass, JobSpec};
use remitd_store::{CheckoutState, Finish, Lease, Request, Tx};
use serde::{Deserialize, Serialize};

/// The kinds, each a lane of its own.
pub const MAIL: &str = "mail";
/// The mails of a batch that are not effects of their own yet.
pub const MAILS: &str = "mails";
pub const CHECKOUT: &str = "checkout";
pub const CLOSE: &str = "close";
pub const POST: &str = "post";
pub const POLL: &str = "poll";
pub const PUSH: &str = "push";
pub const RECONCILE: &str = "reconcile";
pub const KINDS: [&str; 8] = [MAIL, MAILS, CHECKOUT, CLOSE, POST, POLL, PUSH, RECONCILE];

const FIRST_WAIT_MS: i64 = 1_000;
const LONGEST_WAIT_MS: i64 = 5 * 60_000;
/// After so many attempts, which is three days at the longest wait, a person is asked.
const ATTEMPTS_MAX: i64 = 900;

/// Doubles with each attempt, up to five minutes.
pub fn back_off_ms(attempt: i64) -> i64 {
    let doublings = u32::try_from(attempt.clamp(1, 30) - 1).unwrap_or(30);
    FIRST_WAIT_MS.saturating_mul(2_i64.saturating_pow(doublings)).min(LONGEST_WAIT_MS)
}

/// Whether asking the other side a second time does any harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It knows the key, or is asked before anything is written.
    Safe,
    /// A second one would be a second one.
    Harmful,
}

/// The next step after a failure.
pub fn verdict(lease: &Lease, failure: &Failure, repeat: Repeat, now_ms: i64) -> Finish {
    let (code, message) = (failure.code.clone(), failure.message.clone());
    let again = |failure: &Failure| {
        let asked_ms = failure.retry_after_s.map_or(0, |s| i64::from(s) * 1_000);
        let at_ms = now_ms + back_off_ms(lease.attempt).max(asked_ms);
        if lease.attempt >= ATTEMPTS_MAX {
            return Finish::Wait { code: failure.code.clone(), message: failure.message.clone() };
        }
        Finish::Retry { at_ms, code: failure.code.clone(), message: failure.message.clone() }
    };
    match (failure.class, repeat) {
        (FailureClass::Invalid, _) => Finish::Failed { code, message },
        (FailureClass::Denied | FailureClass::Bug, _) => Finish::Wait { code, message },
        (FailureClass::Unavailable, _) | (FailureClass::UnknownOutcome, Repeat::Safe) => again(failure),
        (FailureClass::UnknownOutcome, Repeat::Harmful) => Finish::Unknown { code, message },
    }
}

/// The job of one attempt; its key is the same for every attempt.
pub fn job(lease: &Lease) -> JobSpec {
    JobSpec::new(format!("{} attempt {}", lease.key, lease.attempt), lease.key.clone())
}

/// Ends an attempt that changed nothing else.
pub async fn finish(road: &Road, lease: &Lease, finish: &Finish) -> Result<(), FlowError> {
    let mut tx = road.store.begin().await?;
    tx.finish(lease, finish, road.now_ms()).await?;
    tx.commit().await?;
    Ok(())
}

/// The next step of work that comes again by its nature: whatever failed, it goes on by itself, since nobody would see that
/// it stopped; only a missing grant waits for the operator.
pub fn recurring(lease: &Lease, failure: &Failure, next_ms: i64, now_ms: i64) -> Finish {
    let (code, message) = (failure.code.clone(), failure.message.clone());
    match failure.class {
        FailureClass::Denied => Finish::Wait { code, message },
        _ => Finish::Retry { at_ms: next_ms.max(now_ms + back_off_ms(lease.attempt)), code, message },
    }
}

/// Why a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "lowercase")]
pub enum Purpose {
    Request,
    Receipt { payment: i64 },
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Request => "request",
            Purpose::Receipt { .. } => "receipt",
        }
    }
}

/// The payload of a mail's effect.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Mailing {
    #[serde(flatten)]
    pub purpose: Purpose,
    /// Which of the payer's addresses, from 0.
    #[serde(default)]
    pub to: usize,
}

pub(crate) fn mailing(purpose: Purpose, to: usize) -> Result<String, FlowError> {
    Ok(serde_json::to_string(&Mailing { purpose, to }).map_err(std::io::Error::from)?)
}

/// Wants the receipt of a payment, for each address of the payer; in the transaction that takes the payment in.
pub(crate) async fn want_receipt(
    tx: &mut Tx,
    request: &Request,
    payment: i64,
    now_ms: i64,
) -> Result<(), FlowError> {
    for to in 0..addresses(&request.payer_email).len() {
        let payload = mailing(Purpose::Receipt { payment }, to)?;
        let key = format!("{MAIL}:receipt:{payment}");
        let key = if to == 0 { key } else { format!("{key}:{to}") };
        tx.want(&key, MAIL, request.id, &payload, now_ms).await?;
    }
    Ok(())
}

/// A posting that was refused goes another way: nobody needs to look at its attempt any more.
pub(crate) async fn settle_post(tx: &mut Tx, posting: i64, now_ms: i64) -> Result<(), FlowError> {
    tx.settle(&format!("{POST}:{posting}"), now_ms).await?;
    Ok(())
}

/// A link that ended must not stay payable at the gateway.
pub(crate) async fn close_checkout(tx: &mut Tx, request: i64, now_ms: i64) -> Result<(), FlowError> {
    if let Some(checkout) = tx.live_checkout(request).await? {
        tx.set_checkout(checkout.id, CheckoutState::Closing).await?;
        tx.want(&format!("{CLOSE}:{}", checkout.id), CLOSE, checkout.id, "{}", now_ms).await?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn lease(attempt: i64) -> Lease {
        let (key, kind, payload) = ("k".to_owned(), "mail".to_owned(), String::new());
        Lease { id: 1, key, kind, subject_id: 1, payload, attempt, fence: 1, created_ms: 0 }
    }

    fn failure(class: FailureClass, retry_after_s: Option<u32>) -> Failure {
        Failure { class, code: "c".into(), message: "m".into(), retry_after_s }
    }

    #[test]
    fn waits_double_up_to_five_minutes() {
        assert_eq!([1, 2, 3, 9, 40].map(back_off_ms), [1_000, 2_000, 4_000, 256_000, 300_000]);
    }

    #[test]
    fn each_class_has_its_next_step() {
        let next = |class, repeat| verdict(&lease(1), &failure(class, None), repeat, 0);
        assert!(matches!(
            next(FailureClass::Unavailable, Repeat::Harmful),
            Finish::Retry { at_ms: 1_000, .. }
        ));
        assert!(matches!(next(FailureClass::Invalid, Repeat::Safe), Finish::Failed { .. }));
        assert!(matches!(next(FailureClass::Denied, Repeat::Safe), Finish::Wait { .. }));
        assert!(matches!(next(FailureClass::Bug, Repeat::Safe), Finish::Wait { .. }));
        assert!(matches!(next(FailureClass::UnknownOutcome, Repeat::Safe), Finish::Retry { .. }));
        assert!(matches!(next(FailureClass::UnknownOutcome, Repeat::Harmful), Finish::Unknown { .. }));
    }

    #[test]
    fn what_recurs_goes_on_after_any_failure() {
        let next = |class| recurring(&lease(1), &failure(class, None), 30_000, 0);
        assert!(matches!(next(FailureClass::Invalid), Finish::Retry { at_ms: 30_000, .. }));
        assert!(matches!(next(FailureClass::Bug), Finish::Retry { .. }));
        assert!(matches!(next(FailureClass::Denied), Finish::Wait { .. }));
    }

    #[test]
    fn a_server_that_names_its_time_is_heard_and_patience_ends() {
        let busy = failure(FailureClass::Unavailable, Some(90));
        assert!(matches!(verdict(&lease(1), &busy, Repeat::Safe, 5), Finish::Retry { at_ms: 90_005, .. }));
        assert!(matches!(verdict(&lease(ATTEMPTS_MAX), &busy, Repeat::Safe, 5), Finish::Wait { .. }));
    }
}
