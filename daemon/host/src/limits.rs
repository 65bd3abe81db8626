//! What one job may use. Always on; the numbers are the configuration's.

use crate::ledger::Ledger;
use std::sync::Arc;
use wasmtime::ResourceLimiter;

/// How often the epoch moves: the grain of guest time, and how long a loop may keep a thread, in milliseconds.
pub(crate) const TICK_MS: u64 = 2;

/// The limits of one job.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Linear memory of one instance, in bytes.
    pub memory_bytes: usize,
    /// Time that the guest itself may compute, in milliseconds; the time inside host calls is not counted.
    pub guest_ms: u64,
    /// Wall time of one call with everything in it, in milliseconds; a job may ask for another.
    pub call_ms: u64,
    /// Calls of host functions.
    pub host_calls: u32,
    /// Lines that reach the log; further ones are dropped.
    pub log_lines: u32,
    /// Bytes that the guest may hand over in one host call or answer.
    pub answer_bytes: usize,
    /// Jobs that run at once; further ones wait.
    pub jobs: u32,
    /// Jobs that a plugin may fail by its own fault, one after the other, before it is set aside.
    pub failures_in_a_row: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes: 256 << 20,
            guest_ms: 10_000,
            call_ms: 30_000,
            host_calls: 100_000,
            log_lines: 200,
            answer_bytes: 32 << 20,
            jobs: 64,
            failures_in_a_row: 10,
        }
    }
}

/// Elements of one table: a large JavaScript engine needs about 10,000.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;

/// Handles of one job: the contract lends two, and the memory of each is the daemon's.
pub(crate) const HANDLES_MOST: usize = 10_000;

/// Refuses growth of all memories together beyond the cap and notes that it did: a guest shows a refused allocation as `unreachable` alone.
pub(crate) struct MemoryCap {
    bytes: usize,
    used_bytes: usize,
    ledger: Arc<Ledger>,
}

impl MemoryCap {
    pub(crate) fn new(bytes: usize, ledger: Arc<Ledger>) -> MemoryCap {
        MemoryCap { bytes, used_bytes: 0, ledger }
    }
}

impl ResourceLimiter for MemoryCap {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let together = self.used_bytes.saturating_add(desired.saturating_sub(current));
        let fits = together <= self.bytes;
        if fits {
            self.used_bytes = together;
            self.ledger.note_memory(together);
        }
        // A module that declares a maximum of its own is refused by that first; only ours is ours to report.
        if !fits && maximum.is_none_or(|own| desired <= own) {
            self.ledger.note_memory_refused();
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired <= TABLE_ELEMENTS;
        // Where the module declares no maximum, the pool's is given, which is ours.
        if !fits && maximum.is_none_or(|own| own >= TABLE_ELEMENTS) {
            self.ledger.note_table_refused();
        }
        Ok(fits)
    }
}
