//! Speaks SQL Server's protocol on a port of the kernel's choice, which it prints, until its stdin ends. Knows the statements of the
//! tests and their answers, nothing of SQL: what it cannot show is that a real server takes our statements. As a firm, it listens in
//! front of the mock for what is written, and gives other answers from then on.
//!
//! mssql-peer plain | tls CERT.pem KEY.pem | commit-hangs | firm

mod firm;

use mssql_mock_tds::{
    ColumnDefinition, ColumnValue, MockTdsServer, QueryRegistry, QueryResponse, Row, SqlDataType,
    TerminalError, create_test_identity,
};
use std::error::Error;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const LISTEN: &str = "127.0.0.1:0";
/// That remitd takes in one answer.
const ROWS_MOST: usize = 10_000;
const NEVER: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = match arguments.as_slice() {
        ["tls", certificate, key] => {
            let identity = create_test_identity(&std::fs::read(certificate)?, &std::fs::read(key)?)?;
            MockTdsServer::new_with_tls(LISTEN, Some(identity)).await?
        }
        ["plain" | "commit-hangs" | "firm"] => MockTdsServer::new(LISTEN).await?,
        _ => return Err("mssql-peer plain | tls CERT.pem KEY.pem | commit-hangs | firm".into()),
    };
    let registry = server.query_registry();
    answers(&mut *registry.lock().await);
    if arguments == ["commit-hangs"] {
        registry.lock().await.register("COMMIT TRANSACTION", done().with_delay(NEVER));
    }
    let mut address = server.local_addr();
    let listener = TcpListener::bind(LISTEN).await?;
    if arguments == ["firm"] {
        firm::opens(&mut *registry.lock().await);
        address = listener.local_addr()?;
    }
    println!("port {}", address.port());
    let mock = server.local_addr();
    tokio::select! {
        ended = server.run() => Ok(ended?),
        ended = firm::listens(&listener, mock, registry) => Ok(ended?),
        closed = until_closed() => Ok(closed?),
    }
}

async fn until_closed() -> std::io::Result<()> {
    tokio::io::stdin().read_to_end(&mut Vec::new()).await.map(drop)
}

/// The mock finds a statement by its capitals.
fn answers(registry: &mut QueryRegistry) {
    for condition in ["@P1", "0"] {
        registry.register(
            format!("SELECT NUMBER, CENTS, PAYER, NOTE FROM BILL WHERE NUMBER > {condition}"),
            bills(),
        );
    }
    registry.register("SELECT PAID FROM MOST", flags(ROWS_MOST));
    registry.register("SELECT PAID FROM MORE", flags(ROWS_MOST + 1));
    registry.register("EXEC OPEN_BILLS @AFTER = @P1", bills());
    registry.register("SELECT PAYER FROM SLOW", bills().with_delay(NEVER));
    registry.register("UPDATE BILL SET CENTS = 0 WHERE NUMBER = @P1", done());
    registry.register("SELECT NUMBER FROM RECEIPT WHERE NUMBER = @P1", done());
    registry.register("EXEC PAY @BILL = @P1, @AMOUNT = @P2", done());
    for (statement, number, severity, message) in [
        ("INSERT INTO TWICE", 2627, 14, "Violation of PRIMARY KEY constraint 'PK_receipt'."),
        ("INSERT INTO PART", 547, 16, "The INSERT statement conflicted with the FOREIGN KEY constraint."),
        ("UPDATE DEADLOCKED", 1205, 13, "Transaction (Process ID 52) was deadlocked."),
        ("UPDATE LOCKED", 1222, 16, "Lock request time out period exceeded."),
        ("UPDATE FORBIDDEN", 229, 14, "The UPDATE permission was denied on the object 'bill'."),
        ("UPDATE NOTHING", 208, 16, "Invalid object name 'nothing'."),
    ] {
        registry
            .register(statement, QueryResponse::error_only(TerminalError::new(number, severity, message)));
    }
}

/// The narrowest rows there are: the mock answers in one packet.
fn flags(count: usize) -> QueryResponse {
    let column = ColumnDefinition::new("paid", SqlDataType::TinyInt);
    let row = || Row::new(vec![ColumnValue::TinyInt(1)]);
    QueryResponse::new(vec![column], std::iter::repeat_with(row).take(count).collect())
}

fn bills() -> QueryResponse {
    let columns = [
        ("number", SqlDataType::Int),
        ("cents", SqlDataType::BigInt),
        ("payer", SqlDataType::NVarChar),
        ("note", SqlDataType::NVarCharMax),
    ];
    let columns = columns.map(|(name, kind)| ColumnDefinition::new(name, kind)).to_vec();
    let note = |text: &str| ColumnValue::NVarCharMax(vec![text.encode_utf16().collect()]);
    let rows = vec![
        Row::new(vec![
            ColumnValue::Int(1),
            ColumnValue::BigInt(9_007_199_254_740_993),
            ColumnValue::NVarChar("Søn & Счёт".into()),
            note("one"),
        ]),
        Row::new(vec![
            ColumnValue::Int(2),
            ColumnValue::Null,
            ColumnValue::NVarChar(String::new()),
            ColumnValue::NVarCharMaxNull,
        ]),
    ];
    QueryResponse::new(columns, rows)
}

/// No rows. The mock counts none that were changed either.
fn done() -> QueryResponse {
    QueryResponse::new(vec![ColumnDefinition::new("", SqlDataType::Int)], Vec::new())
}
