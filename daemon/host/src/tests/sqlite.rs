//! SQL on SQLite, as a connector calls it.

use super::once::{self, find, insert, writes_once};
use super::{Job, is, job};
use crate::grants::Grants;
use crate::reach::{Services, SqlConnection};
use crate::wit::sql::{Host, Param, Rows, Statement, Value};
use crate::wit::sql_once::Stopped;
use crate::wit::types::{Date, Failure, FailureClass};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor, SqliteConnection};
use std::path::Path;

const SCHEMA: &str = "
    CREATE TABLE bill (number TEXT PRIMARY KEY, open NUMERIC NOT NULL, due DATE, paid BOOLEAN, seen DATETIME, raw BLOB);
    INSERT INTO bill VALUES ('0001', 12.50, '2026-02-28', 1, '2026-01-01T00:00:00', x'00ff');
    INSERT INTO bill VALUES ('0002', 7, 'soon', 0, NULL, NULL);
    CREATE TABLE part (bill TEXT REFERENCES bill (number) DEFERRABLE INITIALLY DEFERRED);";

async fn open(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn granted(path: &Path, statement_ms: u64) -> Job {
    open(path).await.execute(SCHEMA).await.unwrap();
    connected(path, statement_ms)
}

fn connected(path: &Path, statement_ms: u64) -> Job {
    let names = vec!["elite".to_owned()];
    allowed(path, statement_ms, Grants { sql: names.clone(), sql_write: names, ..Grants::default() })
}

fn allowed(path: &Path, statement_ms: u64, grants: Grants) -> Job {
    let url = format!("sqlite:{}", path.display());
    let sql = vec![SqlConnection { name: "elite".into(), url: url.into(), statement_ms }];
    job(Services { sql, ..Services::default() }, grants)
}

fn statement(text: &str, params: &[(&str, Value)]) -> Statement {
    let param = |(name, value): &(&str, Value)| Param { name: (*name).to_owned(), value: value.clone() };
    Statement { text: text.into(), params: params.iter().map(param).collect(), expect_rows: None }
}

async fn query(job: &mut Job, text: &str, params: &[(&str, Value)]) -> Result<Rows, Failure> {
    job.query("elite".into(), statement(text, params)).await.unwrap()
}

async fn transact(job: &mut Job, statements: Vec<Statement>) -> Result<Vec<u64>, Failure> {
    job.transact("elite".into(), statements).await.unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn decimal(digits: &str) -> Value {
    Value::Decimal(digits.into())
}

#[tokio::test]
async fn values_come_and_go_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = granted(&folder.path().join("m.db"), 5_000).await;
    let rows = query(&mut job, "SELECT * FROM bill ORDER BY number", &[]).await.unwrap();
    assert_eq!(rows.columns, ["number", "open", "due", "paid", "seen", "raw"]);
    let due = Value::Date(Date { year: 2026, month: 2, day: 28 });
    let seen = Value::Timestamp("2026-01-01T00:00:00".into());
    let raw = Value::Bytes(vec![0, 255]);
    assert_eq!(rows.rows[0], [text("0001"), decimal("12.5"), due, Value::Boolean(true), seen, raw]);
    assert_eq!(
        rows.rows[1],
        [text("0002"), Value::Integer(7), text("soon"), Value::Boolean(false), Value::Null, Value::Null]
    );
    let echo = "SELECT :a, :b, :c, :d, :e, 0.1 + 0.2, 1e21, -9223372036854775808";
    let given = [
        ("a", Value::Integer(i64::MAX)),
        ("b", decimal("123456789012345678.90")),
        ("c", Value::Bytes(vec![1])),
        ("d", Value::Null),
        ("e", Value::Boolean(true)),
    ];
    let rows = query(&mut job, echo, &given).await.unwrap();
    let expect = [
        Value::Integer(i64::MAX),
        text("123456789012345678.90"),
        Value::Bytes(vec![1]),
        Value::Null,
        Value::Integer(1),
        decimal("0.30000000000000004"),
        decimal("1000000000000000000000"),
        Value::Integer(i64::MIN),
    ];
    assert_eq!(rows.rows[0], expect);
    let compared = "SELECT number FROM bill WHERE open >= :least";
    let rows = query(&mut job, compared, &[("least", decimal("12.50"))]).await.unwrap();
    assert_eq!(rows.rows, [[text("0001")]], "a decimal compares as a number");
    assert_eq!(query(&mut job, "SELECT 1 WHERE 0", &[]).await.unwrap().rows.len(), 0);
}

#[tokio::test]
async fn a_reading_connection_only_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = granted(&folder.path().join("m.db"), 5_000).await;
    let hidden = "WITH x AS (SELECT 1) DELETE FROM bill";
    is(&query(&mut job, hidden, &[]).await.unwrap_err(), FailureClass::Invalid, "read-only");
    is(&query(&mut job, "DELETE FROM bill", &[]).await.unwrap_err(), FailureClass::Invalid, "statement");
    let count = query(&mut job, "SELECT count(*) FROM bill", &[]).await.unwrap();
    assert_eq!(count.rows, [[Value::Integer(2)]]);
    assert!(!job.ledger.touched());
    let ungranted = job.query("other".into(), statement("SELECT 1", &[])).await.unwrap();
    is(&ungranted.unwrap_err(), FailureClass::Denied, "grant-missing");
}

#[tokio::test]
async fn a_transaction_is_whole_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    let mut job = granted(&path, 5_000).await;
    let pay = |number: &str, rows| Statement {
        expect_rows: Some(rows),
        ..statement(
            "UPDATE bill SET open = open - :paid WHERE number = :number",
            &[("paid", decimal("2.50")), ("number", text(number))],
        )
    };
    let insert =
        |number: &str| statement("INSERT INTO bill (number, open) VALUES (:n, 1)", &[("n", text(number))]);
    let cases = [
        (vec![pay("0001", 1), pay("none", 1)], "rows-changed"),
        (vec![pay("0001", 1), insert("0002")], "unique-violation"),
        (vec![pay("0001", 1), statement("INSERT INTO bill (number) VALUES ('x')", &[])], "constraint"),
        (vec![pay("0001", 1), statement("INSERT INTO part VALUES ('none')", &[])], "constraint"),
        (vec![pay("0001", 1), statement("UPDATE nothing SET x = 1", &[])], "statement"),
    ];
    for (statements, code) in cases {
        is(&transact(&mut job, statements).await.unwrap_err(), FailureClass::Invalid, code);
        let open = query(&mut job, "SELECT open FROM bill WHERE number = '0001'", &[]).await.unwrap();
        assert_eq!(open.rows, [[decimal("12.5")]], "{code} left nothing behind");
        assert!(!job.ledger.touched(), "{code} changed nothing");
    }
    assert_eq!(transact(&mut job, vec![pay("0001", 1), insert("0003")]).await, Ok(vec![1, 1]));
    assert!(job.ledger.touched());
    let open = query(&mut job, "SELECT open FROM bill WHERE number = '0001'", &[]).await.unwrap();
    assert_eq!(open.rows, [[Value::Integer(10)]]);
}

#[tokio::test]
async fn what_is_there_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    writes_once(&mut granted(&path, 5_000).await, "abs(-9223372036854775807 - open)").await;
    let elite = || vec!["elite".to_owned()];
    let reading = Grants { sql: elite(), ..Grants::default() };
    let writing = Grants { sql_write: elite(), ..Grants::default() };
    let ends =
        async |grants| once::write(&mut allowed(&path, 5_000, grants), find("1"), vec![insert("1")]).await;
    let (Err(Stopped::Changing(write)), Err(Stopped::Finding(read))) =
        (ends(reading).await, ends(writing).await)
    else {
        panic!()
    };
    for failure in [write, read] {
        is(&failure, FailureClass::Denied, "grant-missing");
    }
}

#[tokio::test]
async fn a_locked_database_may_pass() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    let mut job = granted(&path, 50).await;
    let write = || vec![statement("UPDATE bill SET open = 1", &[])];
    let mut other = open(&path).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let failure = transact(&mut job, write()).await.unwrap_err();
    is(&failure, FailureClass::Unavailable, "timeout");
    assert!(!job.ledger.touched());
    other.execute("ROLLBACK").await.unwrap();
    let mut later = connected(&path, 5_000);
    assert_eq!(transact(&mut later, write()).await, Ok(vec![2]));
}

#[tokio::test]
async fn a_statement_that_does_not_end_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = granted(&folder.path().join("m.db"), 50).await;
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    is(&query(&mut job, endless, &[]).await.unwrap_err(), FailureClass::Unavailable, "timeout");
    let writing = format!("INSERT INTO bill (number, open) {}", endless.replace("count(*)", "x, x"));
    let writing = vec![
        statement("UPDATE bill SET open = 9", &[]),
        statement(&format!("WITH y AS (SELECT 1) {writing}"), &[]),
    ];
    is(&transact(&mut job, writing).await.unwrap_err(), FailureClass::Unavailable, "timeout");
    let open = query(&mut job, "SELECT open FROM bill WHERE number = '0002'", &[]).await.unwrap();
    assert_eq!(open.rows, [[Value::Integer(7)]]);
    let after = transact(&mut job, vec![statement("UPDATE bill SET open = 8", &[])]).await;
    assert_eq!(after, Ok(vec![2]), "the connection is whole");
}

#[tokio::test]
async fn answers_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = granted(&folder.path().join("m.db"), 20_000).await;
    let many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT :n) SELECT x FROM c";
    let rows = query(&mut job, many, &[("n", Value::Integer(10_000))]).await.unwrap();
    assert_eq!(rows.rows.len(), 10_000);
    let failure = query(&mut job, many, &[("n", Value::Integer(10_001))]).await.unwrap_err();
    is(&failure, FailureClass::Invalid, "too-many-rows");
    let failure = query(&mut job, "SELECT zeroblob(20000000)", &[]).await.unwrap_err();
    is(&failure, FailureClass::Invalid, "answer-too-large");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gone.db");
    let mut job = connected(&path, 5_000);
    let failure = query(&mut job, "SELECT 1", &[]).await.unwrap_err();
    is(&failure, FailureClass::Unavailable, "connect");
    assert!(failure.message.contains("gone.db"), "{failure:?}");
    is(
        &transact(&mut job, vec![statement("SELECT 1", &[])]).await.unwrap_err(),
        FailureClass::Unavailable,
        "connect",
    );
    assert!(!path.exists());
    open(&path).await.execute(SCHEMA).await.unwrap();
    assert!(query(&mut job, "SELECT * FROM bill", &[]).await.is_ok(), "it came back by itself");
}
