//! Matter databases that are large: a search in a million matters against the bare query by the database's own client, a push of
//! 100,000 open statements against reading them with it, the same in a usual night, where all of them are asked for already, and the
//! memory of a push against one of a tenth.

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
        let [fewer, many] = [FEWER, STATEMENTS].map(|statements| Pushes::of(&matters, statements));
        let name = matters.name();
        ratio(&format!("push of 100,000 statements, {name} / reading"), many.first_s, many.read_s, 0.5);
        grown(&format!("  peak memory / of 10,000, {name}"), (many.peak_mib, fewer.peak_mib), "MiB", 1.15);
        ratio(&format!("  asked for already, {name} / reading"), many.night_s, many.read_s, 0.5);
    }
}

/// What the pushes of a firm have taken, at their best.
struct Pushes {
    /// Every statement is asked for.
    first_s: f64,
    peak_mib: f64,
    /// As in a usual night: every statement is asked for already.
    night_s: f64,
    /// Of reading the statements by the database's own client.
    read_s: f64,
}

impl Pushes {
    fn of(matters: &Matters, statements: usize) -> Pushes {
        let most = f64::INFINITY;
        let mut pushes = Pushes { first_s: most, peak_mib: 0.0, night_s: most, read_s: most };
        for _ in 0..RUNS {
            let firm = open_statements(matters, statements);
            let push = || measured(&firm, &["matter", "push", "--json"]);
            let (first_s, peak_mib) = push();
            let books = &firm.ask(&["status"])["books"];
            assert_eq!(books["requests"], statements, "{books}");
            let (night_s, _) = push();
            let books = &firm.ask(&["status"])["books"];
            assert_eq!(books["requests"], statements, "asked twice: {books}");
            pushes.first_s = pushes.first_s.min(first_s);
            pushes.peak_mib = pushes.peak_mib.max(peak_mib);
            pushes.night_s = pushes.night_s.min(night_s);
            pushes.read_s = pushes.read_s.min(least(RUNS, || read_all(&firm, matters, statements)));
        }
        pushes
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
