//! The provider's protocol: requests, answers, and what each refusal means for the daemon.

use remitd_plugin_sdk::host::http::{self, Request, Response, SecretHeader};
use remitd_plugin_sdk::{Failure, Header, Money, gateway, serde_json};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The provider is asked again later rather than waited for longer.
const TIMEOUT_MS: u32 = 15_000;
/// Of an answer that is no error object, so much is shown.
const SHOWN_BYTES: usize = 200;

#[derive(Serialize)]
pub struct BeginCheckout<'a> {
    pub reference: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub partial: bool,
    pub lines: Vec<Line<'a>>,
    pub payer_email: &'a str,
    pub return_url: &'a str,
    pub webhook_url: Option<&'a str>,
    pub expires_ms: u64,
}

#[derive(Serialize)]
pub struct Line<'a> {
    pub label: &'a str,
    pub amount_minor: i64,
}

#[derive(Deserialize)]
pub struct Began {
    pub id: String,
    pub url: String,
}

#[derive(Serialize)]
pub struct Refund {
    pub amount_minor: i64,
}

#[derive(Deserialize)]
pub struct Refunded {
    pub id: String,
}

/// An object of which nothing is needed.
#[derive(Serialize, Deserialize)]
pub struct Nothing {}

#[derive(Deserialize)]
pub struct EventsPage {
    pub events: Vec<Event>,
    pub next: Option<String>,
}

#[derive(Deserialize)]
pub struct Event {
    id: String,
    what: String,
    checkout: String,
    /// None where the event is about the checkout itself, such as `checkout-expired`.
    #[serde(default)]
    payment: Option<String>,
    amount_minor: i64,
    currency: String,
    #[serde(default)]
    method: Option<String>,
    at_ms: u64,
    #[serde(default)]
    reason: Option<String>,
}

impl From<Event> for gateway::Event {
    fn from(event: Event) -> gateway::Event {
        gateway::Event {
            id: event.id,
            what: event.what,
            checkout: event.checkout,
            payment: event.payment.unwrap_or_default(),
            amount: Money { amount_minor: event.amount_minor, currency: event.currency },
            method: event.method.unwrap_or_default(),
            at_ms: event.at_ms,
            reason: event.reason.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalBody,
}

#[derive(Deserialize)]
struct RefusalBody {
    code: String,
    message: String,
}

pub struct Provider<'a> {
    pub api: &'a str,
    pub key_secret: &'a str,
}

impl Provider<'_> {
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send("GET", path, Vec::new(), Vec::new())
    }

    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        idempotency_key: Option<&str>,
    ) -> Result<T, Failure> {
        let mut headers = vec![header("Content-Type", "application/json")];
        headers.extend(idempotency_key.map(|key| header("Idempotency-Key", key)));
        let body = serde_json::to_vec(body).map_err(|error| Failure::bug("json", error.to_string()))?;
        self.send("POST", path, headers, body)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        headers: Vec<Header>,
        body: Vec<u8>,
    ) -> Result<T, Failure> {
        let authorization = SecretHeader {
            name: "Authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
            secret: self.key_secret.to_owned(),
        };
        let response = http::send(&Request {
            method: method.to_owned(),
            url: format!("{}{path}", self.api),
            headers,
            secret_headers: vec![authorization],
            body,
            timeout_ms: TIMEOUT_MS,
        })?;
        match response.status {
            200..=299 => read(&response.body).map_err(|why| match method {
                "GET" => Failure::unavailable("bad-answer", why),
                // It was accepted, though the answer cannot be read: it may well have been done.
                _ => Failure::unknown_outcome("bad-answer", why),
            }),
            _ => Err(refused(method, path, &response)),
        }
    }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: value.to_owned() }
}

/// What an answer other than success means. Only the provider's own refusals are sure: a server error on a POST may have come
/// after the work was done.
fn refused(method: &str, path: &str, response: &Response) -> Failure {
    let status = response.status;
    let (code, words) = match serde_json::from_slice::<Refusal>(&response.body) {
        Ok(Refusal { error }) => (error.code, error.message),
        Err(_) => {
            let shown = response.body.get(..SHOWN_BYTES).unwrap_or(&response.body);
            (format!("http-{status}"), String::from_utf8_lossy(shown).into_owned())
        }
    };
    let message = format!("the sandbox provider answered {status} to {method} {path}: {words}");
    match status {
        401 | 403 => Failure::denied(&code, format!("{message}; check the secret that `key-secret` names")),
        408 | 429 => Failure { retry_after_s: seconds(response), ..Failure::unavailable(&code, message) },
        500.. if method == "GET" => Failure::unavailable(&code, message),
        500.. => Failure::unknown_outcome(&code, message),
        _ => Failure::invalid(&code, message),
    }
}

/// How long the provider asks to be left alone.
fn seconds(response: &Response) -> Option<u32> {
    let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("retry-after"))?;
    header.value.trim().parse().ok()
}

pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|error| format!("what the sandbox provider says is not what was agreed: {error}"))
}

/// An id of the provider's as a part of an address, where it can be one as it is.
pub fn segment(id: &str) -> Result<&str, Failure> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    if id.is_empty() || id == "." || id == ".." || !id.bytes().all(fits) {
        return Err(Failure::invalid("bad-id", format!("\"{id}\" is no id of the sandbox provider")));
    }
    Ok(id)
}
