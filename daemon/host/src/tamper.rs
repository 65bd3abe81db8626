//! A hand between a plugin and its services, for the conformance kit: each host call in turn can be refused, its answer lost, or
//! the guest ended beside it. The daemon has none.

use crate::wit::types::Failure;

/// What becomes of one host call.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// As if nobody stood between.
    Pass,
    /// Answered with this failure; the service is not called.
    Refuse(Failure),
    /// The service is called, and its answer is replaced by this failure.
    Lose(Failure),
    /// Never answered: the job's deadline or its caller ends it.
    Stall,
    /// The guest ends before the service is called.
    CrashBefore,
    /// The service is called, and the guest ends without hearing of it.
    CrashAfter,
}

/// Decides over the host calls of a job; `nth` counts from 1.
pub trait Tamper: Send + Sync {
    fn step(&self, nth: u32, call: &'static str) -> Step;

    /// Hears each line that the guest writes into the log.
    fn heard(&self, _line: &str) {}
}
