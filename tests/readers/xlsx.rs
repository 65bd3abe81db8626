//! Odd but valid workbooks, written by openpyxl and packed in several ways: the importer and openpyxl see the same list in each.

use super::ask;
use remitd_plugin_sdk::importer::{Importer, Row};
use remitd_plugin_sdk::mock::{self, Services, install};
use serde_json::{Value, json};
use xlsx_importer::XlsxImporter;

const BOOKS_LEAST: usize = 160;

fn ours(path: &str) -> Value {
    install(Services::default());
    let file = fs_err::read(path).unwrap();
    let importer = XlsxImporter::open().unwrap();
    let read = mock::read(&importer, &file, usize::MAX, &mock::conventions("list.xlsx")).unwrap();
    assert!(read.findings.is_empty(), "{path} is a valid file: {:?}", read.findings);
    let rows = read.drafts().map(|row| {
        let Row { line, invoice, payer_name, payer_email, message, amount_minor, .. } = row;
        json!({
            "line": line, "invoice": invoice, "due": row.due_date.map(|date| date.to_string()), "name": payer_name,
            "email": payer_email, "minor": amount_minor, "message": message,
        })
    });
    rows.collect()
}

#[test]
fn openpyxl_sees_the_same_lists() {
    let folder = tempfile::tempdir().unwrap();
    let Some(seen) = ask("xlsx.py", &[folder.path().to_owned()]) else { return };
    let seen = seen.as_object().unwrap();
    assert!(seen.len() >= BOOKS_LEAST, "{} workbooks", seen.len());
    for (path, theirs) in seen {
        assert!(!theirs.as_array().unwrap().is_empty(), "{path}");
        assert_eq!(&ours(path), theirs, "{path}");
    }
}
