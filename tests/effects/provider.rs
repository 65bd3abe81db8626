//! The sandbox provider, in a port that stays its own while it is away, with a journal that outlives it, and the payers who
//! visit it. Its clock is the test's.

use crate::firm::TestClock;
use remitd_domain::time::Clock;
use remitd_sandbox::SandboxError;
use remitd_tests::ports;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub const KEY: &str = "sk_test";
pub const WEBHOOK_SECRET: &str = "whsec_test";
/// Longer than any test lets its clock run: bank payments settle when a test says so.
const SETTLE_MS: u64 = 30 * 24 * 3_600_000;
const ANSWER_TIME: Duration = Duration::from_secs(30);

pub struct Provider {
    pub url: String,
    address: SocketAddr,
    journal: PathBuf,
    clock: Arc<TestClock>,
    client: reqwest::Client,
    serving: Option<Serving>,
}

struct Serving {
    stop: oneshot::Sender<()>,
    served: JoinSet<Result<(), SandboxError>>,
}

impl Provider {
    pub async fn start(folder: &Path, clock: Arc<TestClock>) -> Provider {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let [port] = ports::free();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(ANSWER_TIME)
            .pool_max_idle_per_host(0);
        let mut provider = Provider {
            url: format!("http://{address}"),
            address,
            journal: folder.join("provider.jsonl"),
            clock,
            client: client.build().unwrap(),
            serving: None,
        };
        provider.come_back().await;
        provider
    }

    /// Nothing listens any more.
    pub async fn go_away(&mut self) {
        let mut serving = self.serving.take().expect("it is there");
        serving.stop.send(()).expect("it listens");
        serving.served.join_next().await.expect("it served").expect("without a panic").expect("to its end");
    }

    pub async fn come_back(&mut self) {
        assert!(self.serving.is_none(), "it is there already");
        let clock = self.clock.clone();
        let config = remitd_sandbox::Config {
            listen: self.address,
            journal: Some(self.journal.clone()),
            key: KEY.into(),
            webhook_secret: WEBHOOK_SECRET.into(),
            settle_ms: SETTLE_MS,
            clock: Arc::new(move || clock.now_ms()),
        };
        let sandbox = remitd_sandbox::bind(config).await.expect("the provider listens");
        let (stop, stopped) = oneshot::channel();
        let mut served = JoinSet::new();
        served.spawn(sandbox.serve(async move { stopped.await.unwrap_or(()) }));
        self.serving = Some(Serving { stop, served });
    }

    /// It stands there again with nothing of what it knew, as another account of a real one would.
    pub async fn forget(&mut self) {
        self.go_away().await;
        fs_err::remove_file(&self.journal).expect("it had a journal");
        self.come_back().await;
    }

    /// A payer types a number at a checkout's page.
    pub async fn pay(&self, checkout: &str, number: &str) {
        let answer = self.client.post(checkout).form(&[("number", number)]).send().await.expect("answers");
        assert_eq!(answer.status(), 303, "the payer is led back");
    }

    /// The firm gives a part of a payment back.
    pub async fn refund(&self, payment: &str, amount_minor: i64) {
        let post = self.client.post(format!("{}/v1/payments/{payment}/refunds", self.url)).bearer_auth(KEY);
        let key = format!("refund {amount_minor} of {payment}");
        let asked = post.json(&json!({ "amount_minor": amount_minor })).header("Idempotency-Key", key);
        assert_eq!(asked.send().await.expect("answers").status(), 201);
    }

    /// Every pending bank payment takes its next step.
    pub async fn settle(&self) {
        let asked = self.client.post(format!("{}/v1/test/advance", self.url)).bearer_auth(KEY);
        assert_eq!(asked.send().await.expect("answers").status(), 200);
    }

    pub async fn get(&self, path: &str) -> serde_json::Value {
        let asked = self.client.get(format!("{}{path}", self.url)).bearer_auth(KEY);
        asked.send().await.expect("answers").json().await.expect("answers JSON")
    }

    /// How many entries of a kind its journal has: `opened`, `cancelled`, …
    pub fn entries(&self, kind: &str) -> usize {
        let journal = fs_err::read_to_string(&self.journal).expect("reads the journal");
        journal.matches(&format!("\"entry\":\"{kind}\"")).count()
    }
}
