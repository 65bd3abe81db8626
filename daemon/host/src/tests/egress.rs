//! Where requests go, against real servers on the loopback: names that change their mind, redirects that lead astray, addresses
//! in disguise, and servers that lie.

use super::http::{get, granted_to, post, send};
use super::peer::{Answer, Peer, ok, to};
use super::{Job, is};
use crate::grants::Grants;
use crate::job::Surroundings;
use crate::reach::egress::{Client, Vetting};
use crate::reach::{Opened, Services};
use crate::wit::http::{Request, SecretHeader};
use crate::wit::types::FailureClass::{self, Denied, Invalid, Unavailable, UnknownOutcome};
use crate::wit::types::Header;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is public in this file, so that a public server can stand on the loopback too.
const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
const PRIVATE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// The same job, with names that lead where `answers` say, look by look; counts the looks.
fn resolving(job: &mut Job, answers: &'static [&'static [IpAddr]]) -> Arc<AtomicUsize> {
    let looks = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&looks);
    let look = move |_: String| {
        let nth = counted.fetch_add(1, Ordering::Relaxed);
        let found = answers[nth.min(answers.len() - 1)];
        let found: Vec<_> = found.iter().map(|address| SocketAddr::new(*address, 0)).collect();
        Box::pin(async move { Ok(found) }) as crate::reach::egress::Looking
    };
    let vetting = Vetting { look: Arc::new(look), public: |address| address == PUBLIC };
    let secrets = job.around.opened.secrets.clone();
    let services = Services { secrets, ..Services::default() };
    let opened = Opened::open(services, Client::of(vetting)).unwrap();
    let around = &job.around;
    job.state.around = Arc::new(Surroundings {
        limits: around.limits.clone(),
        opened,
        clock: Arc::clone(&around.clock),
        zone: around.zone,
        keep: Arc::clone(&around.keep),
        tamper: None,
        ticks: Arc::clone(&around.ticks),
    });
    looks
}

#[tokio::test]
async fn the_address_that_was_vetted_is_the_address_that_is_dialled() {
    let public = Peer::start_at("127.0.0.2:0", |_| ok("public")).await;
    let port = public.address.port();
    let private = Peer::start_at(&format!("127.0.0.1:{port}"), |_| ok("private")).await;
    let origin = format!("http://api.example.com:{port}");
    let mut job = granted_to(Grants { http: vec![origin.clone()], ..Grants::default() });
    let looks = resolving(&mut job, &[&[PUBLIC], &[PRIVATE]]);
    assert_eq!(send(&mut job, get(origin.clone())).await.unwrap().body, b"public");
    assert_eq!(looks.load(Ordering::Relaxed), 1, "nobody looked again between vetting and dialling");
    let failure = send(&mut job, get(origin.clone())).await.unwrap_err();
    is(&failure, Denied, "address-refused");
    assert!(failure.message.contains("127.0.0.1"), "{failure:?}");
    // One good address beside a bad one is no better, in either order.
    const MIXED: [&[&[IpAddr]]; 2] = [&[&[PUBLIC, PRIVATE]], &[&[PRIVATE, PUBLIC]]];
    for mixed in MIXED {
        resolving(&mut job, mixed);
        is(&send(&mut job, post(origin.clone())).await.unwrap_err(), Denied, "address-refused");
        assert!(!job.ledger.touched(), "nothing was sent");
    }
    assert_eq!((public.seen().len(), private.seen().len()), (1, 0));
}

#[tokio::test]
async fn a_redirect_out_of_the_grant_is_refused_and_named() {
    let inside = Peer::start(|_| ok("secret of the firm")).await;
    let elsewhere = inside.origin();
    for location in [
        inside.origin(),
        format!("//{}", inside.address),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://evil.test/".to_owned(),
        "http://[::1]/".to_owned(),
    ] {
        let aim = location.clone();
        let peer = Peer::start(move |_| to(&aim)).await;
        let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
        let failure = send(&mut job, get(peer.origin())).await.unwrap_err();
        is(&failure, Denied, "grant-missing");
        let named = location.trim_start_matches("http:").trim_start_matches("https:");
        let named = named.trim_start_matches('/').split('/').next().unwrap();
        assert!(failure.message.contains(named), "{location}: {failure:?}");
        // What may change something is not sent anew: the plugin is shown where it leads.
        let answer = send(&mut job, post(peer.origin())).await.unwrap();
        assert_eq!(answer.status, 302);
        assert!(answer.headers.contains(&Header { name: "location".into(), value: location }));
    }
    for location in ["file:///etc/passwd", "gopher://127.0.0.1/", "http://u:p@127.0.0.1/", "http://[broken"] {
        let peer = Peer::start(move |_| to(location)).await;
        let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
        is(&send(&mut job, get(peer.origin())).await.unwrap_err(), Invalid, "bad-url");
    }
    // The same host by another scheme is another origin.
    let peer = Peer::start(|request| to(&format!("https://{}/", host_of(request)))).await;
    let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
    is(&send(&mut job, get(peer.origin())).await.unwrap_err(), Denied, "grant-missing");
    assert!(inside.seen().is_empty(), "{elsewhere}: {:?}", inside.seen());
}

fn host_of(request: &str) -> String {
    request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Redirects `/0` to `/1` and so on, up to `last`; there it says where it came.
async fn chain(last: usize) -> Peer {
    Peer::start(move |request| {
        let path = request.split(' ').nth(1).unwrap();
        match path.trim_start_matches('/').parse::<usize>().unwrap() {
            nth if nth == last => ok(path),
            nth => to(&(nth + 1).to_string()),
        }
    })
    .await
}

#[tokio::test]
async fn five_redirects_are_followed_and_no_sixth() {
    let peer = chain(5).await;
    let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
    assert_eq!(send(&mut job, get(format!("{}/0", peer.origin()))).await.unwrap().body, b"/5");
    assert_eq!(peer.seen().len(), 6);
    let peer = chain(6).await;
    let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
    let failure = send(&mut job, get(format!("{}/0", peer.origin()))).await.unwrap_err();
    is(&failure, Unavailable, "too-many-redirects");
    assert_eq!(peer.seen().len(), 6, "the sixth was not followed");
    let circle = Peer::start(|_| to("/")).await;
    let mut job = granted_to(Grants { http: vec![circle.origin()], ..Grants::default() });
    is(&send(&mut job, get(circle.origin())).await.unwrap_err(), Unavailable, "too-many-redirects");
}

#[tokio::test]
async fn a_secret_goes_along_within_its_origin_alone() {
    let back = Arc::new(std::sync::OnceLock::<String>::new());
    let way_back = Arc::clone(&back);
    let second = Peer::start(move |_| to(&format!("{}/home", way_back.get().unwrap()))).await;
    let away = second.origin();
    let first = Peer::start(move |request| match request.split(' ').nth(1).unwrap() {
        "/" => to("/near"),
        "/near" => to(&away),
        _ => ok("home"),
    })
    .await;
    back.set(first.origin()).unwrap();
    let grants = Grants {
        http: vec![first.origin(), second.origin()],
        secrets: vec![format!("api as authorization to {}", first.origin())],
        ..Grants::default()
    };
    let mut job = granted_to(grants);
    let secret = SecretHeader { name: "authorization".into(), prefix: String::new(), secret: "api".into() };
    let request = Request { secret_headers: vec![secret], ..get(first.origin()) };
    assert_eq!(send(&mut job, request).await.unwrap().body, b"home");
    let (first, second) = (first.seen(), second.seen());
    let carries = |requests: &[String]| -> Vec<bool> {
        requests.iter().map(|request| request.contains(super::http::SECRET)).collect()
    };
    // Once it has been elsewhere, who leads it back decides where it goes: the secret stays out of it.
    assert_eq!((carries(&first), carries(&second)), (vec![true, true, false], vec![false]));
    assert!(
        first.iter().chain(&second).all(|request| request.contains("x-one: 1\r\n")),
        "plain headers go along"
    );
}

#[tokio::test]
async fn an_address_in_disguise_is_that_address() {
    let peer = Peer::start(|_| ok("ok")).await;
    let port = peer.address.port();
    let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
    for same in ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "１２７.0.0.1"]
    {
        assert_eq!(
            send(&mut job, get(format!("http://{same}:{port}/"))).await.unwrap().status,
            200,
            "{same}"
        );
    }
    let six =
        ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "localhost"];
    for other in six.iter().chain(&["127.0.0.2", "0.0.0.0", "0", "127.0.0.1.nip.test"]) {
        let failure = send(&mut job, get(format!("http://{other}:{port}/"))).await.unwrap_err();
        is(&failure, Denied, "grant-missing");
    }
    for other in ["[fe80::1%25lo]", "127.0.0.1.1", "0x7g.1", "256.0.0.1", "127.0.0.1:1:1"] {
        let failure = send(&mut job, get(format!("http://{other}:{port}/"))).await.unwrap_err();
        is(&failure, Invalid, "bad-url");
    }
    assert_eq!(peer.seen().len(), 7);
}

#[tokio::test]
async fn nothing_is_smuggled_into_a_request() {
    let peer = Peer::start(|_| ok("ok")).await;
    let secrets = vec!["api".into()];
    let mut job = granted_to(Grants { http: vec![peer.origin()], secrets, ..Grants::default() });
    let smuggled = "GET /admin HTTP/1.1\r\nhost: x\r\n\r\n";
    for (name, value) in [
        ("x", "a\r\nhost: evil"),
        ("x", "a\nb"),
        ("x", "a\0b"),
        ("x\r\ny", "1"),
        ("x:y", "1"),
        ("", "1"),
        ("Host", "evil"),
        ("HOST", "evil"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "0"),
        ("Connection", "x-one"),
        ("Upgrade", "h2c"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Proxy-Authorization", "x"),
    ] {
        let headers = vec![Header { name: name.into(), value: value.into() }];
        let failure = send(&mut job, Request { headers, ..post(peer.origin()) }).await.unwrap_err();
        is(&failure, Invalid, "bad-header");
    }
    for prefix in ["a\r\nx: ", "\n", "a\0"] {
        let secret =
            SecretHeader { name: "authorization".into(), prefix: prefix.into(), secret: "api".into() };
        let request = Request { secret_headers: vec![secret], ..post(peer.origin()) };
        is(&send(&mut job, request).await.unwrap_err(), Invalid, "bad-header");
    }
    for method in ["", "GET /x", "GET\r\n", "CONNECT", "TRACE", smuggled] {
        let request = Request { method: method.into(), ..post(peer.origin()) };
        is(&send(&mut job, request).await.unwrap_err(), Invalid, "bad-method");
    }
    let many = (0..65).map(|nth| Header { name: format!("x-{nth}"), value: "1".into() }).collect();
    is(
        &send(&mut job, Request { headers: many, ..post(peer.origin()) }).await.unwrap_err(),
        Invalid,
        "too-many-headers",
    );
    assert!(peer.seen().is_empty() && !job.ledger.touched());
    // A line break in a path is taken out, as the URL's standard says: it ends no line of the request.
    send(&mut job, get(format!("{}/a HTTP/1.1\r\nx-two: 2\r\n\r\n", peer.origin()))).await.unwrap();
    assert!(peer.seen()[0].starts_with("GET /a%20HTTP/1.1x-two:%202 HTTP/1.1\r\n"), "{:?}", peer.seen());
}

/// What comes of an answer to a reading request and to a changing one.
async fn lies(
    answer: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    reading: (FailureClass, &str),
    changing: &str,
) {
    let peer = Peer::start(move |_| Answer::Bytes(answer())).await;
    let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
    is(&send(&mut job, get(peer.origin())).await.unwrap_err(), reading.0, reading.1);
    assert!(!job.ledger.touched());
    is(&send(&mut job, post(peer.origin())).await.unwrap_err(), UnknownOutcome, changing);
    assert!(job.ledger.touched());
}

#[tokio::test]
async fn a_server_that_lies_is_not_believed() {
    let head = "HTTP/1.1 200 OK\r\n";
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    for lie in [
        format!("{head}content-length: 100\r\n\r\nshort"),
        format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"),
        format!("{head}content-length: -1\r\n\r\n"),
        format!("{head}content-length: 99999999999999999999\r\n\r\n"),
        format!("{chunked}ff\r\nshort\r\n"),
        format!("{chunked}5\r\nhello\r\n"),
        format!("{chunked}fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        format!("{chunked}-5\r\nhello\r\n0\r\n\r\n"),
        format!("{chunked}5\r\nhello there\r\n0\r\n\r\n"),
        format!("{head}no colon here\r\n\r\n"),
        "HTTP/9.9 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 20 OK\r\n\r\n".to_owned(),
        "220 mail.example.com ESMTP\r\n".to_owned(),
        "\0\0\0".to_owned(),
    ] {
        lies(move || lie.clone().into_bytes(), (Unavailable, "answer-lost"), "answer-lost").await;
    }
}

#[tokio::test]
async fn an_answer_is_bounded_in_headers_and_in_bytes() {
    let flood: String = (0..10_000).map(|nth| format!("x-{nth}: {nth}\r\n")).collect();
    let long = format!("x-long: {}\r\n", "x".repeat(2 << 20));
    for headers in [flood, long] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n");
        lies(move || answer.clone().into_bytes(), (Unavailable, "answer-lost"), "answer-lost").await;
    }
    let much = "x".repeat((4 << 20) + 1);
    let chunk = format!("{:x}\r\n{much}\r\n0\r\n\r\n", much.len());
    for (headers, body) in [("transfer-encoding: chunked\r\n", chunk.as_str()), ("", much.as_str())] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}\r\n{body}");
        lies(move || answer.clone().into_bytes(), (Invalid, "answer-too-large"), "answer-too-large").await;
    }
    // What says of itself that it is compressed is handed over as it came: nothing swells in the daemon.
    let peer = Peer::start(|_| {
        let packed = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\0";
        Answer::Bytes(packed.to_vec())
    })
    .await;
    let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
    assert_eq!(send(&mut job, get(peer.origin())).await.unwrap().body, b"\x1f\x8b\x08\0");
    assert!(!peer.seen()[0].to_ascii_lowercase().contains("accept-encoding"), "{:?}", peer.seen());
}

#[tokio::test]
async fn an_old_server_ends_its_answer_by_going_away() {
    for head in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200\r\n\r\n"] {
        let peer = Peer::start(move |_| Answer::Bytes(format!("{head}to the end").into_bytes())).await;
        let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
        assert_eq!(send(&mut job, get(peer.origin())).await.unwrap().body, b"to the end");
    }
}

#[tokio::test]
async fn what_never_ends_is_ended_by_the_time_that_was_asked_for() {
    let drips = [
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nx: ",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n",
    ];
    for begin in drips {
        let peer = Peer::start(move |_| Answer::Drip(begin.as_bytes().to_vec())).await;
        let mut job = granted_to(Grants { http: vec![peer.origin()], ..Grants::default() });
        let hurried = |request: Request| Request { timeout_ms: 200, ..request };
        is(&send(&mut job, hurried(get(peer.origin()))).await.unwrap_err(), Unavailable, "timeout");
        is(&send(&mut job, hurried(post(peer.origin()))).await.unwrap_err(), UnknownOutcome, "answer-lost");
    }
}
