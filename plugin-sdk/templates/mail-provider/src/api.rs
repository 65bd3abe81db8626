//! The API: one request, one JSON answer, and what each refusal means for the daemon.

use remitd_plugin_sdk::host::http::{self, Request, Response, SecretHeader};
use remitd_plugin_sdk::{Failure, Header, serde_json};
use serde::de::DeserializeOwned;

/// The API is asked again later rather than waited for longer.
const TIMEOUT_MS: u32 = 15_000;

pub struct Api<'a> {
    pub base: &'a str,
    pub key_secret: &'a str,
}

impl Api<'_> {
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let response = self.send("GET", path, Vec::new(), Vec::new())?;
        read(path, &response).map_err(|why| Failure::unavailable("bad-answer", why))
    }

    /// Under a key: sent again after a lost answer, it is done once.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &serde_json::Value,
    ) -> Result<T, Failure> {
        let header = |name: &str, value: &str| Header {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let headers = vec![
            header("Content-Type", "application/json"),
            header("Idempotency-Key", key),
        ];
        let response = self.send("POST", path, headers, body.to_string().into_bytes())?;
        // It was accepted, though the answer cannot be read: it may well have been done.
        read(path, &response).map_err(|why| Failure::unknown_outcome("bad-answer", why))
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: Vec<Header>,
        body: Vec<u8>,
    ) -> Result<Response, Failure> {
        let response = http::send(&Request {
            method: method.to_owned(),
            url: format!("{}{path}", self.base),
            headers,
            secret_headers: vec![SecretHeader {
                name: "Authorization".to_owned(),
                prefix: "Bearer ".to_owned(),
                secret: self.key_secret.to_owned(),
            }],
            body,
            timeout_ms: TIMEOUT_MS,
        })?;
        if matches!(response.status, 200..=299) {
            Ok(response)
        } else {
            Err(refused(method, path, &response))
        }
    }
}

fn read<T: DeserializeOwned>(path: &str, response: &Response) -> Result<T, String> {
    serde_json::from_slice(&response.body)
        .map_err(|error| format!("the answer to {path} is not what was agreed: {error}"))
}

/// The API's own refusals are sure. A server's error after a POST is not: it may have come when the work was done.
fn refused(method: &str, path: &str, response: &Response) -> Failure {
    let status = response.status;
    let code = format!("http-{status}");
    let message = format!("the API answered {status} to {method} {path}");
    match status {
        401 | 403 => Failure::denied(
            &code,
            format!("{message}: look at the secret that `key-secret` names"),
        ),
        408 | 429 => match seconds(response) {
            Some(seconds) => Failure::unavailable(&code, message).retry_after(seconds),
            None => Failure::unavailable(&code, message),
        },
        500.. if method == "GET" => Failure::unavailable(&code, message),
        500.. => Failure::unknown_outcome(&code, message),
        _ => Failure::invalid(&code, message),
    }
}

/// How long the API asks to be left alone.
fn seconds(response: &Response) -> Option<u32> {
    let header = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("retry-after"))?;
    header.value.trim().parse().ok()
}

/// As a value in a query: whatever is in it, it stays one.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(byte.into())
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
