//! What a plugin may call: one file an interface. Each checks its grant first, has a deadline and a limit on every buffer, and
//! answers with a typed failure; none of them traps for a reason that the guest could handle.

mod clock;
pub(crate) mod egress;
mod http;
mod log;
mod maildir;
mod random;
mod settings;
mod signature;
mod smtp;
mod sql;
#[cfg(test)]
mod tests;

pub use smtp::{Security, SmtpRelay};
pub use sql::{SqlConnection, run_script};

use crate::engine::HostError;
use crate::grants::Right;
use crate::job::JobState;
use crate::wit::types::{Failure, FailureClass};
use secrecy::SecretString;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that grants can name.
#[derive(Default)]
pub struct Services {
    pub sql: Vec<SqlConnection>,
    pub smtp: Vec<SmtpRelay>,
    /// Name and folder.
    pub maildirs: Vec<(String, PathBuf)>,
    pub secrets: HashMap<String, SecretString>,
}

/// The same, checked and ready; connections themselves open when they are first used.
pub(crate) struct Opened {
    pub sql: HashMap<String, Arc<sql::Database>>,
    pub smtp: HashMap<String, Arc<smtp::Relay>>,
    pub maildirs: HashMap<String, PathBuf>,
    pub secrets: HashMap<String, SecretString>,
    pub http: reqwest::Client,
}

impl Opened {
    pub(crate) fn open(services: Services) -> Result<Opened, HostError> {
        let sql = services.sql.into_iter().map(sql::Database::open).collect::<Result<_, _>>()?;
        let smtp = services.smtp.into_iter().map(smtp::Relay::open).collect::<Result<_, _>>()?;
        let maildirs = services.maildirs.into_iter().collect();
        let http = egress::client()?;
        Ok(Opened { sql, smtp, maildirs, secrets: services.secrets, http })
    }
}

impl JobState {
    /// Refuses what the plugin was not granted.
    fn grant(&self, right: Right, name: &str) -> Result<(), Failure> {
        self.plugin.grants.check(right, name, &self.plugin.id)
    }

    /// A granted secret.
    fn secret(&self, name: &str) -> Result<&SecretString, Failure> {
        self.grant(Right::Secrets, name)?;
        self.around.opened.secrets.get(name).ok_or_else(|| not_there("secret", "[secrets]", name))
    }

    /// Notes that `answer` came from a call begun when the ledger said `before`: a definite refusal changed nothing.
    fn settle<T>(&self, before: bool, answer: &Result<T, Failure>) {
        if let Err(failure) = answer
            && failure.class != FailureClass::UnknownOutcome
        {
            self.ledger.untouch(before);
        }
    }
}

/// A grant that names something that is not configured.
fn not_there(what: &str, table: &str, name: &str) -> Failure {
    Failure::denied("not-configured", format!("there is no {what} \"{name}\": add it to {table}"))
}
