//! Guests that fish for secrets: they may have them put where their grant says, and never see them.

use crate::peer::{Peer, ok};
use crate::{House, is};
use remitd_host::FailureClass::{Denied, Invalid, UnknownOutcome};
use remitd_host::{Failure, Grants, Plugin, Services};
use remitd_tests::puppet;
use serde_json::{Value, json};
use std::sync::Arc;

const SECRET: &str = "key-of-the-other-side-7Qx";

struct Fisher {
    house: House,
    plugin: Arc<Plugin>,
}

impl Fisher {
    fn new(http: Vec<String>, secrets: Vec<String>) -> Fisher {
        let all = [("api", SECRET), ("other", "another-secret-of-others")];
        let all = all.map(|(name, secret)| (name.to_owned(), secret.to_owned().into()));
        let house = House::new(Services { secrets: all.into(), ..Services::default() });
        let grants = Grants { http, secrets, ..Grants::default() };
        let plugin = house.load("fisher", puppet::mail_provider(), grants);
        Fisher { house, plugin }
    }

    async fn ask(&self, method: &str, url: &str, secrets: Value) -> Result<Value, Failure> {
        let request = json!({ "method": method, "url": url, "headers": [], "secret-headers": secrets, "body": [],
            "timeout-ms": 5_000 });
        self.house.call(&self.plugin, "http-send", json!({ "request": request })).await
    }
}

fn put(header: &str, secret: &str) -> Value {
    json!([{ "name": header, "prefix": "Bearer ", "secret": secret }])
}

#[tokio::test]
async fn what_is_not_granted_cannot_even_be_told_from_what_is_not_there() {
    let fisher = Fisher::new(vec![], vec!["api".into()]);
    let beside = fisher.house.beside();
    let verify = async |secret: &str| {
        let args = json!({ "secret": secret, "message": "m", "mac": "m" });
        fisher.house.call(&fisher.plugin, "signature-verify-hmac-sha256", args).await
    };
    assert_eq!(verify("api").await, Ok(json!(false)));
    let told = async |name: &str| {
        let failure = verify(name).await.unwrap_err();
        is(&failure, Denied, "grant-missing");
        failure.message.replace(name, "NAME")
    };
    let there = told("other").await;
    for name in ["none", "API", "api ", "", "link-key", "*", "../api"] {
        if !name.is_empty() {
            assert_eq!(told(name).await, there, "{name}");
        }
        is(&verify(name).await.unwrap_err(), Denied, "grant-missing");
    }
    assert!(beside.end().await > 0);
}

#[tokio::test]
async fn a_granted_secret_goes_to_its_place_and_nowhere_else() {
    let (api, other) = (Peer::start(|_| ok("ok")).await, Peer::start(|_| ok("ok")).await);
    let grant = format!("api as x-api-key to {}", api.origin());
    let fisher = Fisher::new(vec![api.origin(), other.origin()], vec![grant]);
    for (peer, header) in
        [(&api, "authorization"), (&api, "x-other"), (&api, "cookie"), (&other, "x-api-key")]
    {
        is(&fisher.ask("GET", &peer.origin(), put(header, "api")).await.unwrap_err(), Denied, "secret-place");
    }
    is(
        &fisher.ask("GET", &api.origin(), put("x-api-key", "other")).await.unwrap_err(),
        Denied,
        "grant-missing",
    );
    let smuggled = json!([{ "name": "X-Api-Key", "prefix": "a\r\nx-copy: ", "secret": "api" }]);
    is(&fisher.ask("GET", &api.origin(), smuggled).await.unwrap_err(), Invalid, "bad-header");
    assert!(api.seen().is_empty() && other.seen().is_empty());
    fisher.ask("GET", &api.origin(), put("X-API-Key", "api")).await.unwrap();
    assert!(api.seen()[0].contains(&format!("x-api-key: Bearer {SECRET}\r\n")), "{:?}", api.seen());
}

#[tokio::test]
async fn a_server_that_repeats_a_secret_is_not_heard() {
    let echo = Peer::start(ok).await;
    let origin = echo.origin();
    let fisher = Fisher::new(vec![origin.clone()], vec!["api".into()]);
    let failure = fisher.ask("GET", &origin, put("authorization", "api")).await.unwrap_err();
    is(&failure, Invalid, "secret-echoed");
    assert!(failure.message.contains("\"api\"") && !failure.message.contains(SECRET), "{failure:?}");
    is(
        &fisher.ask("POST", &origin, put("authorization", "api")).await.unwrap_err(),
        UnknownOutcome,
        "secret-echoed",
    );

    // Nor one that remembers it, and tells it when nobody sent it.
    let teller = Peer::start(|_| ok(&format!("your key is {SECRET}, as ever"))).await;
    let fisher = Fisher::new(vec![teller.origin()], vec!["api".into()]);
    is(&fisher.ask("GET", &teller.origin(), json!([])).await.unwrap_err(), Invalid, "secret-echoed");

    // Nor by the way of a redirect, whose refusal would name the place.
    let sender = Peer::start(|_| crate::peer::to(&format!("http://evil.test/{SECRET}"))).await;
    let fisher = Fisher::new(vec![sender.origin()], vec!["api".into()]);
    is(
        &fisher.ask("GET", &sender.origin(), put("authorization", "api")).await.unwrap_err(),
        Invalid,
        "secret-echoed",
    );
}
