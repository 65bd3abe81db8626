//! Runs plugins: engine, limits, grants and the services that a plugin may call. Owns every connection that is opened for a
//! plugin. Never knows a business word, never trusts a guest, never hands it a secret.
//!
//! A job is one call of one export in a fresh instance on a runtime of its own; whatever the guest does, the job ends in a
//! value or in a [`Failure`] that says what to do next.

#[macro_use]
mod job;
mod cache;
mod call;
mod compile;
mod engine;
mod error;
mod failure;
mod grants;
mod json;
pub mod keep;
mod kind;
mod ledger;
mod limits;
pub mod manifest;
mod plugin;
mod pulse;
mod reach;
mod services;
mod settings;
mod tamper;
#[cfg(test)]
mod tests;
mod threads;
pub mod wit;

pub use engine::{Extend, Host, HostConfig};
pub use error::HostError;
pub use grants::Grants;
pub use job::{JobSpec, JobState, Mark, Stands};
pub use kind::Kind;
pub use ledger::Usage;
pub use limits::Limits;
pub use manifest::{Ask, Manifest, ManifestError};
pub use plugin::{Plugin, PluginSpec, Wasm};
#[cfg(feature = "odbc")]
pub use reach::serve_odbc;
pub use reach::{
    Outbox, ReadAhead, Security, Services, SmtpRelay, SpawnWorker, SqlConnection, is_sql_server,
    postgres_fault, run_script,
};
pub use settings::{SettingFault, settings_faults};
pub use tamper::{Step, Tamper};
pub use wit::types;
pub use wit::types::{CallContext, Date, Description, Failure, FailureClass, Header, Money, Webhook};
