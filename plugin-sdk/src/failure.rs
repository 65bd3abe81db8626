//! Failures: what the daemon does next with a job that failed, and the words for people.

use crate::FailureClass;
pub use crate::wit::host::remitd::plugin::types::Failure;

impl Failure {
    /// The input is wrong: never tried again as it is.
    pub fn invalid(code: &str, message: impl Into<String>) -> Failure {
        Failure::of(FailureClass::Invalid, code, message)
    }

    /// A grant or a right is missing: waits for the operator.
    pub fn denied(code: &str, message: impl Into<String>) -> Failure {
        Failure::of(FailureClass::Denied, code, message)
    }

    /// It may pass: tried again later.
    ///
    /// ```
    /// use remitd_plugin_sdk::{Failure, FailureClass};
    /// let busy = Failure::unavailable("rate-limited", "the API takes ten requests a minute").retry_after(30);
    /// assert_eq!((busy.class, busy.retry_after_s), (FailureClass::Unavailable, Some(30)));
    /// ```
    pub fn unavailable(code: &str, message: impl Into<String>) -> Failure {
        Failure::of(FailureClass::Unavailable, code, message)
    }

    /// It may have happened: asked for by its key before anything is repeated.
    pub fn unknown_outcome(code: &str, message: impl Into<String>) -> Failure {
        Failure::of(FailureClass::UnknownOutcome, code, message)
    }

    /// The plugin itself is wrong.
    pub fn bug(code: &str, message: impl Into<String>) -> Failure {
        Failure::of(FailureClass::Bug, code, message)
    }

    /// For what this plugin's kind may do and this plugin cannot.
    pub fn not_supported(what: &str) -> Failure {
        Failure::invalid("not-supported", format!("this plugin cannot {what}"))
    }

    /// Not before so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Failure {
        self.retry_after_s = Some(seconds);
        self
    }

    fn of(class: FailureClass, code: &str, message: impl Into<String>) -> Failure {
        Failure { class, code: code.to_owned(), message: message.into(), retry_after_s: None }
    }
}
