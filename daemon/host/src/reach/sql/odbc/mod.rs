//! Databases by ODBC: whatever has a driver. Drivers are libraries by others that block and may crash, so that each connection is
//! a process of its own (`worker.rs`), which is killed when its time is up; what it had begun is then rolled back by the
//! database. The daemon itself never loads a driver.

mod frame;
mod refusal;
#[cfg(feature = "odbc")]
mod results;
#[cfg(feature = "odbc")]
mod serve;
#[cfg(feature = "odbc")]
mod values;
mod worker;

#[cfg(feature = "odbc")]
pub use serve::serve_odbc;
pub use worker::SpawnWorker;

use super::params::{Access, Bound, Dialect, bind};
use super::places::{Lease, Places};
use super::work::{Begun, Done, Ends, Work};
use super::{ACQUIRE_TIMEOUT, COMMIT_TIMEOUT, Database, READERS_MOST, TIMEOUT_SLACK, WRITERS_MOST};
use crate::wit::sql::{Rows, Statement};
use crate::wit::sql_once::Stopped;
use crate::wit::types::Failure;
use frame::{Answer, Ask, Cell, Reads, Run};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use worker::{Worker, unasked};

/// A part of what its drivers call SQL Server.
const SQL_SERVER: &str = "sql server";

pub(super) struct Pools {
    /// As the driver manager takes it: `Driver=…;Database=…`, or `DSN=…`.
    connection: SecretString,
    spawn: SpawnWorker,
    reading: Places<Worker>,
    writing: Places<Worker>,
}

impl Pools {
    pub(super) fn open(connection: &str, spawn: Option<SpawnWorker>) -> Result<Pools, String> {
        let spawn = spawn.ok_or("this remitd was built without ODBC: build it with `--features odbc`")?;
        let names: Vec<String> = connection
            .split(';')
            .filter_map(|part| part.split_once('='))
            .map(|(n, _)| n.trim().to_ascii_lowercase())
            .collect();
        if !names.iter().any(|name| name == "driver" || name == "dsn") {
            return Err("after odbc: it says neither Driver=… nor DSN=…".to_owned());
        }
        let connection = connection.to_owned().into();
        Ok(Pools {
            connection,
            spawn,
            reading: Places::new(READERS_MOST),
            writing: Places::new(WRITERS_MOST),
        })
    }

    pub(super) async fn query(
        &self,
        database: &Database,
        statement: &Statement,
        limit: Duration,
    ) -> Result<Rows, Failure> {
        let bound = bind(statement, Dialect::Odbc, Access::Read)?;
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        let reading = timeout_at(deadline, async {
            let mut lease = self.acquire(database, &self.reading, Reads::Only, deadline).await?;
            let rows = rows(database, &mut lease.connection, Ask::Query(run(&bound, limit))).await?;
            lease.give_back();
            Ok(rows)
        });
        reading.await.unwrap_or_else(|_| Err(database.timeout()))
    }

    pub(super) async fn work(
        &self,
        database: &Database,
        work: &Work<'_>,
        limit: Duration,
    ) -> Result<Done, Stopped> {
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        let begun = async {
            let mut lease = self.acquire(database, &self.writing, Reads::AndWrites, deadline).await?;
            lease.connection.limit = limit;
            Ok(lease)
        };
        work.run_to_its_end(database, deadline, begun).await
    }

    /// Whether a SQL Server stands behind the driver.
    pub(super) async fn is_sql_server(&self, database: &Database, limit: Duration) -> Result<bool, Failure> {
        let deadline = Instant::now() + limit;
        let lease = self.acquire(database, &self.reading, Reads::Only, deadline).await?;
        let found = lease.connection.name.contains(SQL_SERVER);
        lease.give_back();
        Ok(found)
    }

    /// Statements of ours in one transaction, as far as the database has tables made in one. They hold no semicolon within.
    pub(super) async fn script(
        &self,
        database: &Database,
        script: &str,
        limit: Duration,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + limit;
        let running = timeout_at(deadline, async {
            let mut lease = self.acquire(database, &self.writing, Reads::AndWrites, deadline).await?;
            lease.connection.limit = limit;
            // Some drivers look for semicolons in comments too.
            let script: Vec<_> = script.lines().filter(|line| !line.starts_with("--")).collect();
            for statement in script.join("\n").split(';').map(str::trim).filter(|part| !part.is_empty()) {
                let bound = Bound { text: statement.to_owned(), values: Vec::new() };
                lease.connection.change(database, &bound).await?;
            }
            lease.connection.commit(database).await
        });
        running.await.unwrap_or_else(|_| Err(database.timeout()))
    }

    async fn acquire<'a>(
        &self,
        database: &Database,
        places: &'a Places<Worker>,
        reads: Reads,
        deadline: Instant,
    ) -> Result<Lease<'a, Worker>, Failure> {
        let login_s = u32::try_from(ACQUIRE_TIMEOUT.as_secs()).unwrap_or(1);
        let open = async || {
            Worker::open(self.spawn, database, self.connection.expose_secret(), reads, login_s).await
        };
        places.acquire(database, deadline, Worker::lives, open).await
    }
}

/// What a connection says: names in lower case, and values without their braces.
fn said(connection: &str) -> Vec<(String, &str)> {
    let mut said = Vec::new();
    let mut rest = connection;
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').unwrap_or((braced, "")),
            None => after.split_once(';').unwrap_or((after, "")),
        };
        said.push((name.trim_matches([';', ' ']).to_ascii_lowercase(), value));
        rest = tail;
    }
    said
}

/// What went wrong, without the password that the connection says: a driver may repeat it.
fn without_password(said_wrong: &str, connection: &str) -> String {
    let secret = |name: &str| ["pwd", "pass", "secret", "token"].iter().any(|part| name.contains(part));
    let hidden = said(connection).into_iter().filter(|(name, value)| secret(name) && !value.is_empty());
    hidden.fold(said_wrong.to_owned(), |text, (_, value)| text.replace(value, "…"))
}

fn run(bound: &Bound<'_>, limit: Duration) -> Run {
    let values = bound.values.iter().map(|(_, value)| Cell::from((*value).clone())).collect();
    let limit_s = u32::try_from(limit.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
    Run { text: bound.text.clone(), values, limit_s }
}

async fn rows(database: &Database, worker: &mut Worker, ask: Ask) -> Result<Rows, Failure> {
    match worker.ask(&ask).await {
        Ok(Answer::Rows { columns, rows }) => {
            let rows = rows.into_iter().map(|row| row.into_iter().map(Into::into).collect());
            Ok(Rows { columns, rows: rows.collect() })
        }
        Ok(answer) => Err(unasked(database, &answer)),
        Err(error) => Err(worker.lost(database, &error).await),
    }
}

impl Begun for Worker {
    async fn read(&mut self, database: &Database, asked: &Bound<'_>) -> Result<Rows, Failure> {
        let look = Ask::Look(run(asked, self.limit));
        rows(database, self, look).await
    }

    /// Whatever database it is: its snapshot may be as old as the question, and a lock for reading in the way of one for writing. The
    /// next statement begins a transaction by itself.
    async fn look_anew(&mut self, database: &Database) -> Result<(), Failure> {
        match self.ask(&Ask::Rollback).await {
            Ok(Answer::Done) => Ok(()),
            Ok(answer) => Err(unasked(database, &answer)),
            Err(error) => Err(self.lost(database, &error).await),
        }
    }

    async fn change(&mut self, database: &Database, change: &Bound<'_>) -> Result<u64, Failure> {
        match self.ask(&Ask::Change(run(change, self.limit))).await {
            Ok(Answer::Changed(rows)) => Ok(rows),
            Ok(answer) => Err(unasked(database, &answer)),
            Err(error) => Err(self.lost(database, &error).await),
        }
    }
}

impl Ends for Worker {
    /// Without an answer its end does the same.
    async fn roll_back(&mut self) -> bool {
        let taken_back = timeout(COMMIT_TIMEOUT, self.ask(&Ask::Rollback)).await;
        matches!(taken_back, Ok(Ok(Answer::Done)))
    }

    /// From the moment that COMMIT is with the worker, only its answer tells what came of it.
    async fn commit(&mut self, database: &Database) -> Result<(), Failure> {
        if let Err(error) = self.send(&Ask::Commit).await {
            return Err(self.lost(database, &error).await);
        }
        match timeout(COMMIT_TIMEOUT, self.answer()).await {
            Ok(Ok(Answer::Done)) => Ok(()),
            Ok(Ok(Answer::Refused(refusal))) if !refusal.rolled_back() => {
                Err(database.commit_lost(&refusal.message))
            }
            Ok(Ok(answer)) => Err(unasked(database, &answer)),
            Ok(Err(error)) => Err(database.commit_lost(&self.epitaph(&error).await)),
            Err(_) => Err(database.commit_lost("no answer in time")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_repeated() {
        let connection = "Driver={SQL Server};UID=remitd; Pwd={ses;ame};Token=abc";
        let names: Vec<String> = said(connection).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["driver", "uid", "pwd", "token"]);
        assert_eq!(without_password("remitd with ses;ame and abc", connection), "remitd with … and …");
        assert_eq!(without_password("PWD= is empty", "DSN=x;PWD=;"), "PWD= is empty");
    }
}
