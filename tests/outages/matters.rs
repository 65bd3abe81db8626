//! The matter database is away and comes back: postings wait, and are written once.

use crate::{BIN, GOOD_CARD, ask_for, settle_down};
use remitd_tests::firm::Firm;
use remitd_tests::mariadb;
use remitd_tests::postgres::{self, Fsync};

/// A payment comes in while the matter database is away.
fn paid_meanwhile(firm: &Firm, invoice: &str, amount: &str) {
    let link = ask_for(firm, invoice, amount);
    assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    let waits = firm.until("the posting was tried", &["posting", "list", "--view", "queued"], |list| {
        list[0]["error"].is_string()
    });
    assert_eq!(waits[0]["statement"], invoice);
    // It is not for a person to do anything about it.
    firm.cli(&["status"]).expect(0);
    let asked = firm.cli(&["matter", "show", "00124.00001"]);
    assert_eq!(asked.status, 2, "{asked:?}");
    assert!(asked.stderr.contains("matters"), "the message names the connection: {asked:?}");
}

#[test]
fn postings_wait_for_a_sqlite_file() {
    let mut firm = Firm::new(BIN, None);
    firm.add_matters(None);
    let (file, away) = (firm.path("matters.sqlite"), firm.path("matters.away"));
    fs_err::rename(&file, &away).unwrap();
    firm.start();
    paid_meanwhile(&firm, "B-1", "1250.00");
    assert!(!file.exists(), "a database that is away is never made anew");
    fs_err::rename(&away, &file).unwrap();
    settle_down(&firm, 1);
    // Gone under a running daemon.
    fs_err::rename(&file, &away).unwrap();
    let link = ask_for(&firm, "B-2", "480.51");
    assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    firm.books("the payment is in", |books| books["payments"] == 2);
    fs_err::rename(&away, &file).unwrap();
    settle_down(&firm, 2);
    assert_eq!(firm.ask(&["matter", "show", "00124.00001"]), serde_json::json!([]), "both bills are paid");
    firm.stop();
}

#[test]
fn postings_wait_for_a_postgres_server() {
    let server = postgres::Server::start(Fsync::Off);
    let mut firm = Firm::new(BIN, None);
    firm.add_matters(Some(&server));
    postings_wait(firm, server, postgres::Server::stop, postgres::Server::resume);
}

#[test]
fn postings_wait_for_a_mariadb_server() {
    let server = mariadb::Server::start();
    let mut firm = Firm::new(BIN, None);
    firm.add_matters_on_mariadb(&server);
    postings_wait(firm, server, mariadb::Server::stop, mariadb::Server::resume);
}

fn postings_wait<S>(mut firm: Firm, mut server: S, stop: fn(&mut S), resume: fn(&mut S)) {
    firm.start();
    let link = ask_for(&firm, "B-1", "1250.00");
    assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    settle_down(&firm, 1);
    stop(&mut server);
    paid_meanwhile(&firm, "B-2", "480.51");
    resume(&mut server);
    settle_down(&firm, 2);
    assert_eq!(firm.ask(&["matter", "show", "00124.00001"]), serde_json::json!([]), "both bills are paid");
    firm.stop();
}

/// The matter database takes longer for a posting than a lease is long.
#[test]
fn a_long_posting_stays_in_one_hand() {
    let server = postgres::Server::start(Fsync::Off);
    let mut firm = Firm::new(BIN, None);
    firm.add_matters(Some(&server));
    firm.change(
        ":reference)\"\"\"]\nreverse",
        ":reference)\"\"\", \"SELECT count(*) FROM pg_sleep(3)\"]\nreverse",
    );
    firm.add("lease", "[limits]\nlease = \"1s\"\n");
    firm.start();
    let link = ask_for(&firm, "B-1", "1250.00");
    assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    settle_down(&firm, 1);
    let log = firm.log();
    assert!(!log.contains("its lease was lost"), "nobody else took it:\n{log}");
    firm.stop();
}
