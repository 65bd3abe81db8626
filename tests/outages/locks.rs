//! Somebody at the firm holds the matter's row, or meets the posting in a deadlock: the posting waits, says why and in which
//! statement, and is written once when the row is free. Where they held it to enter the very payment, a person decides.

use crate::{BIN, GOOD_CARD, ask_for, placed, settle_down};
use remitd_tests::firm::Firm;
use remitd_tests::matters::Matters;
use remitd_tests::session::Session;
use remitd_tests::{mariadb, postgres};

const HOLD: &str = "BEGIN; SELECT number FROM bill WHERE number = 'B-1' FOR UPDATE;";
const HOLD_FILE: &str = "BEGIN IMMEDIATE;";

#[test]
fn a_held_row_on_sqlite() {
    held(&Matters::Sqlite, HOLD_FILE, free);
    held(&Matters::Sqlite, HOLD_FILE, paid_by_hand);
    held(&Matters::Sqlite, HOLD_FILE, taken_back);
    held(&Matters::Sqlite, HOLD_FILE, given_back);
}

#[test]
fn a_held_row_on_postgres() {
    let matters = Matters::Postgres(postgres::Server::start(postgres::Fsync::Off));
    held(&matters, HOLD, free);
    held(&matters, HOLD, paid_by_hand);
    held(&matters, HOLD, taken_back);
}

#[test]
fn a_held_row_on_mariadb() {
    let matters = Matters::MariaDb(mariadb::Server::start());
    held(&matters, HOLD, free);
    held(&matters, HOLD, paid_by_hand);
    held(&matters, HOLD, taken_back);
}

fn held(matters: &Matters, hold: &str, ends: fn(&Firm, &Matters, &mut Session)) {
    let mut firm = Firm::new(BIN, None);
    matters.connect(&mut firm);
    if matters.is_server() {
        firm.change("[[sql]]\n", "[[sql]]\nstatement_timeout = \"2s\"\n");
    }
    firm.start();
    let link = ask_for(&firm, "B-1", "1250.00");
    let mut clerk = matters.session(&firm);
    clerk.run(hold);
    assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    waits(&firm, "post: database \"matters\": ", "post");
    ends(&firm, matters, &mut clerk);
    firm.stop();
}

fn free(firm: &Firm, matters: &Matters, clerk: &mut Session) {
    clerk.run("ROLLBACK;");
    written_once(firm, matters);
}

/// What nobody wrote yet is held against the balance once more, however often it was tried.
fn paid_by_hand(firm: &Firm, matters: &Matters, clerk: &mut Session) {
    clerk.run(
        "INSERT INTO receipt VALUES (900, 'by hand', 'B-1', 1250.00, '2026-11-20', 'cheque', '77'); COMMIT;",
    );
    let said = firm.until("the posting waits for a person", &["posting", "list"], |list| {
        list[0]["state"] == "incomplete"
    });
    assert_eq!(said[0]["code"], "over-payment", "{said}");
    assert_eq!(matters.ask(firm, "SELECT reference FROM receipt"), "77", "the clerk's alone");
}

/// A person need not wait for the clerk: the posting is split anew, a part of it is removed, and what is left goes out.
fn taken_back(firm: &Firm, matters: &Matters, clerk: &mut Session) {
    let parts = firm.ask(&["posting", "reallocate", "1", "--to", "B-1=1000", "--to", "B-2=250"]);
    let told: Vec<_> =
        parts.as_array().unwrap().iter().map(|part| (&part["statement"], &part["state"])).collect();
    assert_eq!(told, [(&"B-1".into(), &"pending".into()), (&"B-2".into(), &"pending".into())]);
    firm.ask(&["posting", "post", "1", "2"]);
    firm.until("the first part waits for the clerk", &["posting", "list"], |list| {
        list.as_array().unwrap().iter().any(|part| part["id"] == 1 && part["code"] == "locked")
    });
    assert_eq!(firm.ask(&["posting", "remove", "1"])[0]["state"], "removed");
    clerk.run("ROLLBACK;");
    firm.books("the other part is posted", |books| books["unposted"] == 0);
    assert_eq!(matters.ask(firm, "SELECT bill FROM receipt"), "B-2");
}

/// Whose money has gone back meanwhile is not split anew: what is written is taken back as a whole.
fn given_back(firm: &Firm, matters: &Matters, clerk: &mut Session) {
    let request = firm.ask(&["request", "list"])[0]["id"].to_string();
    let shown = firm.ask(&["request", "show", &request]);
    firm.provider.refund(shown["payments"][0]["reference"].as_str().unwrap(), 125_000);
    firm.until("its reversal waits for it", &["posting", "list"], |list| list.as_array().unwrap().len() == 2);
    let refused = firm.cli(&["posting", "reallocate", "1", "--to", "B-1=1000", "--to", "B-2=250"]);
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("money of posting 1 went back"), "{refused:?}");
    clerk.run("ROLLBACK;");
    firm.books("both are posted", |books| books["unposted"] == 0 && books["postings"] == 2);
    assert_eq!(matters.ask(firm, "SELECT count(*) FROM receipt WHERE bill = 'B-1'"), "2");
    assert_eq!(matters.ask(firm, "SELECT count(*) FROM balance WHERE number = 'B-1' AND open = 1250"), "1");
}

#[test]
fn a_deadlock_on_postgres() {
    let matters = Matters::Postgres(postgres::Server::start(postgres::Fsync::Off));
    let firm = in_two_statements(&matters);
    // Whoever looks first gives way: the posting looks after five seconds, the clerk in ten minutes.
    let patient = "ALTER DATABASE %I SET deadlock_timeout = ''5s''";
    matters.ask(&firm, &format!("DO $$ BEGIN EXECUTE format('{patient}', current_database()); END $$"));
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    deadlock(firm, &matters, "SET deadlock_timeout = '10min';", waiting);
}

#[test]
fn a_deadlock_on_mariadb() {
    let matters = Matters::MariaDb(mariadb::Server::start());
    let firm = in_two_statements(&matters);
    // Whoever has changed less gives way.
    matters.ask(&firm, "CREATE TABLE work (n INT PRIMARY KEY) ENGINE InnoDB");
    let waiting = "SELECT count(*) FROM information_schema.innodb_lock_waits";
    deadlock(firm, &matters, "", waiting);
}

/// The posting changes a second bill after it has written its receipt.
fn in_two_statements(matters: &Matters) -> Firm {
    let mut firm = Firm::new(BIN, None);
    matters.connect(&mut firm);
    firm.change(
        ":reference)\"\"\"]\nreverse",
        ":reference)\"\"\",\n  \"UPDATE bill SET client = 'seen' WHERE number = 'B-3'\"]\nreverse",
    );
    firm
}

/// The clerk holds B-3 and wants B-1, the posting holds B-1 and wants B-3.
fn deadlock(mut firm: Firm, matters: &Matters, first: &str, waiting: &str) {
    firm.start();
    let link = ask_for(&firm, "B-1", "1250.00");
    let mut clerk = matters.session(&firm);
    let much = match matters {
        Matters::MariaDb(_) => "INSERT INTO work SELECT seq FROM seq_1_to_1000;",
        _ => "",
    };
    clerk.run(&format!("{first} BEGIN; {much} UPDATE bill SET client = 'held' WHERE number = 'B-3';"));
    assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    firm.until("the posting waits for the clerk", &["status"], |_| matters.ask(&firm, waiting) == "1");
    clerk.run("SELECT number FROM bill WHERE number = 'B-1' FOR UPDATE;");
    waits(&firm, "post: database \"matters\": ", "  \"UPDATE bill");
    let error = firm.ask(&["posting", "list"])[0]["error"].clone();
    let error = error.as_str().unwrap().to_lowercase();
    assert!(error.contains("deadlock") && error.contains("in statement 2: update bill"), "{error}");
    clerk.run("COMMIT;");
    written_once(&firm, matters);
    assert_eq!(matters.ask(&firm, "SELECT client FROM bill WHERE number = 'B-3'"), "seen");
    firm.stop();
}

/// Queued, locked, and tried again by itself.
fn waits(firm: &Firm, begins: &str, stands: &str) {
    let said = firm.until("the posting says that it is locked", &["posting", "list"], |list| {
        list[0]["state"] == "queued" && list[0]["code"] == "locked"
    });
    let error = said[0]["error"].as_str().unwrap();
    assert!(error.starts_with(&format!("[plugin.settings] {begins}")), "{error}");
    placed(firm, &said[0], stands);
    firm.cli(&["status"]).expect(0);
}

fn written_once(firm: &Firm, matters: &Matters) {
    settle_down(firm, 1);
    let receipts = matters.ask(firm, "SELECT count(*) FROM receipt");
    assert_eq!(receipts, "1");
}
