//! LedgerSMB's own database, mapped by the preset alone: invoices are asked for, paid and posted through LedgerSMB's
//! procedures, and its own reports are the judge of what stands in its books afterwards.

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "ledgersmb/keys.rs"]
mod keys;
#[path = "ledgersmb/schema.rs"]
mod schema;

use remitd_tests::firm::{Firm, dollars};
use remitd_tests::payer;
use schema::Ledger;
use serde_json::Value;

const PRESET: &str = include_str!("../config/presets/ledgersmb.toml");
const GOOD_CARD: &str = "4242424242424242";
/// A bank account whose payment succeeds, and is returned afterwards.
const RETURNED_ACCOUNT: &str = "000111111116";

/// A firm whose matter software it is.
fn connected(ledger: &Ledger) -> Firm {
    let firm = Firm::new(env!("CARGO_BIN_EXE_remitd"), None);
    firm.add("ledgersmb", &PRESET.replace("postgres://remitd@localhost/firm", &ledger.url()));
    firm
}

/// Asks for every open invoice; the links with the invoices' numbers.
fn pushed(firm: &Firm) -> Vec<(String, String)> {
    let push = firm.ask(&["matter", "push"]);
    assert_eq!(
        (&push[0]["ok"], &push[0]["skipped"][0]["statement"]),
        (&3.into(), &"INV-1005".into()),
        "{push}"
    );
    let requests = firm.ask(&["request", "list"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let links = requests.as_array().unwrap().iter();
    links.map(|request| (text(&request["invoice"]), text(&request["link"]))).collect()
}

fn link_of(links: &[(String, String)], invoice: &str) -> String {
    links.iter().find(|(number, _)| number == invoice).unwrap().1.clone()
}

#[test]
fn invoices_are_asked_for_paid_and_posted() {
    let Some(ledger) = Ledger::new() else { return };
    let mut firm = connected(&ledger);
    firm.cli(&["check"]).expect(0);
    firm.cli(&["matter", "test"]).expect(0);
    assert_eq!(firm.ask(&["matter", "search", "meridian"])[0]["number"], "00124193");
    assert_eq!(firm.ask(&["matter", "show", "00124192"])[1]["number"], "INV-1002");
    firm.start();
    for (_, link) in pushed(&firm) {
        assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    }
    let books = firm.books("all is posted", |books| books["postings"] == 3 && books["unposted"] == 0);
    assert_eq!(dollars(&books["posted"]), 125_000 + 8_050 + 9_999_999, "{books}");

    let receipts =
        ["Harbor Freight & Sons|80.50", "Harbor Freight & Sons|1250.00", "Meridian Bakery|99999.99"];
    assert_eq!(ledger.receipts(), receipts);
    assert_eq!(["INV-1001", "INV-1002", "INV-1003"].map(|invoice| ledger.open(invoice)), ["0.00"; 3]);
    assert_eq!(ledger.open("INV-1005"), "45.00", "it is on hold: nobody was asked");
    assert!(ledger.is_balanced());
    firm.cli(&["reconcile"]).expect(0);
    assert_eq!(firm.ask(&["matter", "push"])[0]["rows"], 0, "nobody owes anything any more");
    // A person takes a receipt back in LedgerSMB itself.
    ledger.ask("SELECT payment__reverse(t.source, t.transdate, a.entity_credit_account, '1060', CURRENT_DATE, 2, NULL, NULL, 1, 'USD')
                FROM ar a JOIN acc_trans t ON t.trans_id = a.id AND t.source LIKE 'remitd-%' JOIN account c ON c.id = t.chart_id
                WHERE a.invnumber = 'INV-1001' AND c.accno = '1060'");
    let found = firm.cli(&["reconcile"]).expect(1);
    assert!(found.stdout.contains("0.00 USD for INV-1001"), "{found:?}");
    firm.stop();
}

/// One client's open invoices come from LedgerSMB's procedure, all open ones from its tables: both are what its report says.
#[test]
fn what_is_open_is_what_its_report_says() {
    let Some(ledger) = Ledger::new() else { return };
    let firm = connected(&ledger);
    // A discount for early payers, a part paid, a credit note, an invoice in another currency.
    ledger.ask(
        "UPDATE entity_credit_account SET discount = 2, discount_terms = 31 WHERE meta_number = '00124192'",
    );
    ledger.ask(&cheque("0.51"));
    ledger.ask(
        "WITH invoice AS (
           INSERT INTO ar (invnumber, transdate, duedate, amount, netamount, curr, approved, entity_credit_account)
           SELECT number, '2024-03-02', '2024-04-01', owed, owed, more.curr, true, id
           FROM entity_credit_account, (VALUES ('INV-1006', -20.00, 'USD'), ('INV-1007', 70.07, 'EUR')) AS more (number, owed, curr)
           WHERE meta_number = '00124192'
           RETURNING id, amount)
         INSERT INTO acc_trans (trans_id, chart_id, amount, transdate, approved)
         SELECT invoice.id, account.id, line.sign * invoice.amount, '2024-03-02', true
         FROM invoice, (VALUES ('1200', -1), ('4010', 1)) AS line (accno, sign) JOIN account USING (accno)",
    );
    assert_eq!(ledger.open("INV-1001"), "1225.00", "its procedure takes the discount off");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let shown = |client: &str| -> Vec<String> {
        let listed = firm.ask(&["matter", "show", client]);
        listed
            .as_array()
            .unwrap()
            .iter()
            .map(|one| text(&one["number"]) + "|" + &text(&one["open"]))
            .collect()
    };
    assert_eq!(shown("00124192"), ["INV-1001|1250.00", "INV-1002|79.99"]);
    assert_eq!(shown("00124192"), ledger.owed("00124192"));
    assert_eq!(shown("00124193"), ["INV-1003|99999.99", "INV-1005|45.00"]);
    assert_eq!(shown("00124193"), ledger.owed("00124193"));
    let pushed = firm.ask(&["matter", "push", "--dry-run"]);
    let wanted: Vec<String> =
        pushed[0]["wanted"].as_array().unwrap().iter().map(|one| text(&one["amount"])).collect();
    assert_eq!(wanted, ["1,250.00 USD", "79.99 USD", "99,999.99 USD"]);
    // What is open of each alone, too.
    firm.cli(&["matter", "test"]).expect(0);
}

#[test]
fn a_returned_payment_is_taken_back_once() {
    let Some(ledger) = Ledger::new() else { return };
    let mut firm = connected(&ledger);
    firm.start();
    let links = pushed(&firm);
    firm.pay(&link_of(&links, "INV-1001"), RETURNED_ACCOUNT);
    firm.books("it is on its way", |books| books["processing"] != 0);
    assert_eq!(firm.provider.settle(), 1);
    firm.books("it is posted", |books| books["postings"] == 1 && books["unposted"] == 0);
    assert_eq!((ledger.open("INV-1001"), ledger.receipts().len()), ("0.00".to_owned(), 1));

    assert_eq!(firm.provider.settle(), 1);
    firm.books("it is taken back", |books| books["postings"] == 2 && books["unposted"] == 0);
    assert_eq!(ledger.open("INV-1001"), "1250.00");
    assert_eq!(ledger.receipts(), ["Harbor Freight & Sons|-1250.00", "Harbor Freight & Sons|1250.00"]);
    assert!(ledger.is_balanced());
    firm.cli(&["reconcile"]).expect(0);
    firm.stop();
}

/// Until the one posting waits for a person, for this reason.
fn waits(firm: &Firm, why: &str) {
    firm.until(why, &["posting", "list", "--view", "incomplete"], |list| {
        list[0]["error"].as_str().is_some_and(|error| error.contains(why))
    });
}

/// A person enters a cheque for INV-1002 by hand.
fn cheque(amount: &str) -> String {
    format!(
        "SELECT payment_post(CURRENT_DATE, 2, entity_credit_account, 'USD', 'a cheque', NULL,
           (SELECT ARRAY[id] FROM account WHERE accno = '1060'), ARRAY[{amount}], ARRAY[true], ARRAY['cheque 7'], ARRAY[''],
           ARRAY[id], NULL, NULL, NULL, NULL, NULL, NULL, true) FROM ar WHERE invnumber = 'INV-1002'"
    )
}

/// A person enters a cheque by hand while the payer is at the checkout: LedgerSMB would take both.
#[test]
fn an_over_payment_waits_for_a_person_with_its_reason() {
    let Some(ledger) = Ledger::new() else { return };
    let mut firm = connected(&ledger);
    firm.start();
    let links = pushed(&firm);
    let checkout = firm.provider.run(payer::begin(&link_of(&links, "INV-1002"), None));
    ledger.ask(&cheque("0.51"));
    assert_eq!(firm.provider.run(payer::submit(&checkout.url, GOOD_CARD, None)).status, 200);
    waits(&firm, "79.99 USD of INV-1002 is open in the matter software, the payment is of 80.50 USD");
    // Who tries it again decides for remitd, not for LedgerSMB's books.
    firm.cli(&["posting", "retry", "1"]).expect(0);
    waits(&firm, "As much as the payment is open");
    assert_eq!((ledger.open("INV-1002"), ledger.receipts().len()), ("79.99".to_owned(), 1));
    assert_eq!(ledger.ask("SELECT count(*) FROM remitd_posting"), "0");

    // The cheque bounces: there is room for the payment.
    ledger.ask("SELECT payment__reverse('cheque 7', CURRENT_DATE, entity_credit_account, '1060', CURRENT_DATE, 2, NULL, NULL, 1, 'USD')
                FROM ar WHERE invnumber = 'INV-1002'");
    firm.cli(&["posting", "retry", "1"]).expect(0);
    firm.books("it is posted", |books| books["postings"] == 1 && books["unposted"] == 0);
    assert_eq!(ledger.open("INV-1002"), "0.00");
    assert!(ledger.is_balanced());
    firm.stop();
}
