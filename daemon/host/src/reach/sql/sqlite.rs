//! SQLite: readers that can only read, writers that take the lock at once. A file that is not there is not made.

use super::params::{Access, Bound, Dialect, bind};
use super::places::Idle;
use super::work::{Begun, Done, Work};
use super::{
    ACQUIRE_TIMEOUT, ANSWER_MAX_BYTES, Database, Gathered, READERS_MOST, TIMEOUT_SLACK, lock_wait, times,
};
use crate::wit::sql::{Rows, Statement, Value};
use crate::wit::sql_once::Stopped;
use crate::wit::types::Failure;
use chrono::NaiveDate;
use futures_util::TryStreamExt;
use sqlx::sqlite::{LockedSqliteHandle, SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{Arguments, Column, ConnectOptions, Connection, Row, SqliteConnection, TypeInfo, ValueRef};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

/// How often a running statement looks at the clock, in SQLite's virtual instructions: about every millisecond.
const PROGRESS_STEPS: i32 = 20_000;

pub(super) struct Pools {
    reading: Pool,
    /// A file has one writer: a second one here would only sleep in front of its lock.
    writing: Pool,
    file: String,
    /// One for each reader, all for the writer, so that they take turns: a commit needs the file alone, and SQLite itself would let
    /// whoever meets one sleep for longer than most commits take.
    turns: Semaphore,
}

/// Connections that nobody uses just now. sqlx's own pool has no place for what stands beside a connection here, and asks each that
/// comes back whether it is well, which a file always is.
struct Pool {
    options: SqliteConnectOptions,
    idle: Idle<Open>,
}

struct Open {
    connection: SqliteConnection,
    /// How long its statement may run. SQLite looks at it as it goes, so that its thread need not be stopped to say it.
    until: Arc<Until>,
}

impl Pool {
    fn of(options: SqliteConnectOptions) -> Pool {
        Pool { options, idle: Idle::new() }
    }

    /// `turns` bounds how many there are. One that is dropped and not put back is closed.
    async fn take(&self, deadline: Instant) -> Result<(Open, Instant), sqlx::Error> {
        let (open, since) = match self.idle.take() {
            Some(rested) => rested,
            None => (self.open().await?, Instant::now()),
        };
        open.until.set(deadline);
        Ok((open, since))
    }

    async fn open(&self) -> Result<Open, sqlx::Error> {
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        let until = Arc::new(Until::default());
        let mut handle = connection.lock_handle().await?;
        let its = Arc::clone(&until);
        // A scan that finds nothing would not notice that nobody waits.
        handle.set_progress_handler(PROGRESS_STEPS, move || its.is_to_come());
        cap_values(&mut handle);
        drop(handle);
        Ok(Open { connection, until })
    }
}

impl Drop for Open {
    /// A statement that nobody waits for any more ends at once, and holds up no writer. A commit goes on to its end.
    fn drop(&mut self) {
        if self.until.is_set() {
            self.until.set(Instant::now());
        }
    }
}

/// An instant that is set on one thread and looked at on another; at first, none.
struct Until {
    origin: Instant,
    after_us: AtomicU64,
}

impl Default for Until {
    fn default() -> Until {
        Until { origin: Instant::now(), after_us: AtomicU64::new(u64::MAX) }
    }
}

impl Until {
    fn set(&self, at: Instant) {
        let after = at.saturating_duration_since(self.origin).as_micros();
        self.after_us.store(u64::try_from(after).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.after_us.load(Ordering::Relaxed) != u64::MAX
    }

    fn set_never(&self) {
        self.after_us.store(u64::MAX, Ordering::Relaxed);
    }

    fn is_to_come(&self) -> bool {
        self.origin.elapsed().as_micros() < u128::from(self.after_us.load(Ordering::Relaxed))
    }
}

impl Pools {
    pub(super) fn open(url: &str) -> Result<Pools, String> {
        let options = SqliteConnectOptions::from_str(url).map_err(|error| error.to_string())?;
        let options =
            options.create_if_missing(false).busy_timeout(ACQUIRE_TIMEOUT).disable_statement_logging();
        let file = options.get_filename().display().to_string();
        let reading = Pool::of(options.clone().pragma("query_only", "1"));
        let turns = Semaphore::new(READERS_MOST as usize);
        Ok(Pools { reading, writing: Pool::of(options), file, turns })
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
            let _turn = self.turns.acquire().await;
            let taken = self.reading.take(deadline).await;
            let (mut open, since) = taken.map_err(|error| self.unopened(database, error))?;
            let rows = open.connection.read(database, &bound).await?;
            self.reading.idle.put(open, since);
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
        let deadline = Instant::now() + limit;
        let turn = timeout(lock_wait(limit), self.turns.acquire_many(READERS_MOST));
        let Ok(_turn) = turn.await else {
            let message = format!("database \"{}\" is busy: others read or write it", database.name);
            return Err(Failure::unavailable("locked", message).into());
        };
        let taken = timeout_at(deadline + TIMEOUT_SLACK, self.writing.take(deadline)).await;
        let taken = taken.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let (mut open, since) = taken.map_err(|error| self.unopened(database, error))?;
        let working = timeout_at(deadline + TIMEOUT_SLACK, async {
            let begun = open.connection.begin_with("BEGIN IMMEDIATE").await;
            let mut transaction = begun.map_err(|error| self.unopened(database, error))?;
            let done = work.run(database, &mut *transaction).await?;
            Ok((transaction, done))
        });
        let (transaction, done) = working.await.unwrap_or_else(|_| Err(work.late(database)))?;
        // What ends it has its own time.
        open.until.set_never();
        match done {
            Done::Found(_) => drop(transaction),
            Done::Changed { .. } => database.commit(transaction, rolled_back).await?,
        }
        self.writing.idle.put(open, since);
        Ok(done)
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

/// No value is longer than an answer: SQLite makes a gibibyte of a few letters.
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

impl Begun for SqliteConnection {
    async fn read(&mut self, database: &Database, asked: &Bound<'_>) -> Result<Rows, Failure> {
        let arguments = arguments(asked)?;
        let mut stream = sqlx::query_with(super::text(asked.text.clone()), arguments).fetch(self);
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

    async fn change(&mut self, database: &Database, change: &Bound<'_>) -> Result<u64, Failure> {
        let arguments = arguments(change)?;
        let done = sqlx::query_with(super::text(change.text.clone()), arguments).execute(self).await;
        done.map(|done| done.rows_affected()).map_err(|error| database.failed(error))
    }
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
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let declared = row.try_column(at)?.type_info().name();
    Ok(match raw.type_info().name() {
        "INTEGER" => match (row.try_get_unchecked::<i64, _>(at)?, declared) {
            (truth @ (0 | 1), "BOOLEAN") => Value::Boolean(truth == 1),
            (number, _) => Value::Integer(number),
        },
        // The shortest digits that read back as the same number, never with an exponent.
        "REAL" => Value::Decimal(row.try_get_unchecked::<f64, _>(at)?.to_string()),
        "BLOB" => Value::Bytes(row.try_get_unchecked(at)?),
        _ => text(row.try_get_unchecked(at)?, declared),
    })
}

fn text(text: String, declared: &str) -> Value {
    match declared {
        "DATE" if text.len() == 10 => match NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
            Ok(date) => times::date(date),
            Err(_) => Value::Text(text),
        },
        "DATETIME" => Value::Timestamp(text),
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
