//! Webhooks arrive signed, at least once, again after a failure and again after a restart.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod provider;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use provider::{Provider, SECRET, START_MS, order, with};
use serde_json::Value;
use sha2::Sha256;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const DEADLINE: Duration = Duration::from_secs(30);

/// What came, and with which signature; it is answered only when the test says how.
type Call = (String, Bytes, tokio::sync::oneshot::Sender<StatusCode>);

/// The receiver ends when its set is dropped.
async fn receiver() -> (String, mpsc::Receiver<Call>, JoinSet<()>) {
    let (calls, come) = mpsc::channel(16);
    let hook = axum::routing::post(
        async |State(calls): State<mpsc::Sender<Call>>, headers: HeaderMap, body: Bytes| -> StatusCode {
            let (answer, answered) = tokio::sync::oneshot::channel();
            let signature = headers["remitd-signature"].to_str().unwrap().to_owned();
            calls.send((signature, body, answer)).await.unwrap();
            answered.await.unwrap_or(StatusCode::BAD_GATEWAY)
        },
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/hook", hook).with_state(calls);
    let mut receiving = JoinSet::new();
    receiving.spawn(async move { axum::serve(listener, router).await.expect("receives") });
    (url, come, receiving)
}

async fn next(come: &mut mpsc::Receiver<Call>) -> Call {
    tokio::time::timeout(DEADLINE, come.recv())
        .await
        .expect("a webhook comes in time")
        .expect("the receiver lives")
}

fn check_signature(signature: &str, body: &[u8]) {
    let (unix_s, hex) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    assert_eq!(unix_s, (START_MS / 1_000).to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(unix_s.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(&hex::decode(hex).unwrap()).expect("the signature is right");
}

#[tokio::test]
async fn a_webhook_is_signed_and_tried_again_until_it_is_taken() {
    let (url, mut come, _receiving) = receiver().await;
    let provider = Provider::start(None).await;
    let id = provider.begin(&with(order("c1"), "webhook_url", url)).await;
    assert_eq!(provider.pay(&id, "4242424242424242", None).await.0, 303, "the checkout does not wait");
    let (signature, body, answer) = next(&mut come).await;
    check_signature(&signature, &body);
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event, provider.get("/v1/events").await["events"][0]);
    answer.send(StatusCode::INTERNAL_SERVER_ERROR).unwrap();
    let (signature, again, answer) = next(&mut come).await;
    check_signature(&signature, &again);
    assert_eq!(again, body, "the same event, byte for byte");
    answer.send(StatusCode::OK).unwrap();
    provider.stop().await;
}

#[tokio::test]
async fn what_was_not_taken_goes_out_after_a_restart_and_what_was_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let (url, mut come, _receiving) = receiver().await;
    let provider = Provider::start(Some(journal.clone())).await;
    let id = provider.begin(&with(order("c1"), "webhook_url", url.clone())).await;
    provider.pay(&id, "4242424242424242", None).await;
    let (_, first, answer) = next(&mut come).await;
    provider.kill().await;
    drop(answer);

    let provider = Provider::start(Some(journal.clone())).await;
    let (_, again, answer) = next(&mut come).await;
    assert_eq!(again, first);
    answer.send(StatusCode::NO_CONTENT).unwrap();
    // Nobody is told that an answer was kept; the journal shows it.
    let kept = async {
        while !fs_err::read_to_string(&journal).unwrap().contains("\"delivered\"") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, kept).await.expect("the answer is kept in time");
    provider.kill().await;

    let provider = Provider::start(Some(journal)).await;
    let id = provider.begin(&with(order("c2"), "webhook_url", url)).await;
    provider.pay(&id, "4242424242424242", None).await;
    let (_, second, answer) = next(&mut come).await;
    assert_eq!(
        serde_json::from_slice::<Value>(&second).unwrap()["checkout"],
        "c2",
        "the first is not told again"
    );
    answer.send(StatusCode::OK).unwrap();
    provider.stop().await;
}
