//! SQLite: readers that can only read, writers that take the lock at once. A file that is not there is not made.

use super::params::{Access, Bound, Dialect, bind};
use super::{
    ACQUIRE_TIMEOUT, ANSWER_MAX_BYTES, Database, Fresh, Gathered, READERS_MOST, TIMEOUT_SLACK, in_statement,
    lock_wait, pool_of, times,
};
use crate::wit::sql::{Rows, Statement, Value};
use crate::wit::types::Failure;
use chrono::NaiveDate;
use futures_util::TryStreamExt;
use sqlx::sqlite::{LockedSqliteHandle, SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{
    Arguments, Column, ConnectOptions, Connection, Row, SqliteConnection, SqlitePool, TypeInfo, ValueRef,
};
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::RwLock;
use tokio::time::{Instant, timeout, timeout_at};

/// How often a running statement looks at the clock, in SQLite's virtual instructions: about every millisecond.
const PROGRESS_STEPS: i32 = 20_000;

pub(super) struct Pools {
    reading: SqlitePool,
    writing: SqlitePool,
    file: String,
    /// Who reads and who writes take turns: a commit needs the file alone, and SQLite itself would let whoever meets one sleep for
    /// longer than most commits take.
    turns: RwLock<()>,
}

impl Pools {
    pub(super) fn open(url: &str) -> Result<Pools, String> {
        let options = SqliteConnectOptions::from_str(url).map_err(|error| error.to_string())?;
        let options =
            options.create_if_missing(false).busy_timeout(ACQUIRE_TIMEOUT).disable_statement_logging();
        let file = options.get_filename().display().to_string();
        // A file has nothing to answer with when it is asked whether it is well; and it has one writer: a second one here would only
        // sleep in front of its lock.
        let pool = |most| pool_of(most).test_before_acquire(false);
        let reading = pool(READERS_MOST).connect_lazy_with(options.clone().pragma("query_only", "1"));
        let writing = pool(1).connect_lazy_with(options);
        Ok(Pools { reading, writing, file, turns: RwLock::default() })
    }

    pub(super) async fn query(
        &self,
        database: &Database,
        statement: &Statement,
        limit: Duration,
    ) -> Result<Rows, Failure> {
        let bound = bind(statement, Dialect::Sqlite, Access::Read)?;
        let deadline = Instant::now() + limit;
        let reading = timeout_at(deadline + TIMEOUT_SLACK, async {
            let _turn = self.turns.read().await;
            let acquired = self.reading.acquire().await;
            let mut connection = acquired.map_err(|error| self.unopened(database, error))?;
            stop_at(&mut connection, deadline).await.map_err(|error| database.failed(error))?;
            read(database, &mut connection, bound).await
        });
        reading.await.unwrap_or_else(|_| Err(database.timeout()))
    }

    pub(super) async fn transact(
        &self,
        database: &Database,
        statements: &[Statement],
        limit: Duration,
    ) -> Result<Vec<u64>, Failure> {
        let bound = statements.iter().map(|one| bind(one, Dialect::Sqlite, Access::Write));
        let bound = bound.collect::<Result<Vec<_>, _>>()?;
        let deadline = Instant::now() + limit;
        let Ok(_turn) = timeout(lock_wait(limit).min(ACQUIRE_TIMEOUT), self.turns.write()).await else {
            let message = format!("database \"{}\" is being read all the time", database.name);
            return Err(Failure::unavailable("locked", message));
        };
        let acquired = timeout_at(deadline + TIMEOUT_SLACK, Fresh::of(&self.writing)).await;
        let acquired = acquired.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let mut connection = acquired.map_err(|error| self.unopened(database, error))?;
        let writing = timeout_at(deadline + TIMEOUT_SLACK, async {
            let begun = connection.pooled.begin_with("BEGIN IMMEDIATE").await;
            let mut transaction = begun.map_err(|error| self.unopened(database, error))?;
            stop_at(&mut transaction, deadline).await.map_err(|error| database.failed(error))?;
            let mut changed = Vec::with_capacity(bound.len());
            for (at, (bound, statement)) in bound.into_iter().zip(statements).enumerate() {
                let rows = change(database, &mut transaction, bound).await;
                let rows = rows.map_err(|failure| in_statement(at, statement, failure))?;
                database.check_rows(at, statement, rows)?;
                changed.push(rows);
            }
            let mut handle = transaction.lock_handle().await.map_err(|error| database.failed(error))?;
            handle.remove_progress_handler();
            drop(handle);
            Ok((transaction, changed))
        });
        let (transaction, changed) = writing.await.unwrap_or_else(|_| Err(database.timeout()))?;
        database.commit(transaction, rolled_back).await?;
        connection.keep = true;
        Ok(changed)
    }

    fn unopened(&self, database: &Database, error: sqlx::Error) -> Failure {
        if let sqlx::Error::Database(refusal) = &error
            && refusal.code().is_some_and(|code| primary(&code) == Some(CANTOPEN))
        {
            let (name, file) = (&database.name, &self.file);
            let message = format!("database \"{name}\": the file {file} cannot be opened (is it there?)");
            return Failure::unavailable("connect", message);
        }
        database.failed(error)
    }
}

/// Bounds what the connection runs: interrupted at `deadline`, since a scan that finds nothing would not notice that nobody
/// waits, and no value longer than an answer, since SQLite makes a gibibyte of a few letters.
async fn stop_at(connection: &mut SqliteConnection, deadline: Instant) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(PROGRESS_STEPS, move || Instant::now() < deadline);
    cap_values(&mut handle);
    Ok(())
}

#[allow(unsafe_code)]
fn cap_values(handle: &mut LockedSqliteHandle<'_>) {
    let most = i32::try_from(ANSWER_MAX_BYTES).unwrap_or(i32::MAX);
    // SAFETY: the connection is open and locked for us; the call stores one number in it and keeps nothing.
    unsafe {
        libsqlite3_sys::sqlite3_limit(
            handle.as_raw_handle().as_ptr(),
            libsqlite3_sys::SQLITE_LIMIT_LENGTH,
            most,
        );
    }
}

async fn read(
    database: &Database,
    connection: &mut SqliteConnection,
    bound: Bound<'_>,
) -> Result<Rows, Failure> {
    let arguments = arguments(&bound)?;
    let mut stream = sqlx::query_with(super::text(bound.text), arguments).fetch(connection);
    let mut gathered = Gathered::new(Vec::new());
    while let Some(row) = stream.try_next().await.map_err(|error| database.failed(error))? {
        if gathered.rows.columns.is_empty() {
            gathered.rows.columns = row.columns().iter().map(|column| column.name().to_owned()).collect();
        }
        let values = (0..row.len()).map(|at| value(&row, at)).collect::<Result<_, _>>();
        gathered.push(values.map_err(|error| database.failed(error))?)?;
    }
    Ok(gathered.rows)
}

async fn change(
    database: &Database,
    connection: &mut SqliteConnection,
    bound: Bound<'_>,
) -> Result<u64, Failure> {
    let arguments = arguments(&bound)?;
    let done = sqlx::query_with(super::text(bound.text), arguments).execute(connection).await;
    done.map(|done| done.rows_affected()).map_err(|error| database.failed(error))
}

fn arguments(bound: &Bound<'_>) -> Result<SqliteArguments, Failure> {
    let mut arguments = SqliteArguments::default();
    for (name, value) in &bound.values {
        let added = match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Boolean(truth) => arguments.add(i64::from(*truth)),
            Value::Integer(number) => arguments.add(*number),
            // SQLite has no decimals: the digits stay digits, and a numeric column turns them into its own.
            Value::Decimal(text) | Value::Text(text) | Value::Timestamp(text) => arguments.add(text.clone()),
            Value::Bytes(bytes) => arguments.add(bytes.clone()),
            Value::Date(date) => arguments.add(times::iso(date)),
        };
        added.map_err(|error| Failure::invalid("parameter", format!("parameter \"{name}\": {error}")))?;
    }
    Ok(arguments)
}

/// By the value's own type, and by the column's where that says more.
fn value(row: &SqliteRow, at: usize) -> Result<Value, sqlx::Error> {
    let declared = row.try_column(at)?.type_info().name().to_owned();
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let stored = raw.type_info().name().to_owned();
    Ok(match stored.as_str() {
        "INTEGER" => match (row.try_get_unchecked::<i64, _>(at)?, declared.as_str()) {
            (truth @ (0 | 1), "BOOLEAN") => Value::Boolean(truth == 1),
            (number, _) => Value::Integer(number),
        },
        // The shortest digits that read back as the same number, never with an exponent.
        "REAL" => Value::Decimal(row.try_get_unchecked::<f64, _>(at)?.to_string()),
        "BLOB" => Value::Bytes(row.try_get_unchecked(at)?),
        _ => text(row.try_get_unchecked(at)?, &declared),
    })
}

fn text(text: String, declared: &str) -> Value {
    match (declared, NaiveDate::parse_from_str(&text, "%Y-%m-%d")) {
        ("DATE", Ok(date)) if text.len() == 10 => times::date(date),
        ("DATETIME", _) => Value::Timestamp(text),
        _ => Value::Text(text),
    }
}

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const TOOBIG: i32 = 18;
const CONSTRAINT: i32 = 19;
/// The file was moved away under an open connection: the next connection finds what is there by then.
const READONLY_DBMOVED: &str = "1032";

/// The primary result code, which is the lowest byte of every extended one.
fn primary(code: &str) -> Option<i32> {
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

/// What SQLite's result code means to the caller.
pub(super) fn refusal(code: &str, message: String) -> Failure {
    match primary(code) {
        _ if code == READONLY_DBMOVED => Failure::unavailable("connect", message),
        Some(BUSY | LOCKED) => Failure::unavailable("locked", message),
        Some(INTERRUPT) => {
            Failure::unavailable("timeout", format!("{message} (the statement took too long)"))
        }
        Some(IOERR | FULL | CANTOPEN) => Failure::unavailable("connect", message),
        Some(READONLY) => Failure::invalid("read-only", message),
        Some(TOOBIG) => Failure::invalid("answer-too-large", format!("{message} (16 MiB at most)")),
        Some(CONSTRAINT) => Failure::invalid("constraint", message),
        _ => Failure::invalid("statement", message),
    }
}

/// Whether a failed COMMIT left the transaction open, to be rolled back: a lock or a constraint, and nothing else.
fn rolled_back(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refusal) = error else { return false };
    let code = refusal.code().unwrap_or_default();
    matches!(primary(&code), Some(BUSY | LOCKED | CONSTRAINT))
}
