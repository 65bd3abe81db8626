//! The gateway against a provider of closures: what it sends, and what it makes of the answers.

use super::*;
use remitd_plugin_sdk::gateway::CheckoutLine;
use remitd_plugin_sdk::host::http::{Request, Response};
use remitd_plugin_sdk::mock::{Services, install};
use remitd_plugin_sdk::{FailureClass, Header, serde_json};

const EVENT: &str = r#"{"id":"ev_1","what":"payment-succeeded","checkout":"c-9","checkout_id":"co_1","payment":"pay_1",
    "amount_minor":12345,"currency":"USD","method":"card","at_ms":1790000000000,"reason":""}"#;

fn services() -> Services {
    Services::new(
        r#"{"api":"http://127.0.0.1:9/","key-secret":"sandbox-key","webhook-secret":"sandbox-hook"}"#,
    )
    .at_ms(1_790_000_000_000)
}

fn context() -> Context {
    Context { job: "j".into(), idempotency_key: "checkout-9".into(), deadline_ms: 0 }
}

fn answering(status: u16, body: &str, seen: impl Fn(&Request) + 'static) -> SandboxGateway {
    let body = body.as_bytes().to_vec();
    install(services().http(move |request| {
        let secret = &request.secret_headers[0];
        assert_eq!(
            (secret.name.as_str(), secret.prefix.as_str(), secret.secret.as_str()),
            ("Authorization", "Bearer ", "sandbox-key")
        );
        seen(&request);
        Ok(Response { status, headers: Vec::new(), body: body.clone() })
    }));
    SandboxGateway::open().unwrap()
}

fn usd(amount_minor: i64) -> Money {
    Money { amount_minor, currency: "USD".into() }
}

fn checkout() -> CheckoutRequest {
    CheckoutRequest {
        checkout: "c-9".into(),
        amount: usd(12_345),
        partial: false,
        lines: vec![CheckoutLine { label: "Invoice 1001".into(), amount: usd(12_345) }],
        payer_email: "jane@example.com".into(),
        return_url: "https://pay.firm.example/p/x/done".into(),
        webhook_url: None,
        expires_ms: 1_790_000_900_000,
    }
}

#[test]
fn a_checkout_begins_under_its_key() {
    let gateway = answering(
        201,
        r#"{"id":"co_1","url":"http://x/checkout/co_1","status":"open"}"#,
        |request| {
            assert_eq!(
                (request.method.as_str(), request.url.as_str()),
                ("POST", "http://127.0.0.1:9/v1/checkouts")
            );
            assert!(request.headers.iter().any(|h| h.name == "Idempotency-Key" && h.value == "checkout-9"));
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(
                body,
                serde_json::json!({"reference": "c-9", "amount_minor": 12345, "currency": "USD", "partial": false,
                "lines": [{"label": "Invoice 1001", "amount_minor": 12345}], "payer_email": "jane@example.com",
                "return_url": "https://pay.firm.example/p/x/done", "webhook_url": null,
                "expires_ms": 1_790_000_900_000_u64})
            );
        },
    );
    let begun = gateway.begin(&context(), &checkout()).unwrap();
    assert_eq!((begun.gateway_ref.as_str(), begun.url.as_str()), ("co_1", "http://x/checkout/co_1"));
}

#[test]
fn refusals_say_what_to_do() {
    let check = |status, code: &str, class| {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"words"}}}}"#);
        let failure = answering(status, &body, |_| ()).begin(&context(), &checkout()).err().unwrap();
        assert_eq!((failure.class, failure.code.as_str()), (class, code), "{status}");
        assert!(failure.message.contains("words"));
    };
    check(401, "bad-key", FailureClass::Denied);
    check(409, "key-reused", FailureClass::Invalid);
    check(422, "too-much", FailureClass::Invalid);
    check(429, "slow-down", FailureClass::Unavailable);
    check(503, "down", FailureClass::UnknownOutcome);
    let failure = answering(502, "<html>", |_| ()).events_since(&context(), None).err().unwrap();
    assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Unavailable, "http-502"));
}

#[test]
fn a_paid_checkout_cannot_be_cancelled() {
    let gateway = answering(409, r#"{"error":{"code":"already-paid","message":"paid"}}"#, |request| {
        assert_eq!(request.url, "http://127.0.0.1:9/v1/checkouts/co_1/cancel");
    });
    assert_eq!(gateway.cancel(&context(), "co_1").unwrap_err().code, "already-paid");
    answering(200, r#"{"status":"cancelled"}"#, |_| ()).cancel(&context(), "co_1").unwrap();
    assert_eq!(gateway.cancel(&context(), "../payments").unwrap_err().code, "bad-id");
}

#[test]
fn events_are_paged_by_the_providers_cursor() {
    let gateway = answering(200, &format!(r#"{{"events":[{EVENT}],"next":"41"}}"#), |request| {
        assert_eq!(request.url, "http://127.0.0.1:9/v1/events?limit=100&after=40");
    });
    let page = gateway.events_since(&context(), Some("40")).unwrap();
    assert_eq!(page.next.as_deref(), Some("41"));
    let event = &page.events[0];
    assert_eq!(
        (event.id.as_str(), event.checkout.as_str(), event.amount.amount_minor),
        ("ev_1", "c-9", 12_345)
    );
}

#[test]
fn an_event_of_a_checkout_alone_has_no_payment() {
    let event = r#"{"id":"ev_2","what":"checkout-expired","checkout":"c-9","checkout_id":"co_1","payment":null,
        "amount_minor":5,"currency":"USD","method":null,"at_ms":1}"#;
    let gateway = answering(200, &format!(r#"{{"events":[{event}],"next":"2"}}"#), |_| ());
    assert_eq!(gateway.events_since(&context(), None).unwrap().events[0].payment, "");
}

#[test]
fn a_refund_gives_the_providers_id() {
    let gateway = answering(201, r#"{"id":"re_1"}"#, |request| {
        assert_eq!(request.url, "http://127.0.0.1:9/v1/payments/pay_1/refunds");
        assert_eq!(request.body, br#"{"amount_minor":500}"#);
    });
    assert_eq!(gateway.refund(&context(), "pay_1", &usd(500)).unwrap(), "re_1");
}

/// The daemon's part is played by a check for the bytes 0xab: what is signed, and under which name.
fn webhook(signature: &str) -> Result<Vec<Event>, Failure> {
    install(services().verify(|(secret, message, mac)| {
        assert_eq!(secret, "sandbox-hook");
        assert_eq!(message, format!("1790000000.{EVENT}").into_bytes());
        Ok(mac == [0xab; 32])
    }));
    let header = Header { name: "remitd-SIGNATURE".into(), value: signature.into() };
    let webhook = Webhook { headers: vec![header], body: EVENT.into() };
    SandboxGateway::open().unwrap().read_webhook(&context(), &webhook)
}

#[test]
fn only_a_signed_webhook_is_read() {
    let (good, bad) = ("ab".repeat(32), "ac".repeat(32));
    assert_eq!(webhook(&format!("t=1790000000,v1={good}")).unwrap()[0].id, "ev_1");
    assert_eq!(webhook(&format!("t=1790000000,v1={bad},v1={good}")).unwrap().len(), 1, "a second key");
    for forged in [
        format!("t=1790000000,v1={bad}"),
        format!("t=1789999699,v1={good}"),
        format!("t=1790000301,v1={good}"),
        format!("v1={good}"),
        "t=1790000000".to_owned(),
        "t=1790000000,v1=zz".to_owned(),
        String::new(),
    ] {
        assert_eq!(webhook(&forged).unwrap_err().code, "bad-signature", "{forged}");
    }
    let none = Webhook { headers: Vec::new(), body: EVENT.into() };
    let failure = SandboxGateway::open().unwrap().read_webhook(&context(), &none).unwrap_err();
    assert_eq!(failure.code, "bad-signature");
}
