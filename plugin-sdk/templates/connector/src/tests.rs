//! The connector against an API of closures: what it sends, and what it makes of the answers.

use super::*;
use remitd_plugin_sdk::FailureClass;
use remitd_plugin_sdk::host::http::{Request, Response};
use remitd_plugin_sdk::mock::{Services, install};

const STATEMENT: &str = r#"{"number":"INV-1","matter":"10001","client":"77","client_name":"Roe","issued":"2026-11-02",
    "due":null,"total":"1250.00","open":"100.50","currency":"USD",
    "payers":[{"id":"p1","name":"Jane Roe","email":"jane@example.com","share":10000}]}"#;

fn context() -> Context {
    Context {
        job: "j".into(),
        idempotency_key: "k".into(),
        deadline_ms: 0,
    }
}

/// A connector whose API answers so, and looks at each request.
fn answering(status: u16, body: &str, seen: impl Fn(&Request) + 'static) -> {{Type}} {
    let body = body.as_bytes().to_vec();
    let services = Services::new(
        r#"{"api":"https://matters.example/v1/","key-secret":"matters-key","currency":"USD"}"#,
    );
    install(services.http(move |request| {
        assert_eq!(request.secret_headers[0].secret, "matters-key");
        seen(&request);
        Ok(Response {
            status,
            headers: Vec::new(),
            body: body.clone(),
        })
    }));
    {{Type}}::open().unwrap()
}

fn posting(amount_minor: i64) -> Posting {
    Posting {
        key: "posting-9".into(),
        statement: "INV-1".into(),
        matter: "10001".into(),
        client: "77".into(),
        amount: Money {
            amount_minor,
            currency: "USD".into(),
        },
        received: Date {
            year: 2026,
            month: 11,
            day: 25,
        },
        method: "card".into(),
        reference: "pay_1".into(),
        payer_name: "Jane Roe".into(),
        narrative: "Payment of INV-1".into(),
        details: Vec::new(),
    }
}

#[test]
fn a_text_is_searched_for_as_it_is() {
    let found =
        r#"{"matters":[{"number":"10001","client":"77"},{"number":"10002","client":"77"}]}"#;
    let connector = answering(200, found, |request| {
        assert_eq!(
            request.url,
            "https://matters.example/v1/matters?client=Roe%20%26%20Co&limit=1"
        );
    });
    let matters = connector
        .search(&context(), "client", "Roe & Co", 1)
        .unwrap();
    assert_eq!(
        matters.len(),
        1,
        "an API that gives more than was asked for"
    );
    assert_eq!(
        connector
            .search(&context(), "colour", "red", 1)
            .unwrap_err()
            .code,
        "unknown-field"
    );
}

#[test]
fn statements_keep_their_cents() {
    let page = format!(r#"{{"statements":[{STATEMENT}],"next":"41"}}"#);
    let connector = answering(200, &page, |request| {
        assert_eq!(
            request.url,
            "https://matters.example/v1/statements?limit=50&after=40"
        );
    });
    let page = connector.open_since(&context(), Some("40"), 50).unwrap();
    assert_eq!(page.next.as_deref(), Some("41"));
    assert_eq!(
        (
            page.statements[0].open.amount_minor,
            page.statements[0].payers[0].share
        ),
        (10_050, 10_000)
    );
}

#[test]
fn a_statement_that_is_not_there_has_no_balance() {
    assert_eq!(
        answering(404, "", |_| ()).balance(&context(), "INV-0"),
        Ok(None)
    );
    let balance =
        answering(200, r#"{"open":"0.00","currency":"USD"}"#, |_| ()).balance(&context(), "INV-1");
    assert_eq!(
        balance,
        Ok(Some(Money {
            amount_minor: 0,
            currency: "USD".into()
        }))
    );
}

#[test]
fn a_posting_goes_out_under_its_key() {
    let look = |request: &Request| {
        assert_eq!(
            request.url,
            "https://matters.example/v1/statements/INV-1/receipts"
        );
        assert!(
            request
                .headers
                .iter()
                .any(|h| h.name == "Idempotency-Key" && h.value == "posting-9")
        );
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            (&body["amount"], &body["received"]),
            (&"12.34".into(), &"2026-11-25".into())
        );
    };
    let written = answering(201, r#"{"receipt":"R-1"}"#, look)
        .post(&context(), &posting(1234))
        .unwrap();
    assert_eq!(
        (written.outcome, written.external_ref.as_deref()),
        (Posted::Written, Some("R-1"))
    );
    let found = answering(200, r#"{"receipt":"R-1"}"#, look)
        .post(&context(), &posting(1234))
        .unwrap();
    assert_eq!(found.outcome, Posted::Found);
    let none = answering(201, "{}", |_| panic!("nothing is sent")).post(&context(), &posting(0));
    assert_eq!(none.unwrap_err().code, "amount");
    let mut other = posting(1234);
    other.amount.currency = "CHF".into();
    let other = answering(201, "{}", |_| panic!("nothing is sent")).post(&context(), &other);
    assert_eq!(other.unwrap_err().code, "currency");
}

#[test]
fn refusals_say_what_to_do() {
    let check = |status, body, class| {
        let failure = answering(status, body, |_| ())
            .post(&context(), &posting(1))
            .unwrap_err();
        assert_eq!(failure.class, class, "{status}: {failure:?}");
    };
    check(401, "", FailureClass::Denied);
    check(422, "", FailureClass::Invalid);
    check(429, "", FailureClass::Unavailable);
    check(503, "", FailureClass::UnknownOutcome);
    check(201, "{\"receipt\":", FailureClass::UnknownOutcome);
}
