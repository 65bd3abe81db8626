//! SQL Server's protocol: against Microsoft's mock of a server, held against FreeTDS, and against servers of ours that want a
//! password in the open. No real SQL Server was ever here.

use super::{Job, is, job, once};
use crate::grants::Grants;
use crate::reach::{Services, SqlConnection};
use crate::wit::sql::{Host, Param, Rows, Statement, Value};
use crate::wit::sql_once::{Once, Stopped};
use crate::wit::types::{Failure, FailureClass};
use remitd_tests::mssql::{self, Mode, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const PATIENT_MS: u64 = 30_000;
const HASTY_MS: u64 = 1_000;

fn connected(url: &str, statement_ms: u64) -> Job {
    let sql = vec![SqlConnection { name: "elite".into(), url: url.to_owned().into(), statement_ms }];
    let names = vec!["elite".to_owned()];
    let grants = Grants { sql: names.clone(), sql_write: names, ..Grants::default() };
    job(Services { sql, ..Services::default() }, grants)
}

fn plain(peer: &Peer) -> Job {
    connected(&url(peer), PATIENT_MS)
}

fn url(peer: &Peer) -> String {
    format!("mssql://remitd:Sesame@127.0.0.1:{}/elite?encrypt=off", peer.port)
}

fn statement(text: &str, params: &[(&str, Value)]) -> Statement {
    let param = |(name, value): &(&str, Value)| Param { name: (*name).to_owned(), value: value.clone() };
    Statement { text: text.into(), params: params.iter().map(param).collect(), expect_rows: None }
}

async fn query(job: &mut Job, text: &str, params: &[(&str, Value)]) -> Result<Rows, Failure> {
    job.query("elite".into(), statement(text, params)).await.unwrap()
}

async fn change(job: &mut Job, text: &str, params: &[(&str, Value)]) -> Result<Vec<u64>, Failure> {
    job.transact("elite".into(), vec![statement(text, params)]).await.unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// As the mock knows it.
const BILLS: &str = "SELECT NUMBER, CENTS, PAYER, NOTE FROM BILL WHERE NUMBER > :after";

fn bills() -> Vec<Vec<Value>> {
    vec![
        vec![Value::Integer(1), Value::Integer(9_007_199_254_740_993), text("Søn & Счёт"), text("one")],
        vec![Value::Integer(2), Value::Null, text(""), Value::Null],
    ]
}

#[tokio::test]
async fn rows_as_freetds_reads_them() {
    let Some(peer) = mssql::start(&Mode::Plain) else { return };
    let mut job = plain(&peer);
    let rows = query(&mut job, BILLS, &[("after", Value::Integer(0))]).await.unwrap();
    assert_eq!(rows.columns, ["number", "cents", "payer", "note"]);
    assert_eq!(rows.rows, bills());
    let after = [("after", Value::Integer(0))];
    let asked = query(&mut job, "EXEC OPEN_BILLS @AFTER = :after", &after).await.unwrap();
    assert_eq!((asked.columns, asked.rows), (rows.columns.clone(), bills()), "a procedure's answer");
    let shown = |value: &Value| match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        _ => "NULL".to_owned(),
    };
    let lines: Vec<String> =
        rows.rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join("\t")).collect();
    let control = peer.ask_with_freetds(&BILLS.replace(":after", "0"));
    assert_eq!(lines, control.lines().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_transaction_and_what_is_refused() {
    let Some(peer) = mssql::start(&Mode::Plain) else { return };
    let mut job = plain(&peer);
    let given = [("bill", Value::Integer(1)), ("amount", Value::Decimal("12.50".into()))];
    let posting = "UPDATE BILL SET CENTS = 0 WHERE NUMBER = :bill";
    // The mock counts no rows.
    assert_eq!(change(&mut job, posting, &given[..1]).await, Ok(vec![0]));
    assert_eq!(change(&mut job, "EXEC PAY @BILL = :bill, @AMOUNT = :amount", &given).await, Ok(vec![0]));
    let expecting = Statement { expect_rows: Some(1), ..statement(posting, &given[..1]) };
    let failure = job.transact("elite".into(), vec![expecting]).await.unwrap().unwrap_err();
    is(&failure, FailureClass::Invalid, "rows-changed");
    for (sql, class, code) in [
        ("INSERT INTO TWICE", FailureClass::Invalid, "unique-violation"),
        ("INSERT INTO PART", FailureClass::Invalid, "constraint"),
        ("UPDATE DEADLOCKED", FailureClass::Unavailable, "locked"),
        ("UPDATE LOCKED", FailureClass::Unavailable, "locked"),
        ("UPDATE FORBIDDEN", FailureClass::Denied, "database-permission"),
        ("UPDATE NOTHING", FailureClass::Invalid, "statement"),
        ("UPDATE BILL SET CENTS = 0 COMMIT", FailureClass::Invalid, "statement"),
    ] {
        is(&change(&mut job, sql, &[]).await.unwrap_err(), class, code);
    }
    let writing = "SELECT NUMBER INTO COPY FROM BILL";
    is(&query(&mut job, writing, &[]).await.unwrap_err(), FailureClass::Invalid, "statement");
    assert_eq!(query(&mut job, BILLS, &[("after", Value::Integer(0))]).await.unwrap().rows, bills());
}

#[tokio::test]
async fn an_answer_has_an_end() {
    let Some(peer) = mssql::start(&Mode::Plain) else { return };
    let mut job = plain(&peer);
    let rows = query(&mut job, "SELECT PAID FROM MOST", &[]).await.unwrap().rows;
    assert_eq!(rows.len(), 10_000);
    assert_eq!(rows[0], [Value::Integer(1)]);
    let failure = query(&mut job, "SELECT PAID FROM MORE", &[]).await.unwrap_err();
    is(&failure, FailureClass::Invalid, "too-many-rows");
    let next = query(&mut job, BILLS, &[("after", Value::Integer(0))]).await;
    assert_eq!(next.unwrap().rows, bills(), "nothing of it is left on the way");
}

#[tokio::test]
async fn what_is_there_is_not_written_again() {
    let Some(peer) = mssql::start(&Mode::Plain) else { return };
    let mut job = plain(&peer);
    let bill = |after| statement(BILLS, &[("after", Value::Integer(after))]);
    let refused = statement("INSERT INTO TWICE", &[]);
    let found = once::write(&mut job, bill(0), vec![refused.clone()]).await;
    assert!(matches!(found, Ok(Once::Found(rows)) if rows.rows == bills()), "and nothing was tried");
    let none = statement("SELECT NUMBER FROM RECEIPT WHERE NUMBER = :n", &[("n", Value::Integer(1))]);
    let Err(Stopped::Changing(failure)) = once::write(&mut job, none.clone(), vec![refused]).await else {
        panic!()
    };
    is(&failure, FailureClass::Invalid, "unique-violation");
    let paid = statement("UPDATE BILL SET CENTS = 0 WHERE NUMBER = :bill", &[("bill", Value::Integer(1))]);
    // The mock finds it never.
    let Err(Stopped::Finding(failure)) = once::write(&mut job, none, vec![paid]).await else { panic!() };
    is(&failure, FailureClass::Invalid, "not-found-again");
    assert_eq!(query(&mut job, BILLS, &[("after", Value::Integer(0))]).await.unwrap().rows, bills());
}

#[tokio::test]
async fn what_takes_too_long_is_left() {
    let Some(peer) = mssql::start(&Mode::CommitHangs) else { return };
    let mut job = connected(&url(&peer), HASTY_MS);
    is(
        &query(&mut job, "SELECT PAYER FROM SLOW", &[]).await.unwrap_err(),
        FailureClass::Unavailable,
        "timeout",
    );
    assert!(query(&mut job, BILLS, &[("after", Value::Integer(0))]).await.is_ok(), "on another connection");
    let posting = "UPDATE BILL SET CENTS = 0 WHERE NUMBER = :bill";
    let failure = change(&mut job, posting, &[("bill", Value::Integer(1))]).await.unwrap_err();
    is(&failure, FailureClass::UnknownOutcome, "commit-lost");
    assert!(job.ledger.touched());
}

#[tokio::test]
async fn the_way_is_encrypted_and_the_server_known() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = mssql::start(&Mode::Tls(folder.path())) else { return };
    let port = peer.port;
    let ca = folder.path().join("cert.pem").display().to_string();
    let mut job = connected(&format!("mssql://remitd:Sesame@localhost:{port}/elite?ca={ca}"), PATIENT_MS);
    assert_eq!(query(&mut job, BILLS, &[("after", Value::Integer(0))]).await.unwrap().rows, bills());
    let strange = format!("mssql://remitd:Sesame@localhost:{port}/elite");
    let failure = query(&mut connected(&strange, PATIENT_MS), BILLS, &[("after", Value::Integer(0))]).await;
    let failure = failure.unwrap_err();
    is(&failure, FailureClass::Unavailable, "connect");
    assert!(failure.message.contains("certificate"), "{failure:?}");
}

/// What a server says of encryption (MS-TDS 2.2.6.5), and how far the client goes with it.
async fn asked_by(encryption: u8) -> (Failure, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut job = connected(&format!("mssql://remitd:Sesame@127.0.0.1:{port}/elite"), HASTY_MS);
    let serving = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut all = vec![0; 47];
        client.read_exact(&mut all).await.unwrap();
        let options = [1, 0, 6, 0, 1, 0xff, encryption];
        client.write_all(&[&[4, 1, 0, 15, 0, 0, 0, 0][..], &options].concat()).await.unwrap();
        client.read_to_end(&mut all).await.unwrap();
        all
    };
    let (answer, all) = tokio::join!(query(&mut job, "SELECT 1", &[]), serving);
    (answer.unwrap_err(), all)
}

#[tokio::test]
async fn a_password_never_goes_out_in_the_open() {
    // Off, on, not supported.
    for encryption in [0, 2] {
        let (failure, all) = asked_by(encryption).await;
        is(&failure, FailureClass::Unavailable, "connect");
        assert!(failure.message.contains("offers no TLS"), "{failure:?}");
        assert_eq!(all.len(), 47, "nothing came after the question");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut job = connected(&format!("mssql://remitd:Sesame@127.0.0.1:{port}/elite"), HASTY_MS);
    let serving = async {
        let (mut client, _) = listener.accept().await.unwrap();
        client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap_or_default();
        all
    };
    let (answer, all) = tokio::join!(query(&mut job, "SELECT 1", &[]), serving);
    is(&answer.unwrap_err(), FailureClass::Unavailable, "connect");
    assert!(all.len() <= 47);
}

/// Stands between the clients and the server, and ends all connections when it is told to.
async fn passing(listener: TcpListener, port: u16, cut: &Notify, is_cut: &Notify) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (mut client, _) = accepted.unwrap();
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                open.spawn(async move { copy_bidirectional(&mut client, &mut server).await.map(drop) });
            }
            () = cut.notified() => {
                open.shutdown().await;
                is_cut.notify_one();
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_comes_back() {
    let Some(peer) = mssql::start(&Mode::Plain) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut job = connected(&format!("mssql://remitd:Sesame@127.0.0.1:{port}/elite?encrypt=off"), PATIENT_MS);
    let (cut, is_cut) = (Notify::new(), Notify::new());
    let asking = async {
        for round in 0..3 {
            let read = query(&mut job, BILLS, &[("after", Value::Integer(0))]).await;
            assert_eq!(read.unwrap().rows, bills(), "{round}");
            let none = "UPDATE BILL SET CENTS = 0 WHERE NUMBER = :bill";
            assert!(change(&mut job, none, &[("bill", Value::Integer(1))]).await.is_ok(), "{round}");
            cut.notify_one();
            is_cut.notified().await;
        }
    };
    tokio::select! {
        () = asking => {}
        () = passing(listener, peer.port, &cut, &is_cut) => panic!("it listens for ever"),
    }
}

#[tokio::test]
async fn a_server_that_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut job = connected(&format!("mssql://remitd:Sesame@127.0.0.1:{port}/elite?encrypt=off"), PATIENT_MS);
    let failure = query(&mut job, "SELECT 1", &[]).await.unwrap_err();
    is(&failure, FailureClass::Unavailable, "connect");
    assert!(!failure.message.contains("Sesame"), "{failure:?}");
}
