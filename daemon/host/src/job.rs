//! One job: what its guest may reach while it runs, and how its time is counted.

use crate::failure::Ended;
use crate::grants::Charter;
use crate::ledger::Ledger;
use crate::limits::{Limits, MemoryCap};
use crate::reach::Opened;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;

/// Left to the guest for its answer after the last service gave up.
const GRACE: Duration = Duration::from_millis(250);

/// Which job, and for how long.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// The daemon's id of the job, for logs.
    pub job: String,
    /// The idempotency key: the same for every attempt.
    pub key: String,
    /// Wall time, where it is not the usual.
    pub wall_ms: Option<u64>,
}

impl JobSpec {
    pub fn new(job: impl Into<String>, key: impl Into<String>) -> JobSpec {
        JobSpec { job: job.into(), key: key.into(), wall_ms: None }
    }
}

/// What all jobs of a host share.
pub(crate) struct Surroundings {
    pub limits: Limits,
    pub opened: Opened,
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub zone: chrono_tz::Tz,
    /// Counts the epochs.
    pub ticks: AtomicU64,
}

/// The store's data: everything that host functions see of their job.
pub struct JobState {
    pub(crate) charter: Arc<Charter>,
    pub(crate) around: Arc<Surroundings>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) memory: MemoryCap,
    pub(crate) job: String,
    pub(crate) deadline: Instant,
    pub(crate) log_lines: u32,
    table: ResourceTable,
    host_calls: u32,
    guest_ticks: u64,
    tick_was_ours: bool,
}

/// A host call in progress; see [`JobState::enter`].
#[must_use]
pub struct Mark(u64);

impl JobState {
    pub(crate) fn new(
        charter: Arc<Charter>,
        around: Arc<Surroundings>,
        ledger: Arc<Ledger>,
        job: String,
        deadline: Instant,
    ) -> JobState {
        let memory = MemoryCap { bytes: around.limits.memory_bytes, ledger: Arc::clone(&ledger) };
        JobState {
            charter,
            around,
            ledger,
            memory,
            job,
            deadline,
            log_lines: 0,
            table: ResourceTable::new(),
            host_calls: 0,
            guest_ticks: 0,
            tick_was_ours: false,
        }
    }

    /// Resources that the host lends to the guest.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// Begins a host call: counts it, and ends the guest when there were too many. Every host function calls this first and
    /// [`JobState::leave`] last.
    pub fn enter(&mut self) -> wasmtime::Result<Mark> {
        let most = self.around.limits.host_calls;
        if self.host_calls >= most {
            return Err(Ended::HostCalls(most).into());
        }
        self.host_calls += 1;
        Ok(Mark(self.around.ticks.load(Ordering::Relaxed)))
    }

    /// Ends a host call, so that its time is not charged to the guest.
    pub fn leave(&mut self, mark: Mark) {
        if self.around.ticks.load(Ordering::Relaxed) != mark.0 {
            self.tick_was_ours = true;
        }
    }

    /// The epoch moved while the guest ran: one tick is the guest's, unless it fell into a host call.
    pub(crate) fn charge_tick(&mut self, tick_ms: u64) -> Result<(), Ended> {
        if std::mem::take(&mut self.tick_was_ours) {
            return Ok(());
        }
        self.guest_ticks += 1;
        let most = self.around.limits.guest_ms;
        if self.guest_ticks.saturating_mul(tick_ms) > most {
            return Err(Ended::GuestTime(most));
        }
        Ok(())
    }

    /// Time that a service may still take.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).saturating_sub(GRACE)
    }
}
