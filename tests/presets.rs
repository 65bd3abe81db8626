//! The presets for matter software: each is a configuration as it stands, and the one for staging tables hands a payment over once
//! and takes it back. LedgerSMB and Chinook go the whole road in tests of their own.

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_tests::firm::Firm;
use remitd_tests::postgres;
use std::path::Path;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const PRESETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/presets");
const STAGING: &str = include_str!("../config/presets/receipts-staging.toml");
const STAGING_TABLE: &str = "CREATE TABLE receipt_import (line serial PRIMARY KEY, receipt_date date NOT NULL,
    bank_account text, receipt_type text NOT NULL, reference text NOT NULL, drawn_by text, client text, matter text,
    invoice text, amount numeric(12, 2) NOT NULL, trust_account text, ledger_code text, transaction_type text, narrative text)";
/// A bank account whose payment succeeds, and is returned afterwards.
const RETURNED_ACCOUNT: &str = "000111111116";

#[test]
fn each_is_a_configuration() {
    let firm = Firm::new(BIN, None);
    let mut found = 0;
    for file in fs_err::read_dir(Path::new(PRESETS)).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|ending| ending == "toml") {
            found += 1;
            firm.add("preset", &fs_err::read_to_string(&file).unwrap());
            let checked = firm.cli(&["check", "--strict"]);
            assert_eq!(checked.status, 0, "{}: {checked:?}", file.display());
        }
    }
    assert_eq!(found, 3);
}

#[test]
fn a_payment_is_handed_over_and_taken_back() {
    let server = postgres::shared();
    let url = server.database("billing");
    server.ask(&url, STAGING_TABLE);
    let mut firm = Firm::new(BIN, None);
    firm.change("# connector = \"matters\"", "connector = \"receipts\"\nbank_account = \"1060\"  ");
    firm.add("receipts", &STAGING.replace("postgres://remitd@localhost/billing", &url));
    firm.cli(&["matter", "prepare", "--yes"]).expect(0);
    firm.start();
    let request = firm.ask(&[
        "request",
        "create",
        "--account",
        "operating",
        "--amount",
        "120.50",
        "--name",
        "Jane O'Roe",
        "--no-mail",
        "--invoice",
        "B-1",
        "--client",
        "00124",
        "--matter",
        "00124.00001",
    ]);
    firm.pay(request["link"].as_str().unwrap(), RETURNED_ACCOUNT);
    assert_eq!(firm.provider.settle(), 1);
    firm.books("it is handed over", |books| books["postings"] == 1 && books["unposted"] == 0);
    assert_eq!(firm.provider.settle(), 1);
    firm.books("it is taken back", |books| books["postings"] == 2 && books["unposted"] == 0);
    firm.cli(&["reconcile"]).expect(0);
    let rows = "SELECT bank_account, receipt_type, drawn_by, client, matter, invoice, amount, narrative FROM receipt_import
        ORDER BY line";
    let narrative = "remitd payment";
    let row = |amount: &str, narrative: &str| {
        format!("1060|ach|Jane O'Roe|00124|00124.00001|B-1|{amount}|{narrative}")
    };
    let expected = [row("120.50", narrative), row("-120.50", &format!("returned: {narrative}"))];
    assert_eq!(server.ask(&url, rows).lines().collect::<Vec<_>>(), expected);
    firm.stop();
}
