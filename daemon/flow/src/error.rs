//! What can go wrong on the road, and what that means for whoever asked.

use crate::fault::Crashed;
use remitd_host::{Failure, FailureClass};
use remitd_store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("plugin \"{plugin}\": {}", failure.message)]
    Plugin { plugin: String, failure: Failure },
    /// A use case says no, with the reason and the mend.
    #[error("{message}")]
    Refused { code: &'static str, message: String },
    #[error("there is no {kind} named \"{id}\": add [[plugin]] id = \"{id}\", or name one of: {known}")]
    NoPlugin { kind: &'static str, id: String, known: String },
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the template {name}: {error}")]
    Template { name: String, error: minijinja::Error },
    #[error("the mail cannot be written: {0}")]
    Compose(String),
    #[error("no random numbers from the system: {0}")]
    Random(String),
    /// Only where a test asked for it.
    #[error("crashed at {0}")]
    Crashed(&'static str),
}

impl From<Crashed> for FlowError {
    fn from(crashed: Crashed) -> FlowError {
        FlowError::Crashed(crashed.0)
    }
}

impl FlowError {
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> FlowError {
        FlowError::Refused { code, message: message.into() }
    }

    /// Whether the same may go well later.
    pub fn may_pass(&self) -> bool {
        match self {
            FlowError::Store(error) => error.may_pass(),
            FlowError::Plugin { failure, .. } => failure.class == FailureClass::Unavailable,
            _ => false,
        }
    }

    /// For programs.
    pub fn code(&self) -> &str {
        match self {
            FlowError::Store(_) => "REMIT-0301",
            FlowError::Plugin { failure, .. } => &failure.code,
            FlowError::Refused { code, .. } => code,
            FlowError::NoPlugin { .. } => "REMIT-0302",
            FlowError::Io(_) => "REMIT-0303",
            FlowError::Template { .. } | FlowError::Compose(_) => "REMIT-0304",
            FlowError::Random(_) => "REMIT-0305",
            FlowError::Crashed(_) => "REMIT-0399",
        }
    }
}
