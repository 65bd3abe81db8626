//! Connections that the daemon opens for plugins: databases, mail servers, HTTP, folders. Knows nothing of plugins, grants or
//! jobs; each has a deadline and a limit on every buffer, and gives typed failures.

pub(crate) mod egress;
pub(crate) mod http;
pub(crate) mod maildir;
mod outbox;
mod place;
pub(crate) mod smtp;
pub(crate) mod sql;

pub use outbox::Outbox;
pub use smtp::{Security, SmtpRelay};
#[cfg(feature = "odbc")]
pub use sql::serve_odbc;
pub use sql::{ReadAhead, SpawnWorker, SqlConnection, is_sql_server, postgres_fault, run_script};

use crate::error::HostError;
use secrecy::SecretString;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that grants can name.
#[derive(Default)]
pub struct Services {
    pub sql: Vec<SqlConnection>,
    /// Starts the processes in which ODBC's drivers run; none where ODBC is not built in.
    pub odbc: Option<SpawnWorker>,
    pub smtp: Vec<SmtpRelay>,
    /// Name and folder.
    pub maildirs: Vec<(String, PathBuf)>,
    pub outboxes: Vec<(String, Outbox)>,
    pub secrets: HashMap<String, SecretString>,
}

/// The same, checked and ready; connections themselves open when they are first used.
pub(crate) struct Opened {
    pub sql: HashMap<String, Arc<sql::Database>>,
    pub smtp: HashMap<String, Arc<smtp::Relay>>,
    pub maildirs: HashMap<String, PathBuf>,
    pub outboxes: HashMap<String, Outbox>,
    pub secrets: HashMap<String, SecretString>,
    pub http: egress::Client,
}

impl Opened {
    pub(crate) fn open(services: Services, http: egress::Client) -> Result<Opened, HostError> {
        let open = |spec| sql::Database::open(spec, services.odbc);
        let sql = services.sql.into_iter().map(open).collect::<Result<_, _>>()?;
        let smtp = services.smtp.into_iter().map(smtp::Relay::open).collect::<Result<_, _>>()?;
        let maildirs = services.maildirs.into_iter().collect();
        let outboxes = services.outboxes.into_iter().collect();
        Ok(Opened { sql, smtp, maildirs, outboxes, secrets: services.secrets, http })
    }
}
