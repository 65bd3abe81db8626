//! What came of the cases.

use crate::case::{Ended, Tried};
use remitd_host::Kind;

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// Why, and how to mend it.
    Failed(String),
    /// What the plugin does not do, so that there was nothing to try.
    Skipped(String),
}

impl From<Tried> for Outcome {
    fn from(tried: Tried) -> Outcome {
        match tried {
            Ok(()) => Outcome::Passed,
            Err(Ended::Failed(why)) => Outcome::Failed(why),
            Err(Ended::Skipped(why)) => Outcome::Skipped(why),
        }
    }
}

/// What a case took, over all its calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Took {
    /// Of the whole case, peers and all.
    pub wall_us: u64,
    /// Linear memory of the largest call.
    pub memory_bytes: u64,
    /// What went through host calls, both ways.
    pub carried_bytes: u64,
    pub host_calls: u64,
    /// Calls of the plugin's exports.
    pub calls: u64,
}

#[derive(Debug, Clone)]
pub struct Verdict {
    pub case: &'static str,
    /// What a plugin must do to pass, in one sentence.
    pub about: &'static str,
    pub result: Outcome,
    pub took: Took,
}

#[derive(Debug, Clone)]
pub struct Report {
    pub kind: Kind,
    pub verdicts: Vec<Verdict>,
}

impl Report {
    pub fn passed(&self) -> usize {
        self.count(|result| *result == Outcome::Passed)
    }

    pub fn failed(&self) -> usize {
        self.count(|result| matches!(result, Outcome::Failed(_)))
    }

    pub fn skipped(&self) -> usize {
        self.count(|result| matches!(result, Outcome::Skipped(_)))
    }

    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.verdicts.iter().filter(|verdict| is(&verdict.result)).count()
    }
}
