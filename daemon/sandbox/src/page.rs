//! The hosted checkout: plain HTML without scripts. GET never changes anything; only a POST that a person sends pays.

use crate::api::{ANSWER_TIME, MAX_BODY_BYTES};
use crate::book::Order;
use crate::desk::Desk;
use crate::ledger::{Pressed, payable};
use crate::money;
use crate::number::NUMBERS;
use crate::refusal::Refusal;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, http::HeaderValue};
use minijinja::{Environment, context};
use serde::Deserialize;
use std::sync::{Arc, LazyLock};
use tower_http::timeout::TimeoutLayer;

const STYLE: &str = include_str!("../pages/style.css");

/// Strict by default: no scripts, no frames, nothing from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    for (name, text) in [
        ("base.html", include_str!("../pages/base.html")),
        ("checkout.html", include_str!("../pages/checkout.html")),
        ("closed.html", include_str!("../pages/closed.html")),
    ] {
        if let Err(error) = pages.add_template(name, text) {
            tracing::error!(%error, name, "a page of the sandbox does not parse");
        }
    }
    pages
});

pub(crate) fn router(desk: &Arc<Desk>) -> Router {
    Router::new()
        .route("/checkout/{id}", get(show).post(pay))
        .route("/style.css", get(|| async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) }))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER_TIME))
        .with_state(desk.clone())
}

async fn show(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    page(&desk, id, StatusCode::OK, String::new()).await
}

#[derive(Deserialize)]
struct Press {
    #[serde(default)]
    number: String,
    amount: Option<String>,
}

async fn pay(State(desk): State<Arc<Desk>>, Path(id): Path<String>, Form(press): Form<Press>) -> Response {
    let checkout = id.clone();
    let pressed =
        desk.with(move |ledger| ledger.pay(&checkout, &press.number, press.amount.as_deref())).await;
    match pressed {
        Ok(Pressed::Paid { return_url }) => guarded(Redirect::to(&return_url).into_response(), ""),
        Ok(Pressed::Declined { reason }) => page(&desk, id, StatusCode::PAYMENT_REQUIRED, reason).await,
        Err(refusal) => closed(&desk, id, refusal).await,
    }
}

/// The checkout's page, or why there is none any more.
async fn page(desk: &Arc<Desk>, id: String, status: StatusCode, problem: String) -> Response {
    let checkout = id.clone();
    let order = desk.with(move |ledger| {
        let checkout = ledger.book.checkouts.get(&checkout).ok_or_else(|| Refusal::not_found("checkout"))?;
        payable(checkout.status).map(|()| checkout.order.clone())
    });
    let order = match order.await {
        Ok(order) => order,
        Err(refusal) => return closed(desk, id, refusal).await,
    };
    let show = |minor| money::show(minor, &order.currency);
    let lines = order.lines.iter();
    let lines: Vec<_> =
        lines.map(|line| context! { label => &line.label, amount => show(line.amount_minor) }).collect();
    let numbers: Vec<_> = NUMBERS.iter().map(|n| context! { number => n.number, story => n.story }).collect();
    let values = context! {
        id, lines, numbers, problem,
        amount => show(order.amount_minor),
        plain_amount => money::plain(order.amount_minor, &order.currency),
        currency => &order.currency,
        partial => order.partial,
        payer => &order.payer_email,
    };
    guarded((status, render("checkout.html", values)).into_response(), &origin(&order))
}

async fn closed(desk: &Arc<Desk>, id: String, refusal: Refusal) -> Response {
    let back =
        desk.with(move |ledger| Ok(ledger.book.checkouts.get(&id).map(|c| c.order.return_url.clone())));
    let back = back.await.ok().flatten();
    let values = context! { message => refusal.message, back };
    guarded((refusal.status, render("closed.html", values)).into_response(), "")
}

/// Browsers hold the redirect after a form to `form-action` too: where the payer goes back to must be named.
fn origin(order: &Order) -> String {
    reqwest::Url::parse(&order.return_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

fn guarded(mut response: Response, form_target: &str) -> Response {
    let policy = HeaderValue::from_str(&format!("{POLICY} {form_target}"));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static(POLICY)));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn render(name: &str, values: minijinja::Value) -> Response {
    match PAGES.get_template(name).and_then(|template| template.render(values)) {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, name, "a page of the sandbox could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be shown.").into_response()
        }
    }
}
