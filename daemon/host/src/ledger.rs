//! What happened in a job, noted while it runs: the ledger outlives the instance, so that a trap can be explained after the
//! guest is gone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// As far as it explains the job's end.
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
