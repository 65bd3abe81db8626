//! A matter database that has no place for a key: what an attempt has left there cannot be asked. Where that is not noted either, a
//! person looks; nothing is written twice.

use crate::{BIN, GOOD_CARD, ask_for, receipts, settle_down};
use remitd_tests::firm::Firm;
use remitd_tests::matters::Matters;
use remitd_tests::wire::{Fault, Wire};
use remitd_tests::{payer, postgres};

const AMOUNT: &str = "100.00";

fn keyless(matters: &Matters) -> Firm {
    let mut firm = Firm::new(BIN, None);
    matters.connect(&mut firm);
    firm.change("find = 'SELECT id AS ref FROM receipt WHERE \"key\" = :key'", "keyless = true");
    firm.change(
        "VALUES (:key, :statement, :amount, :received, :method, :reference)\"\"\"]\nreverse",
        "VALUES (:reference, :statement, :amount, :received, :method, :reference)\"\"\"]\nreverse",
    );
    firm.cli(&["check"]).expect(0);
    firm
}

/// What is noted as written is not written again, whatever the daemon came to hear of it.
#[test]
fn the_daemon_dies_after_it_is_written() {
    let matters = Matters::Sqlite;
    let mut firm = keyless(&matters);
    firm.start_with(&[("REMITD_FAULT", "post.written:1")]);
    let link = ask_for(&firm, "B-3", AMOUNT);
    let checkout = firm.provider.run(payer::begin(&link, None));
    assert_eq!(firm.provider.run(payer::submit_and_leave(&checkout.url, GOOD_CARD)).status, 303);
    assert!(!firm.take_daemon().ended().success(), "it ended well");
    assert_eq!(receipts(&firm, &matters), 1);
    assert_eq!(firm.ask(&["posting", "list"])[0]["state"], "queued", "it has noted nothing itself");
    firm.start();
    settle_down(&firm, 1);
    assert_eq!(firm.ask(&["posting", "list"])[0]["state"], "posted");
    assert_eq!(receipts(&firm, &matters), 1);
    firm.stop();
}

/// Between the server's COMMIT and the note nobody knows.
#[test]
fn the_daemon_dies_before_it_hears_that_it_is_written() {
    let matters = Matters::Postgres(postgres::Server::start(postgres::Fsync::Off));
    let mut firm = keyless(&matters);
    let wire = matters.wire(&firm);
    firm.start();
    let link = ask_for(&firm, "B-3", AMOUNT);
    let checkout = firm.provider.run(payer::begin(&link, None));
    wire.arm("COMMIT", Fault::Silent);
    assert_eq!(firm.provider.run(payer::submit(&checkout.url, GOOD_CARD, None)).status, 200);
    wire.fired(1);
    firm.kill();
    wire.let_go();
    assert_eq!(receipts(&firm, &matters), 1);
    firm.start();
    let said = firm.until("it waits for a person", &["posting", "list", "--view", "incomplete"], |list| {
        list.as_array().is_some_and(|list| list.len() == 1)
    });
    assert_eq!(said[0]["code"], "nobody-knows", "{said}");
    firm.cli(&["posting", "written", "1"]).expect(0);
    settle_down(&firm, 1);
    assert_eq!(receipts(&firm, &matters), 1);
    firm.stop();
}

/// A person looks whether it is written, and what they decide is done once.
#[test]
fn a_person_decides_where_there_is_no_key() {
    let matters = Matters::Postgres(postgres::Server::start(postgres::Fsync::Off));
    let mut firm = keyless(&matters);
    let wire = matters.wire(&firm);
    firm.start();
    for (nth, fault, written, action) in [(1, Fault::Unheard, 1, "written"), (2, Fault::Unsaid, 1, "retry")] {
        let link = ask_for(&firm, "B-3", AMOUNT);
        let checkout = firm.provider.run(payer::begin(&link, None));
        wire.arm("COMMIT", fault);
        assert_eq!(firm.provider.run(payer::submit(&checkout.url, GOOD_CARD, None)).status, 200);
        wire.fired(nth);
        let said =
            firm.until("it waits for a person", &["posting", "list", "--view", "incomplete"], |list| {
                list.as_array().is_some_and(|list| list.len() == 1)
            });
        assert_eq!(said[0]["code"], "nobody-knows", "{said}");
        assert_eq!(receipts(&firm, &matters), written, "{fault:?}");
        wire.let_go();
        firm.cli(&["posting", action, &nth.to_string()]).expect(0);
    }
    firm.books("nothing waits", |books| books["unposted"] == 0);
    assert_eq!(receipts(&firm, &matters), 2);
    // The money goes back before anybody has looked: the reversal waits for what they say.
    let link = ask_for(&firm, "B-3", AMOUNT);
    let checkout = firm.provider.run(payer::begin(&link, None));
    wire.arm("COMMIT", Fault::Unheard);
    assert_eq!(firm.provider.run(payer::submit(&checkout.url, GOOD_CARD, None)).status, 200);
    wire.fired(3);
    wire.let_go();
    firm.until("it waits for a person", &["posting", "list", "--view", "incomplete"], |list| {
        list.as_array().is_some_and(|list| list.len() == 1)
    });
    firm.provider.refund(&firm.provider.payment_at(&checkout.url), 10_000);
    firm.until("its reversal waits too", &["posting", "list", "--view", "queued"], |list| {
        list.as_array().is_some_and(|list| list.len() == 1)
    });
    firm.cli(&["posting", "written", "2"]).expect(2);
    let refused = firm.cli(&["posting", "reallocate", "3", "--to", "B-3=40", "--to", "B-1=60"]);
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("nobody knows whether posting 3 is written"), "{refused:?}");
    assert_eq!(firm.ask(&["posting", "written", "3"])[0]["state"], "posted");
    firm.books("both are written", |books| books["unposted"] == 0 && books["postings"] == 4);
    let sum = "SELECT count(*), CAST(sum(amount) AS INTEGER) FROM receipt";
    assert_eq!(matters.ask(&firm, sum), "4|200");
    a_wrong_answer(&firm, &matters, &wire);
    firm.stop();
}

/// Who says that nothing is written while it pays the whole bill is met by the balance, and may think again.
fn a_wrong_answer(firm: &Firm, matters: &Matters, wire: &Wire) {
    let link = ask_for(firm, "B-2", "480.51");
    let checkout = firm.provider.run(payer::begin(&link, None));
    wire.arm("COMMIT", Fault::Unheard);
    assert_eq!(firm.provider.run(payer::submit(&checkout.url, GOOD_CARD, None)).status, 200);
    wire.fired(4);
    wire.let_go();
    let waits = |says: &str| {
        firm.until("it waits for a person", &["posting", "list", "--view", "incomplete"], |list| {
            list[0]["code"] == "nobody-knows" && list[0]["error"].as_str().unwrap().contains(says)
        })
    };
    let id = waits("post: ")[0]["id"].to_string();
    firm.cli(&["posting", "retry", &id]).expect(0);
    waits("0.00 USD of B-2 is open");
    assert_eq!(matters.ask(firm, "SELECT count(*) FROM receipt WHERE bill = 'B-2'"), "1");
    assert_eq!(firm.ask(&["posting", "written", &id])[0]["state"], "posted");
}
