//! The way to the provider and back, with the mistakes that authors make on it.

use remitd_plugin_sdk::host::http::{self, Request, Response, SecretHeader};
use remitd_plugin_sdk::host::{clock, random, signature};
use remitd_plugin_sdk::{Failure, Header, Webhook, serde_json};
use serde::de::DeserializeOwned;

const TIMEOUT_MS: u32 = 5_000;
const TOLERANCE_S: u64 = 300;

pub struct Api<'a> {
    pub base: &'a str,
    pub bug: &'a str,
}

impl Api<'_> {
    fn has(&self, bug: &str) -> bool {
        self.bug == bug
    }

    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let response = self.send("GET", path, Vec::new(), Vec::new())?;
        self.read(&response).map_err(|why| Failure::unavailable("bad-answer", why))
    }

    pub fn post<T: DeserializeOwned>(&self, path: &str, key: &str, body: Vec<u8>) -> Result<T, Failure> {
        let key = match self.bug {
            "key-by-chance" => random::bytes(12).iter().map(|byte| format!("{byte:02x}")).collect(),
            "one-key-for-all" => "remitd".to_owned(),
            _ => key.to_owned(),
        };
        let mut headers = vec![Header { name: "Idempotency-Key".to_owned(), value: key }];
        headers.retain(|_| !self.has("no-key"));
        let response = self.send("POST", path, headers, body)?;
        self.read(&response).map_err(|why| Failure::unknown_outcome("bad-answer", why))
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
                secret: "key".to_owned(),
            }],
            body,
            timeout_ms: TIMEOUT_MS,
        })?;
        if matches!(response.status, 200..=299) { Ok(response) } else { Err(self.refused(method, &response)) }
    }

    fn read<T: DeserializeOwned>(&self, response: &Response) -> Result<T, String> {
        let read = serde_json::from_slice(&response.body);
        #[allow(clippy::unwrap_used, reason = "the mistake that the kit must find")]
        if self.has("answer-unwrapped") {
            return Ok(read.unwrap());
        }
        read.map_err(|error| format!("the provider's answer is not what was agreed: {error}"))
    }

    fn refused(&self, method: &str, response: &Response) -> Failure {
        let status = response.status;
        let (code, message) =
            (format!("http-{status}"), format!("the provider answered {status} to {method}"));
        let wait = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("retry-after"));
        let wait =
            wait.and_then(|header| header.value.parse().ok()).filter(|_| !self.has("asks-again-at-once"));
        match status {
            401 | 403 if self.has("no-key-is-invalid") => Failure::invalid(&code, message),
            401 | 403 => Failure::denied(&code, message),
            429 => match wait {
                Some(seconds) => Failure::unavailable(&code, message).retry_after(seconds),
                None => Failure::unavailable(&code, message),
            },
            500.. if self.has("error-is-a-no") => Failure::invalid(&code, message),
            500.. if method == "GET" => Failure::unavailable(&code, message),
            500.. => Failure::unknown_outcome(&code, message),
            _ => Failure::invalid(&code, message),
        }
    }

    /// `Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`.
    pub fn check(&self, webhook: &Webhook) -> Result<(), Failure> {
        let forged = || Failure::invalid("bad-signature", "this webhook is not from the provider");
        if self.has("believes-all") {
            return Ok(());
        }
        let wanted = |name: &str| {
            if self.has("header-in-one-case") {
                name == "Signature"
            } else {
                name.eq_ignore_ascii_case("signature")
            }
        };
        let header = webhook.headers.iter().find(|header| wanted(&header.name)).ok_or_else(forged)?;
        let (time, mac) = header.value.split_once(",v1=").ok_or_else(forged)?;
        let time = time.strip_prefix("t=").ok_or_else(forged)?;
        let seconds: u64 = time.parse().map_err(|_| forged())?;
        if (clock::now_ms() / 1000).abs_diff(seconds) > TOLERANCE_S {
            return Err(forged());
        }
        let body =
            if self.has("signature-over-trimmed-body") { webhook.body.trim_ascii() } else { &webhook.body };
        let mac = bytes(mac).ok_or_else(forged)?;
        if signature::verify_hmac_sha256("hook", &[time.as_bytes(), b".", body].concat(), &mac)? {
            return Ok(());
        }
        Err(forged())
    }

    /// A part of an address.
    pub fn part(&self, text: &str) -> String {
        if self.has("address-as-given") {
            return text.to_owned();
        }
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let letter =
            |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        // A dot may be a step in a path, escaped or not.
        text.replace('.', "_").bytes().map(letter).collect()
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}
