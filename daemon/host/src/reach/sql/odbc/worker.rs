//! One worker: a process of this binary that a driver may crash or hang without harm. Its stdin is a socket of the daemon's; it
//! ends when that is closed. Never opens a connection of its own.

use super::frame::{self, Answer, Ask, Reads};
use crate::reach::sql::Database;
use crate::wit::types::Failure;
use std::io::{self, Error, ErrorKind};
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::process::Child;
use tokio::time::timeout;

/// Starts this binary as a worker: its stdin is the socket, stdout and stderr go nowhere, it is killed when dropped.
pub type SpawnWorker = fn(OwnedFd) -> io::Result<Child>;

/// How long the end of a worker that has closed its socket may take.
const END_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    child: Child,
    stream: UnixStream,
    /// What its driver calls the database, in small letters.
    pub(super) name: String,
    /// The time of each statement of its transaction.
    pub(super) limit: Duration,
}

impl Worker {
    /// A process that has opened `connection`.
    pub(super) async fn open(
        spawn: SpawnWorker,
        database: &Database,
        connection: &str,
        reads: Reads,
        login_s: u32,
    ) -> Result<Worker, Failure> {
        let failed = |error: Error| {
            let message = format!("database \"{}\": no ODBC worker starts: {error}", database.name);
            Failure::unavailable("connect", message)
        };
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let stream = UnixStream::from_std(ours).map_err(failed)?;
        let child = spawn(theirs.into()).map_err(failed)?;
        let mut worker = Worker { child, stream, name: String::new(), limit: Duration::ZERO };
        let open = Ask::Open { connection: connection.to_owned(), reads, login_s };
        match worker.ask(&open).await {
            Ok(Answer::Opened { name }) => Ok(Worker { name, ..worker }),
            Ok(Answer::Refused(refusal)) => {
                // Whatever state a driver gives to a connection that it cannot open: it may come later.
                let said = super::without_password(&refusal.message, connection);
                Err(Failure::unavailable("connect", format!("database \"{}\": {said}", database.name)))
            }
            Ok(answer) => Err(unasked(database, &answer)),
            Err(error) => Err(worker.lost(database, &error).await),
        }
    }

    /// Whether it still waits for a question.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) async fn ask(&mut self, ask: &Ask) -> io::Result<Answer> {
        self.send(ask).await?;
        self.answer().await
    }

    pub(super) async fn send(&mut self, ask: &Ask) -> io::Result<()> {
        frame::send(&mut self.stream, ask).await
    }

    pub(super) async fn answer(&mut self) -> io::Result<Answer> {
        frame::receive(&mut self.stream).await
    }

    /// The failure of a worker that gave no answer, before any COMMIT.
    pub(super) async fn lost(&mut self, database: &Database, error: &Error) -> Failure {
        let message = format!("database \"{}\": {}", database.name, self.epitaph(error).await);
        Failure::unavailable("worker-ended", message)
    }

    /// How it ended.
    pub(super) async fn epitaph(&mut self, error: &Error) -> String {
        if error.kind() == ErrorKind::InvalidData || error.kind() == ErrorKind::InvalidInput {
            return format!("its ODBC worker and the daemon do not understand each other: {error}");
        }
        match timeout(END_TIMEOUT, self.child.wait()).await {
            Ok(Ok(status)) => format!("its ODBC driver ended the worker that it runs in ({status})"),
            _ => format!("its ODBC worker was lost: {error}"),
        }
    }
}

pub(super) fn unasked(database: &Database, answer: &Answer) -> Failure {
    match answer {
        Answer::Invalid { code, message } => {
            Failure::invalid(code, format!("database \"{}\": {message}", database.name))
        }
        Answer::Refused(refusal) => {
            refusal.meaning(format!("database \"{}\": {}", database.name, refusal.message))
        }
        _ => Failure::bug("worker-answer", "an ODBC worker gave the answer to another question"),
    }
}
