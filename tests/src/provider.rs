//! The sandbox provider in the test's own process: it lives on while daemons are killed, and keeps its own count of the
//! money. Bank payments stay pending until the test settles them.

use reqwest::Client;
use serde_json::Value;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

/// Longer than any test: nothing settles by itself.
const SETTLE_MS: u64 = 24 * 3_600_000;
const ANSWER_TIME: Duration = Duration::from_secs(30);

pub struct Provider {
    /// Scheme, host and port.
    pub url: String,
    key: String,
    client: Client,
    /// Taken at the end; on it the provider serves and payers walk.
    runtime: Option<Runtime>,
}

/// What the provider says that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    pub payments: i64,
    /// Captured, without what was returned or refunded.
    pub kept_minor: i64,
}

impl Provider {
    pub fn start(key: &str, webhook_secret: &str) -> Provider {
        // Somebody else in this process may have been first: any provider will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("makes a runtime");
        let config = remitd_sandbox::Config {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            journal: None,
            key: key.to_owned(),
            webhook_secret: webhook_secret.to_owned(),
            settle_ms: SETTLE_MS,
            clock: Arc::new(now_ms),
        };
        let sandbox = runtime.block_on(remitd_sandbox::bind(config)).expect("the provider listens");
        let url = sandbox.url();
        // Its end is that of the runtime.
        runtime
            .spawn(async move { sandbox.serve(std::future::pending()).await.expect("the provider serves") });
        let client = Client::builder().no_proxy().timeout(ANSWER_TIME).pool_max_idle_per_host(0).build();
        Provider { url, key: key.to_owned(), client: client.expect("makes a client"), runtime: Some(runtime) }
    }

    /// Settles every pending bank payment: it succeeds, fails, or is returned after it succeeded. Gives their number.
    pub fn settle(&self) -> i64 {
        let post = self.client.post(format!("{}/v1/test/advance", self.url));
        self.ask(post)["settled"].as_i64().expect("a number")
    }

    /// Somebody at the firm gives money back at the provider.
    pub fn refund(&self, payment: &str, amount_minor: i64) {
        let post = self.client.post(format!("{}/v1/payments/{payment}/refunds", self.url));
        let post = post.header("idempotency-key", format!("{payment}:{amount_minor}"));
        self.ask(post.json(&serde_json::json!({ "amount_minor": amount_minor })));
    }

    /// The payment that was made at a checkout's address.
    pub fn payment_at(&self, checkout: &str) -> String {
        let id = checkout.rsplit('/').next().unwrap_or_default();
        let shown = self.ask(self.client.get(format!("{}/v1/checkouts/{id}", self.url)));
        shown["payments"][0]["id"].as_str().expect("it was paid").to_owned()
    }

    pub fn totals(&self) -> Totals {
        let totals = self.ask(self.client.get(format!("{}/v1/test/totals", self.url)));
        let number = |name: &str| totals[name].as_i64().expect("a number");
        let gone = number("returned_minor") + number("refunded_minor");
        Totals { payments: number("payments"), kept_minor: number("captured_minor") - gone }
    }

    /// Runs a payer's walk to its end.
    pub fn run<T>(&self, walk: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("runs until it is dropped").block_on(walk)
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> Value {
        self.run(async {
            let answer = request.bearer_auth(&self.key).send().await.expect("the provider answers");
            answer.error_for_status().expect("the provider agrees").json().await.expect("with JSON")
        })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the provider stands outside: it has a clock of its own")]
fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(now.as_millis()).expect("milliseconds fit")
}
