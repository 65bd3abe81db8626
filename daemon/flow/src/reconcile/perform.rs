//! The nightly effect: compare, keep the result, say each difference once, and come again.

use super::{Reconciliation, Unread, reconcile};
use crate::effect::{RECONCILE, finish, recurring};
use crate::error::FlowError;
use crate::road::Road;
use remitd_host::FailureClass;
use remitd_store::{Finish, Lease, NewReconciliation};

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
    // What may pass is asked again the same night, and what a grant is missing for once it is there.
    if let Some(Unread { failure, .. }) = found.unread.iter().find(|unread| may_pass(unread)) {
        return finish(road, lease, &recurring(lease, failure, now_ms, now_ms)).await;
    }
    for told in &found.differences {
        tracing::warn!(
            code = told.code,
            cause = told.cause,
            mend = told.mend,
            "reconciliation: {}",
            told.says
        );
    }
    let next = match next_ms(&lease.payload, now_ms) {
        Some(at_ms) => Finish::Again { at_ms },
        None => Finish::Done,
    };
    let mut tx = road.store.begin().await?;
    found.keep(&mut tx, "daemon").await?;
    tx.finish(lease, &next, now_ms).await?;
    road.point("reconcile.before_commit")?;
    tx.commit().await?;
    Ok(())
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
