//! The provider's API as closures: what is sent, and what is made of the answers.

use super::*;
use remitd_plugin_sdk::host::http::{Request, Response};
use remitd_plugin_sdk::mock::{Services, install};
use remitd_plugin_sdk::{FailureClass, Header};

const BOUNCES: &str = r#"{"bounces":[{"message_id":"7.request@firm.example","address":"jane@example.com","what":"rejected"}],"next":"41"}"#;

fn context() -> Context {
    Context {
        job: "j".into(),
        idempotency_key: "k".into(),
        deadline_ms: 0,
    }
}

fn services() -> Services {
    let settings =
        r#"{"api":"https://mail.example/v1","key-secret":"mail-key","webhook-secret":"mail-hook"}"#;
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
        assert_eq!(request.secret_headers[0].secret, "mail-key");
        seen(&request);
        Ok(answer.clone())
    }));
    {{Type}}::open().unwrap()
}

fn message() -> Message {
    let person = |name: &str, address: &str| Mailbox {
        name: name.into(),
        address: address.into(),
    };
    Message {
        message_id: "7.request@firm.example".into(),
        sender: person("The firm", "billing@firm.example"),
        recipient: person("Žofie \"Zo\" Nováková", "zofie@example.com"),
        reply_to: None,
        subject: "Your invoice".into(),
        text: "Hello".into(),
        html: "<p>Hello</p>".into(),
        headers: vec![Header {
            name: "X-Request".into(),
            value: "7".into(),
        }],
        wire: b"Subject: Your invoice\r\n\r\nHello\r\n".to_vec(),
    }
}

#[test]
fn a_message_goes_out_under_its_id() {
    let provider = answering(202, &[], r#"{"id":"m_1"}"#, |request| {
        assert_eq!(
            (request.method.as_str(), request.url.as_str()),
            ("POST", "https://mail.example/v1/messages")
        );
        assert!(
            request
                .headers
                .iter()
                .any(|h| h.name == "Idempotency-Key" && h.value == "7.request@firm.example")
        );
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            body["to"],
            serde_json::json!({"name": "Žofie \"Zo\" Nováková", "address": "zofie@example.com"})
        );
    });
    assert_eq!(
        provider.send(&context(), &message()).unwrap().provider_ref,
        "m_1"
    );
}

#[test]
fn refusals_say_what_to_do() {
    let check = |status, body, class| {
        let failure = answering(status, &[], body, |_| ())
            .send(&context(), &message())
            .unwrap_err();
        assert_eq!(failure.class, class, "{status}: {failure:?}");
    };
    check(401, "", FailureClass::Denied);
    check(422, "", FailureClass::Invalid);
    check(503, "", FailureClass::UnknownOutcome);
    check(202, "{\"id\":", FailureClass::UnknownOutcome);
    let busy = answering(429, &[("retry-after", "30")], "", |_| ())
        .send(&context(), &message())
        .unwrap_err();
    assert_eq!(
        (busy.class, busy.retry_after_s),
        (FailureClass::Unavailable, Some(30))
    );
}

#[test]
fn bounces_come_by_the_providers_cursor() {
    let provider = answering(200, &[], BOUNCES, |request| {
        assert_eq!(request.url, "https://mail.example/v1/bounces?after=40");
    });
    let page = provider.bounces_since(&context(), Some("40")).unwrap();
    assert_eq!(
        (page.next.as_deref(), page.bounces[0].kind),
        (Some("41"), BounceKind::Hard)
    );
}

/// The daemon's part is played by a check for the bytes 0xab: what is signed, and under which name.
fn webhook(signature: &str) -> Result<Vec<Bounce>, Failure> {
    install(services().verify(|(secret, message, mac)| {
        assert_eq!(
            (secret.as_str(), message),
            ("mail-hook", format!("1790000000.{BOUNCES}").into_bytes())
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
            body: BOUNCES.into(),
        },
    )
}

#[test]
fn only_a_signed_webhook_is_read() {
    let (good, bad) = ("ab".repeat(32), "ac".repeat(32));
    assert_eq!(
        webhook(&format!("t=1790000000,v1={good}")).unwrap().len(),
        1
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
