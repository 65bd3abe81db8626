//! One job: what its guest may reach while it runs, and the ledger of what it did. The ledger outlives the instance, so that
//! a trap can be explained after the guest is gone.

use crate::failure::Ended;
use crate::limits::{Limits, MemoryCap};
use crate::plugin::Plugin;
use crate::services::Opened;
use chrono::{DateTime, Utc};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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

/// What happened in a job, as far as it explains its end.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    touched: AtomicBool,
    memory_cap: AtomicUsize,
    memory_refused: AtomicBool,
    panic: Mutex<Option<String>>,
}

impl Ledger {
    pub(crate) fn new(memory_cap: usize) -> Ledger {
        Ledger { memory_cap: AtomicUsize::new(memory_cap), ..Ledger::default() }
    }

    pub(crate) fn note_memory_refused(&self) {
        self.memory_refused.store(true, Ordering::Relaxed);
    }

    /// The cap that was hit, in bytes.
    pub(crate) fn memory_refused(&self) -> Option<usize> {
        self.memory_refused.load(Ordering::Relaxed).then(|| self.memory_cap.load(Ordering::Relaxed))
    }

    /// Whether something outside may have changed.
    pub(crate) fn touched(&self) -> bool {
        self.touched.load(Ordering::Acquire)
    }

    /// Said before a call that may change something outside.
    pub(crate) fn touch(&self) {
        self.touched.store(true, Ordering::Release);
    }

    /// Takes back a [`Ledger::touch`] whose call is known to have changed nothing.
    pub(crate) fn untouch(&self, before: bool) {
        self.touched.store(before, Ordering::Release);
    }

    pub(crate) fn note_panic(&self, text: String) {
        *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    pub(crate) fn panic_text(&self) -> Option<String> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
    pub(crate) plugin: Arc<Plugin>,
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
        plugin: Arc<Plugin>,
        around: Arc<Surroundings>,
        ledger: Arc<Ledger>,
        job: String,
        deadline: Instant,
    ) -> JobState {
        let memory = MemoryCap { bytes: around.limits.memory_bytes, ledger: Arc::clone(&ledger) };
        JobState {
            plugin,
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
