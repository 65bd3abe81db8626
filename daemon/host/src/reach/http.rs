//! One HTTP exchange, bounded, no redirect followed; what a broken one means.

use super::egress::NotPublic;
use crate::wit::http::Response;
use crate::wit::types::{Failure, Header};

/// Of a request and of an answer.
pub(crate) const BODY_MAX_BYTES: usize = 4 << 20;

/// Sends the request and reads the whole answer. `reads` says that the request changes nothing.
pub(crate) async fn exchange(
    request: reqwest::RequestBuilder,
    host: &str,
    reads: bool,
) -> Result<Response, Failure> {
    let mut response = request.send().await.map_err(|error| lost(error, host, reads))?;
    let status = response.status().as_u16();
    let headers = response.headers().iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?.to_owned();
        Some(Header { name: name.as_str().to_owned(), value })
    });
    let headers = headers.collect();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| lost(error, host, reads))? {
        if body.len().saturating_add(piece.len()) > BODY_MAX_BYTES {
            let message = format!("the answer of {host} is larger than 4 MiB");
            let failure = if reads { Failure::invalid } else { Failure::unknown };
            return Err(failure("answer-too-large", message));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Response { status, headers, body })
}

/// What a failed exchange means: nothing was sent while the connection did not stand.
fn lost(error: reqwest::Error, host: &str, reads: bool) -> Failure {
    let connecting = error.is_connect();
    // The innermost cause says most, and no cause names a header's value.
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if let Some(refused) = cause.downcast_ref::<NotPublic>() {
        tracing::warn!(host, address = %refused.address, "a granted name leads to an address that is not public");
        return Failure::denied("address-refused", refused.to_string());
    }
    if connecting {
        return Failure::unavailable("connect", format!("no connection to {host}: {cause}"));
    }
    let (failure, code): (fn(&str, String) -> Failure, _) = match (reads, error.is_timeout()) {
        (true, true) => (Failure::unavailable, "timeout"),
        (true, false) => (Failure::unavailable, "answer-lost"),
        (false, _) => (Failure::unknown, "answer-lost"),
    };
    failure(code, format!("the answer of {host} was lost: {cause}"))
}
