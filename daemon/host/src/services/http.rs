//! HTTP for plugins: granted origins only, secrets put in here and marked as such. Secrets never stand in an error or a log
//! line.

use crate::grants::{Origin, Right, missing};
use crate::job::JobState;
use crate::reach::http::{BODY_MAX_BYTES, exchange};
use crate::wit::http::{Host, Request, Response, SecretHeader};
use crate::wit::types::{Failure, Header};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use std::time::Duration;

const URL_MAX_BYTES: usize = 8 << 10;
const HEADERS_MOST: usize = 64;
const HEADER_MAX_BYTES: usize = 8 << 10;
const TIMEOUT_MAX: Duration = Duration::from_secs(20);

/// Headers that are the client's own business, or would name another host than the one that was granted.
const RESERVED: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "proxy-authorization",
];

impl Host for JobState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Failure>> {
        let mark = self.enter()?;
        let answer = self.send_granted(request).await;
        self.leave(mark);
        Ok(answer)
    }
}

impl JobState {
    async fn send_granted(&mut self, request: Request) -> Result<Response, Failure> {
        let url = self.granted_url(&request.url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| Failure::invalid("bad-method", format!("{:?} is no HTTP method", request.method)))?;
        if request.body.len() > BODY_MAX_BYTES {
            return Err(Failure::invalid("body-too-large", "the request's body is larger than 4 MiB"));
        }
        let headers = self.headers(&request.headers, &request.secret_headers)?;
        let asked = Duration::from_millis(request.timeout_ms.into());
        let timeout = asked.min(TIMEOUT_MAX).min(self.left());
        if timeout.is_zero() {
            return Err(Failure::unavailable("timeout", "there was no time left to send the request"));
        }
        // What only reads changes nothing outside: losing its answer is no unknown outcome.
        let reads = method.is_safe();
        let before = self.ledger.touched();
        if !reads {
            self.ledger.touch();
        }
        let built = self.around.opened.http.request(method, url).headers(headers).body(request.body);
        let answer = exchange(built.timeout(timeout), &host, reads).await;
        self.settle(before, &answer);
        answer
    }

    fn granted_url(&self, text: &str) -> Result<Url, Failure> {
        let bad = |why: &str| Failure::invalid("bad-url", format!("the URL {why}"));
        if text.len() > URL_MAX_BYTES {
            return Err(bad("is longer than 8 KiB"));
        }
        let url = Url::parse(text).map_err(|error| bad(&format!("cannot be read: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("has a user or password in it: use a secret header"));
        }
        let origin = Origin::of(&url).ok_or_else(|| bad("is neither http nor https"))?;
        if self.charter.origins.contains(&origin) {
            return Ok(url);
        }
        Err(missing(Right::Http, &origin.to_string(), &self.charter.plugin))
    }

    fn headers(&self, plain: &[Header], secret: &[SecretHeader]) -> Result<HeaderMap, Failure> {
        if plain.len().saturating_add(secret.len()) > HEADERS_MOST {
            return Err(Failure::invalid("too-many-headers", "a request has at most 64 headers"));
        }
        let mut headers = HeaderMap::new();
        for Header { name, value } in plain {
            headers.append(header_name(name)?, header_value(name, value)?);
        }
        for SecretHeader { name, prefix, secret } in secret {
            let secret = self.secret(secret)?;
            let mut value = header_value(name, &format!("{prefix}{}", secret.expose_secret()))?;
            value.set_sensitive(true);
            headers.insert(header_name(name)?, value);
        }
        Ok(headers)
    }
}

fn header_name(name: &str) -> Result<HeaderName, Failure> {
    let bad = |why: &str| Failure::invalid("bad-header", format!("header {name:?} {why}"));
    let name =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("has a name that HTTP does not allow"))?;
    if RESERVED.contains(&name.as_str()) {
        return Err(bad("is set by the daemon"));
    }
    Ok(name)
}

/// The value itself is never in the error: it may be a secret.
fn header_value(name: &str, value: &str) -> Result<HeaderValue, Failure> {
    let bad = |why: &str| Failure::invalid("bad-header", format!("the value of header {name:?} {why}"));
    if value.len() > HEADER_MAX_BYTES {
        return Err(bad("is longer than 8 KiB"));
    }
    HeaderValue::from_str(value).map_err(|_| bad("has a control character in it"))
}
