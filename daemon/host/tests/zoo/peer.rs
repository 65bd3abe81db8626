//! An HTTP server of a few lines that says what a test wants, and remembers what it was asked. Also lent to the host's own tests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Between the bytes of a server that never ends.
const DRIP: Duration = Duration::from_millis(50);

/// What becomes of one request.
pub enum Answer {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, then one more again and again, until the other side goes.
    Drip(Vec<u8>),
}

/// From a request's text to its answer.
type Script = Arc<dyn Fn(&str) -> Answer + Send + Sync>;

pub struct Peer {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Peer {
    pub async fn start(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Peer {
        Peer::start_at("127.0.0.1:0", script).await
    }

    pub async fn start_at(address: &str, script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let script: Script = Arc::new(script);
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut talks = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                talks.spawn(talk(stream, Arc::clone(&script), Arc::clone(&noted)));
            }
        });
        Peer { address, seen, _tasks: tasks }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, whole.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn talk(mut stream: TcpStream, script: Script, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            break;
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let answer = script(&request);
    seen.lock().unwrap().push(request);
    // A client that has had enough goes in the midst of it.
    match answer {
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Answer::Drip(bytes) => {
            let mut ticks = tokio::time::interval(DRIP);
            let mut begun = stream.write_all(&bytes).await;
            while begun.is_ok() {
                ticks.tick().await;
                begun = stream.write_all(b"x").await;
            }
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// `200` with this body.
pub fn ok(body: &str) -> Answer {
    Answer::Bytes(
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            .into_bytes(),
    )
}

/// A redirect.
pub fn to(location: &str) -> Answer {
    Answer::Bytes(
        format!(
            "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
        )
        .into_bytes(),
    )
}
