//! How far a file is, while it is read: on a terminal, and in `status`.

use crate::BIN;
use crate::dropping::{batches, inbox, rows};
use fs_err as fs;
use remitd_tests::firm::Firm;
use std::process::Command;

/// Rows that take a while to read.
const LONG: usize = 30_000;

#[test]
fn a_terminal_has_a_bar_and_a_pipe_has_none() {
    let firm = Firm::new(BIN, None);
    let file = firm.path("june.csv");
    fs::write(&file, rows(0..LONG)).unwrap();
    let args = ["import", file.to_str().unwrap(), "--account", "operating", "--dry-run"];
    let piped = firm.cli(&args).expect(0);
    assert_eq!(piped.stderr, "");
    // `script` gives the command a terminal and passes on what it shows there.
    let command = format!("{BIN} -c {} {}", firm.config.display(), args.join(" "));
    let shown = Command::new("script").args(["-qec", &command, "/dev/null"]).output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("a second") && shown.contains(" left"), "{shown}");
    assert!(shown.contains(&format!("{LONG} rows: {LONG} good")), "{shown}");
}

#[test]
fn status_says_how_many_rows_are_read() {
    let mut firm = Firm::new(BIN, None);
    firm.change("release = \"send\"", "release = \"review\"");
    firm.start();
    fs::write(inbox(&firm).join("june.csv.part"), rows(0..LONG)).unwrap();
    fs::rename(inbox(&firm).join("june.csv.part"), inbox(&firm).join("june.csv")).unwrap();
    let status = firm.until("it is being read", &["status"], |status| {
        status["files_in_hand"].as_array().unwrap().iter().any(|file| file["rows"].as_u64() > Some(0))
    });
    let file = &status["files_in_hand"][0];
    assert_eq!((&file["stage"], file["bytes"].is_u64()), (&"work".into(), true), "{status:#}");
    assert!(file["since"].as_str().unwrap().ends_with('Z'), "{status:#}");
    assert_eq!(batches(&firm, 1)[0]["ok"], LONG);
    firm.stop();
}
