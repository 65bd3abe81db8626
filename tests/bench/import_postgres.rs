//! A file of rows, end to end into PostgreSQL, against psql's `\copy` of the same rows into the same tables and indexes, in one
//! transaction on the same server.

use crate::files::{csv, import};
use crate::{BIN, least, now, ratio, writer};
use remitd_tests::firm::Firm;
use remitd_tests::postgres::{Fsync, Server};
use std::path::Path;

const ROWS: usize = 300_000;
const RUNS: usize = 3;
const TABLES: [&str; 2] = ["request", "effect"];

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big.csv");
    fs_err::write(&file, csv(ROWS)).unwrap();
    let server = Server::start(Fsync::On);
    let mut last = String::new();
    let ours = least(RUNS, || {
        let firm = Firm::new(BIN, None);
        last = server.database("ours");
        writer::make_tables(&last);
        firm.change("sqlite:data/remitd.sqlite", &last);
        server.ask(&last, "CHECKPOINT");
        import(&firm, &file).0
    });
    for table in ["batch"].iter().chain(&TABLES) {
        server.ask(&last, &format!("\\copy {table} TO '{}'", folder.path().join(table).display()));
    }
    let opponent = least(RUNS, || copy(&server, folder.path()));
    let alone = least(RUNS, || {
        let url = server.database("alone");
        writer::make_tables(&url);
        server.ask(&url, "CHECKPOINT");
        writer::write(&url, ROWS)
    });
    ratio("import of 300,000 rows / psql \\copy", ours, opponent, 0.75);
    ratio("import of 300,000 rows / the store alone", ours, alone, 0.95);
}

fn copy(server: &Server, folder: &Path) -> f64 {
    let url = server.database("opponent");
    writer::make_tables(&url);
    let from = |table: &str| format!("\\copy {table} FROM '{}'", folder.join(table).display());
    server.ask(&url, &from("batch"));
    server.ask(&url, "CHECKPOINT");
    let began = now();
    server.ask_all(&url, &TABLES.map(from));
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(server.ask(&url, "SELECT count(*) FROM effect"), ROWS.to_string());
    seconds
}
