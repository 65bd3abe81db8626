//! The API: JSON in, JSON out, a bearer key on every call. Owns the wire's shapes; never a rule.

use crate::book::{Order, Status};
use crate::desk::Desk;
use crate::refusal::Refusal;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tower_http::timeout::TimeoutLayer;

pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_EVENTS: usize = 1_000;
const USUAL_EVENTS: usize = 100;
const MAX_KEY_BYTES: usize = 200;
/// For one whole answer, its body's arrival included.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(15);

type Desks = State<Arc<Desk>>;

pub(crate) fn router(desk: &Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/checkouts", post(begin))
        .route("/v1/checkouts/{id}", get(show))
        .route("/v1/checkouts/{id}/cancel", post(cancel))
        .route("/v1/events", get(events))
        .route("/v1/payments/{id}/refunds", post(refund))
        .route("/v1/test/advance", post(advance))
        .route("/v1/test/totals", get(totals))
        .route_layer(middleware::from_fn_with_state(desk.clone(), authorise))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER_TIME))
        .with_state(desk.clone())
}

async fn authorise(State(desk): Desks, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if bool::from(key.as_bytes().ct_eq(desk.key.as_bytes())) {
        next.run(request).await
    } else {
        Refusal::new(StatusCode::UNAUTHORIZED, "bad-key", "The key is not right.").into_response()
    }
}

async fn begin(
    State(desk): Desks,
    headers: HeaderMap,
    order: Result<Json<Order>, JsonRejection>,
) -> Result<Response, Refusal> {
    let (key, order) = (idempotency_key(&headers)?, body(order)?);
    let url = desk.url.clone();
    desk.with(move |ledger| {
        let (id, new) = ledger.begin(key, order)?;
        let status = ledger.book.checkouts.get(&id).map_or(Status::Open, |checkout| checkout.status);
        let code = if new { StatusCode::CREATED } else { StatusCode::OK };
        let answer = json!({ "url": format!("{url}/checkout/{id}"), "id": id, "status": status });
        Ok((code, Json(answer)).into_response())
    })
    .await
}

async fn show(State(desk): Desks, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let url = desk.url.clone();
    desk.with(move |ledger| {
        let checkout = ledger.book.checkouts.get(&id).ok_or_else(|| Refusal::not_found("checkout"))?;
        let payments: Vec<_> =
            checkout.payments.iter().filter_map(|payment| ledger.book.payments.get(payment)).collect();
        Ok(Json(json!({
            "url": format!("{url}/checkout/{id}"),
            "id": id,
            "status": checkout.status,
            "reference": checkout.order.reference,
            "amount_minor": checkout.order.amount_minor,
            "currency": checkout.order.currency,
            "expires_ms": checkout.order.expires_ms,
            "payments": payments,
        })))
    })
    .await
}

async fn cancel(State(desk): Desks, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    desk.with(move |ledger| Ok(Json(json!({ "status": ledger.cancel(&id)? })))).await
}

#[derive(Deserialize)]
struct Since {
    after: Option<String>,
    limit: Option<usize>,
}

/// A cursor is the book's name and how many of its events were seen. One of another book (a provider without a journal that
/// was started again) begins from the first event: told twice is harmless, never told is not.
async fn events(State(desk): Desks, Query(since): Query<Since>) -> Result<Json<Value>, Refusal> {
    desk.with(move |ledger| {
        let book = &ledger.book;
        let seen = match since.after.as_deref().filter(|cursor| !cursor.is_empty()) {
            None => 0,
            Some(cursor) => {
                let parts =
                    cursor.rsplit_once('-').and_then(|(name, n)| Some((name, n.parse::<usize>().ok()?)));
                let bad =
                    || Refusal::new(StatusCode::BAD_REQUEST, "bad-cursor", "This is not one of our cursors.");
                let (name, count) = parts.ok_or_else(bad)?;
                if name == book.name { count.min(book.events.len()) } else { 0 }
            }
        };
        let limit = since.limit.unwrap_or(USUAL_EVENTS).clamp(1, MAX_EVENTS);
        let events: Vec<_> = book.events.iter().skip(seen).take(limit).collect();
        Ok(Json(json!({ "next": format!("{}-{}", book.name, seen + events.len()), "events": events })))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    amount_minor: i64,
}

async fn refund(
    State(desk): Desks,
    Path(payment): Path<String>,
    headers: HeaderMap,
    asked: Result<Json<RefundBody>, JsonRejection>,
) -> Result<Response, Refusal> {
    let (key, asked) = (idempotency_key(&headers)?, body(asked)?);
    let id = desk.with(move |ledger| ledger.refund(key, &payment, asked.amount_minor)).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

async fn advance(State(desk): Desks) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!({ "settled": desk.with(|ledger| ledger.settle_all()).await? })))
}

async fn totals(State(desk): Desks) -> Result<Json<Value>, Refusal> {
    desk.with(|ledger| Ok(Json(json!(ledger.book.totals)))).await
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let given = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.is_empty() || given.len() > MAX_KEY_BYTES {
        return Err(Refusal::invalid("The header Idempotency-Key is required, with at most 200 bytes."));
    }
    Ok(given.to_owned())
}

fn body<T>(given: Result<Json<T>, JsonRejection>) -> Result<T, Refusal> {
    given.map(|Json(value)| value).map_err(|rejection| Refusal {
        status: rejection.status(),
        code: if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { "too-large" } else { "bad-request" },
        message: rejection.body_text(),
    })
}
