//! The connector against a database of closures: what it asks, in which order, and what it makes of the answers.

use super::*;
use remitd_plugin_sdk::connector::Detail;
use remitd_plugin_sdk::host::sql::{Rows, Statement as Sql};
use remitd_plugin_sdk::mock::{Services, install, logged};
use remitd_plugin_sdk::{Date, FailureClass};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const SETTINGS: &str = r#"{
    "connection": "matter", "currency": "USD",
    "search": {"number": "SELECT … :text … :limit", "client": "SELECT … :text"},
    "open_statements": "SELECT :matter", "open_since": "SELECT :cursor, :limit", "cursor_start": 0,
    "balance": "SELECT :statement", "find": "SELECT receipt AS ref WHERE key = :key",
    "post": ["INSERT :key, :amount, :received", {"sql": "UPDATE :amount_minor, :statement", "rows": 1}],
    "reverse": ["INSERT :key, :original_key, -:amount"]
}"#;

const RECEIPTS: &str = r#"{"connection": "matter", "currency": "USD", "receipts": "SELECT :cursor, :limit", "receipts_start": 0}"#;

fn context() -> Context {
    Context { job: "j".into(), idempotency_key: "p-1".into(), deadline_ms: 0 }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn rows(columns: &[&str], rows: Vec<Vec<Value>>) -> Rows {
    Rows { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows }
}

fn answering(columns: &[&str], values: Vec<Vec<Value>>) -> SqlConnector {
    let answer = rows(columns, values);
    install(Services::new(SETTINGS).query(move |_| Ok(answer.clone())));
    SqlConnector::open().unwrap()
}

fn posting() -> Posting {
    Posting {
        key: "p-1".into(),
        statement: "1001".into(),
        matter: "00124192.00001".into(),
        client: "00124192".into(),
        amount: Money { amount_minor: 1250, currency: "USD".into() },
        received: Date { year: 2026, month: 3, day: 4 },
        method: "card".into(),
        reference: "pay_1".into(),
        payer_name: "Jane".into(),
        narrative: "Payment".into(),
        details: Vec::new(),
    }
}

#[test]
fn searches_by_the_fields_in_their_order() {
    let connector = answering(
        &["NUMBER", "client", "client_name"],
        vec![vec![text("00124192.00001  "), Value::Integer(124_192), Value::Null]; 3],
    );
    assert_eq!(connector.search_fields().unwrap(), ["number", "client"]);
    let found = connector.search(&context(), "number", "124", 2).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].number.as_str(), found[0].client.as_str()), ("00124192.00001", "124192"));
    assert_eq!(connector.search(&context(), "colour", "red", 2).unwrap_err().code, "not-configured");
}

/// One amount as a database may give it.
fn check_amount(value: Value, expect: Result<i64, &str>) {
    let got = answering(&["open"], vec![vec![value.clone()]]).balance(&context(), "1001");
    match expect {
        Ok(minor) => assert_eq!(got.unwrap().unwrap().amount_minor, minor, "{value:?}"),
        Err(part) => assert!(got.clone().unwrap_err().message.contains(part), "{value:?}: {got:?}"),
    }
}

#[test]
fn amounts_are_exact_or_named() {
    let decimal = |digits: &str| Value::Decimal(digits.into());
    check_amount(Value::Integer(12), Ok(1200));
    check_amount(decimal("12.5"), Ok(1250));
    check_amount(text(" 12.50 "), Ok(1250));
    check_amount(decimal("12.300000000000000711"), Ok(1230));
    check_amount(decimal("0.29999999999999998"), Ok(30));
    check_amount(decimal("-0.01"), Ok(-1));
    check_amount(
        decimal("12.345"),
        Err("[plugin.settings] balance: the column open is \"12.345\", not an amount in USD"),
    );
    check_amount(decimal("12.30001"), Err("12.30001"));
    check_amount(text("ten"), Err("\"ten\""));
    check_amount(Value::Null, Err("is NULL"));
    check_amount(decimal("99999999999999999999"), Err("not an amount"));
}

#[test]
fn a_balance_is_one_row_or_none() {
    assert_eq!(answering(&["open"], vec![]).balance(&context(), "x").unwrap(), None);
    let two = vec![vec![Value::Integer(1)], vec![Value::Integer(2)]];
    assert_eq!(answering(&["open"], two).balance(&context(), "x").unwrap_err().code, "several-rows");
    let unknown = answering(&["open", "currency"], vec![vec![Value::Integer(5), text("XXQ")]]);
    assert_eq!(
        unknown.balance(&context(), "x").unwrap_err().message,
        "[plugin.settings] balance: the column currency is \"XXQ\", not a currency of ISO 4217 such as USD"
    );
    let yen = answering(&["open", "currency"], vec![vec![Value::Integer(5), text("JPY")]]);
    let money = yen.balance(&context(), "x").unwrap().unwrap();
    assert_eq!((money.amount_minor, money.currency.as_str()), (5, "JPY"));
}

const STATEMENT: [&str; 9] =
    ["number", "matter", "open", "total", "issued", "due", "payer_name", "payer_email", "remark"];

fn statement(email: Value) -> Vec<Value> {
    let day = Value::Date(Date { year: 2026, month: 1, day: 2 });
    let (total, due) = (Value::Decimal("20".into()), text("2026-02-01 00:00:00"));
    vec![
        Value::Integer(1001),
        text("M1"),
        Value::Decimal("12.5".into()),
        total,
        day,
        due,
        text("Jane"),
        email,
        Value::Null,
    ]
}

#[test]
fn statements_with_and_without_a_payer() {
    let connector = answering(&STATEMENT, vec![statement(text("jane@example.com")), statement(Value::Null)]);
    let found = connector.open_statements(&context(), "M1").unwrap();
    assert_eq!(
        (found[0].number.as_str(), found[0].open.amount_minor, found[0].total.amount_minor),
        ("1001", 1250, 2000)
    );
    assert_eq!(found[0].issued, Some(Date { year: 2026, month: 1, day: 2 }));
    assert_eq!(found[0].due, Some(Date { year: 2026, month: 2, day: 1 }));
    assert_eq!(found[0].payers[0].id, "jane@example.com");
    assert_eq!(found[1].payers, []);
    assert_eq!(logged(), ["warn: [plugin.settings] open_statements: nobody reads the columns remark"]);
}

const SHARED: [&str; 7] = ["cursor", "number", "matter", "open", "payer_name", "payer_email", "share"];

fn sharer(number: &str, payer: &str, share: Value) -> Vec<Value> {
    let open = Value::Decimal("100.00".into());
    vec![text(number), text(number), text("M1"), open, text(payer), text(payer), share]
}

fn percent(share: &str) -> Value {
    Value::Decimal(share.into())
}

#[test]
fn a_statement_has_a_row_for_each_payer_who_shares_it() {
    let mut rows = vec![
        sharer("B-1", "a@x", percent("33.33")),
        sharer("B-1", "b@x", percent("33.33")),
        sharer("B-1", "", percent("33.33")),
        sharer("B-2", "c@x", Value::Null),
    ];
    rows[2][4] = text("Nobody's address");
    let page = answering(&SHARED, rows).open_since(&context(), None, 9).unwrap();
    let payers: Vec<Vec<_>> = page
        .statements
        .iter()
        .map(|s| s.payers.iter().map(|payer| (payer.id.as_str(), payer.share)).collect())
        .collect();
    assert_eq!(payers[0], [("a@x", 3333), ("b@x", 3334), ("Nobody's address", 3333)]);
    assert_eq!(payers[1], [("c@x", 10_000)]);
    assert_eq!(page.next, None);
}

#[test]
fn a_page_does_not_end_between_two_payers() {
    let rows = || {
        vec![
            sharer("B-1", "a@x", Value::Null),
            sharer("B-2", "b@x", percent("50")),
            sharer("B-2", "c@x", percent("50")),
        ]
    };
    let page = answering(&SHARED, rows()).open_since(&context(), None, 3).unwrap();
    assert_eq!((page.statements.len(), page.next.as_deref()), (1, Some("B-1")));
    let failure = answering(&SHARED, rows().split_off(1)).open_since(&context(), None, 2).unwrap_err();
    assert_eq!(failure.code, "shares", "{failure:?}");
}

#[test]
fn shares_that_make_no_whole_are_refused() {
    let check = |rows: Vec<Vec<Value>>, says: &str| {
        let failure = answering(&SHARED, rows).open_statements(&context(), "M1").unwrap_err();
        assert!(failure.message.contains(says), "{failure:?}");
    };
    let two =
        |one: &str, other| vec![sharer("B-1", "a@x", percent(one)), sharer("B-1", "b@x", percent(other))];
    check(two("60", "30"), "open_statements: the shares of statement B-1 make 90 percent, not 100");
    check(two("60", "140"), "the column share of B-1 is \"140\", not a percentage");
    check(vec![sharer("B-1", "a@x", percent("60"))], "make 60 percent");
    check(
        vec![sharer("B-1", "a@x", percent("60")), sharer("B-1", "a@x", percent("40"))],
        "of the same payer \"a@x\"",
    );
}

#[test]
fn a_missing_column_is_named_with_what_came() {
    let failure = answering(&["nummer", "open"], vec![vec![text("1"), Value::Integer(1)]])
        .open_statements(&context(), "M1")
        .unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Invalid, "column-missing"));
    assert_eq!(
        failure.message,
        "[plugin.settings] open_statements gives no column number; it gives nummer, open: write `AS number`"
    );
    let bad_date = answering(
        &["number", "matter", "open", "due"],
        vec![vec![text("1"), text("M"), Value::Integer(1), text("soon")]],
    );
    assert!(
        bad_date
            .open_statements(&context(), "M")
            .unwrap_err()
            .message
            .contains("the column due of 1 is \"soon\"")
    );
}

/// One day as a database may give it.
fn check_day(value: Value, expect: Result<u8, &str>) {
    let columns = ["number", "matter", "open", "due"];
    let row = vec![text("1"), text("M"), Value::Integer(1), value.clone()];
    let got = answering(&columns, vec![row]).open_statements(&context(), "M");
    match expect {
        Ok(day) => assert_eq!(got.unwrap()[0].due, Some(Date { year: 2026, month: 2, day }), "{value:?}"),
        Err(part) => assert!(got.clone().unwrap_err().message.contains(part), "{value:?}: {got:?}"),
    }
}

#[test]
fn an_instant_is_no_day() {
    let at = |at: &str| Value::Timestamp(at.into());
    for plain in ["2026-02-28T00:00:00", "2026-02-28 00:00:00.000", "2026-02-28", "2026-02-28 12:00 AM"] {
        check_day(at(plain), Ok(28));
        check_day(text(plain), Ok(28));
    }
    check_day(Value::Integer(20_260_228), Ok(28));
    let says = "open_statements: the column due of 1 is \"2026-02-27T23:00:00Z\", not a day: which one it is depends on the zone. Write \
                (due AT TIME ZONE 'Europe/Berlin')::date AS due";
    check_day(at("2026-02-27T23:00:00Z"), Err(says));
    for zoned in ["2026-02-28T00:00:00+01:00", "2026-02-27 19:00:00-05", "2026-02-27 23:00:00 UTC"] {
        check_day(text(zoned), Err("not a day"));
    }
}

#[test]
fn pages_go_on_from_the_last_cursor() {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let seen = asked.clone();
    install(Services::new(SETTINGS).query(move |(_, statement)| {
        let Value::Integer(after) = statement.params[0].value else { panic!("{:?}", statement.params) };
        seen.borrow_mut().push(after);
        let page = (after + 1..=5)
            .take(2)
            .map(|id| vec![Value::Integer(id), text("1"), text("M"), Value::Integer(3)]);
        Ok(rows(&["cursor", "number", "matter", "open"], page.collect()))
    }));
    let connector = SqlConnector::open().unwrap();
    let (mut cursor, mut count) = (None, 0);
    loop {
        let page = connector.open_since(&context(), cursor.as_deref(), 2).unwrap();
        count += page.statements.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((count, asked.take()), (5, vec![0, 2, 4]));
    let same = vec![vec![Value::Integer(7), text("1"), text("M"), Value::Integer(3)]; 2];
    let doubled = answering(&["cursor", "number", "matter", "open"], same);
    assert_eq!(doubled.open_since(&context(), None, 9).unwrap_err().code, "cursor");
}

/// The keys that the database has, and how often it was written to.
type Books = (Rc<RefCell<Vec<String>>>, Rc<Cell<usize>>);

/// A database that has one table of keys, and fails as the test says.
fn writing(fails: impl Fn(usize) -> Option<Failure> + 'static) -> (SqlConnector, Books) {
    let keys: Rc<RefCell<Vec<String>>> = Rc::default();
    let writes = Rc::new(Cell::new(0));
    let (read, written, counted) = (keys.clone(), keys.clone(), writes.clone());
    install(
        Services::new(SETTINGS)
            .query(move |(_, sql)| {
                let found = read.borrow().iter().any(|key| text(key) == sql.params[0].value);
                Ok(rows(&["ref"], if found { vec![vec![Value::Integer(77)]] } else { vec![] }))
            })
            .transact(move |(connection, statements)| {
                assert_eq!(connection, "matter");
                let attempt = counted.get();
                counted.set(attempt + 1);
                let failure = fails(attempt);
                // Lost at COMMIT, it may have been written all the same.
                if failure.as_ref().is_none_or(|failure| failure.class == FailureClass::UnknownOutcome) {
                    let Value::Text(key) = &statements[0].params[0].value else { panic!() };
                    written.borrow_mut().push(key.clone());
                }
                failure.map_or(Ok(vec![1; statements.len()]), Err)
            }),
    );
    (SqlConnector::open().unwrap(), (keys, writes))
}

#[test]
fn a_posting_is_written_once_by_its_key() {
    let (connector, (keys, writes)) = writing(|_| None);
    let first = connector.post(&context(), &posting()).unwrap();
    let second = connector.post(&context(), &posting()).unwrap();
    assert_eq!((first.outcome, second.outcome), (Posted::Written, Posted::Found));
    assert_eq!((first.external_ref.as_deref(), second.external_ref.as_deref()), (Some("77"), Some("77")));
    assert_eq!((keys.take(), writes.get()), (vec!["p-1".to_owned()], 1));
}

#[test]
fn a_commit_that_was_lost_is_found_by_the_next_attempt() {
    let (connector, (_, writes)) = writing(|_| Some(Failure::unknown_outcome("commit-lost", "lost")));
    assert_eq!(connector.post(&context(), &posting()).unwrap_err().class, FailureClass::UnknownOutcome);
    assert_eq!(connector.post(&context(), &posting()).unwrap().outcome, Posted::Found);
    assert_eq!(writes.get(), 1);
}

#[test]
fn what_is_not_found_again_is_no_posting() {
    install(Services::new(SETTINGS).query(|_| Ok(rows(&["ref"], vec![]))).transact(|_| Ok(vec![1, 1])));
    let failure = SqlConnector::open().unwrap().post(&context(), &posting()).unwrap_err();
    assert_eq!(failure.code, "not-found-again");
    assert!(failure.message.starts_with("[plugin.settings] find: "), "{failure:?}");
}

#[test]
fn a_key_that_another_was_faster_with_is_found() {
    let (connector, (keys, _)) = writing(|_| Some(Failure::invalid("unique-violation", "duplicate key")));
    assert_eq!(
        connector.post(&context(), &posting()).unwrap_err().code,
        "unique-violation",
        "not by our key"
    );
    let faster = Rc::new(Cell::new(false));
    let (asks, other) = (faster.clone(), faster.clone());
    install(
        Services::new(SETTINGS)
            .query(move |_| Ok(rows(&["ref"], if asks.get() { vec![vec![Value::Null]] } else { vec![] })))
            .transact(move |_| {
                other.set(true);
                Err(Failure::invalid("unique-violation", "duplicate key"))
            }),
    );
    let result = connector.post(&context(), &posting()).unwrap();
    assert_eq!((result.outcome, result.external_ref), (Posted::Found, None));
    assert!(keys.take().is_empty());
}

const KEYLESS: &str = r#"{"connection": "matter", "currency": "USD", "keyless": true, "post": ["INSERT :amount"], "reverse": ["INSERT -:amount"]}"#;

/// A database that answers so, attempt after attempt, and how often it was written to.
fn keyless(answers: Vec<Option<Failure>>) -> (SqlConnector, Rc<Cell<usize>>) {
    let (writes, answers) = (Rc::new(Cell::new(0)), RefCell::new(answers.into_iter()));
    let counted = writes.clone();
    install(Services::new(KEYLESS).transact(move |_| {
        counted.set(counted.get() + 1);
        answers.borrow_mut().next().flatten().map_or(Ok(vec![1]), Err)
    }));
    (SqlConnector::open().unwrap(), writes)
}

fn decided(by: &str) -> Posting {
    let details = vec![Detail { name: "decided".into(), value: by.into() }];
    Posting { details, ..posting() }
}

#[test]
fn without_a_key_it_is_noted_what_was_written() {
    let (connector, writes) = keyless(vec![Some(Failure::unavailable("locked", "held"))]);
    assert_eq!(connector.by_key(&context(), "p-1"), Ok(None));
    assert_eq!(connector.post(&context(), &posting()).unwrap_err().code, "locked");
    assert_eq!(connector.by_key(&context(), "p-1"), Ok(None), "surely not written: it goes on by itself");
    assert_eq!(connector.post(&context(), &posting()).unwrap().outcome, Posted::Written);
    assert_eq!(connector.by_key(&context(), "p-1"), Ok(Some(Entry { external_ref: None })));
    assert_eq!(connector.post(&context(), &posting()).unwrap().outcome, Posted::Found);
    assert_eq!(writes.get(), 2);
}

#[test]
fn without_a_key_an_unknown_end_is_decided_by_a_person_each_time() {
    let lost = || Some(Failure::unknown_outcome("commit-lost", "lost"));
    let (connector, writes) = keyless(vec![lost(), lost()]);
    let nobody_knows = |answer: Result<PostResult, Failure>, says: &str| {
        let failure = answer.unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Invalid, "nobody-knows"));
        assert!(failure.message.contains(says), "{}", failure.message);
    };
    nobody_knows(connector.post(&context(), &posting()), "[plugin.settings] post: lost");
    nobody_knows(connector.post(&context(), &posting()), "no known end");
    assert_eq!(connector.by_key(&context(), "p-1").unwrap_err().code, "nobody-knows");
    assert_eq!(writes.get(), 1, "nothing is written again by itself");
    nobody_knows(connector.post(&context(), &decided("1")), "lost");
    nobody_knows(connector.post(&context(), &decided("1")), "no known end");
    assert_eq!(writes.get(), 2, "a decision writes once");
    assert_eq!(connector.post(&context(), &decided("2")).unwrap().outcome, Posted::Written);
    assert_eq!(writes.get(), 3);
}

#[test]
fn what_is_bound_to_a_posting_and_to_its_reversal() {
    let seen: Rc<RefCell<Vec<Sql>>> = Rc::default();
    let (writes, there) = (seen.clone(), Rc::new(Cell::new(false)));
    let is_there = there.clone();
    install(
        Services::new(SETTINGS)
            .query(move |_| {
                Ok(rows(&["ref"], if is_there.take() { vec![vec![Value::Null]] } else { vec![] }))
            })
            .transact(move |(_, statements)| {
                writes.borrow_mut().extend(statements);
                there.set(true);
                Ok(vec![1, 1])
            }),
    );
    let connector = SqlConnector::open().unwrap();
    connector.post(&context(), &posting()).unwrap();
    connector.reverse(&context(), "p-0", &posting()).unwrap();
    let bound = |at: usize| -> Vec<(String, Value)> {
        seen.borrow()[at].params.iter().map(|param| (param.name.clone(), param.value.clone())).collect()
    };
    let day = Value::Date(Date { year: 2026, month: 3, day: 4 });
    let amount = ("amount".to_owned(), Value::Decimal("12.50".into()));
    assert_eq!(bound(0), [("key".to_owned(), text("p-1")), amount.clone(), ("received".into(), day)]);
    assert_eq!(
        bound(1),
        [("amount_minor".to_owned(), Value::Integer(1250)), ("statement".into(), text("1001"))]
    );
    assert_eq!(bound(2), [("key".to_owned(), text("p-1")), ("original_key".into(), text("p-0")), amount]);
    assert_eq!((seen.borrow()[0].expect_rows, seen.borrow()[1].expect_rows), (None, Some(1)));
    let euro = Posting { amount: Money { amount_minor: 1, currency: "EUR".into() }, ..posting() };
    assert_eq!(connector.post(&context(), &euro).unwrap_err().code, "currency");
}

#[test]
fn wrong_settings_are_named() {
    let check = |settings: &str, part: &str| {
        install(Services::new(settings));
        let failure = SqlConnector::open().err().unwrap();
        assert!(failure.message.contains(part), "{settings}: {}", failure.message);
    };
    let with = |more: &str| format!(r#"{{"connection":"m","currency":"USD",{more}}}"#);
    check(r#"{"connection":"m","currency":"DOLLARS"}"#, "DOLLARS");
    check(&with(r#""serch":{}"#), "serch");
    check(&with(r#""open_since":"SELECT :cursor""#), "needs cursor_start");
    check(&with(r#""post":["INSERT :key"]"#), "need find");
    check(&with(r#""find":"SELECT :key","keyless":true"#), "take one of them out");
    check(&with(r#""find":"SELECT :key","post":["INSERT :amount"]"#), "post writes :key nowhere");
    check(
        &with(r#""find":"SELECT :key","post":["INSERT :key, :original_key"]"#),
        "post has the parameter :original_key",
    );
    check(
        &with(r#""balance":"SELECT :matter""#),
        "balance has the parameter :matter; it can have :statement",
    );
    check(
        &with(r#""search":{"name":"SELECT :txt"}"#),
        "[plugin.settings.search] name has the parameter :txt",
    );
    check(&with(r#""find":"SELECT 1""#), "[plugin.settings] find names :key nowhere");
    check(
        &with(r#""open_since":"SELECT :cursor LIMIT 100","cursor_start":0"#),
        "[plugin.settings] open_since names :limit nowhere: a page of another size would be taken for the last one",
    );
    check(
        &with(r#""open_since":"SELECT TOP (:limit) 1","cursor_start":0"#),
        "[plugin.settings] open_since names :cursor nowhere",
    );
    check(
        &with(r#""receipts":"SELECT TOP 100 1 WHERE 1 > :cursor""#),
        "[plugin.settings] receipts names :limit nowhere",
    );
    check(&with(r#""search":{"name":"SELECT 1"}"#), "[plugin.settings.search] name names :text nowhere");
}

#[test]
fn tells_what_was_posted_page_by_page() {
    let columns = ["key", "statement", "amount", "currency", "received", "external_ref", "cursor"];
    let row = |number: i64, amount: &str| {
        let amount = Value::Decimal(amount.into());
        vec![
            text("p-1 "),
            text("1001"),
            amount,
            Value::Null,
            text("2026-03-04"),
            Value::Integer(17),
            Value::Integer(number),
        ]
    };
    let answer = rows(&columns, vec![row(4, "12.50"), row(9, "-12.50")]);
    let asked = Rc::new(RefCell::new(Vec::new()));
    let noted = asked.clone();
    install(Services::new(RECEIPTS).query(move |(_, statement): (String, Sql)| {
        noted.borrow_mut().push(statement.params[0].value.clone());
        Ok(answer.clone())
    }));
    let connector = SqlConnector::open().unwrap();
    let page = connector.written_since(&context(), None, 2).unwrap();
    assert_eq!(
        (page.receipts[0].key.as_str(), page.receipts[0].external_ref.as_deref()),
        ("p-1", Some("17"))
    );
    assert_eq!(page.receipts[1].amount, Money { amount_minor: -1250, currency: "USD".into() });
    assert_eq!(page.receipts[1].received, Some(Date { year: 2026, month: 3, day: 4 }));
    assert_eq!(page.next.as_deref(), Some("9"));
    assert_eq!(connector.written_since(&context(), Some("9"), 3).unwrap().next, None);
    assert_eq!(*asked.borrow(), [Value::Integer(0), Value::Integer(9)]);
    assert_eq!(connector.written_since(&context(), Some("nine"), 3).unwrap_err().code, "cursor");
    install(Services::new(SETTINGS));
    let failure = SqlConnector::open().unwrap().written_since(&context(), None, 3).unwrap_err();
    assert_eq!(failure.code, "not-configured", "{failure:?}");
}
