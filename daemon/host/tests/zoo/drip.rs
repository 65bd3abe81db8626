//! Guests that let the other side keep them: a server that never comes to an end does not keep the daemon.

use crate::peer::{Answer, Peer};
use crate::{HELD_WITHIN, House, is};
use remitd_host::FailureClass::{Unavailable, UnknownOutcome};
use remitd_host::{Failure, Grants, JobSpec, Security, Services, SmtpRelay};
use remitd_tests::puppet;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

const DRIP: Duration = Duration::from_millis(50);
const WALL_MS: u64 = 700;

fn request(method: &str, url: &str) -> Value {
    json!({ "request": { "method": method, "url": url, "headers": [], "secret-headers": [], "body": [],
        "timeout-ms": 20_000 } })
}

/// A job of this wall time; it ends in time, and the good plugin answers meanwhile.
async fn held(house: &House, grants: Grants, export: &str, args: Value) -> Failure {
    let plugin = house.load("patient", puppet::mail_provider(), grants);
    let beside = house.beside();
    let began = Instant::now();
    let job = JobSpec { wall_ms: Some(WALL_MS), ..JobSpec::new("j", "k") };
    let failure = house.host.call_json(&plugin, job, export, args).await.unwrap_err();
    assert!(began.elapsed() < HELD_WITHIN, "held after {:?}", began.elapsed());
    assert!(beside.end().await > 0);
    failure
}

#[tokio::test]
async fn a_web_server_that_drips_for_ever() {
    for begin in ["", "HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 200 OK\r\n\r\n"] {
        let peer = Peer::start(move |_| Answer::Drip(begin.as_bytes().to_vec())).await;
        let house = House::new(Services::default());
        let grants = Grants { http: vec![peer.origin()], ..Grants::default() };
        let failure = held(&house, grants.clone(), "http-send", request("GET", &peer.origin())).await;
        // What is no HTTP at all is known at once.
        is(&failure, Unavailable, if begin.is_empty() { "answer-lost" } else { "timeout" });
        let failure = held(&house, grants, "http-send", request("POST", &peer.origin())).await;
        is(&failure, UnknownOutcome, "answer-lost");
    }
}

#[tokio::test]
async fn a_mail_server_that_never_ends_its_greeting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut greeting = JoinSet::new();
    greeting.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut ticks = tokio::time::interval(DRIP);
        let mut said = stream.write_all(b"220-").await;
        while said.is_ok() {
            ticks.tick().await;
            said = stream.write_all(b"x").await;
        }
    });
    let relay = SmtpRelay {
        name: "relay".into(),
        host: "127.0.0.1".into(),
        port,
        security: Security::None,
        user: None,
        password: None,
        ca_file: None,
    };
    let house = House::new(Services { smtp: vec![relay], ..Services::default() });
    let grants = Grants { smtp: vec!["relay".into()], ..Grants::default() };
    let args = json!({ "connection": "relay", "envelope-from": "a@example.com", "recipients": ["b@example.com"],
        "message": "Subject: x\r\n\r\n" });
    is(&held(&house, grants, "smtp-send", args).await, Unavailable, "smtp-unreached");
}
