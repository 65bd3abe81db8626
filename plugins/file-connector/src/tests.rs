//! The connector against a folder in memory: what a file looks like, and that a posting is handed over once.

use super::*;
use remitd_plugin_sdk::connector::Detail;
use remitd_plugin_sdk::mock::{Services, install, outbox as folder};
use remitd_plugin_sdk::{Date, FailureClass};

const CSV: &str = r#"{
    "outbox": "receipts", "currency": "USD", "separator": ",", "header": true, "date_format": "%m/%d/%Y",
    "columns": [
        {"name": "Key", "value": "key"}, {"name": "Type", "value": "receipt_type"}, {"name": "Date", "value": "received"},
        {"name": "Invoice", "value": "statement"}, {"name": "Amount", "value": "amount"}, {"name": "Payer", "value": "payer_name"},
        {"name": "Bank", "value": "bank_account"}, {"name": "Source", "text": "remitd"}
    ]
}"#;
const FIXED: &str = r#"{
    "outbox": "receipts", "currency": "USD", "ending": "txt", "line_end": "lf", "reversal": "plus", "reversal_type": "R", "payment_type": "P",
    "date_format": "%Y%m%d", "posted": "dropped",
    "columns": [
        {"value": "receipt_type", "width": 1}, {"value": "key", "width": 10}, {"value": "received", "width": 8},
        {"value": "statement", "width": 8}, {"value": "amount_minor", "width": 9, "align": "right", "fill": "0"},
        {"value": "payer_name", "width": 12}
    ]
}"#;

fn context() -> Context {
    Context { job: "j".into(), idempotency_key: "p-1".into(), deadline_ms: 0 }
}

fn posting() -> Posting {
    Posting {
        key: "p-1".into(),
        statement: "B-1".into(),
        matter: "00124.00001".into(),
        client: "00124".into(),
        amount: Money { amount_minor: 125_050, currency: "USD".into() },
        received: Date { year: 2026, month: 3, day: 4 },
        method: "card".into(),
        reference: "pay_1".into(),
        payer_name: "Jane \"J\" Roe,\nEsq.".into(),
        narrative: "Payment".into(),
        details: vec![Detail { name: "bank-account".into(), value: "1060".into() }],
    }
}

fn open(settings: &str) -> FileConnector {
    install(Services::new(settings).at_ms(1_768_489_200_000));
    FileConnector::open().unwrap()
}

/// The same with more settings.
fn with(settings: &str, more: &str) -> String {
    settings.replacen('{', &format!("{{{more},"), 1)
}

fn text(file: &str) -> String {
    String::from_utf8(folder::dropped(file).expect("it lies there")).unwrap()
}

#[test]
fn a_csv_file_has_its_header_and_its_row() {
    let connector = open(CSV);
    connector.post(&context(), &posting()).unwrap_err();
    assert_eq!(
        text("p-1.csv"),
        "Key,Type,Date,Invoice,Amount,Payer,Bank,Source\r\n\
         p-1,payment,03/04/2026,B-1,1250.50,\"Jane \"\"J\"\" Roe, Esq.\",1060,remitd\r\n"
    );
    let reversal = Posting { key: "p-2".into(), ..posting() };
    connector.reverse(&context(), "p-1", &reversal).unwrap_err();
    assert!(text("p-2.csv").contains("p-2,reversal,03/04/2026,B-1,-1250.50,"), "{}", text("p-2.csv"));
}

#[test]
fn columns_at_fixed_places_keep_their_widths() {
    let connector = open(FIXED);
    assert_eq!(connector.post(&context(), &posting()).unwrap().outcome, Posted::Written);
    assert_eq!(text("p-1.txt"), "Pp-1       20260304B-1     000125050Jane \"J\" Roe\n");
    let wide = Posting {
        key: "p-3".into(),
        amount: Money { amount_minor: 12_345_678_901, currency: "USD".into() },
        ..posting()
    };
    let refused = connector.post(&context(), &wide).unwrap_err();
    assert_eq!((refused.class, refused.code.as_str()), (FailureClass::Invalid, "too-wide"));
    assert_eq!(folder::dropped("p-3.txt"), None, "nothing was written of it");
    let reversal = Posting { key: "p-2".into(), ..posting() };
    connector.reverse(&context(), "p-1", &reversal).unwrap();
    assert!(text("p-2.txt").starts_with("Rp-2       20260304B-1     000125050"), "{}", text("p-2.txt"));
}

#[test]
fn posted_when_it_was_taken() {
    let connector = open(CSV);
    for _ in 0..3 {
        let waits = connector.post(&context(), &posting()).unwrap_err();
        assert_eq!((waits.class, waits.code.as_str()), (FailureClass::Unavailable, "not-taken"));
        assert_eq!(waits.retry_after_s, Some(60));
    }
    folder::take("p-1.csv");
    let posted = connector.post(&context(), &posting()).unwrap();
    assert_eq!(posted.outcome, Posted::Found);
    assert_eq!(connector.post(&context(), &posting()).unwrap().outcome, Posted::Found);
    assert_eq!(folder::drops(), 1, "it was dropped once");
}

#[test]
fn an_answer_says_what_became_of_it() {
    let connector = open(&with(CSV, r#""posted": "answered""#));
    connector.post(&context(), &posting()).unwrap_err();
    folder::take("p-1.csv");
    assert_eq!(connector.post(&context(), &posting()).unwrap_err().code, "not-answered");
    folder::answer("p-1.csv.err", b"invoice B-1 is closed\r\n");
    let refused = connector.post(&context(), &posting()).unwrap_err();
    assert_eq!((refused.class, refused.code.as_str()), (FailureClass::Invalid, "rejected"));
    assert!(refused.message.ends_with("invoice B-1 is closed"), "{refused:?}");
    // Mended and tried again, it is a new file with an answer of its own.
    let mended = Posting { statement: "B-2".into(), ..posting() };
    assert_eq!(connector.post(&context(), &mended).unwrap_err().code, "not-taken");
    assert!(text("p-1-2.csv").contains(",B-2,"));
    folder::take("p-1-2.csv");
    folder::answer("p-1-2.csv.ok", b" R-17\n");
    let posted = connector.post(&context(), &mended).unwrap();
    assert_eq!(posted.external_ref.as_deref(), Some("R-17"));
    let again = connector.post(&context(), &mended).unwrap();
    assert_eq!((again.outcome, again.external_ref.as_deref()), (Posted::Found, Some("R-17")));
    assert_eq!(folder::drops(), 2);
}

#[test]
fn a_list_of_results_is_read_to_its_last_whole_line() {
    let results = r#""posted": "answered", "answers": {"results": {"file": "results.csv", "name": "File", "status": "Status",
        "message": "Text", "number": "Receipt", "ok": ["POSTED"], "error": ["ERROR"]}}"#;
    let connector = open(&with(CSV, results));
    connector.post(&context(), &posting()).unwrap_err();
    folder::take("p-1.csv");
    let says = |list: &str| {
        folder::answer("results.csv", list.as_bytes());
        connector.post(&context(), &posting()).map(|posted| posted.external_ref)
    };
    let code = |list: &str| says(list).unwrap_err().code;
    assert_eq!(code(""), "not-answered");
    assert_eq!(code("File,Status,Text,Receipt\r\nother.csv,POSTED,,3\r\n"), "not-answered");
    assert_eq!(code("File,Status,Text,Receipt\r\np-1.csv,ERROR,the matter is cl"), "not-answered");
    assert_eq!(code("File,Status,Text,Receipt\r\np-1.csv,READ,,\r\n"), "not-answered");
    assert_eq!(code("File,State\r\np-1.csv,POSTED\r\n"), "results");
    assert_eq!(
        says("File,Status,Text,Receipt\r\np-1.csv,READ,,\r\np-1.csv,POSTED,,17\r\n"),
        Ok(Some("17".to_owned()))
    );
}

/// Of two attempts at once, one is noted; what the other has staged is never released, however slow it was.
#[test]
fn a_slow_attempt_drops_nothing() {
    let connector = open(CSV);
    let content = connector.setup.layout.file(&posting(), None).unwrap();
    let mut slow = Note::read("p-1").unwrap();
    connector.post(&context(), &posting()).unwrap_err();
    folder::take("p-1.csv");
    let behind = connector.stage(&mut slow, &content).unwrap_err();
    assert_eq!((behind.class, behind.code.as_str()), (FailureClass::Unavailable, "in-hand"));
    assert_eq!(connector.post(&context(), &posting()).unwrap().outcome, Posted::Found);
    assert_eq!((folder::drops(), folder::staged()), (1, 0));
}

#[test]
fn what_cannot_be_asked_is_said() {
    let connector = open(CSV);
    assert_eq!(connector.balance(&context(), "B-1").unwrap_err().code, "not-configured");
    assert_eq!(connector.open_since(&context(), None, 1).unwrap_err().code, "not-configured");
    assert!(connector.search_fields().unwrap().is_empty());
}

fn check(settings: &str, part: &str) {
    install(Services::new(settings));
    let failure = FileConnector::open().err().expect("it is refused");
    assert!(failure.message.contains(part), "{failure:?}");
}

#[test]
fn wrong_settings_are_named() {
    check(
        r#"{"outbox": "o", "currency": "USD", "separator": ",", "columns": [{"value": "amount"}]}"#,
        "no column holds the value key",
    );
    check(r#"{"outbox": "o", "currency": "USD", "columns": [{"value": "key"}]}"#, "columns[0] has no width");
    check(
        r#"{"outbox": "o", "currency": "USD", "separator": ",", "columns": [{"value": "keys"}]}"#,
        "there is no value keys",
    );
    check(
        r#"{"outbox": "o", "currency": "USD", "separator": ",", "columns": [{"value": "key", "text": "x"}]}"#,
        "value or text",
    );
    check(
        r#"{"outbox": "o", "currency": "USD", "separator": ",", "ending": "../x", "columns": [{"value": "key"}]}"#,
        "ending",
    );
}
