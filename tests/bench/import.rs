//! A file of a million rows, end to end (plugin, checks, links, requests and effects committed with `synchronous=FULL`), against
//! `sqlite3 .import` of the same rows into the same tables and indexes, against the store alone, and against a tenth of it.

use crate::files::{csv, import};
use crate::{BIN, bound, grown, least, now, ratio, writer};
use remitd_tests::firm::Firm;
use std::path::Path;
use std::process::Command;

const ROWS: usize = 1_000_000;
const FEWER: usize = 100_000;
const RUNS: usize = 2;
const TABLES: [&str; 3] = [
    include_str!("../../migrations/sqlite/0001_road.sql"),
    include_str!("../../migrations/sqlite/0002_plugins.sql"),
    include_str!("../../migrations/sqlite/0003_intake.sql"),
];
/// As `.import` takes them: a link's random half as text of the same length.
const REQUESTS: &str = "SELECT id, batch_id, substr(hex(nonce), 1, 16), state, account, connector, amount_minor, paid_minor,
    currency, payer_name, payer_email, invoice, invoice_date, due_date, client, matter, message, line, created_ms, expires_ms,
    remainder_of FROM request";

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let (many, fewer) = (folder.path().join("many.csv"), folder.path().join("fewer.csv"));
    fs_err::write(&many, csv(ROWS)).unwrap();
    fs_err::write(&fewer, csv(FEWER)).unwrap();
    let of_fewer = least(RUNS + 1, || import(&Firm::new(BIN, None), &fewer).0);
    let mut peak_mib = 0_f64;
    let mut last = None;
    let ours = least(RUNS, || {
        let firm = Firm::new(BIN, None);
        let (seconds, peak) = import(&firm, &many);
        peak_mib = peak_mib.max(peak);
        last = Some(firm);
        seconds
    });
    // Its folder goes with it.
    let firm = last.unwrap();
    let store = firm.path("data/remitd.sqlite");
    for (name, sql) in [("request", REQUESTS), ("effect", "SELECT * FROM effect")] {
        let to = format!(".once {}", folder.path().join(name).display());
        sqlite(&store, &["-csv", "-cmd", &to], sql);
    }
    drop(firm);
    let opponent = least(RUNS, || import_by_sqlite(folder.path()));
    let alone = least(RUNS, || {
        let folder = tempfile::tempdir().unwrap();
        writer::write(&format!("sqlite:{}", folder.path().join("alone.sqlite").display()), ROWS)
    });
    let per_row = |seconds: f64, rows: usize| seconds * 1e6 / rows as f64;
    ratio("import of 1,000,000 rows / sqlite3 .import", ours, opponent, 0.8);
    ratio("import of 1,000,000 rows / the store alone", ours, alone, 0.95);
    grown(
        "time of a row: of 1,000,000 / of 100,000",
        (per_row(ours, ROWS), per_row(of_fewer, FEWER)),
        "µs",
        1.15,
    );
    bound("peak memory of 1,000,000 rows", peak_mib, 200.0, "MiB");
}

fn import_by_sqlite(folder: &Path) -> f64 {
    let store = folder.join("opponent.sqlite");
    for ending in ["", "-wal", "-shm"] {
        let _ = fs_err::remove_file(folder.join(format!("opponent.sqlite{ending}")));
    }
    // STRICT refuses the text that a CSV holds where bytes are due; all else is the same.
    let tables =
        TABLES.concat().replace(") STRICT, WITHOUT ROWID;", ") WITHOUT ROWID;").replace(") STRICT;", ");");
    sqlite(&store, &[], &format!("PRAGMA journal_mode=WAL; {tables}"));
    let import = |name: &str| format!(".import --csv {} {name}", folder.join(name).display());
    let began = now();
    let commands = ["-cmd", "PRAGMA synchronous=FULL", "-cmd", &import("request"), "-cmd", &import("effect")];
    let count = sqlite(&store, &commands, "SELECT count(*) FROM effect");
    let seconds = began.elapsed().as_secs_f64();
    assert!(count.ends_with(&format!("{ROWS}\n")), "{count}");
    seconds
}

fn sqlite(store: &Path, options: &[&str], sql: &str) -> String {
    let output = Command::new("sqlite3").args(options).arg(store).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
