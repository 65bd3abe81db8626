//! Webhooks: raw bytes in, answered well only after what they say is committed.

use crate::Site;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use remitd_flow::{FlowError, collect};

/// Only what a signature can be in; the rest of a request is nobody's business.
const HEADER_MAX_BYTES: usize = 4_096;

pub(crate) async fn receive(
    State(site): State<Site>,
    Path(plugin): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let headers = headers
        .iter()
        .filter(|(_, value)| value.len() <= HEADER_MAX_BYTES)
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    match collect::webhook(&site.road, &plugin, headers, body.to_vec()).await {
        Ok(_) => (StatusCode::OK, "ok"),
        Err(FlowError::NoPlugin { .. }) => (StatusCode::NOT_FOUND, "no such gateway"),
        Err(error) => {
            tracing::warn!(plugin, %error, code = error.code(), "a webhook was not taken");
            let forged = matches!(&error, FlowError::Plugin { .. }) && !error.may_pass();
            // What was not understood is not to be sent again; what failed here is.
            let status = if forged { StatusCode::BAD_REQUEST } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, "not taken")
        }
    }
}
