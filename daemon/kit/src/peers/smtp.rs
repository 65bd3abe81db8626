//! A small SMTP server that keeps what it is given, or refuses as a case tells it to.

use crate::error::KitError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const LINE_MAX_BYTES: u64 = 1 << 20;
const MESSAGE_MAX_BYTES: usize = 32 << 20;

/// One message as it arrived, its dots undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caught {
    pub from: String,
    pub to: Vec<String>,
    pub message: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Accept,
    /// 451 for the message.
    Later,
    /// 550 for every recipient.
    Refuse,
    /// The message is kept, and the connection ends before the answer.
    DropAfterData,
}

struct Shared {
    manner: Mutex<Manner>,
    caught: Mutex<Vec<Caught>>,
}

pub(crate) struct Relay {
    pub name: String,
    pub port: u16,
    shared: Arc<Shared>,
    /// Ends with the relay.
    tasks: JoinSet<()>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    pub async fn start(name: &str) -> Result<Relay, KitError> {
        let failed = |error: std::io::Error| KitError::peer(&format!("[smtp.{name}]"), error);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let shared = Arc::new(Shared { manner: Mutex::new(Manner::Accept), caught: Mutex::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Relay { name: name.to_owned(), port, shared, tasks })
    }

    /// Nobody listens any more when this returns.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    pub fn behave(&self, manner: Manner) {
        *locked(&self.shared.manner) = manner;
    }

    pub fn caught(&self) -> Vec<Caught> {
        locked(&self.shared.caught).clone()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // A client that breaks off has said all that it says.
            let _ = converse(stream, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    let mut mail = Caught { from: String::new(), to: Vec::new(), message: Vec::new() };
    writing.write_all(b"220 kit\r\n").await?;
    while let Some(line) = line(&mut reading).await? {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let verb = text.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let manner = *locked(&shared.manner);
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-kit\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "MAIL" => {
                mail = Caught { from: address(&text), to: Vec::new(), message: Vec::new() };
                b"250 ok\r\n"
            }
            "RCPT" if manner == Manner::Refuse => b"550 nobody of this name\r\n",
            "RCPT" => {
                mail.to.push(address(&text));
                b"250 ok\r\n"
            }
            "DATA" => {
                writing.write_all(b"354 go on\r\n").await?;
                mail.message = message(&mut reading).await?;
                if manner == Manner::Later {
                    b"451 later\r\n"
                } else {
                    locked(&shared.caught).push(mail.clone());
                    if manner == Manner::DropAfterData {
                        return Ok(());
                    }
                    b"250 kept\r\n"
                }
            }
            "QUIT" => {
                writing.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 ok\r\n",
        };
        writing.write_all(answer).await?;
    }
    Ok(())
}

type Reading = BufReader<tokio::net::tcp::OwnedReadHalf>;

async fn line(reading: &mut Reading) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let count = reading.take(LINE_MAX_BYTES).read_until(b'\n', &mut line).await?;
    Ok((count > 0).then_some(line))
}

async fn message(reading: &mut Reading) -> std::io::Result<Vec<u8>> {
    let mut message = Vec::new();
    while let Some(line) = line(reading).await? {
        if line == b".\r\n" || message.len() > MESSAGE_MAX_BYTES {
            break;
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
    Ok(message)
}

/// What stands in angle brackets.
fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or(String::new(), |(address, _)| address.to_owned())
}
