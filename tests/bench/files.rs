//! The files that are measured, of any length, and the importing of one by the command.

use crate::{memory_mib, now};
use remitd_tests::firm::Firm;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(2);
const LEDES_HEADER: &str = include_str!("../../plugins/ledes-importer/tests/header-1998b.txt");
/// Line items of an invoice.
pub const ITEMS: usize = 10;

/// Every column of the template, with quotes, two forms of dates and an address a row.
pub fn csv(rows: usize) -> String {
    let mut text = String::from(
        "Invoice Number,Invoice Date,Due Date,Recipient Name,Recipient Email,Amount,Custom Message\n",
    );
    for row in 0..rows {
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

/// LEDES 1998B, all for one client.
pub fn ledes(invoices: usize) -> String {
    let mut text = format!("LEDES1998B[]\n{}\n", LEDES_HEADER.trim_end());
    for invoice in 0..invoices {
        let each = 10_000 + invoice;
        let total = each * ITEMS;
        for item in 1..=ITEMS {
            writeln!(
                text,
                "20260131|{invoice:07}|00124|00124.00001|{}.{:02}|20260101|20260131|For services rendered|{item}|F|2.00|0|{}.{:02}|20260115|L510||A102|22547|Call with the other side about the lease of the pier|24-6437381|350|Roe, Jane|PARTNR|CM-1[]",
                total / 100,
                total % 100,
                each / 100,
                each % 100
            )
            .unwrap();
        }
    }
    text
}

/// Imports a file and releases it: seconds, and the peak of resident memory in MiB.
pub fn import(firm: &Firm, file: &Path) -> (f64, f64) {
    let file = file.to_str().unwrap();
    measured(firm, &["import", file, "--account", "operating", "--release", "send", "--json"])
}

/// A command: seconds, and the peak of resident memory in MiB.
pub fn measured(firm: &Firm, arguments: &[&str]) -> (f64, f64) {
    let began = now();
    let mut command = Command::new(&firm.bin);
    command.arg("-c").arg(&firm.config).args(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0_f64;
    loop {
        // The kernel keeps the peak; the last look before the end has it.
        if let Some(seen) = memory_mib(child.id(), "VmHWM") {
            peak = peak.max(seen);
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{arguments:?} ended with {status}");
            return (began.elapsed().as_secs_f64(), peak);
        }
        look_later();
    }
}

#[allow(clippy::disallowed_methods, reason = "neither a process's memory nor a line of a log sends an event")]
pub fn look_later() {
    std::thread::sleep(LOOK_AGAIN);
}
