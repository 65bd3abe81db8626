//! MySQL and MariaDB: reads in read-only transactions that always roll back, writes in one transaction. Every transaction begins
//! by setting the session: it reads texts as the standard has it, is strict, and bounds statements and waits, whatever came before.
//! Never sends KILL: a connection whose time is up is closed, and what it had begun is rolled back by the server.

use super::params::{Access, Bound, Dialect, bind};
use super::work::{Begun, Done, Work};
use super::{
    ACQUIRE_TIMEOUT, Database, Gathered, IDLE_TIMEOUT, READERS_MOST, TIMEOUT_SLACK, WRITERS_MOST, lock_wait,
    myvalue,
};
use crate::wit::sql::{Rows, Statement};
use crate::wit::sql_once::Stopped;
use crate::wit::types::Failure;
use futures_util::TryStreamExt;
use sqlx::error::DatabaseError;
use sqlx::mysql::{
    MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow, MySqlStatement,
};
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{Column, ConnectOptions, Connection, Executor, MySql, Pool, Row, SqlStr, Statement as _};
use std::str::FromStr;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// What the URL may say after its question mark. The driver passes over what it does not know, and a misspelt ssl-mode would
/// leave the connection without TLS.
const OPTIONS: [&str; 5] = ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"];

/// Quotes and `||` as in the standard, and no value that is cut or made to fit. Instants come and go in UTC.
const SESSION: &str = "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,STRICT_ALL_TABLES,\
     ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', NAMES utf8mb4";

pub(super) struct Pools {
    reading: Served,
    writing: Served,
}

/// A pool in front of which users wait for as long as they may. It is sqlx's own, which takes leave of the server when it closes a
/// connection: MariaDB complains in its log of one that just ends.
struct Served {
    pool: Pool<MySql>,
    turns: Semaphore,
}

/// A connection that goes back to its pool only after a whole transaction. After anything else it is closed: that rolls back too,
/// and leaves no half-read answer, no counted transaction that is no more, to the next user. Nor does one on which the server has
/// fallen silent keep its place in the pool: a pool asks after the health of what it takes back, and waits for an answer.
struct Fresh<'a> {
    pooled: PoolConnection<MySql>,
    keep: bool,
    _turn: SemaphorePermit<'a>,
}

impl Served {
    fn of(options: &MySqlConnectOptions, most: u32) -> Served {
        let pool = PoolOptions::new()
            .max_connections(most)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(IDLE_TIMEOUT);
        Served { pool: pool.connect_lazy_with(options.clone()), turns: Semaphore::new(most as usize) }
    }

    /// Waits for its turn until the deadline, and then for a server to answer no longer than [`ACQUIRE_TIMEOUT`].
    async fn acquire(&self, deadline: Instant) -> Result<Fresh<'_>, sqlx::Error> {
        let waiting = timeout_at(deadline, async {
            let turn = self.turns.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
            Ok(Fresh { pooled: self.pool.acquire().await?, keep: false, _turn: turn })
        });
        waiting.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}

impl Drop for Fresh<'_> {
    fn drop(&mut self) {
        if !self.keep {
            self.pooled.close_on_drop();
        }
    }
}

impl Pools {
    pub(super) fn open(url: &str) -> Result<Pools, String> {
        let options = options(url)?;
        Ok(Pools { reading: Served::of(&options, READERS_MOST), writing: Served::of(&options, WRITERS_MOST) })
    }

    pub(super) async fn query(
        &self,
        database: &Database,
        statement: &Statement,
        limit: Duration,
    ) -> Result<Rows, Failure> {
        let bound = bind(statement, Dialect::MySql, Access::Read)?;
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        let reading = timeout_at(deadline, async {
            let failed = |error| database.failed(error);
            let acquired = self.reading.acquire(deadline).await;
            let mut connection = acquired.map_err(|error| unopened(database, error))?;
            let begun = connection.pooled.begin_with(begin(limit, Access::Read)).await;
            let mut transaction = begun.map_err(failed)?;
            let rows = transaction.read(database, &bound).await?;
            // It rolls back on the connection's way into the pool, where nobody waits for it.
            drop(transaction);
            connection.keep = true;
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
        let acquired = self.writing.acquire(deadline).await;
        let mut connection = acquired.map_err(|error| unopened(database, error))?;
        let working = timeout_at(deadline, async {
            let begun = connection.pooled.begin_with(begin(limit, Access::Write)).await;
            let mut transaction = begun.map_err(|error| database.failed(error))?;
            match work.run(database, &mut *transaction).await {
                Ok(done) => Ok((transaction, done)),
                Err(stopped) => Err(undo(&mut transaction, stopped).await),
            }
        });
        let (transaction, done) = working.await.unwrap_or_else(|_| Err(work.late(database)))?;
        match done {
            Done::Found(_) => drop(transaction),
            Done::Changed { .. } => database.commit(transaction, rolled_back).await?,
        }
        connection.keep = true;
        Ok(done)
    }
}

/// What the URL says; the session is ours to set.
pub(super) fn options(url: &str) -> Result<MySqlConnectOptions, String> {
    let said = url.split_once('?').map_or("", |(_, options)| options).split('&');
    let mut names = said.map(|option| option.split('=').next().unwrap_or_default());
    if names.any(|name| !name.is_empty() && !OPTIONS.contains(&name)) {
        let (last, others) = OPTIONS.split_last().unwrap_or((&"", &[]));
        return Err(format!("its options can be {} and {last}, and no others", others.join(", ")));
    }
    let options = MySqlConnectOptions::from_str(url).map_err(|error| error.to_string())?;
    let options = options.pipes_as_concat(false).no_engine_substitution(false).timezone(None);
    Ok(options.disable_statement_logging())
}

/// Sets the session and begins. MariaDB's and MySQL's own settings stand in comments that only they execute. A wait for a lock is
/// bounded in whole seconds, one at least, and for MySQL's writing statements this is the only bound that the server keeps.
fn begin(limit: Duration, access: Access) -> SqlStr {
    let mode = if access == Access::Read { "READ ONLY" } else { "READ WRITE" };
    let milliseconds = limit.as_millis().max(1);
    let seconds = lock_wait(limit).as_secs().max(1);
    super::text(format!(
        "{SESSION}, lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds} \
         /*M! , tx_isolation = 'REPEATABLE-READ', max_statement_time = {milliseconds} / 1000 */ \
         /*!50720 , transaction_isolation = 'REPEATABLE-READ', max_execution_time = {milliseconds} */; \
         START TRANSACTION {mode}"
    ))
}

/// A connection of ours alone, its session set, for a script.
pub(super) async fn connect(url: &str) -> Result<MySqlConnection, sqlx::Error> {
    let options = options(url).map_err(|reason| sqlx::Error::Configuration(reason.into()))?;
    let mut connection = options.connect().await?;
    connection.execute(SESSION).await?;
    Ok(connection)
}

impl Begun for MySqlConnection {
    async fn read(&mut self, database: &Database, asked: &Bound<'_>) -> Result<Rows, Failure> {
        let (statement, arguments) = prepare(database, self, asked).await?;
        let names = statement.columns().iter().map(|column| column.name().to_owned());
        let mut gathered = Gathered::new(names.collect());
        let mut stream = statement.query_with(arguments).fetch(self);
        while let Some(row) = stream.try_next().await.map_err(|error| database.failed(error))? {
            // What a procedure answers is not known before.
            if gathered.rows.columns.is_empty() {
                gathered.rows.columns = row.columns().iter().map(|column| column.name().to_owned()).collect();
            }
            let mut values = Vec::with_capacity(row.len());
            // By the row's own columns: before the values are bound, the server does not know all types.
            for column in row.columns() {
                let raw = row.try_get_raw(column.ordinal()).map_err(|error| database.failed(error))?;
                values.push(myvalue::read(column.name(), raw)?);
            }
            gathered.push(values)?;
        }
        Ok(gathered.rows)
    }

    /// The question has taken a snapshot. A statement of the firm's that waits for a row, or a trigger that sums, would go by it.
    async fn look_anew(&mut self, database: &Database) -> Result<(), Failure> {
        let again = sqlx::raw_sql("ROLLBACK; START TRANSACTION READ WRITE").execute(self).await;
        again.map(drop).map_err(|error| database.failed(error))
    }

    async fn change(&mut self, database: &Database, change: &Bound<'_>) -> Result<u64, Failure> {
        let (statement, arguments) = prepare(database, self, change).await?;
        let done = statement.query_with(arguments).execute(self).await;
        done.map(|done| done.rows_affected()).map_err(|error| database.failed(error))
    }
}

const NOT_ROLLED_BACK: u32 = 1196;

/// Rolls back, and looks for the warning that some table could not: an engine without transactions keeps what was written, and
/// a person must know.
async fn undo(connection: &mut MySqlConnection, stopped: Stopped) -> Stopped {
    if connection.execute("ROLLBACK").await.is_err() {
        return stopped;
    }
    let warnings = sqlx::raw_sql("SHOW WARNINGS").fetch_all(connection).await.unwrap_or_default();
    let kept =
        |row: &MySqlRow| row.try_get_unchecked::<u32, _>("Code").is_ok_and(|code| code == NOT_ROLLED_BACK);
    if !warnings.iter().any(kept) {
        return stopped;
    }
    let why = "but a table that knows no transactions has kept its part: give it the engine InnoDB";
    stopped.map(|failure| Failure::invalid("not-rolled-back", format!("{}; {why}", failure.message)))
}

async fn prepare(
    database: &Database,
    connection: &mut MySqlConnection,
    bound: &Bound<'_>,
) -> Result<(MySqlStatement, MySqlArguments), Failure> {
    let mut arguments = MySqlArguments::default();
    for (name, value) in &bound.values {
        myvalue::write(&mut arguments, name, value)?;
    }
    let prepared = connection.prepare(super::text(bound.text.clone())).await;
    Ok((prepared.map_err(|error| database.failed(error))?, arguments))
}

/// The driver calls it a fault of the configuration when a password would have to go under the server's RSA key, which we
/// leave out for its known weakness (RUSTSEC-2023-0071).
fn unopened(database: &Database, error: sqlx::Error) -> Failure {
    if let sqlx::Error::Configuration(_) = error {
        let name = &database.name;
        let message = format!(
            "database \"{name}\" takes this user's password over TLS only: add ssl-mode=REQUIRED to its URL, and TLS to its server"
        );
        return Failure::unavailable("connect", message);
    }
    database.failed(error)
}

/// The server's own number of an error, which says more than its SQLSTATE.
pub(super) fn number(refusal: &dyn DatabaseError) -> u16 {
    refusal.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number)
}

const DEADLOCK: u16 = 1213;

/// What an error's number means to the caller (MySQL's and MariaDB's lists of server errors).
pub(super) fn refusal(number: u16, message: String) -> Failure {
    match number {
        // Interrupted, by an operator or by max_statement_time or max_execution_time.
        1317 | 1969 | 3024 => Failure::unavailable("timeout", message),
        // A row that changed under a snapshot, a lock that took too long or may not be waited for, a table that was altered.
        1020 | 1205 | DEADLOCK | 1412 | 3572 => Failure::unavailable("locked", message),
        // Commands, columns, routines, the privilege of an operation.
        1142 | 1143 | 1227 | 1370 => Failure::denied("database-permission", message),
        // A server or a table that is read-only, and a transaction.
        1036 | 1290 | 1792 | 1836 => Failure::invalid("read-only", message),
        // Full disks and tables, too many connections, memory; signing in, a database that is not there; shutting down, packets
        // that were lost, limits of a user, connections that an operator ended.
        1021
        | 1037
        | 1038
        | 1040..=1045
        | 1049
        | 1053
        | 1114
        | 1129
        | 1130
        | 1152
        | 1158..=1161
        | 1184
        | 1203
        | 1226
        | 1251
        | 1698
        | 1927
        | 4031 => Failure::unavailable("connect", message),
        _ => Failure::invalid("statement", message),
    }
}

/// Whether a failed COMMIT is known to have kept nothing: a transaction that lost against another server's.
fn rolled_back(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refusal| number(refusal) == DEADLOCK)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::reach::{SqlConnection, run_script};
    use crate::wit::sql::Value;
    use crate::wit::types::FailureClass::{Denied, Invalid, Unavailable};

    #[test]
    fn numbers_mean_something() {
        for (number, class, code) in [
            (1969, Unavailable, "timeout"),
            (3024, Unavailable, "timeout"),
            (1205, Unavailable, "locked"),
            (1213, Unavailable, "locked"),
            (1142, Denied, "database-permission"),
            (1143, Denied, "database-permission"),
            (1290, Invalid, "read-only"),
            (1792, Invalid, "read-only"),
            (1040, Unavailable, "connect"),
            (1044, Unavailable, "connect"),
            (1045, Unavailable, "connect"),
            (1053, Unavailable, "connect"),
            (1064, Invalid, "statement"),
            (1406, Invalid, "statement"),
            (0, Invalid, "statement"),
        ] {
            let failure = refusal(number, String::new());
            assert_eq!((failure.class, failure.code.as_str()), (class, code), "{number}");
        }
    }

    #[tokio::test]
    async fn a_password_that_would_need_rsa_is_explained() {
        let spec = SqlConnection {
            name: "elite".into(),
            url: "mysql://u@db/books".to_owned().into(),
            statement_ms: 1,
        };
        let (_, database) = Database::open(spec, None).unwrap();
        let failure = unopened(&database, sqlx::Error::Configuration("RSA".into()));
        assert_eq!((failure.class, failure.code.as_str()), (Unavailable, "connect"));
        assert!(failure.message.contains("ssl-mode=REQUIRED"), "{failure:?}");
    }

    #[tokio::test]
    async fn after_the_question_what_others_wrote_is_seen() {
        let url = remitd_tests::mariadb::shared().database("anew");
        run_script(&url, "CREATE TABLE n (i INT PRIMARY KEY) ENGINE InnoDB", None).await.unwrap();
        let spec = SqlConnection { name: "elite".into(), url: url.clone().into(), statement_ms: 5_000 };
        let (_, database) = Database::open(spec, None).unwrap();
        let (mut ours, mut other) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
        let count = Bound { text: "SELECT count(*) FROM n".into(), values: Vec::new() };
        ours.execute("START TRANSACTION READ WRITE").await.unwrap();
        assert_eq!(ours.read(&database, &count).await.unwrap().rows, [[Value::Integer(0)]]);
        other.execute("INSERT INTO n VALUES (1)").await.unwrap();
        assert_eq!(ours.read(&database, &count).await.unwrap().rows, [[Value::Integer(0)]], "its snapshot");
        ours.look_anew(&database).await.unwrap();
        assert_eq!(ours.read(&database, &count).await.unwrap().rows, [[Value::Integer(1)]]);
    }
}
