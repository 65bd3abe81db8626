//! What goes between the daemon and a worker: a length in four bytes, little-endian, then the message. Never trusts a length.

use crate::wit::sql::Value;
use crate::wit::types::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// The largest answer, whose values are counted with more than they take here, and something for the names of its columns.
const FRAME_MAX_BYTES: u32 = 20 << 20;

#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// The first of all.
    Open {
        connection: String,
        reads: Reads,
        login_s: u32,
    },
    /// Reads, and rolls back.
    Query(Run),
    /// Reads within a transaction, which begins with it or goes on.
    Look(Run),
    /// One statement of a transaction, which begins with the first.
    Change(Run),
    Commit,
    Rollback,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reads {
    Only,
    AndWrites,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Run {
    pub text: String,
    pub values: Vec<Cell>,
    /// The statement's time in whole seconds, which is how ODBC has it. The daemon's own is exact, and ends the worker.
    pub limit_s: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Opened {
        /// What its driver calls the database, in small letters.
        name: String,
    },
    Done,
    Changed(u64),
    Rows {
        columns: Vec<String>,
        rows: Vec<Vec<Cell>>,
    },
    Refused(Refusal),
    /// The question or its answer cannot be: a failure's code and message.
    Invalid {
        code: String,
        message: String,
    },
}

/// What a driver says of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// SQLSTATE.
    pub state: String,
    /// The database's own number.
    pub native: i32,
    pub message: String,
}

/// A value as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    Date(i32, u8, u8),
    Timestamp(String),
}

impl From<Value> for Cell {
    fn from(value: Value) -> Cell {
        match value {
            Value::Null => Cell::Null,
            Value::Boolean(truth) => Cell::Boolean(truth),
            Value::Integer(number) => Cell::Integer(number),
            Value::Decimal(digits) => Cell::Decimal(digits),
            Value::Text(text) => Cell::Text(text),
            Value::Bytes(bytes) => Cell::Bytes(bytes),
            Value::Date(date) => Cell::Date(date.year, date.month, date.day),
            Value::Timestamp(text) => Cell::Timestamp(text),
        }
    }
}

impl From<Cell> for Value {
    fn from(cell: Cell) -> Value {
        match cell {
            Cell::Null => Value::Null,
            Cell::Boolean(truth) => Value::Boolean(truth),
            Cell::Integer(number) => Value::Integer(number),
            Cell::Decimal(digits) => Value::Decimal(digits),
            Cell::Text(text) => Value::Text(text),
            Cell::Bytes(bytes) => Value::Bytes(bytes),
            Cell::Date(year, month, day) => Value::Date(Date { year, month, day }),
            Cell::Timestamp(text) => Value::Timestamp(text),
        }
    }
}

pub(super) fn encode(message: &impl Serialize) -> Result<Vec<u8>> {
    let body = postcard::to_stdvec(message).map_err(Error::other)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= FRAME_MAX_BYTES);
    let length = length.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "a message is too long"))?;
    Ok([&length.to_le_bytes()[..], &body].concat())
}

pub(super) fn decode<M: DeserializeOwned>(body: &[u8]) -> Result<M> {
    postcard::from_bytes(body).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

/// The length that a message begins with, if it is one.
pub(super) fn length(head: [u8; 4]) -> Result<usize> {
    let length = u32::from_le_bytes(head);
    let bounded = Some(length).filter(|length| *length <= FRAME_MAX_BYTES);
    let bytes = bounded.and_then(|length| usize::try_from(length).ok());
    bytes.ok_or_else(|| Error::new(ErrorKind::InvalidData, "a message is too long"))
}

pub(super) async fn send(stream: &mut UnixStream, message: &impl Serialize) -> Result<()> {
    stream.write_all(&encode(message)?).await
}

pub(super) async fn receive<M: DeserializeOwned>(stream: &mut UnixStream) -> Result<M> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let mut body = vec![0; length(head)?];
    stream.read_exact(&mut body).await?;
    decode(&body)
}
