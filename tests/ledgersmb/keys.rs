//! What LedgerSMB itself would let pass: the same payment twice, a second reversal, a reversal of nothing, a draft. Each is asked
//! for through the connector alone, and the books are looked at.

use crate::connected;
use crate::schema::Ledger;
use remitd_tests::firm::Firm;
use serde_json::{Value, json};

/// Payers at the same time.
const AT_ONCE: usize = 4;

fn posting(key: &str, invoice: &str, amount_minor: i64) -> Value {
    json!({
        "key": key, "statement": invoice, "matter": "00124192", "client": "00124192",
        "amount": { "amount-minor": amount_minor, "currency": "USD" },
        "received": { "year": 2024, "month": 3, "day": 10 },
        "method": "card", "reference": "pay_1", "payer-name": "Jane O'Roe", "narrative": "A payment", "details": [],
    })
}

/// What became of it, or why nothing did.
fn called(firm: &Firm, export: &str, arguments: &Value) -> Result<String, String> {
    let output = firm.cli(&["plugin", "run", "ledgersmb", export, &arguments.to_string()]);
    if output.status == 0 {
        Ok(output.json()["outcome"].as_str().unwrap().to_owned())
    } else {
        Err(output.stderr)
    }
}

fn post(firm: &Firm, posting: Value) -> Result<String, String> {
    called(firm, "post", &json!({ "posting": posting }))
}

fn reverse(firm: &Firm, original: &str, posting: Value) -> Result<String, String> {
    called(firm, "reverse", &json!({ "original-key": original, "posting": posting }))
}

#[track_caller]
fn refused(result: Result<String, String>, why: &str) {
    let said = result.expect_err("it is refused");
    assert!(said.contains(why), "{said}");
}

#[test]
fn what_it_would_do_twice_is_done_once() {
    let Some(ledger) = Ledger::new() else { return };
    let firm = connected(&ledger);
    firm.cli(&["matter", "test", "--write", "INV-1002"]).expect(0);
    assert_eq!((ledger.open("INV-1002"), ledger.receipts().len()), ("80.50".to_owned(), 2));

    let first = posting("k-1", "INV-1001", 25_000);
    assert_eq!(post(&firm, first.clone()).unwrap(), "written");
    assert_eq!(post(&firm, first).unwrap(), "found");
    assert_eq!(ledger.open("INV-1001"), "1000.00");
    refused(post(&firm, posting("k-2", "INV-1001", 100_001)), "As much as the payment is open");

    let back = |key: &str, amount_minor| posting(key, "INV-1001", amount_minor);
    refused(reverse(&firm, "k-1", back("r-0", 24_999)), "The payment stands as it was posted");
    refused(reverse(&firm, "k-9", back("r-0", 25_000)), "foreign key");
    assert_eq!(reverse(&firm, "k-1", back("r-1", 25_000)).unwrap(), "written");
    assert_eq!(reverse(&firm, "k-1", back("r-1", 25_000)).unwrap(), "found");
    refused(reverse(&firm, "k-1", back("r-2", 25_000)), "unique-violation");
    assert_eq!((ledger.open("INV-1001"), ledger.receipts().len()), ("1250.00".to_owned(), 4));
    assert!(ledger.is_balanced());
}

#[test]
fn what_has_no_place_in_the_books_is_refused() {
    let Some(ledger) = Ledger::new() else { return };
    let firm = connected(&ledger);
    for invoice in ["INV-1004", "INV-9"] {
        refused(post(&firm, posting("k-1", invoice, 100)), "The invoice is there, approved");
    }
    let mut elsewhere = posting("k-1", "INV-1001", 100);
    elsewhere["details"] = json!([{ "name": "bank-account", "value": "9999" }]);
    refused(post(&firm, elsewhere), "the cash account there");
    ledger.ask("SELECT eoy_create_checkpoint('2024-02-28')");
    let mut late = posting("k-1", "INV-1001", 100);
    late["received"]["month"] = 2.into();
    refused(post(&firm, late), "closed period");
    assert_eq!((ledger.open("INV-1001"), ledger.receipts().len()), ("1250.00".to_owned(), 0));
    assert_eq!(ledger.ask("SELECT count(*) FROM remitd_posting"), "0");
}

/// remitd's login may not make tables: who may, runs what is shown.
#[test]
fn its_table_is_made_by_whoever_may() {
    let Some(ledger) = Ledger::new() else { return };
    let firm = connected(&ledger);
    let prepare = |more: &[&str]| firm.cli(&[&["matter", "prepare", "--table", "posted"], more].concat());
    let refused = prepare(&["--yes"]).expect(2);
    for said in ["permission denied", "--dry-run", "GRANT SELECT, INSERT, UPDATE ON posted"] {
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
    ledger.ask(&prepare(&["--dry-run"]).expect(0).stdout);
    ledger.ask("GRANT SELECT, INSERT, UPDATE ON posted TO PUBLIC");
    let there = prepare(&[]).expect(0);
    assert!(there.stderr.contains("the table posted is there"), "{there:?}");
}

/// Each would be right alone: two thirds of what is open. The first to come as far as its lines waits for all the others.
#[test]
fn payments_at_the_same_time_do_not_pay_too_much() {
    let Some(ledger) = Ledger::new() else { return };
    let firm = connected(&ledger);
    ledger.ask(&format!(
        "CREATE SEQUENCE all_are_there;
         CREATE FUNCTION wait_for_all() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
           WHILE NOT (SELECT is_called FROM all_are_there) LOOP
             PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
             PERFORM nextval('all_are_there') WHERE {AT_ONCE} = (SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND backend_xid IS NOT NULL);
           END LOOP;
           RETURN new;
         END $$;
         CREATE TRIGGER all_together BEFORE INSERT ON acc_trans FOR EACH ROW EXECUTE FUNCTION wait_for_all()"
    ));
    let written = std::thread::scope(|scope| {
        let firm = &firm;
        let pay = |n: usize| scope.spawn(move || post(firm, posting(&format!("k-{n}"), "INV-1001", 80_000)));
        let paying: Vec<_> = (0..AT_ONCE).map(pay).collect();
        let ends = paying.into_iter().map(|one| one.join().unwrap());
        ends.filter(|end| end.as_ref().is_ok_and(|outcome| outcome == "written")).count()
    });
    assert_eq!((written, ledger.open("INV-1001")), (1, "450.00".to_owned()));
    assert!(ledger.is_balanced());
}
