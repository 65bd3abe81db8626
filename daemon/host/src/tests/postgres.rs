//! SQL on a real PostgreSQL, which the harness starts.

use super::once::{self, find, insert, writes_once};
use super::{Job, PATIENCE, is, job};
use crate::grants::Grants;
use crate::reach::{Services, SqlConnection};
use crate::wit::sql::{Host, Param, Statement, Value};
use crate::wit::sql_once::Once;
use crate::wit::types::{Date, Failure, FailureClass};
use remitd_tests::postgres::{Server, shared};
use remitd_tests::wire::{Protocol, Wire};
use sqlx::{Connection, Executor, PgConnection};
use std::path::Path;

/// A database of this test's own, and a job that may read and write there.
async fn granted(tables: &'static str) -> (Job, PgConnection) {
    let url = shared().database("host");
    let mut admin = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(tables).execute(&mut admin).await.unwrap();
    (connected(&url), admin)
}

fn connected(url: &str) -> Job {
    let sql = vec![SqlConnection { name: "elite".into(), url: url.into(), statement_ms: 500 }];
    let names = vec!["elite".to_owned()];
    let grants = Grants { sql: names.clone(), sql_write: names, ..Grants::default() };
    job(Services { sql, ..Services::default() }, grants)
}

fn statement(text: &str, params: &[(&str, Value)]) -> Statement {
    let param = |(name, value): &(&str, Value)| Param { name: (*name).to_owned(), value: value.clone() };
    Statement { text: text.into(), params: params.iter().map(param).collect(), expect_rows: None }
}

async fn query(job: &mut Job, text: &str, params: &[(&str, Value)]) -> Result<Vec<Vec<Value>>, Failure> {
    let answer = job.query("elite".into(), statement(text, params)).await.unwrap();
    answer.map(|rows| rows.rows)
}

async fn change(job: &mut Job, text: &str, params: &[(&str, Value)]) -> Result<Vec<u64>, Failure> {
    job.transact("elite".into(), vec![statement(text, params)]).await.unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

const TABLES: &str = "
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE DOMAIN cents AS integer CHECK (VALUE >= 0);
    CREATE TABLE bill (number varchar PRIMARY KEY, small int2, whole int4, big int8, open numeric(20, 4), ratio float8,
        paid bool, due date, seen timestamp, at timestamptz, raw bytea, id uuid, doc jsonb, mood mood, fee cents,
        CHECK (open >= 0));
    CREATE TABLE part (bill varchar REFERENCES bill (number) DEFERRABLE INITIALLY DEFERRED);
    CREATE PROCEDURE counted(INOUT bills bigint, which varchar) LANGUAGE sql AS 'SELECT count(*) FROM bill WHERE number > which';
    CREATE PROCEDURE forget(which varchar) LANGUAGE sql AS 'DELETE FROM bill WHERE number = which';";

#[tokio::test]
async fn one_database_from_end_to_end() {
    let (mut job, mut admin) = granted(TABLES).await;
    values(&mut job).await;
    refusals(&mut job).await;
    limits(&mut job).await;
    procedures(&mut job).await;
    writes_once(&mut job, "1 / (open - 1)").await;
    nothing_stays_open(&mut job, &mut admin).await;
    nothing_stays_locked(&mut job, &mut admin).await;
    read_only_by_default(&mut job, &mut admin).await;
    lost_connections(&mut job, &mut admin).await;
}

async fn procedures(job: &mut Job) {
    let after = [("after", text("0"))];
    let plain = query(job, "SELECT count(*) FROM bill WHERE number > :after", &after).await.unwrap();
    assert_eq!(query(job, "CALL counted(NULL, :after)", &after).await, Ok(plain));
    let forget = query(job, "CALL forget(:after)", &after).await.unwrap_err();
    is(&forget, FailureClass::Invalid, "read-only");
}

async fn values(job: &mut Job) {
    let date = Value::Date(Date { year: 2026, month: 2, day: 28 });
    let row = [
        ("number", text("00124192.00001")),
        ("small", Value::Integer(-1)),
        ("whole", Value::Integer(7)),
        ("big", Value::Integer(i64::MAX)),
        ("open", Value::Decimal("1234567.8900".into())),
        ("ratio", Value::Decimal("0.1".into())),
        ("paid", Value::Boolean(true)),
        ("due", date),
        ("seen", Value::Timestamp("2026-02-28T01:02:03".into())),
        ("at", Value::Timestamp("2026-02-28T01:02:03.500Z".into())),
        ("raw", Value::Bytes(vec![0, 255])),
        ("id", text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("doc", text("{\"a\": 1}")),
        ("mood", text("good")),
        ("fee", Value::Integer(5)),
    ];
    let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
    let insert = format!("INSERT INTO bill ({}) VALUES (:{})", names.join(", "), names.join(", :"));
    assert_eq!(change(job, &insert, &row).await, Ok(vec![1]));
    let found = query(job, "SELECT * FROM bill WHERE number = :number", &row[..1]).await.unwrap();
    let expect: Vec<Value> = row.iter().map(|(_, value)| value.clone()).collect();
    assert_eq!(found, [expect]);
    let nothing: Vec<_> = row.iter().map(|(name, _)| (*name, Value::Null)).skip(1).collect();
    let all: Vec<_> = std::iter::once(("number", text("empty"))).chain(nothing).collect();
    assert_eq!(change(job, &insert, &all).await, Ok(vec![1]));
    let sums =
        "SELECT sum(open), count(*), avg(whole)::text, 'NaN'::numeric, 1e20::numeric, -0.001 FROM bill";
    let decimal = |digits: &str| Value::Decimal(digits.into());
    assert_eq!(
        query(job, sums, &[]).await.unwrap()[0],
        [
            decimal("1234567.8900"),
            Value::Integer(2),
            text("7.0000000000000000"),
            text("NaN"),
            decimal("100000000000000000000"),
            decimal("-0.001"),
        ]
    );
    let texts = "SELECT number FROM bill WHERE whole = :n AND due = :d";
    let found = query(job, texts, &[("n", text("7")), ("d", text("2026-02-28"))]).await.unwrap();
    assert_eq!(found, [[text("00124192.00001")]], "texts go into the column's type");
    money_goes_as_numeric(job).await;
    let lines = "SELECT :a::int -- one\r, :b::int -- two\r\n";
    let found = query(job, lines, &[("a", Value::Integer(1)), ("b", Value::Integer(2))]).await.unwrap();
    assert_eq!(found, [[Value::Integer(1), Value::Integer(2)]], "a carriage return ends a comment");
}

/// Its text has a sign and commas, by the server's place: `1250.00` is another sum where a point divides thousands.
async fn money_goes_as_numeric(job: &mut Job) {
    let amount = [("amount", Value::Decimal("1250.5".into()))];
    for (sql, says) in [
        ("SELECT '1250.5'::numeric::money AS open", "select it as open::numeric"),
        ("SELECT 1 WHERE '1'::numeric::money < :amount", "write :amount::numeric and cast it there"),
    ] {
        let params = if sql.contains(":amount") { &amount[..] } else { &[] };
        let failure = query(job, sql, params).await.unwrap_err();
        assert!(failure.message.ends_with(says), "{failure:?}");
    }
    let as_it_says = "SELECT (:amount::numeric::money)::numeric";
    assert_eq!(query(job, as_it_says, &amount).await, Ok(vec![vec![Value::Decimal("1250.50".into())]]));
    let other = query(job, "SELECT ARRAY[1] AS open", &[]).await.unwrap_err();
    assert!(other.message.ends_with("select it as open::text"), "{other:?}");
}

async fn refusals(job: &mut Job) {
    for (sql, code) in [
        ("INSERT INTO bill (number) VALUES ('empty')", "unique-violation"),
        ("INSERT INTO bill (number, open) VALUES ('x', -1)", "constraint"),
        ("INSERT INTO part VALUES ('none')", "constraint"),
        ("INSERT INTO bill (number, fee) VALUES ('x', -1)", "constraint"),
        ("UPDATE nothing SET a = 1", "statement"),
        ("SELECT 1; SELECT 2", "statement"),
        ("--\rCOMMIT /*\nSELECT 1 */", "statement"),
    ] {
        is(&change(job, sql, &[]).await.unwrap_err(), FailureClass::Invalid, code);
    }
    for sql in ["SELECT whole FROM bill WHERE whole = :n", "SELECT 1 FROM bill WHERE due = :n"] {
        is(&query(job, sql, &[("n", text("x"))]).await.unwrap_err(), FailureClass::Invalid, "parameter");
    }
    let day = [("d", Value::Date(Date { year: 2026, month: 2, day: 28 }))];
    let failure = change(job, "UPDATE bill SET at = :d WHERE number = 'empty'", &day).await.unwrap_err();
    is(&failure, FailureClass::Invalid, "parameter");
    assert!(failure.message.contains("write CAST(:d AS timestamp) AT TIME ZONE"), "{}", failure.message);
    let there = "SELECT CAST(:d AS timestamp) AT TIME ZONE 'Europe/Berlin'";
    let midnight = Value::Timestamp("2026-02-27T23:00:00Z".into());
    assert_eq!(query(job, there, &day).await, Ok(vec![vec![midnight]]), "as the refusal says");
    is(&query(job, "SELECT ARRAY[1]", &[]).await.unwrap_err(), FailureClass::Invalid, "column");
    let hidden = "WITH gone AS (DELETE FROM bill RETURNING number) SELECT * FROM gone";
    is(&query(job, hidden, &[]).await.unwrap_err(), FailureClass::Invalid, "read-only");
    let sneaky = "SELECT set_config('transaction_read_only', 'off', false)";
    assert!(query(job, sneaky, &[]).await.is_err());
    let expecting = Statement { expect_rows: Some(1), ..statement("DELETE FROM bill", &[]) };
    let failure = job.transact("elite".into(), vec![expecting]).await.unwrap().unwrap_err();
    is(&failure, FailureClass::Invalid, "rows-changed");
    let procedure = "/* Is it open? */ SELECT pg_notify('paid', number) FROM bill WHERE number = :n";
    let one =
        |number: &str| Statement { expect_rows: Some(1), ..statement(procedure, &[("n", text(number))]) };
    let failure = job.transact("elite".into(), vec![one("none")]).await.unwrap().unwrap_err();
    is(&failure, FailureClass::Invalid, "rows-changed");
    assert!(failure.message.contains("/* Is it open? */"), "{}", failure.message);
    assert_eq!(job.transact("elite".into(), vec![one("empty")]).await.unwrap(), Ok(vec![1]));
    assert_eq!(query(job, "SELECT count(*) FROM bill", &[]).await.unwrap(), [[Value::Integer(2)]]);
}

async fn limits(job: &mut Job) {
    is(&query(job, "SELECT pg_sleep(60)", &[]).await.unwrap_err(), FailureClass::Unavailable, "timeout");
    let many = "SELECT generate_series(1, 10001)";
    is(&query(job, many, &[]).await.unwrap_err(), FailureClass::Invalid, "too-many-rows");
    change(job, "SELECT set_config('search_path', 'nowhere', false)", &[]).await.unwrap();
    assert!(change(job, "SELECT 1 FROM bill", &[]).await.is_ok(), "the session was put right");
}

/// A transaction that is over for us is over for the server too, though nobody waited for its word.
async fn nothing_stays_open(job: &mut Job, admin: &mut PgConnection) {
    assert!(query(job, "SELECT count(*) FROM bill", &[]).await.is_ok());
    assert!(matches!(once::write(job, find("once-1"), vec![insert("once-1")]).await, Ok(Once::Found(_))));
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'remitd' AND datname = current_database() AND state <> 'idle'";
    let closed =
        async { while sqlx::query_scalar::<_, i64>(open).fetch_one(&mut *admin).await.unwrap() > 0 {} };
    tokio::time::timeout(PATIENCE, closed).await.expect("a transaction stays open");
}

/// A lock that a statement takes for its session, and not for its transaction, keeps nobody waiting while the connection rests.
async fn nothing_stays_locked(job: &mut Job, admin: &mut PgConnection) {
    let held = "SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let lock = "SELECT pg_advisory_lock(7)::text";
    for _ in 0..2 {
        assert_eq!(query(job, lock, &[]).await, Ok(vec![vec![text("")]]));
        assert_eq!(change(job, lock, &[]).await, Ok(vec![1]));
        let there = once::write(job, statement(lock, &[]), vec![insert("locked")]).await;
        assert!(matches!(there, Ok(Once::Found(_))));
        let let_go =
            async { while sqlx::query_scalar::<_, i64>(held).fetch_one(&mut *admin).await.unwrap() > 0 {} };
        tokio::time::timeout(PATIENCE, let_go).await.expect("a lock is kept");
    }
}

/// What an administrator has made read-only stays so.
async fn read_only_by_default(job: &mut Job, admin: &mut PgConnection) {
    let write = "UPDATE bill SET whole = whole";
    let whole = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = …', current_database()); END $$";
    let anew = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'remitd' AND datname = current_database()";
    for (on, expect) in [("on", Some("read-only")), ("off", None)] {
        admin.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(whole.replace('…', on)))).await.unwrap();
        admin.execute(anew).await.unwrap();
        let code = change(job, write, &[]).await.err().map(|failure| failure.code);
        assert_eq!(code.as_deref(), expect, "{on}");
    }
}

async fn lost_connections(job: &mut Job, admin: &mut PgConnection) {
    assert!(query(job, "SELECT 1", &[]).await.is_ok());
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'remitd'";
    admin.execute(end).await.unwrap();
    assert!(query(job, "SELECT 1", &[]).await.is_ok(), "the pool comes back by itself");
    let suicide = "SELECT pg_terminate_backend(pg_backend_pid())";
    is(&change(job, suicide, &[]).await.unwrap_err(), FailureClass::Unavailable, "connect");
    // A deferred trigger that ends the connection makes COMMIT itself fail: nobody can say what was kept.
    let deferred = "
        CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER leave AFTER INSERT ON part DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION leave();";
    sqlx::raw_sql(deferred).execute(&mut *admin).await.unwrap();
    let failure = change(job, "INSERT INTO part VALUES ('empty')", &[]).await.unwrap_err();
    is(&failure, FailureClass::UnknownOutcome, "commit-lost");
    assert!(job.ledger.touched());
}

/// Why a connection with these options is refused.
async fn refused(url: &str) -> String {
    let failure = query(&mut connected(url), "SELECT 1", &[]).await.unwrap_err();
    is(&failure, FailureClass::Unavailable, "connect");
    assert!(failure.message.starts_with("database \"elite\": "), "{}", failure.message);
    failure.message
}

#[tokio::test]
async fn tls_to_whom_the_url_says() {
    let server = Server::start_with_tls();
    let database = server.database("tls");
    let with = |host: &str, mode: &str, ca: &Path| {
        format!("{}?sslmode={mode}&sslrootcert={}", server.tls_url(&database, host), ca.display())
    };
    let (secured, theirs) = ("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", server.ca_file());
    for url in [
        with("localhost", "verify-full", &theirs),
        with("127.0.0.1", "verify-full", &theirs),
        // Whose certificate it is does not matter here, only who has signed it.
        with("127.0.0.2", "verify-ca", &theirs),
        format!("{}?sslmode=require", server.tls_url(&database, "localhost")),
    ] {
        let said = query(&mut connected(&url), secured, &[]).await;
        assert_eq!(said, Ok(vec![vec![Value::Boolean(true)]]), "{url}");
    }
    let plain = format!("{}?sslmode=disable", server.tls_url(&database, "localhost"));
    let said = query(&mut connected(&plain), secured, &[]).await;
    assert_eq!(said, Ok(vec![vec![Value::Boolean(false)]]));
    // Another's certificate, as from whoever stands in between, and a name that is not the server's.
    let other = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let wrong = other.path().join("ca.pem");
    fs_err::write(&wrong, made.cert.pem()).unwrap();
    let why = refused(&with("localhost", "verify-full", &wrong)).await;
    assert!(why.contains("certificate"), "{why}");
    let why = refused(&with("127.0.0.2", "verify-full", &theirs)).await;
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn tls_that_a_server_does_not_speak_is_not_done_without() {
    let server = shared();
    let database = server.database("open");
    let wire = Wire::before(Protocol::Postgres, &server.socket_file());
    let name = remitd_tests::postgres::database_of(&database);
    let url = format!("postgres://postgres@127.0.0.1:{}/{name}?sslmode=", wire.port());
    let why = refused(&format!("{url}require")).await;
    assert!(why.contains("TLS"), "{why}");
    let said = query(&mut connected(&format!("{url}disable")), "SELECT 1", &[]).await;
    assert_eq!(said, Ok(vec![vec![Value::Integer(1)]]));
}
