//! How a command ends: statuses that scripts rely on, and errors as people read them.

use crate::config::{Problems, secret::SecretError};
use remitd_flow::FlowError;
use remitd_host::HostError;
use remitd_store::StoreError;
use std::fmt;

pub const DONE: u8 = 0;
/// Done, with rejected rows or other findings.
pub const FINDINGS: u8 = 1;
pub const COULD_NOT: u8 = 2;
pub const BAD_CONFIGURATION: u8 = 3;

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    Configuration(Problems),
    /// Right in form, but it cannot be put to work: a plugin, a secret, a template.
    Wiring {
        what: String,
        mend: String,
    },
    Store(#[from] StoreError),
    Flow(#[from] FlowError),
    Host(#[from] HostError),
    Secret(#[from] SecretError),
    Io(#[from] std::io::Error),
    /// A command was asked for what it cannot do.
    Usage {
        what: String,
        hint: String,
    },
}

impl Fault {
    pub fn usage(what: impl Into<String>, hint: impl Into<String>) -> Fault {
        Fault::Usage { what: what.into(), hint: hint.into() }
    }

    pub fn status(&self) -> u8 {
        match self {
            Fault::Configuration(_) | Fault::Wiring { .. } | Fault::Host(_) | Fault::Secret(_) => {
                BAD_CONFIGURATION
            }
            Fault::Store(StoreError::BadUrl { .. } | StoreError::NetworkFileSystem { .. }) => {
                BAD_CONFIGURATION
            }
            Fault::Store(_) | Fault::Flow(_) | Fault::Io(_) | Fault::Usage { .. } => COULD_NOT,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = |f: &mut fmt::Formatter<'_>, hint: &str| write!(f, "\n  hint: {hint}");
        match self {
            Fault::Configuration(problems) => problems.fmt(f),
            Fault::Wiring { what, mend } => {
                write!(f, "error: {what}")?;
                hint(f, mend)
            }
            Fault::Usage { what, hint: text } => {
                write!(f, "error: {what}")?;
                if text.is_empty() { Ok(()) } else { hint(f, text) }
            }
            Fault::Flow(error) => {
                write!(f, "error[{}]: {error}", error.code())?;
                if error.code().starts_with("REMIT-") {
                    hint(f, &format!("remitd explain {}", error.code()))?;
                }
                Ok(())
            }
            Fault::Store(error) => write!(f, "error: {error}"),
            Fault::Host(error) => write!(f, "error: {error}"),
            Fault::Secret(error) => write!(f, "error: {error}"),
            Fault::Io(error) => write!(f, "error: {error}"),
        }
    }
}
