//! HTTP through the daemon: what leaves, what comes back, and what a broken exchange means.

use super::{Job, is, job};
use crate::grants::Grants;
use crate::reach::Services;
use crate::reach::egress::NotPublic;
use crate::reach::http::exchange;
use crate::wit::http::{Host, Request, Response, SecretHeader};
use crate::wit::types::{Failure, FailureClass, Header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(super) const SECRET: &str = "s3cr3t-value";

/// Answers one request with `answer` and closes; gives what came in. `None` waits until the client goes.
async fn serve(answer: Option<Vec<u8>>) -> (String, JoinSet<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let mut served = JoinSet::new();
    served.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("\r\n\r\nbody") {
            if stream.read_buf(&mut seen).await.unwrap() == 0 {
                break;
            }
        }
        match answer {
            // The client may have had enough in the midst of it.
            Some(answer) => drop(stream.write_all(&answer).await),
            None => assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0),
        }
        String::from_utf8(seen).unwrap()
    });
    (origin, served)
}

fn granted(origin: &str) -> Job {
    granted_to(Grants { http: vec![origin.into()], secrets: vec!["api".into()], ..Grants::default() })
}

pub(super) fn granted_to(grants: Grants) -> Job {
    let secrets = [("api".to_owned(), SECRET.to_owned().into()), ("other".to_owned(), "x".to_owned().into())];
    job(Services { secrets: secrets.into(), ..Services::default() }, grants)
}

pub(super) fn post(url: String) -> Request {
    Request {
        method: "POST".into(),
        url,
        headers: vec![Header { name: "x-one".into(), value: "1".into() }],
        secret_headers: Vec::new(),
        body: b"body".to_vec(),
        timeout_ms: 10_000,
    }
}

pub(super) fn get(url: String) -> Request {
    Request { method: "GET".into(), ..post(url) }
}

pub(super) async fn send(job: &mut Job, request: Request) -> Result<Response, Failure> {
    job.send(request).await.unwrap()
}

#[tokio::test]
async fn a_request_carries_its_secret_and_its_answer_comes_back() {
    let answer = b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 2\r\n\r\nok".to_vec();
    let (origin, mut served) = serve(Some(answer)).await;
    let mut job = granted(&origin);
    let secret =
        SecretHeader { name: "authorization".into(), prefix: "Bearer ".into(), secret: "api".into() };
    let request = Request { secret_headers: vec![secret], ..post(format!("{origin}/v1?x=1")) };
    let response = send(&mut job, request).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (302, &b"ok"[..]), "no redirect is followed");
    assert!(response.headers.contains(&Header { name: "location".into(), value: "/elsewhere".into() }));
    let seen = served.join_next().await.unwrap().unwrap();
    assert!(seen.starts_with("POST /v1?x=1 HTTP/1.1\r\n"), "{seen}");
    assert!(
        seen.contains("authorization: Bearer s3cr3t-value\r\n") && seen.contains("x-one: 1\r\n"),
        "{seen}"
    );
    assert!(job.ledger.touched());
}

#[tokio::test]
async fn what_was_not_granted_does_not_leave() {
    let mut job = granted("http://127.0.0.1:9");
    for url in ["https://127.0.0.1:9/", "http://127.0.0.1:10/", "http://localhost:9/", "http://[::1]:9/"] {
        let failure = send(&mut job, post(url.into())).await.unwrap_err();
        is(&failure, FailureClass::Denied, "grant-missing");
        assert!(failure.message.contains("http = ["), "{failure:?}");
    }
    for url in ["http://u:p@127.0.0.1:9/", "file:///etc/passwd", "/relative"] {
        is(&send(&mut job, post(url.into())).await.unwrap_err(), FailureClass::Invalid, "bad-url");
    }
    let url = "http://127.0.0.1:9/";
    let secret = SecretHeader { name: "authorization".into(), prefix: String::new(), secret: "other".into() };
    let request = Request { secret_headers: vec![secret], ..post(url.into()) };
    is(&send(&mut job, request).await.unwrap_err(), FailureClass::Denied, "grant-missing");
    for (name, value) in [("host", "evil"), ("content-length", "1"), ("x", "a\r\nb: c"), ("a b", "1")] {
        let headers = vec![Header { name: name.into(), value: value.into() }];
        let failure = send(&mut job, Request { headers, ..post(url.into()) }).await.unwrap_err();
        is(&failure, FailureClass::Invalid, "bad-header");
    }
    assert!(!job.ledger.touched());
}

#[tokio::test]
async fn a_lost_answer_is_unknown_unless_it_was_only_read() {
    let (origin, mut served) = serve(Some(Vec::new())).await;
    let mut job = granted(&origin);
    is(&send(&mut job, get(origin)).await.unwrap_err(), FailureClass::Unavailable, "answer-lost");
    assert!(!job.ledger.touched());
    served.join_next().await.unwrap().unwrap();

    let (origin, mut served) = serve(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nha".to_vec())).await;
    let mut job = granted(&origin);
    is(&send(&mut job, post(origin)).await.unwrap_err(), FailureClass::UnknownOutcome, "answer-lost");
    assert!(job.ledger.touched());
    served.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn silence_ends_with_the_time_that_was_asked_for() {
    let (origin, mut served) = serve(None).await;
    let mut job = granted(&origin);
    let request = Request { timeout_ms: 50, ..post(origin) };
    is(&send(&mut job, request).await.unwrap_err(), FailureClass::UnknownOutcome, "answer-lost");
    served.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn nothing_was_sent_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut job = granted(&origin);
    is(&send(&mut job, post(origin)).await.unwrap_err(), FailureClass::Unavailable, "connect");
    assert!(!job.ledger.touched());
}

#[tokio::test]
async fn sizes_are_bounded_both_ways() {
    let body = vec![b'x'; (4 << 20) + 1];
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(&body);
    let (origin, mut served) = serve(Some(answer)).await;
    let mut job = granted(&origin);
    is(&send(&mut job, get(origin.clone())).await.unwrap_err(), FailureClass::Invalid, "answer-too-large");
    served.join_next().await.unwrap().unwrap();
    let request = Request { body, ..post(origin) };
    is(&send(&mut job, request).await.unwrap_err(), FailureClass::Invalid, "body-too-large");
}

/// Resolves every name to an address inside.
struct Inside;

impl reqwest::dns::Resolve for Inside {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (host, address) = (name.as_str().to_owned(), [10, 0, 0, 1].into());
        Box::pin(async move { Err(NotPublic { host, address }.into()) })
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_waits_for_the_operator() {
    super::with_tls();
    let client = reqwest::Client::builder().dns_resolver(Inside).no_proxy().build().unwrap();
    let request = client.post("http://api.example.com/");
    let failure = exchange(request, "api.example.com", false).await.unwrap_err();
    is(&failure, FailureClass::Denied, "address-refused");
    assert!(failure.message.contains("10.0.0.1"), "{failure:?}");
}
