//! Every test number, and what may never happen at a checkout: two payments, a payment after its end, money beyond what is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod provider;

use provider::{Provider, SETTLE_MS, START_MS, order, with};
use reqwest::Method;
use serde_json::json;

fn events(expect: &[(&str, i64)]) -> Vec<(String, i64)> {
    expect.iter().map(|(what, minor)| ((*what).to_owned(), *minor)).collect()
}

/// Pays a fresh checkout with `number`; afterwards, and after each advance, exactly these events are there.
async fn check(number: &str, code: u16, at_once: &[(&str, i64)], later: &[&[(&str, i64)]], status: &str) {
    let provider = Provider::start(None).await;
    let id = provider.begin(&order("c1")).await;
    let (answer, to) = provider.pay(&id, number, None).await;
    assert_eq!(answer, code, "{number}: {to}");
    assert_eq!(to == "http://127.0.0.1:9/p/token/done", code == 303, "{number}: {to}");
    let mut expect = events(at_once);
    assert_eq!(provider.events().await, expect, "{number}");
    for step in later {
        let (answer, _) = provider.post("/v1/test/advance", "", &json!({})).await;
        assert_eq!(answer, 200);
        expect.extend(events(step));
        assert_eq!(provider.events().await, expect, "{number}");
    }
    assert_eq!(provider.status(&id).await, status, "{number}");
    provider.stop().await;
}

#[tokio::test]
async fn every_number_does_what_the_page_says() {
    let (ok, failed, pending) = ("payment-succeeded", "payment-failed", "payment-pending");
    check("4242 4242 4242 4242", 303, &[(ok, 12_345)], &[&[]], "paid").await;
    check("4000000000000002", 402, &[(failed, 12_345)], &[], "open").await;
    check("4000000000009995", 402, &[(failed, 12_345)], &[], "open").await;
    check("4000000000000077", 303, &[(ok, 6_172)], &[], "paid").await;
    check("000123456789", 303, &[(pending, 12_345)], &[&[(ok, 12_345)], &[]], "paid").await;
    let refused: &[_] = &[(failed, 12_345), ("checkout-expired", 12_345)];
    check("000111111113", 303, &[(pending, 12_345)], &[refused, &[]], "expired").await;
    let returned: &[&[_]] = &[&[(ok, 12_345)], &[("payment-returned", 12_345)], &[]];
    check("000111111116", 303, &[(pending, 12_345)], returned, "paid").await;
    check("1234", 402, &[], &[], "open").await;
}

#[tokio::test]
async fn a_bank_payment_settles_by_the_clock_as_well() {
    let provider = Provider::start(None).await;
    let id = provider.begin(&order("c1")).await;
    provider.pay(&id, "000123456789", None).await;
    provider.pass(SETTLE_MS as i64 - 1);
    assert_eq!(provider.events().await, events(&[("payment-pending", 12_345)]));
    provider.pass(1);
    assert_eq!(
        provider.events().await,
        events(&[("payment-pending", 12_345), ("payment-succeeded", 12_345)])
    );
    provider.stop().await;
}

#[tokio::test]
async fn of_many_presses_at_once_one_pays() {
    let provider = Provider::start(None).await;
    for number in ["4242424242424242", "000123456789"] {
        let id = provider.begin(&order(number)).await;
        let presses = (0..8).map(|_| provider.pay(&id, number, None));
        let mut codes: Vec<u16> =
            join_all(presses).await.into_iter().map(|(code, _)| code.as_u16()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [303, 409, 409, 409, 409, 409, 409, 409]);
    }
    assert_eq!(
        provider.events().await,
        events(&[("payment-succeeded", 12_345), ("payment-pending", 12_345)])
    );
    provider.stop().await;
}

async fn join_all<T>(all: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, slot) in pinned.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_cancel_and_a_press_at_once_never_both_win() {
    let provider = Provider::start(None).await;
    for n in 0..20 {
        let id = provider.begin(&order(&format!("c{n}"))).await;
        let cancel = format!("/v1/checkouts/{id}/cancel");
        let body = json!({});
        let (pressed, cancelled) =
            tokio::join!(provider.pay(&id, "4242424242424242", None), provider.post(&cancel, "", &body));
        match (pressed.0.as_u16(), cancelled.0.as_u16()) {
            (303, 409) => assert_eq!(cancelled.1["error"]["code"], "already-paid"),
            (410, 200) => assert_eq!(provider.status(&id).await, "cancelled"),
            both => panic!("{both:?}"),
        }
    }
    provider.stop().await;
}

#[tokio::test]
async fn a_key_stands_for_one_body() {
    let provider = Provider::start(None).await;
    let first = provider.post("/v1/checkouts", "k", &order("c1")).await;
    let again = provider.post("/v1/checkouts", "k", &order("c1")).await;
    assert_eq!((first.0.as_u16(), again.0.as_u16()), (201, 200));
    assert_eq!(first.1, again.1);
    let (status, body) = provider.post("/v1/checkouts", "k", &with(order("c1"), "amount_minor", 1)).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (409, &json!("key-reused")));
    let (status, _) = provider.post("/v1/checkouts", "", &order("c1")).await;
    assert_eq!(status, 400);
    provider.stop().await;
}

#[tokio::test]
async fn a_refund_never_exceeds_what_is_left() {
    let provider = Provider::start(None).await;
    let id = provider.begin(&order("c1")).await;
    provider.pay(&id, "4242424242424242", None).await;
    let payment = provider.get(&format!("/v1/checkouts/{id}")).await["payments"][0]["id"].clone();
    let path = format!("/v1/payments/{}/refunds", payment.as_str().unwrap());
    let refund =
        async |key: &str, minor: i64| provider.post(&path, key, &json!({ "amount_minor": minor })).await;
    let first = refund("r1", 12_000).await;
    assert_eq!(first.0, 201, "{}", first.1);
    assert_eq!(refund("r1", 12_000).await.1, first.1, "the same key is the same refund");
    assert_eq!(refund("r1", 1).await.1["error"]["code"], "key-reused");
    assert_eq!(refund("r2", 346).await.1["error"]["code"], "too-much");
    assert_eq!(refund("r2", 346).await.0, 422);
    assert_eq!(refund("r3", 345).await.0, 201);
    assert_eq!(refund("r4", 0).await.0, 400);
    assert_eq!(provider.events().await[1..], events(&[("refunded", 12_000), ("refunded", 345)]));
    let totals =
        json!({ "payments": 1, "captured_minor": 12_345, "returned_minor": 0, "refunded_minor": 12_345 });
    assert_eq!(provider.get("/v1/test/totals").await, totals);
    provider.stop().await;
}

#[tokio::test]
async fn less_may_be_paid_where_it_is_allowed() {
    let provider = Provider::start(None).await;
    let partial = provider.begin(&with(order("c1"), "partial", true)).await;
    for bad in ["0", "123.46", "-1", "1.234", "much"] {
        assert_eq!(provider.pay(&partial, "4242424242424242", Some(bad)).await.0, 402, "{bad}");
    }
    assert_eq!(provider.pay(&partial, "4242424242424242", Some("100.05")).await.0, 303);
    let whole = provider.begin(&order("c2")).await;
    assert_eq!(
        provider.pay(&whole, "4242424242424242", Some("1")).await.0,
        303,
        "the amount is not the payer's to choose"
    );
    assert_eq!(
        provider.events().await,
        events(&[("payment-succeeded", 10_005), ("payment-succeeded", 12_345)])
    );
    provider.stop().await;
}

#[tokio::test]
async fn an_expired_checkout_takes_nothing() {
    let provider = Provider::start(None).await;
    let id = provider.begin(&order("c1")).await;
    provider.pass(3_600_000);
    let (status, page) = provider.pay(&id, "4242424242424242", None).await;
    assert_eq!(status, 410);
    assert!(page.contains("no longer open"), "{page}");
    assert_eq!(provider.status(&id).await, "expired");
    assert_eq!(provider.events().await, events(&[("checkout-expired", 12_345)]));
    provider.stop().await;
}

#[tokio::test]
async fn events_come_in_order_page_by_page() {
    let provider = Provider::start(None).await;
    for n in 0..3 {
        let id = provider.begin(&with(order(&format!("c{n}")), "amount_minor", 100 + n)).await;
        provider.pay(&id, "4242424242424242", None).await;
    }
    let first = provider.get("/v1/events?limit=2").await;
    let cursor = first["next"].as_str().unwrap();
    let second = provider.get(&format!("/v1/events?limit=2&after={cursor}")).await;
    let amounts = |page: &serde_json::Value| -> Vec<_> {
        page["events"].as_array().unwrap().iter().map(|e| e["amount_minor"].as_i64().unwrap()).collect()
    };
    assert_eq!((amounts(&first), amounts(&second)), (vec![100, 101], vec![102]));
    let event = &second["events"][0];
    assert_eq!(
        (&event["checkout"], &event["method"], &event["at_ms"]),
        (&json!("c2"), &json!("card"), &json!(START_MS))
    );
    let end = second["next"].as_str().unwrap();
    assert_eq!(provider.get(&format!("/v1/events?after={end}")).await, json!({ "events": [], "next": end }));
    assert_eq!(
        amounts(&provider.get("/v1/events?after=another-3").await).len(),
        3,
        "a cursor of another book"
    );
    let (status, body) = provider.call(Method::GET, "/v1/events?after=nonsense", "", None).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (400, &json!("bad-cursor")));
    provider.stop().await;
}

#[tokio::test]
async fn strangers_and_nonsense_are_refused() {
    let provider = Provider::start(None).await;
    let bare = provider.client.get(format!("{}/v1/events", provider.url)).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(bare.json::<serde_json::Value>().await.unwrap()["error"]["code"], "bad-key");
    for (key, value) in [
        ("amount_minor", json!(0)),
        ("amount_minor", json!(1.5)),
        ("currency", json!("XXQ")),
        ("return_url", json!("javascript:alert(1)")),
        ("webhook_url", json!("file:///etc/passwd")),
        ("reference", json!("")),
        ("surprise", json!(1)),
    ] {
        let (status, body) =
            provider.post("/v1/checkouts", "k", &with(order("c1"), key, value.clone())).await;
        assert!(
            status.is_client_error() && body["error"]["code"] == "bad-request",
            "{key} {value}: {status} {body}"
        );
    }
    let (status, body) =
        provider.post("/v1/checkouts", "k", &with(order("c1"), "reference", "x".repeat(70_000))).await;
    assert_eq!((status.as_u16(), &body["error"]["code"]), (413, &json!("too-large")));
    assert_eq!(provider.call(Method::GET, "/v1/checkouts/co_none", "", None).await.0, 404);
    provider.stop().await;
}

#[tokio::test]
async fn the_page_is_plain_strict_and_says_how_it_ended() {
    let provider = Provider::start(None).await;
    let id = provider.begin(&order("c1")).await;
    let answer = provider.client.get(format!("{}/checkout/{id}", provider.url)).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.starts_with("default-src 'none'") && policy.ends_with("form-action 'self' http://127.0.0.1:9"),
        "{policy}"
    );
    let page = answer.text().await.unwrap();
    for part in
        ["123.45 USD", "lang=\"en\"", "<label for=\"number\">", "Invoice 7 &lt;script&gt;", "000111111116"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script"), "{page}");
    let declined = provider.pay(&id, "4000000000000002", None).await.1;
    assert!(declined.contains("role=\"alert\"") && declined.contains("was declined"), "{declined}");
    provider.pay(&id, "4242424242424242", None).await;
    let (status, page) = provider.page(&id).await;
    assert_eq!(status, 409);
    assert!(page.contains("paid already") && page.contains(">Go back</a>"), "{page}");
    assert_eq!(provider.page("co_none").await.0, 404);
    provider.stop().await;
}
