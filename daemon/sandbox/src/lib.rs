//! A payment provider for the demo and the tests: an API, a hosted checkout page, test numbers, signed webhooks and
//! events to poll, over real HTTP. It stands outside the daemon's trust: it shares no code with the daemon, knows nothing
//! of requests, and moves no money.
//!
//! Everything it says was written to its journal and synced first, so a killed provider loses nothing that it said.

mod api;
mod book;
mod desk;
mod journal;
mod ledger;
mod money;
mod number;
mod page;
mod refusal;
mod webhook;

pub use webhook::sign;

use axum::Router;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Unix milliseconds, handed in: the provider never reads a clock itself.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What a provider is started with.
pub struct Config {
    /// Port 0 lets the kernel choose; [`Sandbox::url`] says what it chose.
    pub listen: SocketAddr,
    /// Where changes are kept; without it everything is forgotten at the end.
    pub journal: Option<PathBuf>,
    /// The bearer key that the API asks for.
    pub key: String,
    /// What webhooks are signed with.
    pub webhook_secret: String,
    /// How long a bank payment stays pending.
    pub settle_ms: u64,
    pub clock: Clock,
}

/// Why the provider could not start or go on. What it answers to its callers is not in here.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("cannot listen on {address}: {cause}")]
    Listen { address: SocketAddr, cause: std::io::Error },
    /// The cause names the path.
    #[error("the sandbox's journal: {0}")]
    Journal(#[from] std::io::Error),
    #[error("the sandbox's journal {} is in use by another process", path.display())]
    JournalInUse { path: PathBuf },
    #[error("the sandbox's journal {} is damaged at line {line}: {cause}", path.display())]
    JournalDamaged { path: PathBuf, line: u64, cause: serde_json::Error },
    #[error("the sandbox's journal could not be written and waits for a restart")]
    JournalStopped,
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
    #[error("cannot make the client that delivers webhooks: {0}")]
    Client(reqwest::Error),
    #[error("the sandbox's server ended: {0}")]
    Serve(std::io::Error),
}

/// A provider that listens already and answers once [`Sandbox::serve`] runs.
pub struct Sandbox {
    listener: TcpListener,
    url: String,
    desk: Arc<desk::Desk>,
    client: reqwest::Client,
}

/// Replays the journal and listens. The process must have installed its rustls provider before.
pub async fn bind(config: Config) -> Result<Sandbox, SandboxError> {
    let address = config.listen;
    let listen = |cause| SandboxError::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let url = format!("http://{}", listener.local_addr().map_err(listen)?);
    let client = webhook::client().map_err(SandboxError::Client)?;
    let desk = Arc::new(desk::Desk::open(config, url.clone())?);
    Ok(Sandbox { listener, url, desk, client })
}

impl Sandbox {
    /// Scheme, host and port, without a slash at the end.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Answers until `stop`, then finishes the answers in hand. Webhooks not delivered by then go out at the next start.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), SandboxError> {
        let router: Router = api::router(&self.desk).merge(page::router(&self.desk));
        let server = axum::serve(self.listener, router).with_graceful_shutdown(stop);
        tokio::select! {
            end = server => end.map_err(SandboxError::Serve),
            () = self.desk.keep_time() => Ok(()),
            () = webhook::deliver_all(&self.desk, &self.client) => Ok(()),
        }
    }
}
