//! Workbooks: the importer compiled for this machine, and the component in the sandbox, each against calamine with the same checks.

use crate::native::sandboxed;
use crate::sandbox::{host, runtime, spec};
use crate::{files, formats, least, ratio};
use calamine::{Data, Reader, Xlsx};
use remitd_flow::plugin::Importer;
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::importer::{Out, Row};
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use xlsx_importer::XlsxImporter;

const ROWS: usize = 100_000;
const RUNS: usize = 5;
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/bench/workbook.py");

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let file = workbook(&folder.path().join("big.xlsx"));
    let opponent = least(RUNS, || formats::counting(ROWS, |out| by_calamine(&file, out)));
    let native = least(RUNS, || formats::read(&XlsxImporter::default(), &file, ROWS));
    ratio("XLSX, 100,000 rows, native / calamine", native, opponent, 0.8);
    let host = host(folder.path(), 2);
    let wasm = remitd_plugins::bundled("xlsx-importer").unwrap().wasm.to_vec();
    let importer = Importer::new(Arc::clone(&host), host.load(spec(wasm)).unwrap()).unwrap();
    let runtime = runtime();
    let inside = least(RUNS, || runtime.block_on(sandboxed(&importer, file.clone(), ROWS)));
    ratio("XLSX, 100,000 rows, sandboxed / calamine", inside, opponent, 0.8);
}

/// By openpyxl, which `make setup` has installed.
fn workbook(path: &Path) -> Vec<u8> {
    let mut python = Command::new(PYTHON).arg(SCRIPT).arg(path).stdin(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(files::csv(ROWS).as_bytes()).unwrap();
    assert!(python.wait().unwrap().success());
    fs_err::read(path).unwrap()
}

/// Row by row: texts that are texts, dates, amounts in whole cents.
fn by_calamine(file: &[u8], out: &mut Out<'_>) -> Result<(), Failure> {
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(file)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let text = |cell: &Data| -> String {
        let Data::String(text) = cell else { panic!("{cell:?}") };
        text.trim().to_owned()
    };
    let day = |cell: &Data| -> NaiveDate {
        let Data::DateTime(day) = cell else { panic!("{cell:?}") };
        let (year, month, day, ..) = day.to_ymd_hms_milli();
        NaiveDate::from_ymd_opt(year.into(), month.into(), day.into()).unwrap()
    };
    for (line, cells) in (1..).zip(sheet.rows()).skip(1) {
        let [invoice, issued, due, name, email, Data::Float(amount), message] = cells else {
            panic!("{cells:?}")
        };
        let cents = (amount * 100.0).round();
        assert!(cents > 0.0 && (amount * 100.0 - cents).abs() < 1e-6);
        let (name, email, invoice, message) = (text(name), text(email), text(invoice), text(message));
        assert!(!name.is_empty() && email.contains('@'));
        out.draft(&Row {
            line,
            amount_minor: cents as i64,
            invoice_date: Some(day(issued)),
            due_date: Some(day(due)),
            invoice: &invoice,
            payer_name: &name,
            payer_email: &email,
            message: &message,
            ..Row::default()
        })?;
    }
    Ok(())
}
