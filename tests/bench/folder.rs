//! A file of 10,000 rows that is dropped into a watched folder: how long after it was found to be whole its last request is
//! released, by the daemon's own log.

use crate::files::{csv, look_later};
use crate::{BIN, bound, least};
use chrono::{DateTime, Utc};
use remitd_tests::firm::Firm;
use remitd_tests::postgres::{Fsync, Server};
use serde_json::Value;

const ROWS: usize = 10_000;
const RUNS: usize = 3;
const MOST_S: f64 = 2.0;

pub fn run() {
    let file = csv(ROWS);
    let server = Server::start(Fsync::On);
    for (name, server) in [("SQLite", None), ("PostgreSQL", Some(&server))] {
        let seconds = least(RUNS, || dropped(Firm::new(BIN, server), file.as_bytes()));
        bound(&format!("10,000 dropped rows released, {name}"), seconds, MOST_S, "s");
    }
}

fn dropped(mut firm: Firm, file: &[u8]) -> f64 {
    firm.start();
    firm.drop_file("big.csv", file);
    let released = loop {
        if let Some(at) = said(&firm, "batch") {
            break at;
        }
        look_later();
    };
    let whole = said(&firm, "taken").unwrap();
    firm.kill();
    (released - whole).as_seconds_f64()
}

/// When the log says so.
fn said(firm: &Firm, message: &str) -> Option<DateTime<Utc>> {
    let log = firm.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line["message"] == message)?;
    line["timestamp"].as_str().unwrap().parse().ok()
}
