//! A scripted HTTP server. Answers from the fixture's list, or as a case tells it to misbehave; remembers every request.

use crate::error::KitError;
use crate::fixture::Answer;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const HEAD_MAX_BYTES: usize = 64 << 10;
const BODY_MAX_BYTES: usize = 16 << 20;
const PIECE_BYTES: usize = 16 << 10;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What becomes of requests instead of the fixture's answers.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// The first answer that fits; else 404.
    Scripted,
    /// The same for all.
    Always { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// A beginning of an answer, then the end of the connection.
    Half,
    /// The request is read, and nobody answers.
    Hang,
    /// The request is read, and the connection ends.
    Close,
}

struct Shared {
    answers: Mutex<Vec<Answer>>,
    manner: Mutex<Manner>,
    seen: Mutex<Vec<Seen>>,
}

pub(crate) struct Server {
    pub name: String,
    /// As in `http://127.0.0.1:40123`.
    pub origin: String,
    shared: Arc<Shared>,
    /// Ends with the server.
    tasks: JoinSet<()>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// `{http.NAME}` in an answer is left for [`Server::replace`].
    pub async fn start(name: &str, answers: Vec<Answer>) -> Result<Server, KitError> {
        let failed = |error: std::io::Error| KitError::peer(&format!("[http.{name}]"), error);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let origin = format!("http://{}", listener.local_addr().map_err(failed)?);
        let shared = Arc::new(Shared {
            answers: Mutex::new(answers),
            manner: Mutex::new(Manner::Scripted),
            seen: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Server { name: name.to_owned(), origin, shared, tasks })
    }

    /// Writes the origins of all servers into the answers.
    pub fn replace(&self, fill: impl Fn(&str) -> String) {
        for answer in locked(&self.shared.answers).iter_mut() {
            answer.body = fill(&answer.body);
            for value in answer.headers.values_mut() {
                *value = fill(value);
            }
        }
    }

    /// Nobody listens any more when this returns.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    pub fn behave(&self, manner: Manner) {
        *locked(&self.shared.manner) = manner;
    }

    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.shared.seen).clone()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

/// One request a connection.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(request) = read(&mut stream).await else { return };
    locked(&shared.seen).push(request.clone());
    let manner = locked(&shared.manner).clone();
    let answer = match manner {
        Manner::Scripted => scripted(&locked(&shared.answers), &request),
        Manner::Always { status, headers, body } => written(status, &headers, &body),
        Manner::Half => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"id\": \"h".to_vec(),
        Manner::Hang => return std::future::pending().await,
        Manner::Close => return,
    };
    // A reader that went away needs no answer.
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > HEAD_MAX_BYTES || !more(stream, &mut bytes).await {
            return None;
        }
    };
    let mut body = bytes.split_off(head);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0).min(BODY_MAX_BYTES);
    while body.len() < length {
        if !more(stream, &mut body).await {
            return None;
        }
    }
    Some(Seen { method, path, headers, body })
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    bytes.reserve(PIECE_BYTES);
    stream.read_buf(bytes).await.is_ok_and(|count| count > 0)
}

fn scripted(answers: &[Answer], request: &Seen) -> Vec<u8> {
    let plain = request.path.split('?').next().unwrap_or_default();
    let fits = |answer: &&Answer| {
        let path = if answer.path.contains('?') { request.path.as_str() } else { plain };
        let there = match answer.path.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == answer.path,
        };
        let has = |text: &String| String::from_utf8_lossy(&request.body).contains(text.as_str());
        there && answer.method == request.method && answer.body_contains.as_ref().is_none_or(has)
    };
    match answers.iter().find(fits) {
        Some(answer) => {
            let headers: Vec<_> =
                answer.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            written(answer.status, &headers, answer.body.as_bytes())
        }
        None => written(404, &[], br#"{"error":"there is no answer for this in kit.toml"}"#),
    }
}

fn written(status: u16, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut head =
        format!("HTTP/1.1 {status} Kit\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        head.push_str("content-type: application/json\r\n");
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}
