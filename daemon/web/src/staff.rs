//! Whether the daemon lives, and whether it can work.

use axum::extract::State;
use axum::http::StatusCode;
use remitd_flow::Road;
use std::sync::Arc;

pub(crate) async fn live() -> &'static str {
    "alive"
}

pub(crate) async fn ready(State(road): State<Arc<Road>>) -> (StatusCode, String) {
    match road.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready".to_owned()),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database is away".to_owned())
        }
    }
}
