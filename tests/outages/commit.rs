//! The connection to the matter database is cut around COMMIT, or the server falls silent in the middle of an answer: the posting
//! ends written exactly once, by its key, and says in between what is known.

use crate::{BIN, GOOD_CARD, ask_for, placed, receipts, settle_down};
use remitd_tests::firm::Firm;
use remitd_tests::matters::Matters;
use remitd_tests::wire::{Fault, Wire};
use remitd_tests::{mariadb, payer, postgres};

struct Case {
    /// Which message of the posting's meets the fault: one that holds this word.
    word: &'static str,
    fault: Fault,
    /// What the posting says while it waits; nothing where it is written all the same.
    code: Option<&'static str>,
    /// And the name of the statement that it was about.
    names: &'static str,
}

const fn case(word: &'static str, fault: Fault, code: &'static str, names: &'static str) -> Case {
    Case { word, fault, code: Some(code), names }
}

/// Bound values that one statement alone has, beside the word that ends it all: the statement's number is in what asks for the
/// balance, the key in what looks for it, the payment's method in what writes.
const CASES: [Case; 7] = [
    case("COMMIT", Fault::Unsaid, "commit-lost", "post: "),
    case("COMMIT", Fault::Unheard, "commit-lost", "post: "),
    Case { word: "COMMIT", fault: Fault::Heard, code: None, names: "" },
    case("COMMIT", Fault::Silent, "commit-lost", "post: "),
    case("B-3", Fault::Silent, "balance-timeout", "balance: "),
    case("remitd-", Fault::Silent, "timeout", "find: "),
    case("card", Fault::Silent, "timeout", "post: "),
];
const AMOUNT: &str = "100.00";

#[test]
fn cut_and_silent_on_postgres() {
    each_case(&Matters::Postgres(postgres::Server::start(postgres::Fsync::Off)));
}

#[test]
fn cut_and_silent_on_mariadb() {
    each_case(&Matters::MariaDb(mariadb::Server::start()));
}

fn each_case(matters: &Matters) {
    let mut firm = Firm::new(BIN, None);
    matters.connect(&mut firm);
    firm.change("[[sql]]\n", "[[sql]]\nstatement_timeout = \"1s\"\n");
    let wire = matters.wire(&firm);
    firm.start();
    for (at, case) in CASES.iter().enumerate() {
        one(&firm, matters, &wire, case, at + 1);
    }
    taken_back(&firm, matters, &wire, CASES.len() + 1);
    firm.stop();
}

/// What takes a payment back is written once too.
fn taken_back(firm: &Firm, matters: &Matters, wire: &Wire, nth: usize) {
    let link = ask_for(firm, "B-3", AMOUNT);
    let checkout = firm.provider.run(payer::begin(&link, None));
    assert_eq!(firm.provider.run(payer::submit(&checkout.url, GOOD_CARD, None)).status, 200);
    settle_down(firm, i64::try_from(nth).unwrap());
    wire.arm("COMMIT", Fault::Unheard);
    firm.provider.refund(&firm.provider.payment_at(&checkout.url), 10_000);
    wire.fired(nth);
    let said = firm.until("the reversal says what is known", &["posting", "list"], |list| {
        list[0]["kind"] == "reversal" && list[0]["code"] == "commit-lost"
    });
    placed(firm, &said[0], "reverse");
    let written = "SELECT count(*) FROM receipt WHERE amount = -100";
    assert_eq!(matters.ask(firm, written), "1", "the server has done it");
    wire.let_go();
    firm.books("the reversal is posted", |books| books["unposted"] == 0);
    assert_eq!(firm.ask(&["posting", "list"])[0]["state"], "posted");
    assert_eq!(matters.ask(firm, written), "1");
    assert_eq!(receipts(firm, matters), nth + 1, "nothing else came");
}

fn one(firm: &Firm, matters: &Matters, wire: &Wire, case: &Case, nth: usize) {
    let link = ask_for(firm, "B-3", AMOUNT);
    // The payer's click asks for the balance too, before the fault is armed.
    let checkout = firm.provider.run(payer::begin(&link, None));
    wire.arm(case.word, case.fault);
    assert_eq!(firm.provider.run(payer::submit(&checkout.url, GOOD_CARD, None)).status, 200);
    wire.fired(nth);
    if let Some(code) = case.code {
        let said = firm.until("the posting says what is known", &["posting", "list"], |list| {
            list[0]["state"] == "queued" && list[0]["code"] == code
        });
        let error = said[0]["error"].as_str().unwrap();
        let names = format!("[plugin.settings] {}", case.names);
        assert!(error.starts_with(&names), "{:?}: {error}", case.fault);
        placed(firm, &said[0], case.names.trim_end_matches(": "));
        // It goes on by itself.
        firm.cli(&["status"]).expect(0);
        let written = if case.fault == Fault::Unheard || silent_commit(case) { nth } else { nth - 1 };
        assert_eq!(receipts(firm, matters), written, "{} {:?}", case.word, case.fault);
        wire.let_go();
    }
    settle_down(firm, i64::try_from(nth).unwrap());
    assert_eq!(receipts(firm, matters), nth, "{} {:?}: written once", case.word, case.fault);
    let keys = matters.ask(firm, "SELECT count(DISTINCT r.key) FROM receipt r");
    assert_eq!(keys, nth.to_string());
    let posted = firm.ask(&["posting", "list"]);
    assert_eq!(posted[0]["state"], "posted", "{posted}");
    let reference = matters.ask(firm, "SELECT max(r.id) FROM receipt r");
    assert_eq!(posted[0]["reference"], reference.as_str(), "the receipt's own number");
}

/// The server has done what it was told, half of its answer is all that came back.
fn silent_commit(case: &Case) -> bool {
    case.word == "COMMIT" && case.fault == Fault::Silent
}
