//! Matter databases that are large: a search in a million matters against the bare query by the database's own client, a push of
//! 100,000 open statements against reading them with it, and the memory of a push against one of a tenth.

use crate::files::measured;
use crate::{BIN, grown, least, now, ratio};
use remitd_tests::firm::Firm;
use remitd_tests::matters::Matters;
use remitd_tests::postgres::{Fsync, Server};
use std::fmt::Write as _;

const MATTERS: usize = 1_000_000;
const STATEMENTS: usize = 100_000;
const FEWER: usize = 10_000;
const RUNS: usize = 3;
/// The name is that of one client in a million.
const SEARCHED: &str = "Number 777777";
const SEARCH: &str = "SELECT number, client, client_name FROM matter WHERE client_name LIKE '%' || :text || '%' ORDER BY number LIMIT :limit";
const COLUMNS: &str =
    "number, matter, client, client_name, issued, due, total, open, payer_name, payer_email";

pub fn search() {
    for matters in [Matters::Postgres(Server::start(Fsync::Off)), Matters::Sqlite] {
        let mut firm = Firm::new(BIN, None);
        matters.connect(&mut firm);
        let table = "CREATE TABLE matter (number VARCHAR(40) PRIMARY KEY, client VARCHAR(40) NOT NULL, client_name VARCHAR(200) NOT NULL)";
        matters.ask(&firm, table);
        let rows = format!(
            "{} INSERT INTO matter SELECT 'M-' || (1000000 + n), 'C-' || (1000000 + n), 'Client Number ' || n FROM s",
            series(MATTERS)
        );
        matters.ask(&firm, &rows);
        if matters.is_server() {
            matters.ask(&firm, "ANALYZE matter");
        }
        firm.change(
            "[plugin.settings.search]\n",
            &format!("[plugin.settings.search]\nlarge = \"{SEARCH}\"\n"),
        );
        firm.cli(&["check"]).expect(0);
        let ours = least(RUNS, || {
            let began = now();
            let found = firm.ask(&["matter", "search", SEARCHED, "--field", "large"]);
            let seconds = began.elapsed().as_secs_f64();
            assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
            seconds
        });
        let bare = SEARCH.replace(":text", &format!("'{SEARCHED}'")).replace(":limit", "50");
        let opponent = least(RUNS, || {
            let began = now();
            assert_eq!(matters.ask(&firm, &bare).lines().count(), 1);
            began.elapsed().as_secs_f64()
        });
        ratio(&format!("search in 1,000,000 matters, {} / bare", matters.name()), ours, opponent, 1.0 / 1.3);
    }
}

pub fn push() {
    for matters in [Matters::Postgres(Server::start(Fsync::On)), Matters::Sqlite] {
        let mut peak_mib = [0_f64; 2];
        let mut seconds = [0_f64; 2];
        let mut read = 0_f64;
        for (place, statements) in [FEWER, STATEMENTS].into_iter().enumerate() {
            seconds[place] = least(RUNS, || {
                let firm = open_statements(&matters, statements);
                let (seconds, peak) = measured(&firm, &["matter", "push", "--json"]);
                peak_mib[place] = peak_mib[place].max(peak);
                let books = &firm.ask(&["status"])["books"];
                assert_eq!(books["requests"], statements, "{books}");
                read = least(RUNS, || read_all(&firm, &matters, statements));
                seconds
            });
        }
        let name = matters.name();
        ratio(&format!("push of 100,000 statements, {name} / reading"), seconds[1], read, 0.5);
        grown(&format!("  peak memory / of 10,000, {name}"), (peak_mib[1], peak_mib[0]), "MiB", 1.15);
    }
}

fn open_statements(matters: &Matters, statements: usize) -> Firm {
    let mut firm = Firm::new(BIN, None);
    matters.connect(&mut firm);
    matters.ask(&firm, "DELETE FROM bill");
    matters.ask(&firm, &bills(statements));
    matters.ask(&firm, "CREATE INDEX receipt_bill ON receipt (bill)");
    firm
}

/// By the database's own client, in one answer.
fn read_all(firm: &Firm, matters: &Matters, statements: usize) -> f64 {
    let began = now();
    let rows =
        matters.ask(firm, &format!("SELECT {COLUMNS} FROM balance WHERE open > 0.004 ORDER BY number"));
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(rows.lines().count(), statements);
    seconds
}

/// SQL that makes bills, each of a matter of its own.
pub fn bills(many: usize) -> String {
    let mut sql = series(many);
    let payer = "'Payer Number ' || n, 'payer' || n || '@example.com'";
    write!(
        sql,
        " INSERT INTO bill SELECT 'N-' || (1000000 + n), 'M-' || n, 'C-' || n, 'Client Number ' || n, '2026-10-01', '2026-12-01',
           (20000 + n % 90000) / 100.0, {payer} FROM s"
    )
    .unwrap();
    sql
}

/// The number of one of them, from 1.
pub fn number(n: usize) -> String {
    format!("N-{}", 1_000_000 + n)
}

fn series(many: usize) -> String {
    format!("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {many})")
}
