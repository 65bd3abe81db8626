//! Stage 1. Every door makes a batch of drafts: a file, a row by hand, a push from a matter database. All share one gate
//! ([`gate`]): one set of checks, one way of noticing what is asked for already, one transaction.

mod bad;
pub mod basket;
pub mod edit;
pub mod explain;
pub mod file;
pub mod folder;
mod gate;
mod listed;
mod look;
pub mod pattern;
pub mod progress;
pub mod push;
pub mod quick;
pub mod recognise;
pub mod report;
mod rules;
pub mod search;
mod spool;
pub mod stale;
mod watch;

pub use gate::{Conventions, FINDINGS_MAX, Outcome};
