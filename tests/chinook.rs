//! A database that nobody here designed goes the whole road by configuration alone: every invoice is asked for, mailed, paid
//! and posted, to the cent. On SQLite as it comes, and its rows on PostgreSQL and on MariaDB: one configuration, one result.

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_tests::firm::{Firm, dollars};
use remitd_tests::{mariadb, payer, postgres};
use std::path::Path;
use std::process::Command;

const DATABASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/chinook/chinook.sqlite");
const PRESET: &str = include_str!("../config/presets/chinook.toml");
const MYSQL_TABLES: &str = include_str!("chinook/mysql.sql");
const POSTGRES_TABLES: &str = include_str!("chinook/postgres.sql");
const INVOICES: i64 = 412;
const TOTAL_MINOR: i64 = 232_860;
const GOOD_CARD: &str = "4242424242424242";
/// Payers at the same time.
const AT_ONCE: usize = 4;

#[test]
fn four_hundred_and_twelve_invoices_on_sqlite() {
    if is_away() {
        return;
    }
    let firm = Firm::new(env!("CARGO_BIN_EXE_remitd"), None);
    let file = firm.path("chinook.sqlite");
    fs_err::copy(DATABASE, &file).unwrap();
    all_are_paid(firm, "sqlite:chinook.sqlite", |sql| sqlite(&file, &[sql]));
}

#[test]
fn four_hundred_and_twelve_invoices_on_mariadb() {
    if is_away() {
        return;
    }
    let server = mariadb::shared();
    let url = server.database("chinook");
    server.ask(&url, &with_rows(MYSQL_TABLES));
    let firm = Firm::new(env!("CARGO_BIN_EXE_remitd"), None);
    all_are_paid(firm, &url, |sql| server.ask(&url, sql).replace('\t', "|"));
}

#[test]
fn four_hundred_and_twelve_invoices_on_postgres() {
    if is_away() {
        return;
    }
    let server = postgres::shared();
    let url = server.database("chinook");
    server.ask(&url, &with_rows(POSTGRES_TABLES));
    let firm = Firm::new(env!("CARGO_BIN_EXE_remitd"), None);
    all_are_paid(firm, &url, |sql| server.ask(&url, sql));
}

/// The tables, then the rows of the file.
fn with_rows(tables: &str) -> String {
    let rows = |table: &str| {
        let all = format!("SELECT * FROM {table}");
        sqlite(Path::new(DATABASE), &["-readonly", "-cmd", &format!(".mode insert {table}"), &all])
    };
    [tables, &rows("Customer"), &rows("Invoice")].join("\n")
}

fn is_away() -> bool {
    let away = !Path::new(DATABASE).exists();
    if away {
        eprintln!("skipped: the Chinook database is not beside this project");
    }
    away
}

/// The whole road of every invoice; `sql` answers a statement with columns parted by bars.
fn all_are_paid(mut firm: Firm, url: &str, sql: impl Fn(&str) -> String) {
    firm.add("chinook", &PRESET.replace("sqlite:chinook.sqlite", url));
    firm.cli(&["matter", "prepare", "--yes"]).expect(0);
    firm.cli(&["check"]).expect(0);
    firm.start();

    let pushed = firm.ask(&["matter", "push"]);
    assert_eq!(pushed[0]["ok"], INVOICES, "{pushed}");
    firm.books("every request is mailed", |books| books["mails"] == INVOICES && books["unmailed"] == 0);
    let links: Vec<String> = firm
        .ask(&["request", "list"])
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["link"].as_str().unwrap().to_owned())
        .collect();
    firm.provider.run(async {
        for some in links
            .chunks(links.len().div_ceil(AT_ONCE))
            .map(<[String]>::to_vec)
            .map(pay_all)
            .collect::<Vec<_>>()
        {
            some.await.unwrap();
        }
    });
    let books = firm.books("every payment is posted", |books| {
        books["postings"] == INVOICES && books["mails"] == 2 * INVOICES && books["unposted"] == 0
    });
    assert_eq!(dollars(&books["paid"]), TOTAL_MINOR, "{books}");
    assert_eq!(dollars(&books["posted"]), TOTAL_MINOR, "{books}");
    assert_eq!(firm.provider.totals().kept_minor, TOTAL_MINOR);
    // SQLite's decimals are floats.
    let receipts =
        sql("SELECT count(*), count(DISTINCT statement), round(sum(amount) * 100) FROM remitd_posting");
    assert_eq!(receipts.trim_end_matches(".0"), format!("412|412|{TOTAL_MINOR}"));

    firm.cli(&["reconcile"]).expect(0);

    // Nobody owes anything any more: a second push asks nobody.
    let again = firm.ask(&["matter", "push"]);
    assert_eq!(
        (&again[0]["rows"], again[0]["skipped"].as_array().unwrap().len()),
        (&0.into(), 412),
        "{again}"
    );
    firm.stop();
}

#[allow(clippy::disallowed_methods, reason = "each is awaited by the caller")]
fn pay_all(links: Vec<String>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        for link in links {
            let visit = payer::pay(&link, GOOD_CARD).await;
            assert_eq!(visit.status, 200, "{visit:?}");
        }
    })
}

/// One statement on the file, after options of the command.
fn sqlite(file: &Path, args: &[&str]) -> String {
    let (sql, options) = args.split_last().unwrap();
    let output = Command::new("sqlite3").args(options).arg(file).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
