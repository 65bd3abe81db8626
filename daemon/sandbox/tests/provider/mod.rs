//! A provider under test, and what its callers do to it over real HTTP. Its clock stands still until a test moves it.

#![allow(dead_code, reason = "each test target uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_sandbox::{Config, SandboxError};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const KEY: &str = "sk_test";
pub const SECRET: &str = "whsec_test";
pub const SETTLE_MS: u64 = 60_000;
pub const START_MS: i64 = 1_700_000_000_000;
const DEADLINE: Duration = Duration::from_secs(20);

pub struct Provider {
    pub url: String,
    pub client: Client,
    now: Arc<AtomicI64>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), SandboxError>>,
    /// Its own, so that a kill takes everything along.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Provider {
    /// Where a test failed: its own complaint must be the one that is seen.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn config(journal: Option<PathBuf>, now: Arc<AtomicI64>) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        journal,
        key: KEY.into(),
        webhook_secret: SECRET.into(),
        settle_ms: SETTLE_MS,
        clock: Arc::new(move || now.load(Ordering::SeqCst)),
    }
}

pub fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(DEADLINE).build().unwrap()
}

impl Provider {
    pub async fn start(journal: Option<PathBuf>) -> Provider {
        let (now, client) = (Arc::new(AtomicI64::new(START_MS)), client());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let bound = runtime.spawn(remitd_sandbox::bind(config(journal, now.clone())));
        let sandbox = bound.await.unwrap().expect("binds");
        let (stop, stopped) = oneshot::channel();
        let url = sandbox.url();
        let served = runtime.spawn(sandbox.serve(async move { stopped.await.unwrap_or(()) }));
        Provider { url, client, now, stop: Some(stop), served, runtime: Some(runtime) }
    }

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        tokio::time::timeout(DEADLINE, &mut self.served)
            .await
            .expect("stops in time")
            .unwrap()
            .expect("served well");
        self.end().await;
    }

    /// As a kill would leave it: nothing gets the time to say goodbye.
    pub async fn kill(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        let runtime = self.runtime.take().unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(DEADLINE)).await.unwrap();
    }

    pub fn pass(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(KEY);
        if !key.is_empty() {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("answers");
        (answer.status(), answer.json().await.expect("answers JSON"))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, "", None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> (StatusCode, Value) {
        self.call(Method::POST, path, key, Some(body)).await
    }

    /// A new checkout's id.
    pub async fn begin(&self, order: &Value) -> String {
        let key = order["reference"].as_str().unwrap();
        let (status, body) = self.post("/v1/checkouts", key, order).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// The payer presses Pay; the status and the page or the place to go.
    pub async fn pay(&self, id: &str, number: &str, amount: Option<&str>) -> (StatusCode, String) {
        let mut form = vec![("number", number)];
        form.extend(amount.map(|amount| ("amount", amount)));
        let answer =
            self.client.post(format!("{}/checkout/{id}", self.url)).form(&form).send().await.unwrap();
        let status = answer.status();
        match answer.headers().get("location") {
            Some(location) => (status, location.to_str().unwrap().to_owned()),
            None => (status, answer.text().await.unwrap()),
        }
    }

    pub async fn page(&self, id: &str) -> (StatusCode, String) {
        let answer = self.client.get(format!("{}/checkout/{id}", self.url)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// `what` and amount of every event.
    pub async fn events(&self) -> Vec<(String, i64)> {
        let body = self.get("/v1/events").await;
        let events = body["events"].as_array().unwrap();
        events
            .iter()
            .map(|e| (e["what"].as_str().unwrap().to_owned(), e["amount_minor"].as_i64().unwrap()))
            .collect()
    }

    pub async fn status(&self, id: &str) -> String {
        self.get(&format!("/v1/checkouts/{id}")).await["status"].as_str().unwrap().to_owned()
    }
}

pub fn order(reference: &str) -> Value {
    json!({
        "reference": reference,
        "amount_minor": 12_345,
        "currency": "USD",
        "partial": false,
        "lines": [{ "label": "Invoice 7 <script>", "amount_minor": 12_345 }],
        "payer_email": "ana@example.com",
        "return_url": "http://127.0.0.1:9/p/token/done",
        "webhook_url": null,
        "expires_ms": START_MS + 3_600_000,
    })
}

pub fn with(mut order: Value, key: &str, value: impl Into<Value>) -> Value {
    order[key] = value.into();
    order
}
