//! HTTP for plugins: granted origins only, secrets put in here and marked as such. Secrets never stand in an error or a log
//! line.

use crate::grants::{Origin, Right};
use crate::job::JobState;
use crate::reach::http::{BODY_MAX_BYTES, exchange};
use crate::wit::http::{Host, Request, Response, SecretHeader};
use crate::wit::types::{Failure, Header};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use std::time::Duration;
use tokio::time::Instant;

const URL_MAX_BYTES: usize = 8 << 10;
const HEADERS_MOST: usize = 64;
const HEADER_MAX_BYTES: usize = 8 << 10;
const TIMEOUT_MAX: Duration = Duration::from_secs(20);
const REDIRECTS_MOST: usize = 5;
/// A shorter secret would be found everywhere, and is no secret.
const ECHO_MIN_BYTES: usize = 8;

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
        serve!(self, "http.send", self.send_granted(request).await)
    }
}

impl JobState {
    async fn send_granted(&mut self, request: Request) -> Result<Response, Failure> {
        let (url, origin) = self.granted_url(&request.url)?;
        let method = method(&request.method)?;
        if request.body.len() > BODY_MAX_BYTES {
            return Err(Failure::invalid("body-too-large", "the request's body is larger than 4 MiB"));
        }
        let sent = Sent { headers: self.headers(&request, &origin)?, origin, body: request.body };
        let asked = Duration::from_millis(request.timeout_ms.into());
        let timeout = asked.min(TIMEOUT_MAX).min(self.left());
        if timeout.is_zero() {
            return Err(Failure::unavailable("timeout", "there was no time left to send the request"));
        }
        self.carry(sent.body.len());
        // What only reads changes nothing outside: losing its answer is no unknown outcome.
        let reads = method.is_safe();
        let before = self.ledger.touched();
        if !reads {
            self.ledger.touch();
        }
        let answer = self.follow(method, url, sent, Instant::now() + timeout).await;
        self.settle(before, &answer);
        let response = answer?;
        self.carry(response.body.len());
        Ok(response)
    }

    /// One exchange, or a reading one and the redirects that it leads to. What the plugin put into headers goes along; secrets
    /// do so within their own origin alone.
    async fn follow(
        &mut self,
        method: Method,
        mut url: Url,
        mut sent: Sent,
        deadline: Instant,
    ) -> Result<Response, Failure> {
        let reads = method.is_safe();
        for _ in 0..=REDIRECTS_MOST {
            let host = url.host_str().unwrap_or_default().to_owned();
            let left = deadline.saturating_duration_since(Instant::now());
            let client = self.around.opened.http.get();
            let client = client.map_err(|error| Failure::unavailable("no-client", error.to_string()))?;
            let built = client.request(method.clone(), url.clone());
            let built = built.headers(sent.headers.clone()).body(sent.body.clone()).timeout(left);
            let response = exchange(built, &host, reads).await?;
            let response = self.withhold_echo(reads, response)?;
            let Some(next) = reads.then(|| redirect(&url, &response)).flatten() else { return Ok(response) };
            let (to, origin) = self.granted_url(&next)?;
            if origin != sent.origin {
                let plain = |value: &HeaderValue| !value.is_sensitive();
                let kept = sent.headers.iter().filter(|(_, value)| plain(value));
                sent.headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
                sent.origin = origin;
            }
            url = to;
        }
        let host = url.host_str().unwrap_or_default();
        Err(Failure::unavailable(
            "too-many-redirects",
            format!("{host} redirects more than {REDIRECTS_MOST} times"),
        ))
    }

    /// A server that repeats what it was sent, now or earlier, must not be the way by which a secret reaches the guest.
    fn withhold_echo(&self, reads: bool, response: Response) -> Result<Response, Failure> {
        for name in self.charter.secrets() {
            let Some(secret) = self.around.opened.secrets.get(name) else { continue };
            let secret = secret.expose_secret();
            let echoed = response.headers.iter().any(|header| header.value.contains(secret))
                || response.body.windows(secret.len().max(1)).any(|part| part == secret.as_bytes());
            if echoed && secret.len() >= ECHO_MIN_BYTES {
                let failure = if reads { Failure::invalid } else { Failure::unknown };
                let message = format!("the answer repeats the secret \"{name}\" and is withheld");
                return Err(failure("secret-echoed", message));
            }
        }
        Ok(response)
    }

    fn granted_url(&self, text: &str) -> Result<(Url, Origin), Failure> {
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
            return Ok((url, origin));
        }
        Err(self.charter.grants.missing(Right::Http, &origin.to_string(), &self.charter.plugin))
    }

    fn headers(&self, request: &Request, origin: &Origin) -> Result<HeaderMap, Failure> {
        let (plain, secret) = (&request.headers, &request.secret_headers);
        if plain.len().saturating_add(secret.len()) > HEADERS_MOST {
            return Err(Failure::invalid("too-many-headers", "a request has at most 64 headers"));
        }
        let mut headers = HeaderMap::new();
        for Header { name, value } in plain {
            headers.append(header_name(name)?, header_value(name, value)?);
        }
        for SecretHeader { name, prefix, secret } in secret {
            self.charter.may_put(secret, name, origin)?;
            let secret = self.secret(secret)?;
            let mut value = header_value(name, &format!("{prefix}{}", secret.expose_secret()))?;
            value.set_sensitive(true);
            headers.insert(header_name(name)?, value);
        }
        Ok(headers)
    }
}

/// What goes out with each hop.
struct Sent {
    headers: HeaderMap,
    body: Vec<u8>,
    origin: Origin,
}

/// Where an answer sends its reader.
fn redirect(from: &Url, response: &Response) -> Option<String> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers.iter().find(|header| header.name == "location")?;
    Some(from.join(&location.value).map_or_else(|_| location.value.clone(), Url::into))
}

/// Neither a tunnel through the granted server nor a request to repeat what was sent.
fn method(name: &str) -> Result<Method, Failure> {
    let bad = |_| Failure::invalid("bad-method", format!("{name:?} is no HTTP method"));
    match Method::from_bytes(name.as_bytes()).map_err(bad)? {
        Method::CONNECT | Method::TRACE => {
            Err(Failure::invalid("bad-method", format!("the method {name} is not for plugins")))
        }
        method => Ok(method),
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
