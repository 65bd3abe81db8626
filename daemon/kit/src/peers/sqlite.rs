//! The author's database: made once by the script, copied for each world, read back whole as evidence.

use crate::error::KitError;
use fs_err as fs;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, Row, SqliteConnection, TypeInfo, ValueRef};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The kit's own statements wait so long for a plugin's to end.
const BUSY_MS: u64 = 2_000;

/// A database before any plugin touched it.
pub(crate) struct Template {
    pub name: String,
    bytes: Vec<u8>,
}

/// One copy of it.
pub(crate) struct Database {
    pub name: String,
    pub path: PathBuf,
}

/// Held for as long as the database is to refuse others.
pub(crate) struct Lock(SqliteConnection);

impl Template {
    pub async fn make(name: &str, script: &[u8]) -> Result<Template, KitError> {
        let failed = |fault: String| KitError::Script { name: name.to_owned(), fault };
        let script = std::str::from_utf8(script).map_err(|error| failed(error.to_string()))?.to_owned();
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("template.sqlite");
        let mut connection = open(&path).await.map_err(|error| failed(error.to_string()))?;
        execute(&mut connection, script).await.map_err(|error| failed(error.to_string()))?;
        connection.close().await.map_err(|error| failed(error.to_string()))?;
        Ok(Template { name: name.to_owned(), bytes: fs::read(&path)? })
    }

    pub fn copy(&self, folder: &Path) -> Result<Database, KitError> {
        let path = folder.join(format!("{}.sqlite", self.name));
        fs::write(&path, &self.bytes)?;
        Ok(Database { name: self.name.clone(), path })
    }
}

async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    // Nothing here outlives the run: the disk need not be waited for.
    let options = options.synchronous(SqliteSynchronous::Off);
    options.busy_timeout(Duration::from_millis(BUSY_MS)).connect().await
}

/// Runs what the author wrote, or what was put together from names that the database itself gave.
#[allow(clippy::disallowed_types, reason = "the author's own script in the author's own database")]
async fn execute(connection: &mut SqliteConnection, text: String) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::AssertSqlSafe(text)).await.map(|_| ())
}

impl Database {
    fn failed(&self) -> impl Fn(sqlx::Error) -> KitError {
        let name = format!("[sql.{}]", self.name);
        move |error| KitError::peer(&name, error)
    }

    /// Takes the whole database, as a long transaction of the matter software does.
    pub async fn lock(&self) -> Result<Lock, KitError> {
        let mut connection = open(&self.path).await.map_err(self.failed())?;
        connection.execute("BEGIN EXCLUSIVE").await.map_err(self.failed())?;
        Ok(Lock(connection))
    }

    /// Renames every table, as an upgrade of the matter software might.
    pub async fn rename_tables(&self) -> Result<(), KitError> {
        let mut connection = open(&self.path).await.map_err(self.failed())?;
        for view in names(&mut connection, "view").await.map_err(self.failed())? {
            let text = ["DROP VIEW ", &quoted(&view)].concat();
            execute(&mut connection, text).await.map_err(self.failed())?;
        }
        for table in names(&mut connection, "table").await.map_err(self.failed())? {
            let text =
                ["ALTER TABLE ", &quoted(&table), " RENAME TO ", &quoted(&format!("{table}_old"))].concat();
            execute(&mut connection, text).await.map_err(self.failed())?;
        }
        connection.close().await.map_err(self.failed())
    }

    /// Every row of every table, one line each, sorted.
    pub async fn rows(&self) -> Result<Vec<String>, KitError> {
        let mut connection = open(&self.path).await.map_err(self.failed())?;
        let mut lines = Vec::new();
        for table in names(&mut connection, "table").await.map_err(self.failed())? {
            let text = ["SELECT * FROM ", &quoted(&table)].concat();
            for row in all(&mut connection, text).await.map_err(self.failed())? {
                lines.push(format!("{}.{table}: {}", self.name, shown(&row)));
            }
        }
        connection.close().await.map_err(self.failed())?;
        lines.sort();
        Ok(lines)
    }
}

impl Lock {
    pub async fn release(self) {
        // It ends with its connection in any case.
        let _ = self.0.close().await;
    }
}

async fn names(connection: &mut SqliteConnection, kind: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .bind(kind)
    .fetch_all(connection)
    .await
}

#[allow(
    clippy::disallowed_types,
    reason = "a table's name cannot be bound; it is the database's own, quoted"
)]
async fn all(connection: &mut SqliteConnection, text: String) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(connection).await
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn shown(row: &SqliteRow) -> String {
    let cells: Vec<String> = (0..row.len()).map(|at| cell(row, at)).collect();
    cells.join(" | ")
}

fn cell(row: &SqliteRow, at: usize) -> String {
    let Ok(value) = row.try_get_raw(at) else { return "?".to_owned() };
    if value.is_null() {
        return "null".to_owned();
    }
    let kind = value.type_info().name().to_owned();
    let text = match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row.try_get_unchecked::<i64, _>(at).map(|value| value.to_string()),
        "REAL" => row.try_get_unchecked::<f64, _>(at).map(|value| value.to_string()),
        "BLOB" => row.try_get_unchecked::<Vec<u8>, _>(at).map(|value| format!("{value:02x?}")),
        _ => row.try_get_unchecked::<String, _>(at),
    };
    text.unwrap_or_else(|_| format!("a {kind}"))
}
