//! What an operator has remitd write into a database of theirs: tables of a sample firm, the table of posted keys. Never
//! reached by a plugin.

use super::{Database, Engine, SpawnWorker, SqlConnection};
use crate::error::HostError;
use crate::wit::types::Failure;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// For all of a script, behind ODBC and in SQL Server.
const SCRIPT_MOST: Duration = Duration::from_secs(30);

/// Runs a script of ours, in one transaction; of MySQL's, each statement that makes or changes a table commits what was before it.
/// A file of `sqlite:PATH` is made where it is not there. `spawn` makes the processes of ODBC's drivers.
pub async fn run_script(url: &str, script: &str, spawn: Option<SpawnWorker>) -> Result<(), HostError> {
    let failed = |error: sqlx::Error| broken(url, &error.to_string());
    match url.split(':').next().unwrap_or_default() {
        "sqlite" => {
            let options = SqliteConnectOptions::from_str(url).map_err(failed)?.create_if_missing(true);
            run(options.connect().await.map_err(failed)?, script).await.map_err(failed)
        }
        "mysql" | "mariadb" => {
            run(super::mysql::connect(url).await.map_err(failed)?, script).await.map_err(failed)
        }
        "mssql" | "odbc" => {
            let database = open(url, spawn)?;
            let ran = match &database.engine {
                Engine::MsSql(pools) => pools.script(&database, script, SCRIPT_MOST).await,
                Engine::Odbc(pools) => pools.script(&database, script, SCRIPT_MOST).await,
                Engine::Sqlite(_) | Engine::Postgres(_) | Engine::MySql(_) => Ok(()),
            };
            ran.map_err(|failure| told(url, &failure))
        }
        _ => run(super::postgres::connect(url).await.map_err(failed)?, script).await.map_err(failed),
    }
}

/// Whether tables are made there as SQL Server has them.
pub async fn is_sql_server(url: &str, spawn: Option<SpawnWorker>) -> Result<bool, HostError> {
    if !url.starts_with("odbc:") {
        return Ok(url.starts_with("mssql:"));
    }
    let database = open(url, spawn)?;
    match &database.engine {
        Engine::Odbc(pools) => {
            pools.is_sql_server(&database, SCRIPT_MOST).await.map_err(|failure| told(url, &failure))
        }
        _ => Ok(false),
    }
}

fn open(url: &str, spawn: Option<SpawnWorker>) -> Result<Arc<Database>, HostError> {
    let statement_ms = u64::try_from(SCRIPT_MOST.as_millis()).unwrap_or(u64::MAX);
    let spec = SqlConnection { name: place(url).to_owned(), url: url.into(), statement_ms };
    Database::open(spec, spawn).map(|(_, database)| database)
}

fn told(url: &str, failure: &Failure) -> HostError {
    broken(url, &failure.message)
}

fn broken(url: &str, reason: &str) -> HostError {
    let reason = super::without_secrets(reason, url);
    HostError::Service { what: "database", name: place(url).to_owned(), reason }
}

/// The URL's place alone: user and password stand before `@`, and may stand in its options, or anywhere after `odbc:`.
fn place(url: &str) -> &str {
    if url.starts_with("odbc:") {
        return "behind ODBC";
    }
    let place = url.split(['?', ';']).next().unwrap_or_default();
    place.rsplit('@').next().unwrap_or_default()
}

async fn run<C>(mut connection: C, script: &str) -> Result<(), sqlx::Error>
where
    C: Connection,
    for<'c> &'c mut C: sqlx::Executor<'c, Database = C::Database>,
{
    use sqlx::Executor;
    connection.execute("BEGIN").await?;
    connection.execute(super::text(script.to_owned())).await?;
    connection.execute("COMMIT").await?;
    // Committed it is, however the connection ends: a MySQL server does not wait for its last words.
    let _ = connection.close().await;
    Ok(())
}
