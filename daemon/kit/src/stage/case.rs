//! A case: its name, what it asks of a plugin in one sentence, and how it ends. Owns no peer and no call.

use crate::bench::Bench;
use crate::error::KitError;
use remitd_host::{Failure, FailureClass};
use std::pin::Pin;

/// How a case ends where it does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Failed(String),
    Skipped(String),
}

pub type Tried = Result<(), Ended>;
pub(crate) type Trying<'a> = Pin<Box<dyn Future<Output = Tried> + Send + 'a>>;

#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    pub(crate) run: for<'a> fn(&'a Bench) -> Trying<'a>,
}

/// A case from its name, its sentence and an `async fn(&Bench) -> Tried`.
macro_rules! case {
    ($name:literal, $about:literal, $run:path) => {
        $crate::case::Case { name: $name, about: $about, run: |bench| Box::pin($run(bench)) }
    };
}
pub(crate) use case;

impl From<KitError> for Ended {
    fn from(error: KitError) -> Ended {
        Ended::Failed(error.to_string())
    }
}

pub(crate) fn failed(why: impl Into<String>) -> Ended {
    Ended::Failed(why.into())
}

pub(crate) fn skipped(why: impl Into<String>) -> Ended {
    Ended::Skipped(why.into())
}

/// Fails with `why` unless it holds.
pub(crate) fn hold(holds: bool, why: impl FnOnce() -> String) -> Tried {
    if holds { Ok(()) } else { Err(failed(why())) }
}

/// How the host ends a guest that broke.
const BROKEN: [&str; 7] = [
    "trapped",
    "panicked",
    "memory-limit",
    "time-limit",
    "stack-overflow",
    "too-many-host-calls",
    "bad-batch",
];

/// Whether the failure is the guest's breaking down rather than an answer.
pub(crate) fn is_broken(failure: &Failure) -> bool {
    // An answer of a server may be too large as well, and is no fault of the guest's.
    let own_answer =
        failure.code == "answer-too-large" && failure.message.starts_with("the plugin was stopped");
    failure.class == FailureClass::Bug || own_answer || BROKEN.contains(&failure.code.as_str())
}

/// Fails where a call ended by a trap, a panic, a limit, or a failure of class `bug`.
pub(crate) fn unbroken<T>(answer: &Result<T, Failure>, doing: &str) -> Tried {
    match answer {
        Err(failure) if is_broken(failure) => Err(failed(format!(
            "{doing}, the call ended with {}: answer with a failure of the class that says what to do (invalid, denied, \
             unavailable, unknown-outcome), and never panic",
            shown(failure)
        ))),
        _ => Ok(()),
    }
}

/// A failure in one line.
pub(crate) fn shown(failure: &Failure) -> String {
    let Failure { class, code, message, .. } = failure;
    let class = match class {
        FailureClass::Invalid => "invalid",
        FailureClass::Denied => "denied",
        FailureClass::Unavailable => "unavailable",
        FailureClass::UnknownOutcome => "unknown-outcome",
        FailureClass::Bug => "bug",
    };
    format!("{class} \"{code}\" ({})", cut(message))
}

const SHOWN_BYTES: usize = 240;

/// As much of a text as a reader wants to see of it.
pub(crate) fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN_BYTES);
    let shown = text.get(..end).unwrap_or_default();
    if end < text.len() { format!("{shown}…") } else { shown.to_owned() }
}
