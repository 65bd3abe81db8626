//! PostgreSQL: reads in read-only transactions that always roll back, writes in one transaction.

use super::params::{Access, Bound, Dialect, bind};
use super::pgvalue;
use super::places::{Lease, Places};
use super::work::{Begun, Done, Work};
use super::{ACQUIRE_TIMEOUT, Database, Gathered, READERS_MOST, TIMEOUT_SLACK, WRITERS_MOST, lock_wait};
use crate::wit::sql::{Rows, Statement};
use crate::wit::sql_once::Stopped;
use crate::wit::types::Failure;
use futures_util::{FutureExt, TryStreamExt};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgStatement, PgTypeInfo};
use sqlx::{Column, ConnectOptions, Connection, Either, Executor, Row, SqlStr, Statement as _};
use std::io::ErrorKind;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

const CONNECT_AGAIN: Duration = Duration::from_millis(100);
const UNLOCK: &str = "SELECT pg_advisory_unlock_all()";

/// What the URL may say after its question mark, in psql's words and the driver's own. The driver passes over what it does not know,
/// and a misspelt sslmode would leave the server's certificate unchecked.
const OPTIONS: [&str; 11] = [
    "sslmode",
    "ssl-mode",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
];
/// And those that name a file.
const FILES: [&str; 7] =
    ["sslrootcert", "ssl-root-cert", "ssl-ca", "sslcert", "ssl-cert", "sslkey", "ssl-key"];

pub(super) struct Pools {
    options: PgConnectOptions,
    reading: Places<Session>,
    writing: Places<Session>,
}

/// A connection that takes leave of the server at its end, which would complain in its log otherwise.
struct Session(Option<PgConnection>);

impl Session {
    fn link(&mut self) -> Result<&mut PgConnection, Gone> {
        self.0.as_mut().ok_or(Gone(sqlx::Error::PoolClosed))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Some bytes, for which there is room as a rule: nobody waits for it.
        let _ = self.0.take().and_then(|link| link.close().now_or_never());
    }
}

/// A connection on which BEGIN failed, most likely since it is no more: nothing has happened.
struct Gone(sqlx::Error);

impl Pools {
    pub(super) fn open(url: &str) -> Result<Pools, String> {
        let options = options(url)?.application_name("remitd").disable_statement_logging();
        Ok(Pools { options, reading: Places::new(READERS_MOST), writing: Places::new(WRITERS_MOST) })
    }

    pub(super) async fn query(
        &self,
        database: &Database,
        statement: &Statement,
        limit: Duration,
    ) -> Result<Rows, Failure> {
        let bound = bind(statement, Dialect::Postgres, Access::Read)?;
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        let read = |lease| read_on(lease, database, &bound, limit);
        let reading = self.on_a_living_one(&self.reading, database, deadline, read);
        timeout_at(deadline, reading).await.unwrap_or_else(|_| Err(database.timeout()))
    }

    pub(super) async fn work(
        &self,
        database: &Database,
        work: &Work<'_>,
        limit: Duration,
    ) -> Result<Done, Stopped> {
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        let work = |lease| work_on(lease, database, work, (limit, deadline));
        self.on_a_living_one(&self.writing, database, deadline, work).await
    }

    /// A server that is about to start, or full, is waited for.
    async fn connect(&self) -> Result<Session, sqlx::Error> {
        // The reason is known before whoever waits gives up.
        let until = Instant::now() + ACQUIRE_TIMEOUT - 2 * CONNECT_AGAIN;
        loop {
            match self.options.connect().await {
                Ok(link) => return Ok(Session(Some(link))),
                Err(error) if may_pass(&error) && Instant::now() < until => sleep(CONNECT_AGAIN).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Runs on a connection on which BEGIN goes well, which says so as well as a question of its own. All that rested may be gone.
    async fn on_a_living_one<'a, T, E, F>(
        &self,
        places: &'a Places<Session>,
        database: &Database,
        deadline: Instant,
        run: impl Fn(Lease<'a, Session>) -> F,
    ) -> Result<T, E>
    where
        E: From<Failure>,
        F: Future<Output = Result<Result<T, E>, Gone>>,
    {
        let mut tries = places.most();
        loop {
            let open = async || self.connect().await.map_err(|error| database.failed(error));
            match run(places.acquire(database, deadline, |_| true, open).await?).await {
                Ok(answer) => return answer,
                Err(Gone(_)) if tries > 0 => tries -= 1,
                Err(Gone(error)) => return Err(database.failed(error).into()),
            }
        }
    }
}

/// What the URL says. A file that it names is looked at now: a connection that fails later does not say which one it missed.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, String> {
    let parsed = reqwest::Url::parse(url).map_err(|error| error.to_string())?;
    for (name, value) in parsed.query_pairs() {
        if FILES.contains(&name.as_ref()) {
            fs_err::File::open(value.as_ref()).map_err(|error| error.to_string())?;
        } else if !OPTIONS.contains(&name.as_ref()) && !name.starts_with("options[") {
            return Err("its options can be sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port, dbname, user, \
                        password and options, and no others"
                .to_owned());
        }
    }
    PgConnectOptions::from_str(url).map_err(|error| error.to_string())
}

/// A connection of ours alone, for a script.
pub(super) async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    options(url).map_err(|reason| sqlx::Error::Configuration(reason.into()))?.connect().await
}

/// Refused, too many connections, starting up.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        sqlx::Error::Database(refusal) => matches!(refusal.code().as_deref(), Some("53300" | "57P03")),
        _ => false,
    }
}

/// A server that has fallen silent is not waited for as long as for a statement.
async fn begun_in_time<T>(begun: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(ACQUIRE_TIMEOUT, begun).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn read_on(
    mut lease: Lease<'_, Session>,
    database: &Database,
    bound: &Bound<'_>,
    limit: Duration,
) -> Result<Result<Rows, Failure>, Gone> {
    let begun = begun_in_time(lease.connection.link()?.begin_with(begin(limit, Access::Read))).await;
    let mut transaction = begun.map_err(Gone)?;
    let rows = transaction.read(database, bound).await;
    // Dropped, it rolls back. That also takes back whatever a function may have set in the session.
    drop(transaction);
    if rows.is_ok() {
        give_back(lease);
    }
    Ok(rows)
}

async fn work_on(
    mut lease: Lease<'_, Session>,
    database: &Database,
    work: &Work<'_>,
    (limit, deadline): (Duration, Instant),
) -> Result<Result<Done, Stopped>, Gone> {
    let begun = begun_in_time(lease.connection.link()?.begin_with(begin(limit, Access::Write))).await;
    // Dropped before the commit, it rolls back.
    let mut transaction = begun.map_err(Gone)?;
    let working = timeout_at(deadline, work.run(database, &mut *transaction));
    let done = match working.await.unwrap_or_else(|_| Err(work.late(database))) {
        Ok(Done::Changed { counts, found }) => {
            let committed = database.commit(transaction, rolled_back).await;
            committed.map(|()| Done::Changed { counts, found }).map_err(Stopped::from)
        }
        nothing => {
            drop(transaction);
            nothing
        }
    };
    if done.is_ok() {
        give_back(lease);
    }
    Ok(done)
}

/// Gives a connection back after a whole transaction. The locks that a statement or a function took for its session, which outlive the
/// transaction, are let go of; a ROLLBACK that waits to be sent goes out before that. Nobody waits for the answers, which the next
/// user reads first. After anything else the connection ends: no half-read answer comes to the next user.
fn give_back(mut lease: Lease<'_, Session>) {
    let Ok(link) = lease.connection.link() else { return };
    // Of all that the driver can send, only what begins a transaction goes out before the answers to what was sent earlier are read.
    // This begins none, which is what it says if the server is that quick.
    let said = link.begin_with(UNLOCK).now_or_never();
    if matches!(said, None | Some(Err(sqlx::Error::BeginFailed))) {
        drop(said);
        lease.give_back();
    }
}

/// Begins, with bounds for this transaction only, in one round trip. What a function may have set for the session is gone before a
/// writing one; a reading one takes it back itself. A server or a user that is read-only by default stays so.
fn begin(limit: Duration, access: Access) -> SqlStr {
    let begin = if access == Access::Read { "BEGIN READ ONLY" } else { "BEGIN; RESET ALL" };
    let (statement, lock) = (limit.as_millis().max(1), lock_wait(limit).as_millis().max(1));
    super::text(format!(
        "{begin}; SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}"
    ))
}

impl Begun for PgConnection {
    async fn read(&mut self, database: &Database, asked: &Bound<'_>) -> Result<Rows, Failure> {
        let (statement, arguments) = prepare(database, self, asked).await?;
        let columns = statement.columns();
        let mut gathered = Gathered::new(columns.iter().map(|column| column.name().to_owned()).collect());
        let mut stream = statement.query_with(arguments).fetch(self);
        while let Some(row) = stream.try_next().await.map_err(|error| database.failed(error))? {
            let mut values = Vec::with_capacity(row.len());
            for column in columns {
                let raw = row.try_get_raw(column.ordinal()).map_err(|error| database.failed(error))?;
                values.push(pgvalue::read(column.name(), raw)?);
            }
            gathered.push(values)?;
        }
        Ok(gathered.rows)
    }

    async fn change(&mut self, database: &Database, change: &Bound<'_>) -> Result<u64, Failure> {
        let (statement, arguments) = prepare(database, self, change).await?;
        let done = statement.query_with(arguments).execute(self).await;
        done.map(|done| done.rows_affected()).map_err(|error| database.failed(error))
    }
}

/// Asks the server which type each parameter has, then gives each value in that type.
async fn prepare(
    database: &Database,
    connection: &mut PgConnection,
    bound: &Bound<'_>,
) -> Result<(PgStatement, PgArguments), Failure> {
    let text = super::text(bound.text.clone());
    let statement = connection.prepare(text).await.map_err(|error| database.failed(error))?;
    let types: &[PgTypeInfo] = match statement.parameters() {
        Some(Either::Left(types)) => types,
        _ => &[],
    };
    let mut arguments = PgArguments::default();
    for ((name, value), wanted) in bound.values.iter().zip(types) {
        pgvalue::write(&mut arguments, name, value, wanted)?;
    }
    Ok((statement, arguments))
}

/// What a SQLSTATE means to the caller (PostgreSQL's appendix A).
pub(super) fn refusal(code: &str, message: String) -> Failure {
    match code {
        "57014" => Failure::unavailable("timeout", message),
        "40001" | "40P01" | "55P03" => Failure::unavailable("locked", message),
        "42501" => Failure::denied("database-permission", message),
        "25006" => Failure::invalid("read-only", message),
        // The connection went in the middle of a statement.
        "40003" => Failure::unavailable("connect", message),
        // Connections, the operator's intervention, resources, signing in, a database that is not there.
        _ if ["08", "57", "53", "28", "3D"].iter().any(|class| code.starts_with(class)) => {
            Failure::unavailable("connect", message)
        }
        _ if code.starts_with("23") => Failure::invalid("constraint", message),
        _ => Failure::invalid("statement", message),
    }
}

/// Whether a failed COMMIT is known to have kept nothing: a deferred constraint or a lost race, and nothing else.
fn rolled_back(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refusal) = error else { return false };
    keeps_nothing(&refusal.code().unwrap_or_default())
}

/// 40003 says of itself that nobody knows.
fn keeps_nothing(code: &str) -> bool {
    code.starts_with("23") || code.starts_with("40") && code != "40003"
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::wit::types::FailureClass::Unavailable;

    #[test]
    fn a_commit_that_nobody_knows_of_is_no_rollback() {
        for (code, nothing) in [
            ("23505", true),
            ("23503", true),
            ("40001", true),
            ("40P01", true),
            ("40003", false),
            ("08007", false),
            ("57P01", false),
        ] {
            assert_eq!(keeps_nothing(code), nothing, "{code}");
        }
        // Before COMMIT nothing is written, whatever it says.
        let failure = refusal("40003", String::new());
        assert_eq!((failure.class, failure.code.as_str()), (Unavailable, "connect"));
    }

    #[test]
    fn urls() {
        let check = |said: &str, expect: Result<(), &str>| {
            let got = options(&format!("postgres://remitd@db/elite{said}")).map(drop);
            match expect {
                Ok(()) => assert_eq!(got, Ok(()), "{said}"),
                Err(why) => assert!(got.clone().is_err_and(|said| said.contains(why)), "{said}: {got:?}"),
            }
        };
        let there = tempfile::NamedTempFile::new().unwrap();
        let file = there.path().display();
        check("", Ok(()));
        check("?host=/run/postgresql&port=5433&options[search_path]=billing", Ok(()));
        check(&format!("?sslmode=verify-full&sslrootcert={file}"), Ok(()));
        check("?sslmod=verify-full", Err("its options can be sslmode"));
        check("?sslmode=verify", Err("ssl_mode"));
        check(&format!("?sslrootcert={file}.none"), Err(&format!("{file}.none")));
    }
}
