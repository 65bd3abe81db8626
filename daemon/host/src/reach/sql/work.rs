//! What a transaction does between its begin and its end, the same on every engine: its changes, and where they are known by a key,
//! the question whether they are there already. Owns no connection.

use super::params::{Access, Bound, Dialect, bind, calls, excerpt};
use super::places::Lease;
use super::{Database, STATEMENTS_MOST};
use crate::wit::sql::{Rows, Statement};
use crate::wit::sql_once::Stopped;
use crate::wit::types::Failure;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Instant, timeout_at};

pub(super) struct Work<'a> {
    find: Option<Bound<'a>>,
    changes: Vec<(Bound<'a>, &'a Statement)>,
    /// Whether it is at the question just now: whoever stops it says where.
    is_finding: AtomicBool,
}

pub(super) enum Done {
    /// It was there: nothing was changed, and the transaction is to be taken back.
    Found(Rows),
    /// Nothing is kept before the commit.
    Changed {
        /// The rows of each change.
        counts: Vec<u64>,
        /// What was found after them: no row where nothing was asked.
        found: Rows,
    },
}

/// A connection on which a transaction has begun.
pub(super) trait Begun {
    fn read(
        &mut self,
        database: &Database,
        asked: &Bound<'_>,
    ) -> impl Future<Output = Result<Rows, Failure>> + Send;

    /// Nothing was found. What comes now must see what others have written meanwhile.
    fn look_anew(&mut self, _database: &Database) -> impl Future<Output = Result<(), Failure>> + Send {
        std::future::ready(Ok(()))
    }

    /// Gives how many rows were changed.
    fn change(
        &mut self,
        database: &Database,
        change: &Bound<'_>,
    ) -> impl Future<Output = Result<u64, Failure>> + Send;
}

/// One whose transaction ends by a word of ours; sqlx's know how to end their own.
pub(super) trait Ends: Begun + Send + 'static {
    /// Gives whether it is whole again.
    fn roll_back(&mut self) -> impl Future<Output = bool> + Send;

    fn commit(&mut self, database: &Database) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<'a> Work<'a> {
    pub(super) fn bound(
        find: Option<&'a Statement>,
        changes: &'a [Statement],
        dialect: Dialect,
    ) -> Result<Work<'a>, Stopped> {
        if changes.len() > STATEMENTS_MOST {
            let message = format!("a transaction has at most {STATEMENTS_MOST} statements");
            return Err(Failure::invalid("too-many-statements", message).into());
        }
        if let Some(find) = find.filter(|find| dialect == Dialect::MySql && calls(&find.text, dialect)) {
            let message = format!(
                "a procedure of MySQL may commit by itself, and the transaction would no longer be whole: {}",
                excerpt(&find.text)
            );
            return Err(Stopped::Finding(Failure::invalid("statement", message)));
        }
        let find =
            find.map(|find| bind(find, dialect, Access::Read)).transpose().map_err(Stopped::Finding)?;
        let change = |change| Ok((bind(change, dialect, Access::Write)?, change));
        let changes = changes.iter().map(change).collect::<Result<_, Failure>>()?;
        Ok(Work { find, changes, is_finding: AtomicBool::new(false) })
    }

    pub(super) async fn run(&self, database: &Database, on: &mut impl Begun) -> Result<Done, Stopped> {
        if let Some(find) = &self.find {
            let there = self.ask(database, on, find).await?;
            if !there.rows.is_empty() {
                return Ok(Done::Found(there));
            }
            on.look_anew(database).await?;
        }
        let mut counts = Vec::with_capacity(self.changes.len());
        for (at, (bound, statement)) in self.changes.iter().enumerate() {
            let rows = on.change(database, bound).await;
            let rows = rows.map_err(|failure| in_statement(at, statement, failure))?;
            check_rows(at, statement, rows)?;
            counts.push(rows);
        }
        let found = match &self.find {
            Some(find) => self.ask(database, on, find).await?,
            None => {
                return Ok(Done::Changed { counts, found: Rows { columns: Vec::new(), rows: Vec::new() } });
            }
        };
        if found.rows.is_empty() {
            // The next attempt would not find it either, and write it again.
            let message = format!(
                "database \"{}\": what was written is not found by its key, all is rolled back",
                database.name
            );
            return Err(Stopped::Finding(Failure::invalid("not-found-again", message)));
        }
        Ok(Done::Changed { counts, found })
    }

    /// The whole of it, where `begun` leases a connection on which a transaction has begun. A commit has its own time.
    pub(super) async fn run_to_its_end<'l, C: Ends>(
        &self,
        database: &Database,
        deadline: Instant,
        begun: impl Future<Output = Result<Lease<'l, C>, Failure>>,
    ) -> Result<Done, Stopped> {
        let working = timeout_at(deadline, async {
            let mut lease = begun.await?;
            let done = self.run(database, &mut lease.connection).await;
            // So that its locks are gone when the caller hears of it; the end of the connection does the same later.
            let is_whole = matches!(done, Ok(Done::Changed { .. })) || lease.connection.roll_back().await;
            Ok((lease, is_whole, done?))
        });
        let (mut lease, is_whole, done) = working.await.unwrap_or_else(|_| Err(self.late(database)))?;
        if let Done::Changed { .. } = done {
            lease.connection.commit(database).await?;
        }
        if is_whole {
            lease.give_back();
        }
        Ok(done)
    }

    async fn ask(&self, database: &Database, on: &mut impl Begun, find: &Bound<'_>) -> Result<Rows, Stopped> {
        self.is_finding.store(true, Ordering::Relaxed);
        let rows = on.read(database, find).await.map_err(Stopped::Finding)?;
        self.is_finding.store(false, Ordering::Relaxed);
        Ok(rows)
    }

    /// Its time is up, wherever it is.
    pub(super) fn late(&self, database: &Database) -> Stopped {
        match self.is_finding.load(Ordering::Relaxed) {
            true => Stopped::Finding(database.timeout()),
            false => Stopped::Changing(database.timeout()),
        }
    }
}

impl AsRef<Failure> for Stopped {
    fn as_ref(&self) -> &Failure {
        match self {
            Stopped::Finding(failure) | Stopped::Changing(failure) => failure,
        }
    }
}

impl Stopped {
    /// The same step, another failure.
    pub(super) fn map(self, other: impl FnOnce(Failure) -> Failure) -> Stopped {
        match self {
            Stopped::Finding(failure) => Stopped::Finding(other(failure)),
            Stopped::Changing(failure) => Stopped::Changing(other(failure)),
        }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Stopped {
        Stopped::Changing(failure)
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Failure {
        match stopped {
            Stopped::Finding(failure) | Stopped::Changing(failure) => failure,
        }
    }
}

/// Which of a transaction's statements it was.
fn in_statement(at: usize, statement: &Statement, failure: Failure) -> Failure {
    let (nth, begins) = (at + 1, excerpt(&statement.text));
    Failure { message: format!("{}, in statement {nth}: {begins}", failure.message), ..failure }
}

fn check_rows(at: usize, statement: &Statement, changed: u64) -> Result<(), Failure> {
    match statement.expect_rows {
        Some(expected) if expected != changed => {
            let (nth, begins) = (at + 1, excerpt(&statement.text));
            let message = format!(
                "statement {nth} changed {changed} rows where {expected} were expected, all is rolled back: {begins}"
            );
            Err(Failure::invalid("rows-changed", message))
        }
        _ => Ok(()),
    }
}
