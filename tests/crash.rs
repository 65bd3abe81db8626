//! The daemon is killed with SIGKILL, at every named fail point and at random moments, while files are dropped, bills are
//! pushed, links are paid, cancelled and paid again. Then the books are compared: every row asked for once, mailed once, paid
//! once and posted once, in the provider's count, in remitd's and in the matter database.
//!
//! `make test` kills 24 times on each database; `make crash` 200 times (`REMITD_CRASH_KILLS`), and 100 times while a file of
//! 50,000 rows is taken in (`REMITD_CRASH_IMPORTS`; 4 times with 5,000 rows in `make test`), and 1,000 times on each of SQLite,
//! PostgreSQL and MariaDB while payments are read, written into the matter database and reversed there (`REMITD_CRASH_POSTINGS`; 8 times
//! each in `make test`). The seed of the random moments is printed and can be given (`REMITD_CRASH_SEED`).

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "crash/campaign.rs"]
mod campaign;
#[path = "crash/import.rs"]
mod import;
#[path = "crash/payer.rs"]
mod payer;
#[path = "crash/postings.rs"]
mod postings;

use campaign::Campaign;
use import::Imports;
use postings::Postings;
use remitd_tests::matters::Matters;
use remitd_tests::{mariadb, postgres};
use std::time::Duration;

#[test]
fn killed_on_sqlite() {
    Campaign::new(None).run();
}

#[test]
fn killed_on_postgres() {
    Campaign::new(Some(postgres::shared())).run();
}

#[test]
fn imports_killed_on_sqlite() {
    Imports::new(None).run();
}

#[test]
fn imports_killed_on_postgres() {
    Imports::new(Some(postgres::shared())).run();
}

#[test]
fn postings_killed_on_sqlite() {
    Postings::new(Matters::Sqlite).run();
}

#[test]
fn postings_killed_on_postgres() {
    Postings::new(Matters::Postgres(postgres::Server::start(postgres::Fsync::Off))).run();
}

#[test]
fn postings_killed_on_mariadb() {
    Postings::new(Matters::MariaDb(mariadb::Server::start())).run();
}

#[allow(clippy::disallowed_methods, reason = "a kill comes at a moment, and a dying process sends no event")]
fn wait(long: Duration) {
    std::thread::sleep(long);
}
