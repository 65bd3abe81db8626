//! SQL on a real MariaDB, which the harness starts.

use super::once::{insert, write, writes_once};
use super::{Job, is, job};
use crate::grants::Grants;
use crate::reach::{Services, SqlConnection, run_script};
use crate::wit::sql::{Host, Param, Statement, Value};
use crate::wit::sql_once::Stopped;
use crate::wit::types::{Date, Failure, FailureClass};
use remitd_tests::mariadb;
use sqlx::{Connection, Executor, MySqlConnection};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Long enough for a wait for a lock to end before it: waits are in whole seconds.
const STATEMENT_MS: u64 = 2_000;

fn connected(url: &str) -> Job {
    let sql = vec![SqlConnection { name: "elite".into(), url: url.into(), statement_ms: STATEMENT_MS }];
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

fn decimal(digits: &str) -> Value {
    Value::Decimal(digits.into())
}

fn timestamp(text: &str) -> Value {
    Value::Timestamp(text.into())
}

const TABLES: &str = "
    CREATE TABLE bill (number VARCHAR(40) COLLATE utf8mb4_bin PRIMARY KEY, small TINYINT, whole INT, big BIGINT,
        huge BIGINT UNSIGNED, open DECIMAL(40, 20), ratio DOUBLE, half FLOAT, paid BOOLEAN, flags BIT(12), due DATE,
        seen DATETIME(3), at TIMESTAMP(6) NULL, took TIME(6), since YEAR, raw VARBINARY(9), photo LONGBLOB, doc JSON,
        mood ENUM('good', 'bad'), tags SET('a', 'b'), plain CHAR(5) CHARACTER SET latin1, note TEXT CHARACTER SET cp1251,
        CHECK (open >= 0)) ENGINE InnoDB;
    CREATE TABLE part (bill VARCHAR(40) COLLATE utf8mb4_bin NOT NULL REFERENCES bill (number)) ENGINE InnoDB;
    CREATE TABLE ledger (n INT) ENGINE MyISAM;
    CREATE PROCEDURE bills(after VARCHAR(40)) SELECT number, open FROM bill WHERE number > after ORDER BY number;
    CREATE PROCEDURE forget(which VARCHAR(40)) DELETE FROM bill WHERE number = which;
    CREATE SEQUENCE counter;";

#[tokio::test]
async fn one_database_from_end_to_end() {
    let url = mariadb::shared().database("host");
    run_script(&url, TABLES, None).await.unwrap();
    let mut job = connected(&url);
    values(&mut job).await;
    values_of_their_own(&mut job).await;
    texts_as_in_the_standard(&mut job).await;
    refusals(&mut job).await;
    limits(&mut job).await;
    procedures(&mut job, &url).await;
    writes_once(&mut job, "-9223372036854775807 - 2 * CAST(open AS SIGNED)").await;
}

/// Asked as a table is, in a transaction that may only read; by who might write as well.
async fn procedures(job: &mut Job, url: &str) {
    let after = [("after", text("0"))];
    let asked = job.query("elite".into(), statement("CALL bills(:after)", &after)).await.unwrap().unwrap();
    assert_eq!(asked.columns, ["number", "open"]);
    let plain = "SELECT number, open FROM bill WHERE number > :after ORDER BY number";
    assert_eq!(asked.rows, query(job, plain, &after).await.unwrap());
    assert!(!asked.rows.is_empty());
    let forget = query(job, "CALL forget(:after)", &after).await;
    is(&forget.unwrap_err(), FailureClass::Invalid, "read-only");
    let find = statement("CALL bills(:after)", &after);
    let Err(Stopped::Finding(failure)) = write(job, find, vec![insert("once-9")]).await else { panic!() };
    is(&failure, FailureClass::Invalid, "statement");
    let grants = Grants { sql: vec!["elite".to_owned()], ..Grants::default() };
    let sql = vec![SqlConnection { name: "elite".into(), url: url.into(), statement_ms: STATEMENT_MS }];
    let mut reader = super::job(Services { sql, ..Services::default() }, grants);
    let denied = query(&mut reader, "CALL bills(:after)", &after).await.unwrap_err();
    is(&denied, FailureClass::Denied, "grant-missing");
    assert!(denied.message.contains("a procedure may write"), "{}", denied.message);
    assert!(query(&mut reader, plain, &after).await.is_ok());
}

async fn values(job: &mut Job) {
    let row = [
        ("number", text("00124192.00001")),
        ("small", Value::Integer(-1)),
        ("whole", Value::Integer(7)),
        ("big", Value::Integer(i64::MIN)),
        ("huge", decimal("18446744073709551615")),
        ("open", decimal("12345678901234567890.12345678901234567890")),
        ("ratio", decimal("0.1")),
        ("half", decimal("0.3")),
        ("paid", Value::Boolean(true)),
        ("flags", Value::Integer(0xabc)),
        ("due", Value::Date(Date { year: 2026, month: 2, day: 28 })),
        ("seen", timestamp("2026-02-28T01:02:03")),
        ("at", timestamp("2026-02-28T01:02:03.500Z")),
        ("took", text("-101:02:03.000004")),
        ("since", Value::Integer(1999)),
        ("raw", Value::Bytes(vec![0, 255])),
        ("photo", Value::Bytes(vec![0x89, b'P'])),
        ("doc", text("{\"a\": 1}")),
        ("mood", text("good")),
        ("tags", text("a,b")),
        ("plain", text("Søn")),
        ("note", text("Счёт")),
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
    let found = query(job, "SELECT * FROM bill WHERE number = :number", &all[..1]).await.unwrap();
    assert_eq!(found[0][1..], vec![Value::Null; row.len() - 1]);
    let exact = "SELECT number FROM bill WHERE open = :open AND number = :n AND :n = 'x' || substr(:n, 2)";
    assert_eq!(query(job, exact, &[row[5].clone(), ("n", text("x"))]).await, Ok(vec![]));
    let twice = "SELECT :a, :a + :b, :b";
    let sums = query(job, twice, &[("a", decimal("0.10")), ("b", decimal("0.2"))]).await.unwrap();
    assert_eq!(sums, [[decimal("0.10"), decimal("0.30"), decimal("0.2")]]);
    let columns =
        job.query("elite".into(), statement("SELECT number AS n, due FROM bill WHERE 1 = 0", &[])).await;
    assert_eq!(columns.unwrap().unwrap().columns, ["n", "due"], "an answer without rows has its columns");
}

async fn values_of_their_own(job: &mut Job) {
    let odd = "SELECT CAST('0000-00-00' AS DATE), CAST('2026-00-00 01:02:03' AS DATETIME), sum(small), count(*), avg(whole),
        1 / 3, 1e300, 2 > 1, x'00ff', CAST(200 AS UNSIGNED), -0.001, now() > '2020-01-01', NULL FROM bill";
    let row = &query(job, odd, &[]).await.unwrap()[0];
    let expect = [
        text("0000-00-00"),
        text("2026-00-00 01:02:03"),
        decimal("-1"),
        Value::Integer(2),
        decimal("7.0000"),
        decimal("0.3333"),
        decimal(&format!("1{}", "0".repeat(300))),
        Value::Integer(1),
        Value::Bytes(vec![0, 255]),
        Value::Integer(200),
        decimal("-0.001"),
        Value::Integer(1),
        Value::Null,
    ];
    assert_eq!(row[..], expect);
    let failure = query(job, "SELECT ST_GeomFromText('POINT(1 2)') AS place", &[]).await.unwrap_err();
    is(&failure, FailureClass::Invalid, "column");
    assert!(failure.message.contains("ST_AsText(place)"), "{failure:?}");
    for (name, value) in [("d", decimal("1e5")), ("t", timestamp("soon")), ("y", decimal(&"9".repeat(66)))] {
        let failure = query(job, &format!("SELECT :{name}"), &[(name, value)]).await.unwrap_err();
        is(&failure, FailureClass::Invalid, "parameter");
    }
}

async fn texts_as_in_the_standard(job: &mut Job) {
    let quoted = "SELECT 'a\\', \"number\", 'it''s' || ':no' FROM bill WHERE number = :n -- :no";
    let found = query(job, quoted, &[("n", text("empty"))]).await.unwrap();
    assert_eq!(found, [[text("a\\"), text("empty"), text("it's:no")]]);
    let back = query(job, "SELECT :a", &[("a", text("\\'; DROP TABLE bill; -- \u{1f4b8}"))]).await.unwrap();
    assert_eq!(back, [[text("\\'; DROP TABLE bill; -- \u{1f4b8}")]]);
}

async fn refusals(job: &mut Job) {
    for (sql, code) in [
        ("INSERT INTO bill (number) VALUES ('empty')", "unique-violation"),
        ("INSERT INTO bill (number, open) VALUES ('x', -1)", "constraint"),
        ("INSERT INTO bill (open) VALUES (1)", "constraint"),
        ("INSERT INTO part VALUES ('none')", "constraint"),
        ("DELETE FROM part WHERE nothing = 1", "statement"),
        ("INSERT INTO bill (number, whole) VALUES ('x', 'seven')", "statement"),
        ("INSERT INTO bill (number, plain) VALUES ('x', 'longer')", "statement"),
        ("INSERT INTO bill (number, plain) VALUES ('x', 'Счёт')", "statement"),
        ("UPDATE nothing SET a = 1", "statement"),
        ("SELECT 1; SELECT 2", "statement"),
        ("CALL anything()", "statement"),
        ("SELECT 1 INTO OUTFILE '/tmp/remitd-is-never-here'", "statement"),
    ] {
        is(&change(job, sql, &[]).await.unwrap_err(), FailureClass::Invalid, code);
    }
    for writing in ["SELECT NEXTVAL(counter)", "WITH a AS (SELECT 1) SELECT NEXTVAL(counter) FROM a"] {
        is(&query(job, writing, &[]).await.unwrap_err(), FailureClass::Invalid, "read-only");
    }
    is(&query(job, "DELETE FROM bill", &[]).await.unwrap_err(), FailureClass::Invalid, "statement");
    let expecting = Statement { expect_rows: Some(1), ..statement("DELETE FROM bill", &[]) };
    let failure = job.transact("elite".into(), vec![expecting]).await.unwrap().unwrap_err();
    is(&failure, FailureClass::Invalid, "rows-changed");
    assert_eq!(query(job, "SELECT count(*) FROM bill", &[]).await.unwrap(), [[Value::Integer(2)]]);
    let whole = ["INSERT INTO ledger VALUES (1)", "UPDATE nothing SET a = 1"].map(|sql| statement(sql, &[]));
    let failure = job.transact("elite".into(), whole.to_vec()).await.unwrap().unwrap_err();
    is(&failure, FailureClass::Invalid, "not-rolled-back");
    let same = "UPDATE bill SET whole = 7 WHERE number = '00124192.00001'";
    assert_eq!(change(job, same, &[]).await, Ok(vec![1]), "a row that was so before counts, as everywhere");
}

async fn limits(job: &mut Job) {
    is(&query(job, "SELECT sleep(60)", &[]).await.unwrap_err(), FailureClass::Unavailable, "timeout");
    let endless =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT 1 FROM c) SELECT count(*) FROM c a, c b, c d";
    is(&query(job, endless, &[]).await.unwrap_err(), FailureClass::Unavailable, "timeout");
    let writing = "UPDATE bill SET whole = sleep(60)";
    is(&change(job, writing, &[]).await.unwrap_err(), FailureClass::Unavailable, "timeout");
    let many = "SELECT seq FROM seq_1_to_10001";
    is(&query(job, many, &[]).await.unwrap_err(), FailureClass::Invalid, "too-many-rows");
    let large = "SELECT repeat('x', 1000000) FROM seq_1_to_20";
    is(&query(job, large, &[]).await.unwrap_err(), FailureClass::Invalid, "answer-too-large");
    assert_eq!(
        query(job, "SELECT max(seq) FROM seq_1_to_10000", &[]).await,
        Ok(vec![vec![Value::Integer(10_000)]])
    );
}

#[tokio::test]
async fn a_locked_row_may_pass() {
    let server = mariadb::shared();
    let url = server.database("locks");
    run_script(&url, "CREATE TABLE t (n INT PRIMARY KEY); INSERT INTO t VALUES (1)", None).await.unwrap();
    let mut other = MySqlConnection::connect(&url).await.unwrap();
    other.execute("BEGIN").await.unwrap();
    other.execute("UPDATE t SET n = 2").await.unwrap();
    let mut job = connected(&url);
    let failure = change(&mut job, "UPDATE t SET n = 5", &[]).await.unwrap_err();
    is(&failure, FailureClass::Unavailable, "locked");
    assert!(failure.message.ends_with("in statement 1: UPDATE t SET n = 5"), "{}", failure.message);
    assert!(!job.ledger.touched());
    other.execute("ROLLBACK").await.unwrap();
    let after = change(&mut job, "UPDATE t SET n = 5", &[]).await;
    assert_eq!(after, Ok(vec![1]), "nobody holds it any more");
}

#[tokio::test]
async fn rights_that_the_database_did_not_give() {
    let server = mariadb::shared();
    let url = server.database("rights");
    let user = "CREATE TABLE t (n INT); CREATE USER reader@localhost IDENTIFIED BY 'Sesame:/@'; GRANT SELECT ON t TO reader@localhost";
    server.ask(&url, user);
    let with = |password: &str| {
        let signed_in = format!("mariadb://reader:{password}@localhost");
        format!(
            "{}&ssl-mode=VERIFY_IDENTITY&ssl-ca={}",
            url.replace("mysql://root@localhost", &signed_in),
            server.ca_file().display()
        )
    };
    let mut job = connected(&with("Sesame%3A%2F%40"));
    assert_eq!(query(&mut job, "SELECT n FROM t", &[]).await, Ok(vec![]));
    let secured = query(
        &mut job,
        "SELECT variable_value <> '' FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
        &[],
    );
    assert_eq!(secured.await, Ok(vec![vec![Value::Integer(1)]]));
    let failure = change(&mut job, "DELETE FROM t", &[]).await.unwrap_err();
    is(&failure, FailureClass::Denied, "database-permission");
    for url in [with("wrong"), with("Sesame%3A%2F%40").replace("rights", "nothing")] {
        is(
            &query(&mut connected(&url), "SELECT 1", &[]).await.unwrap_err(),
            FailureClass::Unavailable,
            "connect",
        );
    }
    let stranger = with("Sesame%3A%2F%40").replace("@localhost", "@example.com");
    is(
        &query(&mut connected(&stranger), "SELECT 1", &[]).await.unwrap_err(),
        FailureClass::Unavailable,
        "connect",
    );
}

#[tokio::test]
async fn a_server_that_comes_back() {
    let mut server = mariadb::Server::start();
    let url = server.database("restart");
    run_script(&url, "CREATE TABLE t (n INT)", None).await.unwrap();
    let mut job = connected(&url);
    for _ in 0..2 {
        assert_eq!(change(&mut job, "INSERT INTO t VALUES (1)", &[]).await, Ok(vec![1]));
        server.stop();
        is(&query(&mut job, "SELECT n FROM t", &[]).await.unwrap_err(), FailureClass::Unavailable, "connect");
        let failure = change(&mut job, "INSERT INTO t VALUES (1)", &[]).await.unwrap_err();
        is(&failure, FailureClass::Unavailable, "connect");
        server.resume();
    }
    assert_eq!(query(&mut job, "SELECT count(*) FROM t", &[]).await, Ok(vec![vec![Value::Integer(2)]]));
}

/// Where the connection is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    BeforeCommit,
    BeforeItsAnswer,
}

#[tokio::test]
async fn a_commit_whose_end_is_unknown() {
    let server = mariadb::shared();
    let url = server.database("commit");
    run_script(&url, "CREATE TABLE t (n INT)", None).await.unwrap();
    for (cut, kept) in [(Cut::BeforeCommit, "0"), (Cut::BeforeItsAnswer, "1")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let name = Path::new(url.split('?').next().unwrap()).file_name().unwrap().to_str().unwrap();
        let mut job = connected(&format!("mysql://root@127.0.0.1:{port}/{name}?ssl-mode=DISABLED"));
        let failure = tokio::select! {
            failure = change(&mut job, "INSERT INTO t VALUES (1)", &[]) => failure.unwrap_err(),
            () = cutting(listener, server.socket(), cut) => panic!("it listens for ever"),
        };
        is(&failure, FailureClass::UnknownOutcome, "commit-lost");
        assert!(job.ledger.touched());
        assert_eq!(server.ask(&url, "SELECT count(*) FROM t"), kept);
    }
}

/// Stands between a client and the server, and goes away at COMMIT.
async fn cutting(listener: TcpListener, socket: PathBuf, cut: Cut) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        pass_on(client, UnixStream::connect(&socket).await.unwrap(), cut).await;
    }
}

async fn pass_on(mut client: TcpStream, mut server: UnixStream, cut: Cut) {
    let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
    let mut committing = false;
    loop {
        tokio::select! {
            sent = client.read(&mut asked) => {
                let sent = &asked[..sent.unwrap_or(0)];
                committing = sent.windows(6).any(|word| word == b"COMMIT");
                if sent.is_empty() || committing && cut == Cut::BeforeCommit {
                    return;
                }
                server.write_all(sent).await.unwrap();
            }
            sent = server.read(&mut answered) => {
                let sent = &answered[..sent.unwrap_or(0)];
                if sent.is_empty() || committing {
                    return;
                }
                client.write_all(sent).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn options_that_the_driver_would_pass_over_are_refused() {
    let open = |options: &str| {
        let url = format!("mysql://u@localhost/d{options}");
        let spec = SqlConnection { name: "m".into(), url: url.into(), statement_ms: 1 };
        crate::reach::sql::Database::open(spec, None).map(drop).map_err(|error| error.to_string())
    };
    for fine in ["", "?ssl-mode=REQUIRED", "?ssl-ca=/x&socket=/y"] {
        assert_eq!(open(fine), Ok(()), "{fine}");
    }
    for wrong in ["?sslmod=REQUIRED", "?ssl-mode=MAYBE", "?charset=latin1", "?ssl-ca=/x&time-zone=%2B01:00"] {
        assert!(open(wrong).is_err(), "{wrong}");
    }
}
