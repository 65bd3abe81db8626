//! Files for a firm's folder, and what became of them.

use fs_err as fs;
use remitd_tests::firm::Firm;
use remitd_tests::process::PATIENCE;
use serde_json::Value;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub const FOLDER: &str = "folders/operating";
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A file with one row.
pub fn file_of(invoice: &str) -> String {
    format!(
        "Recipient Name,Recipient Email,Amount,Invoice Number\r\nJane Roe,jane@example.com,10.00,{invoice}\r\n"
    )
}

/// A file with a row for each of these numbers.
pub fn rows(numbers: Range<usize>) -> String {
    let mut text = "Recipient Name,Recipient Email,Amount,Invoice Number\r\n".to_owned();
    text.extend(numbers.map(|number| format!("Jane Roe,jane@example.com,10.00,R-{number}\r\n")));
    text
}

pub fn inbox(firm: &Firm) -> PathBuf {
    firm.path(FOLDER).join("inbox")
}

/// What lies in inbox, work, done and rejected.
pub fn parts(firm: &Firm) -> [Vec<String>; 4] {
    ["inbox", "work", "done", "rejected"].map(|part| {
        // A daemon that has just begun has not made them yet.
        let entries = fs::read_dir(firm.path(FOLDER).join(part)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    })
}

/// Waits until nothing is in hand any more.
pub fn put_away(firm: &Firm) {
    firm.until("all is put away", &["status"], |status| status["files_in_hand"] == serde_json::json!([]));
}

/// Waits for so many batches; the newest first.
pub fn batches(firm: &Firm, count: usize) -> Value {
    firm.until("the files are read", &["batch", "list"], |list| {
        list.as_array().is_some_and(|list| list.len() >= count)
    })
}

/// Has the daemon started by a script; `REMITD` in it stands for the binary.
pub fn wrap(firm: &mut Firm, script: &str) {
    let wrapped = firm.path("wrapped");
    let script = script.replace("REMITD", firm.bin.to_str().unwrap());
    fs::write(&wrapped, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&wrapped, PermissionsExt::from_mode(0o755)).unwrap();
    firm.bin = wrapped;
}

/// Waits until the daemon has said it.
#[allow(clippy::disallowed_methods, reason = "the log sends no events")]
#[track_caller]
pub fn told(firm: &Firm, what: &str, mut fits: impl FnMut(&str) -> bool) {
    let began = Instant::now();
    while !fits(&firm.log()) {
        assert!(began.elapsed() < PATIENCE, "{what}: not in time\n{}", firm.log());
        std::thread::sleep(LOOK_AGAIN);
    }
}
