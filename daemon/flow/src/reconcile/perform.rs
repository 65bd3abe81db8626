//! The nightly effect: compare, keep the result whatever could be compared, say each difference once, and come again.

use super::{Reconciliation, Unread, reconcile};
use crate::effect::{RECONCILE, back_off_ms};
use crate::error::FlowError;
use crate::road::Road;
use remitd_host::FailureClass;
use remitd_store::{Finish, Lease, NewReconciliation};

/// The host's word for it.
const GRANT_MISSING: &str = "grant-missing";
/// Attempts of one night, which is about an hour: a side that is away for longer is asked again the next night, since each attempt
/// reads all sides from the beginning.
const ATTEMPTS_MAX: i64 = 20;

/// Of the effect that comes by this schedule.
pub fn key(schedule: &str) -> String {
    format!("{RECONCILE}:{schedule}")
}

pub async fn perform(
    road: &Road,
    lease: &Lease,
    next_ms: impl Fn(&str, i64) -> Option<i64>,
) -> Result<(), FlowError> {
    let found = reconcile(road).await?;
    road.point("reconcile.compared")?;
    let now_ms = road.now_ms();
    for Unread { side, name, failure } in &found.unread {
        tracing::warn!(side, name, code = failure.code, "not reconciled: {}", failure.message);
    }
    // An attempt before this one has said what it found.
    let before = match lease.attempt {
        1 => Vec::new(),
        _ => road.store.last_reconciliation().await?.map_or_else(Vec::new, |last| last.differences),
    };
    for told in found.differences.iter().filter(|told| !before.contains(&told.says)) {
        tracing::warn!(
            code = told.code,
            cause = told.cause,
            mend = told.mend,
            "reconciliation: {}",
            told.says
        );
    }
    let next = next(lease, &found.unread, next_ms(&lease.payload, now_ms), now_ms);
    let mut tx = road.store.begin().await?;
    found.keep(&mut tx, "daemon").await?;
    tx.finish(lease, &next, now_ms).await?;
    road.point("reconcile.before_commit")?;
    tx.commit().await?;
    Ok(())
}

/// What may pass is asked again the same night, and what a grant is missing for once it is there; else it is the schedule's turn.
fn next(lease: &Lease, unread: &[Unread], scheduled_ms: Option<i64>, now_ms: i64) -> Finish {
    let scheduled = scheduled_ms.map_or(Finish::Done, |at_ms| Finish::Again { at_ms });
    let said = |unread: &Unread| (unread.failure.code.clone(), unread.failure.message.clone());
    if let Some(unread) = unread.iter().find(|unread| unread.failure.code == GRANT_MISSING) {
        let (code, message) = said(unread);
        return Finish::Wait { code, message };
    }
    let again_ms = now_ms + back_off_ms(lease.attempt);
    match unread.iter().find(|unread| may_pass(unread)) {
        Some(unread) if lease.attempt < ATTEMPTS_MAX && scheduled_ms.is_none_or(|at_ms| again_ms < at_ms) => {
            let (code, message) = said(unread);
            Finish::Retry { at_ms: again_ms, code, message }
        }
        _ => scheduled,
    }
}

fn may_pass(unread: &Unread) -> bool {
    match unread.failure.class {
        FailureClass::Unavailable | FailureClass::UnknownOutcome | FailureClass::Denied => true,
        FailureClass::Invalid | FailureClass::Bug => false,
    }
}

impl Reconciliation {
    /// Kept as the newest; `status` shows it.
    pub async fn keep(&self, tx: &mut remitd_store::Tx, actor: &str) -> Result<(), FlowError> {
        let says: Vec<&str> = self.differences.iter().map(|told| told.says.as_str()).collect();
        let unread = self.unread.iter().map(|unread| format!("{}: {}", unread.name, unread.failure.message));
        let new = NewReconciliation {
            at_ms: self.at_ms,
            actor,
            differences: &serde_json::to_string(&says).map_err(std::io::Error::from)?,
            unread: &serde_json::to_string(&unread.collect::<Vec<_>>()).map_err(std::io::Error::from)?,
        };
        Ok(tx.keep_reconciliation(&new).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remitd_host::Failure;

    fn next_of(attempt: i64, failures: Vec<Failure>, scheduled_ms: Option<i64>) -> Finish {
        let (key, kind, payload) = (key("* * * * *"), RECONCILE.to_owned(), String::new());
        let lease = Lease { id: 1, key, kind, subject_id: 0, payload, attempt, fence: 1, created_ms: 0 };
        let unread = |failure| Unread { side: "matter", name: "matters".to_owned(), failure };
        next(&lease, &failures.into_iter().map(unread).collect::<Vec<_>>(), scheduled_ms, 0)
    }

    #[test]
    fn a_side_that_is_away_is_asked_again_until_it_is_the_schedules_turn() {
        let night = Some(86_400_000);
        let again = Finish::Again { at_ms: 86_400_000 };
        let away = || Failure::unavailable("away", "no answer");
        let wrong = || Failure::invalid("not-configured", "no receipts");
        assert_eq!(next_of(1, vec![], night), again);
        assert_eq!(next_of(1, vec![wrong()], night), again, "it does not pass by itself");
        let retried = next_of(2, vec![wrong(), away()], night);
        assert!(matches!(retried, Finish::Retry { at_ms: 2_000, .. }), "{retried:?}");
        assert_eq!(next_of(ATTEMPTS_MAX, vec![away()], night), again);
        assert_eq!(next_of(9, vec![away()], Some(60_000)), Finish::Again { at_ms: 60_000 });
        assert_eq!(next_of(1, vec![], None), Finish::Done, "it is not scheduled any more");
        let refused = || Failure::denied("key-refused", "401");
        assert!(matches!(next_of(1, vec![refused()], night), Finish::Retry { .. }));
        let ungranted = || Failure::denied(GRANT_MISSING, "no grant sql");
        assert!(matches!(next_of(1, vec![away(), ungranted()], night), Finish::Wait { .. }));
    }
}
