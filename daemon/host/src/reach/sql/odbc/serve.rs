//! The worker's own side, in its process: one connection through one driver, one question at a time. The driver has a thread of
//! its own, so that the end of the socket ends the process while a driver hangs.

use super::frame::{self, Answer, Ask, Reads, Refusal, Run};
use super::{results, values};
use crate::reach::sql::Gathered;
use crate::wit::types::Failure;
use odbc_api::handles::AsStatementRef;
use odbc_api::sys::{ConnectionAttribute, IS_UINTEGER, Pointer};
use odbc_api::{
    Connection, ConnectionOptions, Cursor, CursorImpl, CursorRow, DataType, DriverSpecificConnectionOptions,
    Error, Preallocated, ResultSetMetadata, SetConnectionAttributeArgs, environment,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};

/// What the process may have of addresses: drivers hold whole answers, and some have no limit of their own.
const ADDRESSES_MAX_BYTES: u64 = 4 << 30;
/// SQL_MODE_READ_ONLY.
const READ_ONLY: usize = 1;
/// What each database is told first, by the name that its driver gives it. Times go both ways in UTC, and reading is enforced by
/// the database where it can be; the driver manager's own attribute is a mere hint.
const SQLITE_READS: &str = "PRAGMA query_only = 1";
const POSTGRES_READS: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
const POSTGRES_UTC: &str = "SET TIME ZONE 'UTC'";
const MYSQL_READS: &str = "SET SESSION TRANSACTION READ ONLY";
const MYSQL_UTC: &str = "SET SESSION time_zone = '+00:00'";
const SQL_SERVER_WHOLE: &str = "SET XACT_ABORT ON";

/// Answers the daemon's questions until it closes `socket`. The caller then ends the process.
pub fn serve_odbc(socket: OwnedFd) -> io::Result<()> {
    let bounded = Rlimit { current: Some(ADDRESSES_MAX_BYTES), maximum: Some(ADDRESSES_MAX_BYTES) };
    setrlimit(Resource::As, bounded)?;
    let mut asks = UnixStream::from(socket);
    let answers = HangUp(asks.try_clone()?);
    let (sender, asked) = channel();
    std::thread::Builder::new().name("odbc".to_owned()).spawn(move || attend(&asked, &answers))?;
    while let Some(ask) = read(&mut asks)? {
        if sender.send(ask).is_err() {
            break;
        }
    }
    Ok(())
}

/// Wakes the thread that reads, also where the driver's panicked.
struct HangUp(UnixStream);

impl Drop for HangUp {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

fn read(asks: &mut UnixStream) -> io::Result<Option<Ask>> {
    let mut head = [0; 4];
    match asks.read_exact(&mut head) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut body = vec![0; frame::length(head)?];
    asks.read_exact(&mut body)?;
    frame::decode(&body).map(Some)
}

fn attend(asked: &Receiver<Ask>, answers: &HangUp) -> io::Result<()> {
    let mut stream = &answers.0;
    let Ok(Ask::Open { connection, reads, login_s }) = asked.recv() else { return Ok(()) };
    let (connection, name) = match open(&connection, reads, login_s) {
        Ok(opened) => opened,
        Err(error) => return stream.write_all(&frame::encode(&Answer::Refused(refusal(&error)))?),
    };
    stream.write_all(&frame::encode(&Answer::Opened { name })?)?;
    for ask in asked {
        let answer = answer(&connection, ask).unwrap_or_else(|error| Answer::Refused(refusal(&error)));
        stream.write_all(&frame::encode(&answer)?)?;
    }
    Ok(())
}

fn answer(connection: &Connection<'_>, ask: Ask) -> Result<Answer, Error> {
    match ask {
        Ask::Query(run) => {
            let answer = query(connection, run)?;
            connection.rollback()?;
            Ok(answer)
        }
        Ask::Look(run) => query(connection, run),
        Ask::Change(run) => change(connection, run),
        Ask::Commit => connection.commit().map(|()| Answer::Done),
        Ask::Rollback => connection.rollback().map(|()| Answer::Done),
        Ask::Open { .. } => Ok(invalid(Failure::invalid("connect", "it is open"))),
    }
}

/// Asks the driver manager for a connection that only reads.
struct Mode(Reads);

impl<'c> DriverSpecificConnectionOptions<'c> for Mode {
    #[allow(unsafe_code)]
    fn attributes(&self) -> impl Iterator<Item = SetConnectionAttributeArgs<'c>> {
        // SAFETY: the value of SQL_ATTR_ACCESS_MODE is a number, which stands in the pointer's place and refers to nothing.
        let read_only = unsafe {
            let value: Pointer = std::ptr::without_provenance_mut(READ_ONLY);
            SetConnectionAttributeArgs::new(ConnectionAttribute::ACCESS_MODE, value, IS_UINTEGER)
        };
        (self.0 == Reads::Only).then_some(read_only).into_iter()
    }
}

#[allow(unsafe_code)]
fn open(text: &str, reads: Reads, login_s: u32) -> Result<(Connection<'static>, String), Error> {
    let options = ConnectionOptions { login_timeout_sec: Some(login_s), packet_size: None };
    // SAFETY: ODBC itself defines the attribute, for every driver.
    let connection = unsafe {
        environment()?.connect_with_connection_string_and_driver_specific_options(text, options, Mode(reads))
    }?;
    let name = connection.database_management_system_name()?.to_ascii_lowercase();
    let is = |known: &str| name.contains(known);
    let (always, reading): (&[&str], &[&str]) = if is("sqlite") {
        (&[], &[SQLITE_READS])
    } else if is("postgres") {
        (&[POSTGRES_UTC], &[POSTGRES_READS])
    } else if is("mysql") || is("mariadb") {
        (&[MYSQL_UTC], &[MYSQL_READS])
    } else if is(super::SQL_SERVER) {
        (&[SQL_SERVER_WHOLE], &[])
    } else {
        (&[], &[])
    };
    let reading = if reads == Reads::Only { reading } else { &[] };
    for text in always.iter().chain(reading) {
        connection.execute(text, (), None)?;
    }
    connection.set_autocommit(false)?;
    Ok((connection, name))
}

fn query(connection: &Connection<'_>, run: Run) -> Result<Answer, Error> {
    let params = match values::params(run.values) {
        Ok(params) => params,
        Err(failure) => return Ok(invalid(failure)),
    };
    let mut statement = connection.preallocate()?;
    bound_time(&mut statement, run.limit_s);
    // Not dropped, which would throw the results away. A procedure may count what it did before it gives rows.
    let _ = statement.execute(&run.text, params.as_slice())?.map(CursorImpl::into_stmt);
    let Some(mut cursor) = results::rows_from(statement.as_stmt_ref())? else {
        return Ok(Answer::Rows { columns: Vec::new(), rows: Vec::new() });
    };
    let columns = cursor.column_names()?.collect::<Result<Vec<_>, _>>()?;
    let count = u16::try_from(columns.len()).unwrap_or(u16::MAX);
    let kinds = (1..=count).map(|at| cursor.col_data_type(at)).collect::<Result<Vec<_>, _>>()?;
    let mut gathered = Gathered::new(columns);
    while let Some(mut row) = cursor.next_row()? {
        let taken = take(&mut row, &kinds)?.and_then(|values| gathered.push(values));
        if let Err(failure) = taken {
            return Ok(invalid(failure));
        }
    }
    results::to_the_end(cursor.into_stmt())?;
    let cells = |row: Vec<crate::wit::sql::Value>| row.into_iter().map(Into::into).collect();
    let rows = gathered.rows.rows.into_iter().map(cells).collect();
    Ok(Answer::Rows { columns: gathered.rows.columns, rows })
}

fn take(
    row: &mut CursorRow<'_>,
    kinds: &[DataType],
) -> Result<Result<Vec<crate::wit::sql::Value>, Failure>, Error> {
    let mut taken = Vec::with_capacity(kinds.len());
    for (at, kind) in (1_u16..).zip(kinds) {
        match values::read(row, at, *kind)? {
            Ok(value) => taken.push(value),
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok(taken))
}

fn change(connection: &Connection<'_>, run: Run) -> Result<Answer, Error> {
    let params = match values::params(run.values) {
        Ok(params) => params,
        Err(failure) => return Ok(invalid(failure)),
    };
    let mut statement = connection.preallocate()?;
    bound_time(&mut statement, run.limit_s);
    let mut fetched = None;
    // One that gives rows, such as a function that posts, counts them, and some drivers only run it while they are fetched.
    if let Some(mut cursor) = statement.execute(&run.text, params.as_slice())? {
        let mut rows = 0;
        while cursor.next_row()?.is_some() {
            rows += 1;
        }
        fetched = Some(rows);
        // Not dropped, which would throw away what comes after it.
        let _ = cursor.into_stmt();
    }
    let rows = match fetched {
        Some(rows) => rows,
        // What a driver cannot count is none.
        None => u64::try_from(statement.row_count()?.unwrap_or(0)).unwrap_or(u64::MAX),
    };
    results::to_the_end(statement.as_stmt_ref())?;
    Ok(Answer::Changed(rows))
}

/// A driver that knows no such limit is ended by the daemon's.
fn bound_time<S: odbc_api::handles::Statement>(statement: &mut Preallocated<S>, seconds: u32) {
    let _ = statement.set_query_timeout_sec(usize::try_from(seconds).unwrap_or(0));
}

fn invalid(failure: Failure) -> Answer {
    Answer::Invalid { code: failure.code, message: failure.message }
}

fn refusal(error: &Error) -> Refusal {
    match error {
        Error::Diagnostics { record, .. } => Refusal {
            state: record.state.as_str().to_owned(),
            native: record.native_error,
            message: String::from_utf16_lossy(&record.message),
        },
        other => Refusal { state: "HY000".to_owned(), native: 0, message: other.to_string() },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::reach::sql::odbc::frame::Cell;
    use remitd_tests::postgres;

    fn run(text: &str) -> Run {
        Run { text: text.to_owned(), values: Vec::new(), limit_s: 0 }
    }

    /// PostgreSQL's driver answers each of several statements, as SQL Server's does each step of a procedure.
    #[test]
    fn all_results_of_a_statement_are_gone_through() {
        let server = postgres::shared();
        let (url, place) = (server.database("results"), server.socket().display().to_string());
        let name = postgres::database_of(&url);
        let text =
            format!("Driver={{PostgreSQL Unicode}};Server={place};Port=5432;Database={name};UID=postgres");
        let (connection, _) = open(&text, Reads::AndWrites, 5).unwrap();
        let steps = "CREATE TEMP TABLE t (n int); INSERT INTO t VALUES (1), (2); SELECT n FROM t; SELECT 7; DELETE FROM t";
        let Answer::Rows { columns, rows } = query(&connection, run(steps)).unwrap() else { panic!() };
        assert_eq!(
            (columns, rows),
            (vec!["n".to_owned()], vec![vec![Cell::Integer(1)], vec![Cell::Integer(2)]])
        );
        let Answer::Rows { rows, .. } = query(&connection, run("SELECT count(*) FROM t")).unwrap() else {
            panic!()
        };
        assert_eq!(rows, [[Cell::Integer(0)]], "all of them have run");
        for (steps, count) in [
            ("INSERT INTO t VALUES (1), (2); SELECT n FROM t; SELECT 7", 2),
            ("SELECT n FROM t; SELECT 7; DELETE FROM t", 2),
            ("SELECT n FROM t", 0),
            ("DELETE FROM t", 0),
        ] {
            let Answer::Changed(rows) = change(&connection, run(steps)).unwrap() else { panic!() };
            assert_eq!(rows, count, "{steps}");
        }
        for steps in ["INSERT INTO t VALUES (1); SELECT 1 / (n - 1) FROM t", "SELECT 1; SELECT 1 / 0"] {
            assert!(change(&connection, run(steps)).is_err(), "{steps}");
            connection.rollback().unwrap();
        }
    }
}
