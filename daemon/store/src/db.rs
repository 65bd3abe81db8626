//! One text for two databases: arguments, rows and connections that hide which one it is.

use crate::error::StoreError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Acquire as _, Arguments, PgPool, Postgres, Row as _, Sqlite, SqlitePool, Transaction};

/// A text of ours: the same for both databases, or one for each where they have no words in common.
#[derive(Clone, Copy)]
pub(crate) struct Sql {
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Sql {
        Sql { sqlite: text, postgres: text }
    }
}

/// A bound value.
#[derive(Clone, Copy)]
pub(crate) enum Arg<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Arg::Int(Some(value))
    }
}
impl From<Option<i64>> for Arg<'_> {
    fn from(value: Option<i64>) -> Self {
        Arg::Int(value)
    }
}
impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Arg::Text(Some(value))
    }
}
impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Arg::Text(Some(value))
    }
}
impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Arg::Text(value)
    }
}
impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Arg::Bytes(value)
    }
}

macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Arg::from($value)),*] };
}
pub(crate) use args;

fn sqlite_args(args: &[Arg<'_>]) -> Result<SqliteArguments, StoreError> {
    bind::<Sqlite, SqliteArguments>(args)
}

fn postgres_args(args: &[Arg<'_>]) -> Result<PgArguments, StoreError> {
    bind::<Postgres, PgArguments>(args)
}

fn bind<DB, A>(args: &[Arg<'_>]) -> Result<A, StoreError>
where
    DB: sqlx::Database,
    A: Arguments<Database = DB> + Default,
    Option<i64>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
    Option<String>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
    Vec<u8>: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>,
{
    let mut bound = A::default();
    for arg in args {
        match arg {
            Arg::Int(value) => bound.add(*value),
            Arg::Text(value) => bound.add(value.map(str::to_owned)),
            Arg::Bytes(value) => bound.add(value.to_vec()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

/// A row of either database; columns by their place.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! get {
    ($name:ident, $type:ty) => {
        pub fn $name(&self, at: usize) -> Result<$type, StoreError> {
            Ok(match self {
                Row::Sqlite(row) => row.try_get(at)?,
                Row::Postgres(row) => row.try_get(at)?,
            })
        }
    };
}

impl Row {
    get!(int, i64);
    get!(opt_int, Option<i64>);
    get!(text, String);
    get!(opt_text, Option<String>);
    get!(bytes, Vec<u8>);
}

/// The database: SQLite with one writing connection and some reading ones, or a PostgreSQL pool.
#[derive(Clone)]
pub(crate) enum Db {
    Sqlite { write: SqlitePool, read: SqlitePool },
    Postgres(PgPool),
}

/// A writing transaction. Dropped without [`Tx::commit`] it never was.
pub struct Tx {
    inner: Inner,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        let inner = match self {
            // From the start a writer: a reader that becomes one can find the database changed under it, and must fail.
            Db::Sqlite { write, .. } => Inner::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Db::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(Tx { inner })
    }

    /// Reads outside any transaction.
    pub(crate) async fn rows(&self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into();
        Ok(match self {
            Db::Sqlite { read, .. } => {
                let rows = sqlx::query_with(sql.sqlite, sqlite_args(args)?).fetch_all(read).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Db::Postgres(pool) => {
                let rows = sqlx::query_with(sql.postgres, postgres_args(args)?).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }
}

impl Tx {
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Sqlite(tx) => tx.rollback().await?,
            Inner::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// Gives the number of changed rows.
    pub(crate) async fn execute(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        let sql = sql.into();
        Ok(match &mut self.inner {
            Inner::Sqlite(tx) => {
                sqlx::query_with(sql.sqlite, sqlite_args(args)?).execute(&mut **tx).await?.rows_affected()
            }
            Inner::Postgres(tx) => {
                sqlx::query_with(sql.postgres, postgres_args(args)?).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }

    /// PostgreSQL's own way of taking many rows in: all of them, or none where a unique key of one is taken already.
    pub(crate) async fn copy(&mut self, statement: &str, rows: &[u8]) -> Result<bool, StoreError> {
        let Inner::Postgres(tx) = &mut self.inner else { return Ok(false) };
        let mut attempt = tx.begin().await?;
        let mut copy = attempt.copy_in_raw(statement).await?;
        copy.send(rows).await?;
        let Err(error) = copy.finish().await else {
            attempt.commit().await?;
            return Ok(true);
        };
        attempt.rollback().await?;
        let error = StoreError::from(error);
        if error.is_taken() { Ok(false) } else { Err(error) }
    }

    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into();
        Ok(match &mut self.inner {
            Inner::Sqlite(tx) => {
                let rows = sqlx::query_with(sql.sqlite, sqlite_args(args)?).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Inner::Postgres(tx) => {
                let rows = sqlx::query_with(sql.postgres, postgres_args(args)?).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(crate) async fn row(
        &mut self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// For an INSERT … RETURNING id.
    pub(crate) async fn id(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<i64, StoreError> {
        let row = self.row(sql, args).await?.ok_or(sqlx::Error::RowNotFound)?;
        row.int(0)
    }
}
