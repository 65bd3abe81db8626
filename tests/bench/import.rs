//! A file of 200,000 rows, end to end (plugin, checks, links, requests and effects committed with `synchronous=FULL`), against
//! `sqlite3 .import` of the same rows into the same tables and indexes.

use crate::{BIN, bound, least, memory_mib, now, ratio};
use remitd_tests::firm::Firm;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

pub const ROWS: usize = 200_000;
const RUNS: usize = 3;
const TABLES: &str = include_str!("../../migrations/sqlite/0001_road.sql");
/// As `.import` takes them: a link's random half as text of the same length.
const REQUESTS: &str = "SELECT id, batch_id, substr(hex(nonce), 1, 16), state, account, connector, amount_minor, paid_minor,
    currency, payer_name, payer_email, invoice, invoice_date, due_date, client, matter, message, line, created_ms, expires_ms,
    remainder_of FROM request";

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big.csv");
    fs_err::write(&file, rows()).unwrap();
    let mut peak_mib = 0_f64;
    let mut last = None;
    let ours = least(RUNS, || {
        let firm = Firm::new(BIN, None);
        let (seconds, peak) = import(&firm, &file);
        peak_mib = peak_mib.max(peak);
        last = Some(firm);
        seconds
    });
    // Its folder goes with it.
    let firm = last.unwrap();
    let store = firm.path("data/remitd.sqlite");
    for (name, sql) in [("request", REQUESTS), ("effect", "SELECT * FROM effect")] {
        let csv = sqlite(&store, &["-csv"], sql);
        fs_err::write(folder.path().join(name), csv).unwrap();
    }
    let opponent = least(RUNS, || import_by_sqlite(folder.path()));
    ratio("import of 200,000 rows / sqlite3 .import", ours, opponent, 0.5);
    bound("peak memory of that import", peak_mib, 200.0, "MiB");
}

pub fn rows() -> String {
    let mut text = String::from(
        "Invoice Number,Invoice Date,Due Date,Recipient Name,Recipient Email,Amount,Custom Message\n",
    );
    for row in 0..ROWS {
        let (day, month, thousands) = (1 + row % 28, 1 + row % 12, 1 + row % 9);
        writeln!(
            text,
            "INV-{row:07},2026-{month:02}-{day:02},2026-12-{day:02},Payer Number {row},payer{row}@example.com,\"{thousands},{:03}.{:02}\",Thank you for your business in matter {}",
            row % 1000,
            row % 100,
            row % 5000
        )
        .unwrap();
    }
    text
}

/// Seconds, and the peak of resident memory in MiB.
fn import(firm: &Firm, file: &Path) -> (f64, f64) {
    let began = now();
    let mut command = Command::new(&firm.bin);
    command.arg("-c").arg(&firm.config).arg("import").arg(file);
    command.args(["--account", "operating", "--release", "send", "--json"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0_f64;
    loop {
        // The kernel keeps the peak; the last look before the end has it.
        if let Some(seen) = memory_mib(child.id(), "VmHWM") {
            peak = peak.max(seen);
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the import ended with {status}");
            return (began.elapsed().as_secs_f64(), peak);
        }
        wait_a_little();
    }
}

#[allow(clippy::disallowed_methods, reason = "a process's memory sends no event")]
fn wait_a_little() {
    std::thread::sleep(std::time::Duration::from_millis(2));
}

fn import_by_sqlite(folder: &Path) -> f64 {
    let store = folder.join("opponent.sqlite");
    for ending in ["", "-wal", "-shm"] {
        let _ = fs_err::remove_file(folder.join(format!("opponent.sqlite{ending}")));
    }
    // STRICT refuses the text that a CSV holds where bytes are due; all else is the same.
    let tables = TABLES.replace(") STRICT, WITHOUT ROWID;", ") WITHOUT ROWID;").replace(") STRICT;", ");");
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
