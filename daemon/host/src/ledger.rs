//! What happened in a job, noted while it runs: the ledger outlives the instance, so that a trap can be explained after the
//! guest is gone.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a job took.
#[derive(Debug, Default)]
pub struct Usage {
    pub host_calls: AtomicU64,
    /// Linear memory at its largest.
    pub memory_bytes: AtomicU64,
    /// What went through host calls, both ways: pieces of files, batches, bodies, messages.
    pub carried_bytes: AtomicU64,
    /// The plugin's lines in the log, as many as one job may write.
    pub said: Mutex<Vec<String>>,
}

/// As far as it explains the job's end.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    touched: AtomicBool,
    ticked: AtomicBool,
    overstayed: AtomicBool,
    in_call: AtomicBool,
    waited_ticks: AtomicU64,
    memory_cap: AtomicUsize,
    memory_refused: AtomicBool,
    table_refused: AtomicBool,
    panic: Mutex<Option<String>>,
    trapped: AtomicBool,
    calls: AtomicUsize,
    memory_bytes: AtomicUsize,
    carried_bytes: AtomicUsize,
}

impl Ledger {
    pub(crate) fn new(memory_cap: usize) -> Ledger {
        Ledger { memory_cap: AtomicUsize::new(memory_cap), ..Ledger::default() }
    }

    pub(crate) fn note_trap(&self) {
        self.trapped.store(true, Ordering::Relaxed);
    }

    /// Whether the guest was ended by its own deed.
    pub(crate) fn trapped(&self) -> bool {
        self.trapped.load(Ordering::Relaxed)
    }

    pub(crate) fn note_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.in_call.store(true, Ordering::Relaxed);
    }

    /// The host call has taken so long.
    pub(crate) fn note_called(&self, ticks: u64) {
        self.in_call.store(false, Ordering::Relaxed);
        self.waited_ticks.fetch_add(ticks, Ordering::Relaxed);
    }

    /// Whether the guest is computing, and has waited for the host for less than half of so many ticks.
    pub(crate) fn mostly_computed(&self, of_ticks: u64) -> bool {
        self.ticked()
            && !self.in_call.load(Ordering::Relaxed)
            && self.waited_ticks.load(Ordering::Relaxed) < of_ticks.div_ceil(2)
    }

    pub(crate) fn note_memory(&self, bytes: usize) {
        self.memory_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    pub(crate) fn carry(&self, bytes: usize) {
        self.carried_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Tells what the job took.
    pub(crate) fn tell(&self, usage: &Usage) {
        for (to, from) in [
            (&usage.host_calls, &self.calls),
            (&usage.memory_bytes, &self.memory_bytes),
            (&usage.carried_bytes, &self.carried_bytes),
        ] {
            to.store(u64::try_from(from.load(Ordering::Relaxed)).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    pub(crate) fn note_memory_refused(&self) {
        self.memory_refused.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note_table_refused(&self) {
        self.table_refused.store(true, Ordering::Relaxed);
    }

    pub(crate) fn table_refused(&self) -> bool {
        self.table_refused.load(Ordering::Relaxed)
    }

    /// The cap that was hit, in bytes.
    pub(crate) fn memory_refused(&self) -> Option<usize> {
        self.memory_refused.load(Ordering::Relaxed).then(|| self.memory_cap.load(Ordering::Relaxed))
    }

    /// The guest has computed for a whole tick.
    pub(crate) fn note_tick(&self) {
        self.ticked.store(true, Ordering::Relaxed);
    }

    pub(crate) fn ticked(&self) -> bool {
        self.ticked.load(Ordering::Relaxed)
    }

    /// It held its caller's thread for longer than a guest may.
    pub(crate) fn note_overstay(&self) {
        self.overstayed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn overstayed(&self) -> bool {
        self.overstayed.load(Ordering::Relaxed)
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
