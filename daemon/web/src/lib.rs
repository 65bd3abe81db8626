//! What browsers and gateways see: the pay pages and webhooks of the public listener, the health of the staff listener. Owns
//! pages and headers; what a click means is decided in `flow`.
//!
//! Invariants: GET and HEAD change nothing (mail scanners follow links); no page needs a script; a link's secret goes into no
//! log and no referrer.

mod headers;
mod hooks;
mod pay;
mod render;
mod staff;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use remitd_flow::Road;
use render::Pages;
use std::sync::Arc;
use std::time::Duration;
use tower_http::timeout::TimeoutLayer;

/// A payer's form is a few bytes.
const FORM_BYTES: usize = 16 * 1024;
const HOOK_BYTES: usize = 256 * 1024;
/// Longer than a gateway may take to open its page.
const ANSWER: Duration = Duration::from_secs(45);

#[derive(Clone)]
pub(crate) struct Site {
    road: Arc<Road>,
    pages: Arc<Pages>,
}

#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("a page does not read: {0}")]
    Page(#[from] minijinja::Error),
}

/// For payers and gateways.
pub fn public(road: Arc<Road>) -> Result<Router, WebError> {
    let site = Site { pages: Arc::new(Pages::new(&road.firm)?), road };
    Ok(Router::new()
        .route("/p/{token}", get(pay::show))
        .route("/p/{token}/pay", post(pay::begin))
        .route("/p/{token}/done", get(pay::done))
        .route("/style.css", get(pay::style))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .route("/hooks/{plugin}", post(hooks::receive).layer(DefaultBodyLimit::max(HOOK_BYTES)))
        .fallback(pay::missing)
        .layer(axum::middleware::map_response(headers::strict))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::GATEWAY_TIMEOUT, ANSWER))
        .with_state(site))
}

/// For the firm's own people and programs.
pub fn staff(road: Arc<Road>) -> Router {
    Router::new()
        .route("/livez", get(staff::live))
        .route("/readyz", get(staff::ready))
        .layer(axum::middleware::map_response(headers::strict))
        .with_state(road)
}
