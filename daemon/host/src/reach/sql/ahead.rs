//! Lists that a plugin reads page by page: while it makes its answer of one page, the next one is read. Owns how that one is guessed:
//! by the parameter and the column that are both named `cursor`. One wrong guess is the last, so that a database is never asked for
//! much that nobody takes.

use super::Database;
use crate::wit::sql::{Param, Rows, Statement, Value};
use crate::wit::types::Failure;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

const CURSOR: &str = "cursor";
const LIMIT: &str = "limit";

/// What is read ahead of a list: its jobs share it, one after another. What nobody takes ends with it.
#[derive(Clone, Default)]
pub struct ReadAhead(Arc<Mutex<Ahead>>);

#[derive(Default)]
struct Ahead {
    next: Option<Page>,
    was_wrong: bool,
}

/// A page on its way.
struct Page {
    database: Arc<Database>,
    statement: Statement,
    rows: JoinSet<Result<Rows, Failure>>,
}

impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadAhead(…)")
    }
}

impl ReadAhead {
    pub(crate) async fn query(
        &self,
        database: &Arc<Database>,
        statement: &Statement,
        left: Duration,
    ) -> Result<Rows, Failure> {
        let until = Instant::now() + left;
        let read = match self.take(database, statement) {
            Some(mut page) => {
                timeout_at(until, page.rows.join_next()).await.map_err(|_| database.timeout())?
            }
            None => None,
        };
        let left = until.saturating_duration_since(Instant::now());
        let rows = match read {
            Some(Ok(Ok(rows))) => rows,
            // Whatever went wrong meanwhile may have passed.
            _ => database.query(statement, left).await?,
        };
        if let Some(next) = following(statement, &rows) {
            self.begin(database, next, left);
        }
        Ok(rows)
    }

    fn take(&self, database: &Arc<Database>, statement: &Statement) -> Option<Page> {
        let mut ahead = self.locked();
        let page = ahead.next.take()?;
        let is_right = Arc::ptr_eq(&page.database, database) && page.statement == *statement;
        ahead.was_wrong |= !is_right;
        is_right.then_some(page)
    }

    /// It may take as long as the page before it might have: its own job has not begun yet.
    fn begin(&self, database: &Arc<Database>, statement: Statement, left: Duration) {
        let mut ahead = self.locked();
        if ahead.was_wrong {
            return;
        }
        let mut rows = JoinSet::new();
        let (from, asked) = (Arc::clone(database), statement.clone());
        rows.spawn(async move { from.query(&asked, left).await });
        ahead.next = Some(Page { database: Arc::clone(database), statement, rows });
    }

    fn locked(&self) -> MutexGuard<'_, Ahead> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The statement of the page after `rows`, where they fill theirs.
fn following(statement: &Statement, rows: &Rows) -> Option<Statement> {
    let many = i64::try_from(rows.rows.len()).ok()?;
    let is_full = |param: &Param| param.name == LIMIT && param.value == Value::Integer(many);
    statement.params.iter().find(|param| is_full(param))?;
    let at = rows.columns.iter().position(|name| name.eq_ignore_ascii_case(CURSOR))?;
    let last = rows.rows.last()?.get(at)?;
    let mut next = statement.clone();
    let cursor = next.params.iter_mut().find(|param| param.name == CURSOR)?;
    cursor.value = match (&cursor.value, last) {
        (Value::Integer(_), Value::Integer(number)) => Value::Integer(*number),
        (Value::Text(_), Value::Text(text)) => Value::Text(text.trim_end().to_owned()),
        _ => return None,
    };
    Some(next)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::reach::SqlConnection;
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor};
    use std::path::Path;

    const LEFT: Duration = Duration::from_secs(5);
    const LIST: &str = "SELECT number, id AS cursor FROM bill WHERE id > :cursor ORDER BY id LIMIT :limit";

    async fn five_bills(path: &Path) -> Arc<Database> {
        let rows = "CREATE TABLE bill (id INTEGER PRIMARY KEY, number TEXT);
                    INSERT INTO bill VALUES (1, 'B-1'), (2, 'B-2'), (3, 'B-3'), (4, 'B-4'), (5, 'B-5')";
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        options.connect().await.unwrap().execute(rows).await.unwrap();
        let url = format!("sqlite:{}", path.display()).into();
        Database::open(SqlConnection { name: "m".into(), url, statement_ms: 5_000 }, None).unwrap().1
    }

    fn page(cursor: i64) -> Statement {
        let param = |name: &str, number| Param { name: name.into(), value: Value::Integer(number) };
        Statement {
            text: LIST.into(),
            params: vec![param(CURSOR, cursor), param(LIMIT, 2)],
            expect_rows: None,
        }
    }

    fn ids(rows: &Rows) -> Vec<Value> {
        rows.rows.iter().map(|row| row[1].clone()).collect()
    }

    fn expect(ids: &[i64]) -> Vec<Value> {
        ids.iter().map(|id| Value::Integer(*id)).collect()
    }

    #[tokio::test]
    async fn the_next_page_is_read_before_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (database, ahead) = (five_bills(&folder.path().join("m.db")).await, ReadAhead::default());
        assert_eq!(ids(&ahead.query(&database, &page(0), LEFT).await.unwrap()), expect(&[1, 2]));
        let mut next = ahead.take(&database, &page(2)).unwrap();
        let rows = next.rows.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(ids(&rows), expect(&[3, 4]));
        // Nobody has begun another one meanwhile; whoever goes on reads to the end.
        assert_eq!(ids(&ahead.query(&database, &page(2), LEFT).await.unwrap()), expect(&[3, 4]));
        assert_eq!(ids(&ahead.query(&database, &page(4), LEFT).await.unwrap()), expect(&[5]));
        assert!(ahead.locked().next.is_none(), "the last page is known by its size");
        assert!(!ahead.locked().was_wrong);
    }

    #[tokio::test]
    async fn a_wrong_guess_is_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let (database, ahead) = (five_bills(&folder.path().join("m.db")).await, ReadAhead::default());
        ahead.query(&database, &page(0), LEFT).await.unwrap();
        // A plugin may leave the end of a page for the next one.
        assert_eq!(ids(&ahead.query(&database, &page(1), LEFT).await.unwrap()), expect(&[2, 3]));
        assert!(ahead.locked().next.is_none());
        assert_eq!(ids(&ahead.query(&database, &page(3), LEFT).await.unwrap()), expect(&[4, 5]));
    }

    #[tokio::test]
    async fn what_failed_ahead_is_asked_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (database, ahead) = (five_bills(&folder.path().join("m.db")).await, ReadAhead::default());
        let mut rows = JoinSet::new();
        rows.spawn(async { Err(Failure::unavailable("connect", "it was away")) });
        ahead.locked().next = Some(Page { database: Arc::clone(&database), statement: page(2), rows });
        assert_eq!(ids(&ahead.query(&database, &page(2), LEFT).await.unwrap()), expect(&[3, 4]));
        assert!(ahead.locked().next.is_some());
    }

    #[test]
    fn only_lists_that_page_by_a_cursor_are_read_ahead() {
        let rows = |columns: &[&str], last: Value| Rows {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: vec![vec![Value::Null, Value::Null], vec![Value::Null, last]],
        };
        let seven = Value::Integer(7);
        assert_eq!(following(&page(0), &rows(&["number", "CURSOR"], seven.clone())), Some(page(7)));
        assert_eq!(following(&page(0), &rows(&["number", "id"], seven.clone())), None);
        assert_eq!(following(&page(0), &rows(&["number", "cursor"], Value::Text("7".into()))), None);
        let mut endless = page(0);
        endless.params.pop();
        assert_eq!(following(&endless, &rows(&["number", "cursor"], seven)), None, "not known to be full");
    }
}
