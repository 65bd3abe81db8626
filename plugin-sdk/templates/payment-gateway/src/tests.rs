//! The provider's API as closures: what is sent, and what is made of the answers.

use super::*;
use remitd_plugin_sdk::gateway::CheckoutLine;
use remitd_plugin_sdk::host::http::{Request, Response};
use remitd_plugin_sdk::mock::{Services, install};
use remitd_plugin_sdk::{FailureClass, Header};

const EVENTS: &str = r#"{"events":[{"id":"ev_1","kind":"payment.succeeded","reference":"c-9","payment":"pay_1",
    "amount":12345,"currency":"USD","method":"card","at":1790000000}],"next":"41"}"#;

fn context() -> Context {
    Context {
        job: "j".into(),
        idempotency_key: "checkout-9".into(),
        deadline_ms: 0,
    }
}

fn services() -> Services {
    let settings =
        r#"{"api":"https://pay.example/v1","key-secret":"pay-key","webhook-secret":"pay-hook"}"#;
    Services::new(settings).at_ms(1_790_000_000_000)
}

/// A provider that answers so, and looks at each request.
fn answering(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
    seen: impl Fn(&Request) + 'static,
) -> {{Type}} {
    let header = |(name, value): &(&str, &str)| Header {
        name: (*name).into(),
        value: (*value).into(),
    };
    let answer = Response {
        status,
        headers: headers.iter().map(header).collect(),
        body: body.into(),
    };
    install(services().http(move |request| {
        assert_eq!(request.secret_headers[0].secret, "pay-key");
        seen(&request);
        Ok(answer.clone())
    }));
    {{Type}}::open().unwrap()
}

fn usd(amount_minor: i64) -> Money {
    Money {
        amount_minor,
        currency: "USD".into(),
    }
}

fn checkout() -> CheckoutRequest {
    CheckoutRequest {
        checkout: "c-9".into(),
        amount: usd(12_345),
        partial: false,
        lines: vec![CheckoutLine {
            label: "Invoice 1001".into(),
            amount: usd(12_345),
        }],
        payer_email: "jane@example.com".into(),
        return_url: "https://firm.example/p/x/done".into(),
        webhook_url: None,
        expires_ms: 1_790_000_900_000,
    }
}

#[test]
fn a_checkout_begins_under_its_key() {
    let provider = answering(
        201,
        &[],
        r#"{"id":"co_1","url":"https://pay.example/co_1"}"#,
        |request| {
            assert_eq!(
                (request.method.as_str(), request.url.as_str()),
                ("POST", "https://pay.example/v1/checkouts")
            );
            assert!(
                request
                    .headers
                    .iter()
                    .any(|h| h.name == "Idempotency-Key" && h.value == "checkout-9")
            );
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(
                (&body["reference"], &body["amount"]),
                (&"c-9".into(), &12_345.into())
            );
        },
    );
    let begun = provider.begin(&context(), &checkout()).unwrap();
    assert_eq!(
        (begun.gateway_ref.as_str(), begun.url.as_str()),
        ("co_1", "https://pay.example/co_1")
    );
}

#[test]
fn refusals_say_what_to_do() {
    let check = |status, body, class| {
        let failure = answering(status, &[], body, |_| ())
            .begin(&context(), &checkout())
            .err()
            .unwrap();
        assert_eq!(failure.class, class, "{status}: {failure:?}");
    };
    check(401, "", FailureClass::Denied);
    check(422, "", FailureClass::Invalid);
    check(503, "", FailureClass::UnknownOutcome);
    check(201, "{\"id\":", FailureClass::UnknownOutcome);
    let busy = answering(429, &[("retry-after", "30")], "", |_| ())
        .events_since(&context(), None)
        .err()
        .unwrap();
    assert_eq!(
        (busy.class, busy.retry_after_s),
        (FailureClass::Unavailable, Some(30))
    );
}

#[test]
fn a_paid_checkout_cannot_be_cancelled() {
    let paid = answering(409, &[], "", |request| {
        assert_eq!(request.url, "https://pay.example/v1/checkouts/co_1/cancel");
    });
    assert_eq!(
        paid.cancel(&context(), "co_1").unwrap_err().code,
        "already-paid"
    );
    answering(200, &[], "{}", |_| ())
        .cancel(&context(), "co_1")
        .unwrap();
}

#[test]
fn events_come_by_the_providers_cursor() {
    let provider = answering(200, &[], EVENTS, |request| {
        assert_eq!(request.url, "https://pay.example/v1/events?after=40");
    });
    let page = provider.events_since(&context(), Some("40")).unwrap();
    let event = &page.events[0];
    assert_eq!(
        (page.next.as_deref(), event.what.as_str()),
        (Some("41"), "payment-succeeded")
    );
    assert_eq!(
        (event.checkout.as_str(), event.amount.amount_minor),
        ("c-9", 12_345)
    );
}

#[test]
fn a_refund_gives_the_providers_id() {
    let provider = answering(201, &[], r#"{"id":"re_1"}"#, |request| {
        assert_eq!(request.url, "https://pay.example/v1/payments/pay_1/refunds");
        assert_eq!(request.body, br#"{"amount":500,"currency":"USD"}"#);
    });
    assert_eq!(
        provider.refund(&context(), "pay_1", &usd(500)).unwrap(),
        "re_1"
    );
}

/// The daemon's part is played by a check for the bytes 0xab: what is signed, and under which name.
fn webhook(signature: &str) -> Result<Vec<Event>, Failure> {
    install(services().verify(|(secret, message, mac)| {
        assert_eq!(
            (secret.as_str(), message),
            ("pay-hook", format!("1790000000.{EVENTS}").into_bytes())
        );
        Ok(mac == [0xab; 32])
    }));
    let header = Header {
        name: "Signature".into(),
        value: signature.into(),
    };
    {{Type}}::open()?.read_webhook(
        &context(),
        &Webhook {
            headers: vec![header],
            body: EVENTS.into(),
        },
    )
}

#[test]
fn only_a_signed_webhook_is_read() {
    let (good, bad) = ("ab".repeat(32), "ac".repeat(32));
    assert_eq!(
        webhook(&format!("t=1790000000,v1={good}")).unwrap()[0].id,
        "ev_1"
    );
    for forged in [
        "",
        "t=1790000000",
        &format!("t=1790000000,v1={bad}"),
        &format!("t=1789000000,v1={good}"),
    ] {
        assert_eq!(
            webhook(forged).unwrap_err().code,
            "bad-signature",
            "{forged}"
        );
    }
}
