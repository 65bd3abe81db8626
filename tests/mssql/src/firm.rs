//! A firm with one bill. What it answers changes with what is written: the receipt is found from then on, and once that is committed the
//! bill is paid.

use crate::done;
use mssql_mock_tds::{
    ColumnDefinition, ColumnValue, QueryRegistry, QueryResponse, Row, SqlDataType, TerminalError,
};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

const MATTERS: &str = "EXEC FINDMATTERS @TEXT = @P1, @MOST = @P2";
const OF_MATTER: &str = "EXEC OPENBILLS @MATTER = @P1";
const SINCE: &str = "EXEC OPENSINCE @AFTER = @P1, @MOST = @P2";
const BALANCE: &str = "SELECT OWED AS OPEN FROM BILL WHERE NUMBER = @P1";
const FIND: &str = "SELECT REF FROM RECEIPT WHERE POSTINGKEY = @P1";
/// `matter prepare` looks whether its table is there.
const LOOK: &str = "SELECT POSTING_KEY, REVERSES, STATEMENT, AMOUNT, CURRENCY, REFERENCE, RECEIPT, POSTED_AT
    FROM REMITD_POSTING WHERE 1 = 0";

/// What is listened for, as it is sent.
const PAYS: &str = "INSERT INTO RECEIPT (POSTINGKEY, BILL, AMOUNT) VALUES (@P1, @P2, @P3)";
const COMMITS: &str = "COMMIT TRANSACTION";
const PREPARES: &str = "CREATE TABLE remitd_posting (";
/// SQL Server's own form of the table.
const AS_HERE: &str = "posted_at DATETIME2";

const MOST_BYTES: usize = 64 << 10;

pub fn opens(registry: &mut QueryRegistry) {
    registry.register(MATTERS, table(&["number", "client", "client_name"], &[&["M-1", "C-1", "Søn & Счёт"]]));
    registry.register(OF_MATTER, bills("1250.00"));
    registry.register(SINCE, bills("1250.00"));
    registry.register(BALANCE, table(&["open"], &[&["1250.00"]]));
    registry.register(FIND, done());
    registry.register(PAYS, done());
    let missing = TerminalError::new(208, 16, "Invalid object name 'remitd_posting'.");
    registry.register(LOOK, QueryResponse::error_only(missing));
}

fn bills(open: &str) -> QueryResponse {
    let columns = [
        "number",
        "matter",
        "client",
        "issued",
        "due",
        "total",
        "open",
        "payer_name",
        "payer_email",
        "cursor",
    ];
    let bill = [
        "B-1",
        "M-1",
        "C-1",
        "2026-10-01",
        "2026-11-01",
        "1250.00",
        open,
        "Dana Whitfield",
        "dana@example.com",
        "B-1",
    ];
    let bills: &[&[&str]] = if open == "0.00" { &[] } else { &[&bill] };
    table(&columns, bills)
}

fn table(columns: &[&str], rows: &[&[&str]]) -> QueryResponse {
    let columns = columns.iter().map(|name| ColumnDefinition::new(*name, SqlDataType::NVarChar)).collect();
    let row = |values: &&[&str]| {
        Row::new(values.iter().map(|value| ColumnValue::NVarChar((*value).to_owned())).collect())
    };
    QueryResponse::new(columns, rows.iter().map(row).collect())
}

/// Hands each connection on to the mock, and hears what goes by.
pub async fn listens(
    listener: &TcpListener,
    mock: SocketAddr,
    registry: Arc<Mutex<QueryRegistry>>,
) -> std::io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        tokio::spawn(hears(client, mock, Arc::clone(&registry)));
    }
}

async fn hears(
    client: TcpStream,
    mock: SocketAddr,
    registry: Arc<Mutex<QueryRegistry>>,
) -> std::io::Result<()> {
    let (mut asked, mut answered) = client.into_split();
    let (mut answers, mut asks) = TcpStream::connect(mock).await?.into_split();
    let back = tokio::spawn(async move { copy(&mut answers, &mut answered).await });
    let (mut heard, mut piece, mut has_written) = (Vec::new(), vec![0; MOST_BYTES], false);
    loop {
        let length = asked.read(&mut piece).await?;
        if length == 0 {
            break;
        }
        heard.extend_from_slice(&piece[..length]);
        if says(&heard, PAYS) {
            is_found(&mut *registry.lock().await);
            has_written = true;
            heard.clear();
        } else if has_written && says(&heard, COMMITS) {
            is_paid(&mut *registry.lock().await);
            heard.clear();
        } else if says(&heard, PREPARES) && says(&heard, AS_HERE) {
            registry.lock().await.register(LOOK, done());
            heard.clear();
        }
        let keep = heard.len().saturating_sub(MOST_BYTES);
        heard.drain(..keep);
        asks.write_all(&piece[..length]).await?;
    }
    back.abort();
    Ok(())
}

/// In its own transaction.
fn is_found(registry: &mut QueryRegistry) {
    registry.register(FIND, table(&["ref"], &[&["R-7"]]));
}

fn is_paid(registry: &mut QueryRegistry) {
    registry.register(BALANCE, table(&["open"], &[&["0.00"]]));
    registry.register(OF_MATTER, bills("0.00"));
    registry.register(SINCE, bills("0.00"));
}

/// As the protocol writes a text.
fn says(heard: &[u8], text: &str) -> bool {
    let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    heard.windows(text.len()).any(|part| part == text)
}
