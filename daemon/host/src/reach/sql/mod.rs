//! Named connections to databases that belong to others. One reading statement, or one transaction of writing ones, with a question
//! by a key around them; nothing that changes a connection, and nothing that this plugin was not granted.

mod ahead;
mod mssql;
mod mysql;
mod myvalue;
mod odbc;
mod params;
mod pgvalue;
mod places;
mod postgres;
mod script;
mod sqlite;
mod times;
mod words;
mod work;

pub use ahead::ReadAhead;
pub use odbc::SpawnWorker;
#[cfg(feature = "odbc")]
pub use odbc::serve_odbc;
pub use script::{is_sql_server, run_script};

use crate::error::HostError;
use crate::wit::sql::{Rows, Statement, Value};
use crate::wit::sql_once::{Once, Stopped};
use crate::wit::types::Failure;
use params::Dialect;
use secrecy::{ExposeSecret, SecretString};
use sqlx::Transaction;
use sqlx::error::{DatabaseError, ErrorKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use work::{Done, Work};

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longer than SQLite waits for a lock.
const COMMIT_TIMEOUT: Duration = Duration::from_millis(5_500);
const READERS_MOST: u32 = 4;
const WRITERS_MOST: u32 = 4;
const ROWS_MOST: usize = 10_000;
const ANSWER_MAX_BYTES: usize = 16 << 20;
const STATEMENTS_MOST: usize = 1_000;
/// What the client waits beyond the statement's own timeout, so that the server's clear answer comes first.
const TIMEOUT_SLACK: Duration = Duration::from_millis(500);

/// So great a part of a statement's time is kept back when it waits for a lock: a tenth.
const LOCK_WAIT_SHARE: u32 = 10;

/// A shorter part of a URL would be found in every word, and is no secret.
const HIDDEN_MIN_BYTES: usize = 4;

/// One database that grants can name.
pub struct SqlConnection {
    pub name: String,
    /// `sqlite:PATH`, `postgres://…`, `mysql://…`, `mariadb://…`, `mssql://…` or `odbc:Driver=…;…`.
    pub url: SecretString,
    /// A statement that takes longer is stopped, in milliseconds.
    pub statement_ms: u64,
}

pub(crate) struct Database {
    name: String,
    statement: Duration,
    engine: Engine,
}

enum Engine {
    Sqlite(Box<sqlite::Pools>),
    Postgres(postgres::Pools),
    MySql(mysql::Pools),
    MsSql(mssql::Pools),
    Odbc(odbc::Pools),
}

/// Why the URL of a PostgreSQL cannot be meant so: its driver passes over options that it does not know. None for other databases.
pub fn postgres_fault(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    matches!(scheme, "postgres" | "postgresql").then(|| postgres::options(url).err()).flatten()
}

impl Database {
    /// `spawn` makes the processes in which ODBC's drivers run.
    pub(crate) fn open(
        spec: SqlConnection,
        spawn: Option<SpawnWorker>,
    ) -> Result<(String, Arc<Database>), HostError> {
        let url = spec.url.expose_secret();
        let bad = |reason: String| {
            let reason = without_secrets(&reason, url);
            HostError::Service { what: "database", name: spec.name.clone(), reason }
        };
        let (scheme, after_scheme) = url.split_once(':').unwrap_or_default();
        let engine = match scheme {
            "sqlite" => Engine::Sqlite(Box::new(sqlite::Pools::open(url).map_err(bad)?)),
            "postgres" | "postgresql" => Engine::Postgres(postgres::Pools::open(url).map_err(bad)?),
            "mysql" | "mariadb" => Engine::MySql(mysql::Pools::open(url).map_err(bad)?),
            "mssql" => Engine::MsSql(mssql::Pools::open(url).map_err(bad)?),
            "odbc" => Engine::Odbc(odbc::Pools::open(after_scheme, spawn).map_err(bad)?),
            // The rest of the URL may hold a password: it is not repeated.
            _ => {
                return Err(bad(
                    "its URL begins with none of sqlite:, postgres:, mysql:, mariadb:, mssql:, odbc:"
                        .to_owned(),
                ));
            }
        };
        let statement = Duration::from_millis(spec.statement_ms);
        Ok((spec.name.clone(), Arc::new(Database { name: spec.name, statement, engine })))
    }

    fn dialect(&self) -> Dialect {
        match self.engine {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
            Engine::MySql(_) => Dialect::MySql,
            Engine::MsSql(_) => Dialect::MsSql,
            Engine::Odbc(_) => Dialect::Odbc,
        }
    }

    /// Whether a statement calls a procedure of this database.
    pub(crate) fn calls(&self, statement: &Statement) -> bool {
        params::calls(&statement.text, self.dialect())
    }

    /// One reading statement, within the statement's own time and `left`.
    pub(crate) async fn query(&self, statement: &Statement, left: Duration) -> Result<Rows, Failure> {
        let limit = self.statement.min(left);
        match &self.engine {
            Engine::Sqlite(pools) => pools.query(self, statement, limit).await,
            Engine::Postgres(pools) => pools.query(self, statement, limit).await,
            Engine::MySql(pools) => pools.query(self, statement, limit).await,
            Engine::MsSql(pools) => pools.query(self, statement, limit).await,
            Engine::Odbc(pools) => pools.query(self, statement, limit).await,
        }
    }

    /// All statements, or none; gives the changed rows of each.
    pub(crate) async fn transact(
        &self,
        statements: &[Statement],
        left: Duration,
    ) -> Result<Vec<u64>, Failure> {
        match self.work(None, statements, left).await? {
            Done::Changed { counts, .. } => Ok(counts),
            Done::Found(_) => Err(Failure::bug("found", "something was found that nobody asked for")),
        }
    }

    /// The same, unless `find` finds something before it, in the same transaction.
    pub(crate) async fn write_once(
        &self,
        find: &Statement,
        changes: &[Statement],
        left: Duration,
    ) -> Result<Once, Stopped> {
        Ok(match self.work(Some(find), changes, left).await? {
            Done::Found(there) => Once::Found(there),
            Done::Changed { found, .. } => Once::Written(found),
        })
    }

    async fn work(
        &self,
        find: Option<&Statement>,
        changes: &[Statement],
        left: Duration,
    ) -> Result<Done, Stopped> {
        let limit = self.statement.min(left);
        let work = Work::bound(find, changes, self.dialect())?;
        match &self.engine {
            Engine::Sqlite(pools) => pools.work(self, &work, limit).await,
            Engine::Postgres(pools) => pools.work(self, &work, limit).await,
            Engine::MySql(pools) => pools.work(self, &work, limit).await,
            Engine::MsSql(pools) => pools.work(self, &work, limit).await,
            Engine::Odbc(pools) => pools.work(self, &work, limit).await,
        }
    }

    fn timeout(&self) -> Failure {
        let name = &self.name;
        Failure::unavailable("timeout", format!("database \"{name}\" took longer than the statement may"))
    }

    /// An error before COMMIT: nothing has changed.
    fn failed(&self, error: sqlx::Error) -> Failure {
        let name = &self.name;
        match &error {
            sqlx::Error::Database(refusal) => self.refused(refusal.as_ref()),
            sqlx::Error::PoolTimedOut => {
                let message = format!("database \"{name}\" gave no connection in time");
                Failure::unavailable("connect", message)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => {
                Failure::unavailable("connect", format!("database \"{name}\": {error}"))
            }
            _ => Failure::invalid("statement", format!("database \"{name}\": {error}")),
        }
    }

    fn refused(&self, refusal: &dyn DatabaseError) -> Failure {
        let message = format!("database \"{}\": {}", self.name, refusal.message());
        match refusal.kind() {
            ErrorKind::UniqueViolation => return Failure::invalid("unique-violation", message),
            ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation
            | ErrorKind::ExclusionViolation => return Failure::invalid("constraint", message),
            _ => {}
        }
        let code = refusal.code().unwrap_or_default();
        match self.engine {
            Engine::Sqlite(_) => sqlite::refusal(&code, message),
            Engine::Postgres(_) => postgres::refusal(&code, message),
            Engine::MySql(_) => mysql::refusal(mysql::number(refusal), message),
            // Their errors are none of sqlx's, and do not come here.
            Engine::MsSql(_) | Engine::Odbc(_) => Failure::invalid("statement", message),
        }
    }

    /// Commits; `rolled_back` knows the errors of COMMIT after which nothing was kept. After any other, nobody can say.
    async fn commit<DB: sqlx::Database>(
        &self,
        transaction: Transaction<'_, DB>,
        rolled_back: fn(&sqlx::Error) -> bool,
    ) -> Result<(), Failure> {
        match timeout_at(Instant::now() + COMMIT_TIMEOUT, transaction.commit()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if rolled_back(&error) => Err(self.failed(error)),
            Ok(Err(error)) => Err(self.commit_lost(&error.to_string())),
            Err(_) => Err(self.commit_lost("no answer in time")),
        }
    }

    fn commit_lost(&self, why: &str) -> Failure {
        let name = &self.name;
        Failure::unknown("commit-lost", format!("database \"{name}\" was lost during COMMIT: {why}"))
    }
}

/// A wait for a lock ends before the statement's own time, so that the server says which of the two it was.
fn lock_wait(limit: Duration) -> Duration {
    limit - limit / LOCK_WAIT_SHARE
}

/// What went wrong, without the password or the options of the URL: some errors repeat them.
fn without_secrets(reason: &str, url: &str) -> String {
    let (place, options) = url.split_once('?').unwrap_or((url, ""));
    let user = place.rsplit_once('@').map_or("", |(before, _)| before);
    let password = user.splitn(3, ':').nth(2).unwrap_or_default();
    let spoken = options.split(['&', '=']).chain([password]).filter(|part| part.len() >= HIDDEN_MIN_BYTES);
    spoken.fold(reason.to_owned(), |reason, part| reason.replace(part, "…"))
}

/// A statement as sqlx takes it.
#[allow(
    clippy::disallowed_types,
    reason = "a plugin's own statement, granted, scanned, its values bound; or ours, a script or one with numbers of ours"
)]
fn text(statement: String) -> sqlx::SqlStr {
    sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(statement))
}

/// Gathers rows up to the caps.
struct Gathered {
    rows: Rows,
    bytes: usize,
}

impl Gathered {
    fn new(columns: Vec<String>) -> Gathered {
        Gathered { rows: Rows { columns, rows: Vec::new() }, bytes: 0 }
    }

    fn push(&mut self, row: Vec<Value>) -> Result<(), Failure> {
        if self.rows.rows.len() >= ROWS_MOST {
            let message = format!("the answer has more than {ROWS_MOST} rows: page by a cursor and a LIMIT");
            return Err(Failure::invalid("too-many-rows", message));
        }
        self.bytes = row.iter().map(bytes_of).fold(self.bytes, usize::saturating_add);
        if self.bytes > ANSWER_MAX_BYTES {
            let message = "the answer is larger than 16 MiB: ask for fewer rows or columns";
            return Err(Failure::invalid("answer-too-large", message));
        }
        self.rows.rows.push(row);
        Ok(())
    }
}

fn bytes_of(value: &Value) -> usize {
    let held = match value {
        Value::Decimal(text) | Value::Text(text) | Value::Timestamp(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Date(_) => 0,
    };
    held.saturating_add(size_of::<Value>())
}
