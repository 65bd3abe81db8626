//! What an operator has remitd write into a database of theirs: tables of a sample firm, the table of posted keys. Never
//! reached by a plugin.

use crate::error::HostError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::str::FromStr;

/// Runs a script of ours on `sqlite:PATH` (made where it is not there), `postgres://…` or `mysql://…`, in one transaction; of
/// MySQL's, each statement that makes or changes a table commits what was before it.
pub async fn run_script(url: &str, script: &str) -> Result<(), HostError> {
    let failed = |error: sqlx::Error| HostError::Service {
        what: "database",
        name: place(url).to_owned(),
        reason: super::without_secrets(&error.to_string(), url),
    };
    if url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(url).map_err(failed)?.create_if_missing(true);
        run(options.connect().await.map_err(failed)?, script).await.map_err(failed)
    } else if ["mysql:", "mariadb:"].iter().any(|scheme| url.starts_with(scheme)) {
        run(super::mysql::connect(url).await.map_err(failed)?, script).await.map_err(failed)
    } else if ["odbc:", "mssql:"].iter().any(|scheme| url.starts_with(scheme)) {
        Err(failed(sqlx::Error::Configuration("no script is run in such a database".into())))
    } else {
        run(PgConnection::connect(url).await.map_err(failed)?, script).await.map_err(failed)
    }
}

/// The URL's place alone: user and password stand before `@`, and may stand in its options.
fn place(url: &str) -> &str {
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
