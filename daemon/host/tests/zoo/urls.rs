//! URLs that look like a granted one and are not, and those that look like another and are it.

use crate::House;
use crate::peer::{Peer, ok};
use remitd_host::{Failure, Grants, Services};
use remitd_tests::puppet;
use serde_json::{Value, json};

async fn get(
    house: &House,
    plugin: &std::sync::Arc<remitd_host::Plugin>,
    url: &str,
) -> Result<Value, Failure> {
    let request = json!({ "method": "GET", "url": url, "headers": [], "secret-headers": [], "body": [],
        "timeout-ms": 5_000 });
    house.call(plugin, "http-send", json!({ "request": request })).await
}

/// PORT is the port that is granted on `localhost`.
const ELSEWHERE: [(&str, &str); 32] = [
    ("http://localhost:PORT@evil.test/", "bad-url"),
    ("http://localhost@127.0.0.1:PORT/", "bad-url"),
    ("http://:secret@localhost:PORT/", "bad-url"),
    ("http://localhost%40evil.test:PORT/", "bad-url"),
    ("http://l\u{43e}calhost:PORT/", "grant-missing"),
    ("http://localhost.:PORT/", "grant-missing"),
    ("http://localhost.evil.test:PORT/", "grant-missing"),
    ("http://evil.test#localhost:PORT/", "grant-missing"),
    ("http://evil.test/?http://localhost:PORT/", "grant-missing"),
    ("http://evil.test\\localhost:PORT/", "grant-missing"),
    ("http://localhost:0/", "grant-missing"),
    ("http://localhost/", "grant-missing"),
    ("http://localhost:PORT1/", "bad-url"),
    ("http://localhost:-1/", "bad-url"),
    ("https://localhost:PORT/", "grant-missing"),
    ("ws://localhost:PORT/", "bad-url"),
    ("ftp://localhost:PORT/", "bad-url"),
    ("gopher://localhost:PORT/", "bad-url"),
    ("file:///etc/passwd", "bad-url"),
    ("file://localhost/etc/passwd", "bad-url"),
    ("data:text/plain,hello", "bad-url"),
    ("javascript:alert(1)", "bad-url"),
    ("//localhost:PORT/", "bad-url"),
    ("localhost:PORT/", "bad-url"),
    ("", "bad-url"),
    ("http://", "bad-url"),
    ("http://127.1:PORT/", "grant-missing"),
    ("http://0x7f.1:PORT/", "grant-missing"),
    ("http://0177.0.0.01:PORT/", "grant-missing"),
    ("http://2130706433:PORT/", "grant-missing"),
    ("http://[::1]:PORT/", "grant-missing"),
    ("http://[::ffff:127.0.0.1]:PORT/", "grant-missing"),
];

/// What every browser takes for the granted origin, and no more than that.
const THE_SAME: [&str; 8] = [
    "http://localhost:PORT/",
    "HTTP://LOCALHOST:PORT",
    "http://lo\tcal\nhost:PORT/",
    "  http://localhost:PORT/  ",
    "http:\\\\localhost:PORT\\@evil.test",
    "http://localhost:0PORT/",
    "http://%6cocalhost:PORT/",
    "http://\u{ff4c}ocalhost:PORT/",
];

#[tokio::test]
async fn only_the_granted_origin_is_reached_however_it_is_written() {
    let peer = Peer::start(|_| ok("hello")).await;
    let port = peer.address.port().to_string();
    let house = House::new(Services::default());
    let grants = Grants { http: vec![format!("http://localhost:{port}")], ..Grants::default() };
    let plugin = house.load("escaper", puppet::mail_provider(), grants);
    let beside = house.beside();
    for (url, code) in ELSEWHERE {
        let failure = get(&house, &plugin, &url.replace("PORT", &port)).await.expect_err(url);
        assert_eq!(failure.code, code, "{url:?}: {failure:?}");
    }
    let long = format!("http://localhost:{port}/{}", "x".repeat(9_000));
    assert_eq!(get(&house, &plugin, &long).await.unwrap_err().code, "bad-url");
    assert!(peer.seen().is_empty(), "{:?}", peer.seen());
    for url in THE_SAME {
        let answer = get(&house, &plugin, &url.replace("PORT", &port)).await;
        assert_eq!(answer.unwrap_or_else(|failure| panic!("{url:?}: {failure:?}"))["body"], "hello");
    }
    let host = format!("host: localhost:{port}\r\n");
    assert_eq!(peer.seen().len(), THE_SAME.len());
    assert!(peer.seen().iter().all(|request| request.contains(&host)), "{:?}", peer.seen());
    assert!(beside.end().await > 0);
}
