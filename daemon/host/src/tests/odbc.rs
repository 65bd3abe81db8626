//! SQL by ODBC, through drivers by others, each connection in a process of its own: this test's binary once more.

use super::once::writes_once;
use super::{Job, is, job};
use crate::grants::Grants;
use crate::reach::{Services, SqlConnection, run_script, serve_odbc};
use crate::wit::sql::{Host, Param, Rows, Statement, Value};
use crate::wit::types::{Date, Failure, FailureClass};
use remitd_tests::postgres;
use rustix::process::{Pid, Signal, kill_process};
use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Longer than anything here takes, and for what shall not be waited for.
const PATIENT_MS: u64 = 30_000;
const HASTY_MS: u64 = 1_000;

thread_local! {
    /// The worker that this test has started last.
    static STARTED: Cell<Option<Pid>> = const { Cell::new(None) };
}

/// No test: what `spawn` starts.
#[test]
#[ignore = "the process of a connection"]
fn worker() {
    serve_odbc(std::io::stdin().as_fd().try_clone_to_owned().unwrap()).unwrap();
}

fn spawn(socket: OwnedFd) -> std::io::Result<Child> {
    let mut worker = Command::new(std::env::current_exe()?);
    worker.args(["tests::odbc::worker", "--exact", "--ignored"]).kill_on_drop(true);
    let child = worker.stdin(socket).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    STARTED.set(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
    Ok(child)
}

fn started() -> Pid {
    STARTED.get().expect("a worker was started")
}

fn connected(connection: &str, statement_ms: u64) -> Job {
    let url = format!("odbc:{connection}").into();
    let sql = vec![SqlConnection { name: "elite".into(), url, statement_ms }];
    let names = vec!["elite".to_owned()];
    let grants = Grants { sql: names.clone(), sql_write: names, ..Grants::default() };
    job(Services { sql, odbc: Some(spawn), ..Services::default() }, grants)
}

fn statement(text: &str, params: &[(&str, Value)]) -> Statement {
    let param = |(name, value): &(&str, Value)| Param { name: (*name).to_owned(), value: value.clone() };
    Statement { text: text.into(), params: params.iter().map(param).collect(), expect_rows: None }
}

async fn rows(job: &mut Job, text: &str, params: &[(&str, Value)]) -> Result<Rows, Failure> {
    job.query("elite".into(), statement(text, params)).await.unwrap()
}

async fn query(job: &mut Job, text: &str, params: &[(&str, Value)]) -> Result<Vec<Vec<Value>>, Failure> {
    rows(job, text, params).await.map(|rows| rows.rows)
}

async fn change(job: &mut Job, text: &str, params: &[(&str, Value)]) -> Result<Vec<u64>, Failure> {
    job.transact("elite".into(), vec![statement(text, params)]).await.unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn decimal(digits: &str) -> Value {
    Value::Decimal(digits.into())
}

fn timestamp(text: &str) -> Value {
    Value::Timestamp(text.into())
}

fn day() -> Value {
    Value::Date(Date { year: 2026, month: 2, day: 28 })
}

mod on_postgres {
    use super::*;

    const TABLES: &str = "
        CREATE TABLE bill (number varchar(40) PRIMARY KEY, small int2, whole int4, big int8, open numeric(30, 4),
            ratio float8, paid bool, due date, seen timestamp, at timestamptz, raw bytea, id uuid, note text,
            CHECK (open >= 0));
        CREATE TABLE part (bill varchar(40) REFERENCES bill (number) DEFERRABLE INITIALLY DEFERRED);
        CREATE SEQUENCE counter;
        CREATE TABLE slow (n int);
        CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER pause AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION pause();";

    /// Its URL for `psql`, and the connection by ODBC.
    async fn made(name: &str) -> (String, String) {
        let server = postgres::shared();
        let url = server.database(name);
        run_script(&url, TABLES, None).await.unwrap();
        let place = server.socket().display().to_string();
        let name = postgres::database_of(&url);
        let connection = format!(
            "Driver={{PostgreSQL Unicode}};Server={place};Port=5432;Database={name};UID=postgres;BoolsAsChar=0"
        );
        (url, connection)
    }

    #[tokio::test]
    async fn one_database_from_end_to_end() {
        let (_, connection) = made("odbc").await;
        let mut job = connected(&connection, PATIENT_MS);
        values(&mut job).await;
        refusals(&mut job).await;
        limits(&mut job).await;
        writes_once(&mut job, "1 / (open - 1)").await;
        let asleep = query(&mut connected(&connection, HASTY_MS), "SELECT pg_sleep(60)", &[]).await;
        is(&asleep.unwrap_err(), FailureClass::Unavailable, "timeout");
    }

    async fn values(job: &mut Job) {
        let row = [
            ("number", text("Søn-Счёт-\u{1f4b8}'; DROP TABLE bill; --")),
            ("small", Value::Integer(-1)),
            ("whole", Value::Integer(7)),
            ("big", Value::Integer(i64::MIN)),
            ("open", decimal("12345678901234567890123456.7891")),
            ("ratio", decimal("0.1")),
            ("paid", Value::Boolean(true)),
            ("due", day()),
            ("seen", timestamp("2026-02-28T01:02:03.000004")),
            ("at", timestamp("2026-02-28T01:02:03.500Z")),
            ("raw", Value::Bytes(vec![0, 255, b'\'', b'\\'])),
            ("id", text("67e55044-10b1-426f-9247-bb680e5fe0c8")),
            ("note", text("a\\b?\n:c")),
        ];
        let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
        let insert = format!("INSERT INTO bill ({}) VALUES (:{})", names.join(", "), names.join(", :"));
        assert_eq!(change(job, &insert, &row).await, Ok(vec![1]));
        let found = query(job, "SELECT * FROM bill WHERE number = :number", &row[..1]).await.unwrap();
        let mut expect: Vec<Value> = row.iter().map(|(_, value)| value.clone()).collect();
        // The driver gives no zone; the session's is UTC.
        expect[9] = timestamp("2026-02-28T01:02:03.500");
        assert_eq!(found, [expect]);
        let nothing: Vec<_> = row.iter().map(|(name, _)| (*name, Value::Null)).skip(1).collect();
        let all: Vec<_> = std::iter::once(("number", text("empty"))).chain(nothing).collect();
        assert_eq!(change(job, &insert, &all).await, Ok(vec![1]));
        let found = query(job, "SELECT * FROM bill WHERE number = :number", &all[..1]).await.unwrap();
        assert_eq!(found[0][1..], vec![Value::Null; row.len() - 1]);
        let exact = "SELECT number FROM bill WHERE open = :open AND /* which? */ whole = :whole";
        assert_eq!(
            query(job, exact, &[row[4].clone(), row[2].clone()]).await,
            Ok(vec![vec![row[0].1.clone()]])
        );
        let none = rows(job, "SELECT number AS n, due FROM bill WHERE 1 = 0", &[]).await.unwrap();
        assert_eq!((none.columns, none.rows.len()), (vec!["n".to_owned(), "due".to_owned()], 0));
    }

    async fn refusals(job: &mut Job) {
        for (sql, code) in [
            ("INSERT INTO bill (number) VALUES ('empty')", "unique-violation"),
            ("INSERT INTO bill (number, open) VALUES ('x', -1)", "constraint"),
            ("INSERT INTO bill (open) VALUES (1)", "constraint"),
            ("INSERT INTO part VALUES ('none')", "constraint"),
            ("UPDATE nothing SET a = 1", "statement"),
            ("DELETE FROM bill COMMIT", "statement"),
        ] {
            is(&change(job, sql, &[]).await.unwrap_err(), FailureClass::Invalid, code);
        }
        let posting = "SELECT nextval('counter') FROM generate_series(1, 2)";
        assert_eq!(change(job, posting, &[]).await, Ok(vec![2]), "rows that are given count");
        is(
            &query(job, "SELECT nextval('counter')", &[]).await.unwrap_err(),
            FailureClass::Invalid,
            "read-only",
        );
        let hidden = "WITH x AS (DELETE FROM bill RETURNING 1) SELECT 1";
        is(&query(job, hidden, &[]).await.unwrap_err(), FailureClass::Invalid, "statement");
        let two = ["UPDATE bill SET whole = 8", "DELETE FROM bill WHERE number = 'none'"];
        let mut two = two.map(|sql| statement(sql, &[])).to_vec();
        two[1].expect_rows = Some(1);
        let failure = job.transact("elite".into(), two).await.unwrap().unwrap_err();
        is(&failure, FailureClass::Invalid, "rows-changed");
        assert!(
            !job.ledger.touched()
                || query(job, "SELECT 1 FROM bill WHERE whole = 8", &[]).await == Ok(vec![])
        );
    }

    async fn limits(job: &mut Job) {
        let many = "SELECT n FROM generate_series(1, :most) AS s (n)";
        let failure = query(job, many, &[("most", Value::Integer(10_001))]).await.unwrap_err();
        is(&failure, FailureClass::Invalid, "too-many-rows");
        assert_eq!(query(job, many, &[("most", Value::Integer(10_000))]).await.unwrap().len(), 10_000);
        let large = "SELECT repeat('x', 1000000) FROM generate_series(1, 20)";
        is(&query(job, large, &[]).await.unwrap_err(), FailureClass::Invalid, "answer-too-large");
    }

    /// Waits until another connection runs what contains `text`, then kills the worker.
    async fn kill_while(url: &str, text: &str) {
        let running = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND state = 'active' AND query LIKE '%{text}%'"
        );
        let url = url.to_owned();
        let waiting = move || while postgres::shared().ask(&url, &running) == "0" {};
        tokio::task::spawn_blocking(waiting).await.unwrap();
        kill_process(started(), Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn a_worker_that_is_killed() {
        let (url, connection) = made("killed").await;
        let mut job = connected(&connection, PATIENT_MS);
        let (failure, ()) =
            tokio::join!(query(&mut job, "SELECT 'one', pg_sleep(20)", &[]), kill_while(&url, "one"));
        let failure = failure.unwrap_err();
        is(&failure, FailureClass::Unavailable, "worker-ended");
        assert!(failure.message.contains("signal: 9"), "{failure:?}");
        let writing = "INSERT INTO bill (number, note) VALUES ('x', (SELECT pg_sleep(20)::text))";
        let (failure, ()) = tokio::join!(change(&mut job, writing, &[]), kill_while(&url, "pg_sleep"));
        is(&failure.unwrap_err(), FailureClass::Unavailable, "worker-ended");
        assert!(!job.ledger.touched(), "nothing was committed");
        assert_eq!(change(&mut job, "INSERT INTO bill (number) VALUES ('y')", &[]).await, Ok(vec![1]));
        kill_process(started(), Signal::KILL).unwrap();
        let after = "INSERT INTO part VALUES ('y')";
        // Unless it was seen to have ended before it was asked.
        if let Err(failure) = change(&mut job, after, &[]).await {
            is(&failure, FailureClass::Unavailable, "worker-ended");
        }
        assert_eq!(query(&mut job, "SELECT number FROM bill", &[]).await, Ok(vec![vec![text("y")]]));
    }

    #[tokio::test]
    async fn a_worker_that_is_killed_while_it_commits() {
        let (url, connection) = made("committing").await;
        let mut job = connected(&connection, PATIENT_MS);
        let (failure, ()) =
            tokio::join!(change(&mut job, "INSERT INTO slow VALUES (1)", &[]), kill_while(&url, "COMMIT"));
        let failure = failure.unwrap_err();
        is(&failure, FailureClass::UnknownOutcome, "commit-lost");
        assert!(failure.message.contains("signal: 9"), "{failure:?}");
        assert!(job.ledger.touched());
        assert_eq!(query(&mut job, "SELECT number FROM bill", &[]).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_worker_that_hangs() {
        let (_, connection) = made("hung").await;
        let mut job = connected(&connection, 4 * HASTY_MS);
        assert_eq!(query(&mut job, "SELECT number FROM bill", &[]).await, Ok(vec![]));
        kill_process(started(), Signal::STOP).unwrap();
        let state = format!("/proc/{}/stat", started().as_raw_nonzero());
        while !fs_err::read_to_string(&state).unwrap().contains(") T ") {
            std::thread::yield_now();
        }
        let failure = query(&mut job, "SELECT number FROM bill", &[]).await.unwrap_err();
        is(&failure, FailureClass::Unavailable, "timeout");
        assert_eq!(query(&mut job, "SELECT number FROM bill", &[]).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_server_that_comes_back() {
        let mut server = postgres::Server::start(postgres::Fsync::Off);
        let url = server.database("restart");
        let (place, name) = (server.socket().display().to_string(), postgres::database_of(&url).to_owned());
        let mut job = connected(
            &format!(
                "Driver={{PostgreSQL Unicode}};Server={place};Port=5432;Database={name};UID=postgres;PWD=Sesame;"
            ),
            PATIENT_MS,
        );
        assert_eq!(query(&mut job, "SELECT 'there'", &[]).await, Ok(vec![vec![text("there")]]));
        server.stop();
        for _ in 0..2 {
            let failure = query(&mut job, "SELECT 'there'", &[]).await.unwrap_err();
            is(&failure, FailureClass::Unavailable, "connect");
            assert!(!failure.message.contains("Sesame"), "{failure:?}");
        }
        server.resume();
        assert_eq!(query(&mut job, "SELECT 'there'", &[]).await, Ok(vec![vec![text("there")]]));
    }
}

mod on_sqlite {
    use super::*;
    use std::path::Path;

    const TABLES: &str = "
        CREATE TABLE bill (number TEXT PRIMARY KEY, open NUMERIC, exact DECIMAL(19, 4), whole INTEGER, due DATE,
            paid BOOLEAN, seen DATETIME);
        CREATE TABLE part (bill TEXT REFERENCES bill (number) DEFERRABLE INITIALLY DEFERRED);";

    async fn made(file: &Path) -> Job {
        run_script(&format!("sqlite:{}", file.display()), TABLES, None).await.unwrap();
        opened(file, PATIENT_MS)
    }

    fn opened(file: &Path, statement_ms: u64) -> Job {
        let file = file.display();
        connected(
            &format!("Driver=SQLite3;Database={file};NoCreat=1;FKSupport=1;StepAPI=1;Timeout=1000"),
            statement_ms,
        )
    }

    #[tokio::test]
    async fn values_come_and_go_without_loss() {
        let folder = tempfile::tempdir().unwrap();
        let mut job = made(&folder.path().join("m.db")).await;
        let row = [
            ("number", text("Søn-Счёт-\u{1f4b8}")),
            ("open", decimal("12.5")),
            // Its driver calls that a text, which the connector reads as well.
            ("exact", text("1234567.89")),
            ("whole", Value::Integer(i64::MAX)),
            ("due", day()),
            ("paid", Value::Boolean(true)),
            ("seen", timestamp("2026-02-28T01:02:03")),
        ];
        let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
        let insert = format!("INSERT INTO bill ({}) VALUES (:{})", names.join(", "), names.join(", :"));
        let mut given = row.to_vec();
        given[2].1 = decimal("1234567.89");
        assert_eq!(change(&mut job, &insert, &given).await, Ok(vec![1]));
        let found = query(&mut job, "SELECT * FROM bill", &[]).await.unwrap();
        let expect: Vec<Value> = row.iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(found, [expect]);
    }

    #[tokio::test]
    async fn what_is_there_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut job = made(&folder.path().join("m.db")).await;
        writes_once(&mut job, "abs(-9223372036854775807 - open)").await;
    }

    #[tokio::test]
    async fn a_reading_connection_only_reads() {
        let folder = tempfile::tempdir().unwrap();
        let mut job = made(&folder.path().join("m.db")).await;
        let insert = "INSERT INTO bill (number) VALUES ('0001')";
        assert_eq!(change(&mut job, insert, &[]).await, Ok(vec![1]));
        is(&change(&mut job, insert, &[]).await.unwrap_err(), FailureClass::Invalid, "unique-violation");
        let part = "INSERT INTO part VALUES ('none')";
        is(&change(&mut job, part, &[]).await.unwrap_err(), FailureClass::Invalid, "constraint");
        let hidden = "WITH x AS (SELECT 1) REPLACE (SELECT 1)";
        is(&query(&mut job, hidden, &[]).await.unwrap_err(), FailureClass::Invalid, "statement");
        assert_eq!(query(&mut job, "SELECT count(*) FROM bill", &[]).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_and_a_statement_that_does_not_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gone.db");
        let mut job = opened(&file, PATIENT_MS);
        is(&query(&mut job, "SELECT 1", &[]).await.unwrap_err(), FailureClass::Unavailable, "connect");
        assert!(!file.exists());
        let mut job = made(&file).await;
        let mut hasty = opened(&file, HASTY_MS);
        let endless =
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
        is(&query(&mut hasty, endless, &[]).await.unwrap_err(), FailureClass::Unavailable, "timeout");
        assert_eq!(query(&mut job, "SELECT number FROM bill", &[]).await, Ok(vec![]));
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_explained() {
    let mut job = connected("Driver=No such driver;PWD=Sesame", PATIENT_MS);
    let failure = query(&mut job, "SELECT 1", &[]).await.unwrap_err();
    is(&failure, FailureClass::Unavailable, "connect");
    assert!(!failure.message.contains("Sesame"), "{failure:?}");
    let open = |url: &str, spawn| {
        let spec = SqlConnection { name: "m".into(), url: url.to_owned().into(), statement_ms: 1 };
        crate::reach::sql::Database::open(spec, spawn).map(drop).unwrap_err().to_string()
    };
    assert!(open("odbc:Database=x;PWD=Sesame", Some(spawn)).contains("neither Driver="));
    assert!(open("odbc:DSN=x", None).contains("--features odbc"));
}
