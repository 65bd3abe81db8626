//! PostgreSQL: reads in read-only transactions that always roll back, writes in one transaction.

use super::params::{Access, Bound, Dialect, bind};
use super::pgvalue;
use super::{
    ACQUIRE_TIMEOUT, Database, Fresh, Gathered, READERS_MOST, Served, TIMEOUT_SLACK, WRITERS_MOST,
    in_statement, lock_wait, pool_of,
};
use crate::wit::sql::{Rows, Statement};
use crate::wit::types::Failure;
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgStatement, PgTypeInfo};
use sqlx::{Column, ConnectOptions, Connection, Either, Executor, Postgres, Row, SqlStr, Statement as _};
use std::str::FromStr;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

pub(super) struct Pools {
    reading: Served<Postgres>,
    writing: Served<Postgres>,
}

/// A connection on which BEGIN failed, most likely since it is no more: nothing has happened.
struct Gone(sqlx::Error);

impl Pools {
    pub(super) fn open(url: &str) -> Result<Pools, String> {
        let options = PgConnectOptions::from_str(url).map_err(|error| error.to_string())?;
        let options = options.application_name("remitd").disable_statement_logging();
        // Whether a connection is well, BEGIN says as well as a question of its own.
        let pool =
            |most| Served::of(pool_of(most).test_before_acquire(false).connect_lazy_with(options.clone()));
        Ok(Pools { reading: pool(READERS_MOST), writing: pool(WRITERS_MOST) })
    }

    pub(super) async fn query(
        &self,
        database: &Database,
        statement: &Statement,
        limit: Duration,
    ) -> Result<Rows, Failure> {
        let bound = bind(statement, Dialect::Postgres, Access::Read)?;
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        let read = |connection| read_on(connection, database, &bound, limit);
        let reading = timeout_at(deadline, on_a_living_one(&self.reading, database, deadline, read));
        reading.await.unwrap_or_else(|_| Err(database.timeout()))
    }

    pub(super) async fn transact(
        &self,
        database: &Database,
        statements: &[Statement],
        limit: Duration,
    ) -> Result<Vec<u64>, Failure> {
        let bound = statements.iter().map(|one| bind(one, Dialect::Postgres, Access::Write));
        let bound = bound.collect::<Result<Vec<_>, _>>()?;
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        let write =
            |connection| write_on(connection, database, bound.iter().zip(statements), (limit, deadline));
        on_a_living_one(&self.writing, database, deadline, write).await
    }
}

/// Runs on a connection on which BEGIN goes well. All that rested may be gone.
async fn on_a_living_one<T, F>(
    served: &Served<Postgres>,
    database: &Database,
    deadline: Instant,
    run: impl Fn(Fresh<Postgres>) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<Result<T, Failure>, Gone>>,
{
    let mut tries = served.pool.options().get_max_connections();
    loop {
        let acquired = Fresh::of(served, deadline).await;
        match run(acquired.map_err(|error| database.failed(error))?).await {
            Ok(answer) => return answer,
            Err(Gone(_)) if tries > 0 => tries -= 1,
            Err(Gone(error)) => return Err(database.failed(error)),
        }
    }
}

/// A server that has fallen silent is not waited for as long as for a statement.
async fn begun_in_time<T>(begun: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(ACQUIRE_TIMEOUT, begun).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn read_on(
    mut connection: Fresh<Postgres>,
    database: &Database,
    bound: &Bound<'_>,
    limit: Duration,
) -> Result<Result<Rows, Failure>, Gone> {
    let begun = begun_in_time(connection.pooled.begin_with(begin(limit, Access::Read))).await;
    let mut transaction = begun.map_err(Gone)?;
    let rows = read(database, &mut transaction, bound).await;
    // Dropped, it rolls back on the connection's way into the pool, where nobody waits for it. That also takes back whatever
    // a function may have set in the session.
    drop(transaction);
    connection.keep = rows.is_ok();
    Ok(rows)
}

async fn write_on<'a>(
    mut connection: Fresh<Postgres>,
    database: &Database,
    changes: impl Iterator<Item = (&'a Bound<'a>, &'a Statement)>,
    (limit, deadline): (Duration, Instant),
) -> Result<Result<Vec<u64>, Failure>, Gone> {
    let begun = begun_in_time(connection.pooled.begin_with(begin(limit, Access::Write))).await;
    // Dropped before the commit, it rolls back.
    let mut transaction = begun.map_err(Gone)?;
    let writing = timeout_at(deadline, async {
        let mut changed = Vec::new();
        for (at, (bound, statement)) in changes.enumerate() {
            let rows = change(database, &mut transaction, bound).await;
            let rows = rows.map_err(|failure| in_statement(at, statement, failure))?;
            database.check_rows(at, statement, rows)?;
            changed.push(rows);
        }
        Ok(changed)
    });
    let written = writing.await.unwrap_or_else(|_| Err(database.timeout()));
    let written = match written {
        Ok(changed) => database.commit(transaction, rolled_back).await.map(|()| changed),
        Err(failure) => Err(failure),
    };
    connection.keep = written.is_ok();
    Ok(written)
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

async fn read(
    database: &Database,
    connection: &mut PgConnection,
    bound: &Bound<'_>,
) -> Result<Rows, Failure> {
    let (statement, arguments) = prepare(database, connection, bound).await?;
    let columns = statement.columns();
    let mut gathered = Gathered::new(columns.iter().map(|column| column.name().to_owned()).collect());
    let mut stream = statement.query_with(arguments).fetch(connection);
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

async fn change(
    database: &Database,
    connection: &mut PgConnection,
    bound: &Bound<'_>,
) -> Result<u64, Failure> {
    let (statement, arguments) = prepare(database, connection, bound).await?;
    let done = statement.query_with(arguments).execute(connection).await;
    done.map(|done| done.rows_affected()).map_err(|error| database.failed(error))
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
    let code = refusal.code().unwrap_or_default();
    code.starts_with("23") || code.starts_with("40")
}
