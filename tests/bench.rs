//! `make bench`: each row a figure beside a named opponent, or beside a bound, measured in one run. It fails nothing: speed is
//! shown here, never asserted in a test.

// A benchmark fails loudly, as the harness does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::float_arithmetic
)]

#[path = "bench/calls.rs"]
mod calls;
#[path = "bench/files.rs"]
mod files;
#[path = "bench/folder.rs"]
mod folder;
#[path = "bench/formats.rs"]
mod formats;
#[path = "bench/hostile.rs"]
mod hostile;
#[path = "bench/import.rs"]
mod import;
#[path = "bench/import_postgres.rs"]
mod import_postgres;
#[path = "bench/live.rs"]
mod live;
#[path = "bench/load.rs"]
mod load;
#[path = "bench/matters.rs"]
mod matters;
#[path = "bench/native.rs"]
mod native;
#[path = "bench/postings.rs"]
mod postings;
#[path = "bench/sandbox.rs"]
mod sandbox;
#[path = "bench/start.rs"]
mod start;
#[path = "bench/workbooks.rs"]
mod workbooks;
#[path = "bench/writer.rs"]
mod writer;

use std::time::Instant;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");

/// What is measured, by the word that asks for it alone: `cargo bench -p remitd -- calls`.
const ROWS: [(&str, fn()); 14] = [
    ("import", import::run),
    ("import-postgres", import_postgres::run),
    ("formats", formats::run),
    ("workbooks", workbooks::run),
    ("folder", folder::run),
    ("postings", postings::run),
    ("search", matters::search),
    ("push", matters::push),
    ("calls", calls::run),
    ("load", load::run),
    ("live", live::run),
    ("native", native::run),
    ("hostile", hostile::run),
    ("start", start::run),
];

fn main() {
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if asked == [live::PART] {
        return live::part();
    }
    println!("{:<44} {:>12} {:>12} {:>8}   to reach", "", "remitd", "opponent", "ratio");
    for (name, run) in ROWS {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            run();
        }
    }
}

/// A row in which more is better: how often ours goes into the opponent's time.
fn ratio(what: &str, ours_s: f64, opponent_s: f64, reach: f64) {
    let ratio = opponent_s / ours_s;
    let verdict = if ratio >= reach { "reached" } else { "NOT reached" };
    println!("{what:<44} {:>12} {:>12} {ratio:>8.2}   {reach:.2} {verdict}", time(ours_s), time(opponent_s));
}

/// A row without a bound: how many times as long ours takes.
fn times(what: &str, ours_s: f64, opponent_s: f64) {
    println!("{what:<44} {:>12} {:>12} {:>7.2}×", time(ours_s), time(opponent_s), ours_s / opponent_s);
}

/// A row with a bound that ours must stay below.
fn bound(what: &str, ours: f64, most: f64, unit: &str) {
    let verdict = if ours <= most { "reached" } else { "NOT reached" };
    let ours = format!("{ours:.1} {unit}");
    println!("{what:<44} {ours:>12} {:>12} {:>8}   {most} {unit} {verdict}", "", "");
}

/// A row in which ours may be so many times the opponent's figure at most.
fn grown(what: &str, (ours, opponent): (f64, f64), unit: &str, most: f64) {
    let times = ours / opponent;
    let verdict = if times <= most { "reached" } else { "NOT reached" };
    let figure = |figure: f64| format!("{figure:.1} {unit}");
    println!("{what:<44} {:>12} {:>12} {times:>7.2}×   {most} {verdict}", figure(ours), figure(opponent));
}

fn time(seconds: f64) -> String {
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.2} µs", seconds * 1e6)
    }
}

#[allow(clippy::disallowed_methods, reason = "a benchmark is about time")]
fn now() -> Instant {
    Instant::now()
}

/// The least of some runs, in seconds: what the machine can do when nothing is in its way.
fn least(runs: usize, mut run: impl FnMut() -> f64) -> f64 {
    (0..runs).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// A line of `/proc/PID/status`, in MiB; none once the process is gone.
fn memory_mib(pid: u32, line: &str) -> Option<f64> {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let found = status.lines().find_map(|text| text.strip_prefix(line))?;
    let kib: f64 = found.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1024.0)
}
