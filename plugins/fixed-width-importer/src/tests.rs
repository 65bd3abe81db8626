//! Whole files, from bytes to drafts and findings; and mappings that are refused.

use super::*;
use proptest::prelude::*;
use remitd_plugin_sdk::importer::Row;
use remitd_plugin_sdk::mock::{self, Reading, Services, install};
use remitd_plugin_sdk::serde_json::{Value, from_str, json};

/// Number at 1–6, name at 7–16, amount at 17–24, address at 25–44, message at 45–60.
fn columns() -> Value {
    json!([
        { "name": "Amount", "start": 17, "width": 8 },
        { "name": "Invoice Number", "start": 1, "width": 6 },
        { "name": "Recipient Name", "start": 7, "width": 10 },
        { "name": "Recipient Email", "start": 25, "width": 20 },
        { "name": "Custom Message", "start": 45, "width": 16 },
    ])
}

fn line(of: (&str, &str, &str, &str, &str)) -> String {
    format!("{:6}{:10}{:>8}{:20}{:16}", of.0, of.1, of.2, of.3, of.4)
}

fn good(number: &str) -> String {
    line((number, "Jané Roe", "150.30", "jane@example.com", "Danke schön"))
}

/// The rows that the daemon would take, as `line:minor:invoice:name:email:message`.
fn drafts(read: &Reading) -> Vec<String> {
    let shown = read.taken().map(|row| {
        let Row { line, amount_minor, invoice, payer_name, payer_email, message, .. } = row;
        format!("{line}:{amount_minor}:{invoice}:{payer_name}:{payer_email}:{message}")
    });
    shown.collect()
}

fn read_by(piece: usize, file: &[u8]) -> Reading {
    let importer = FixedWidthImporter::open().unwrap();
    let read = mock::read(&importer, file, piece, &mock::conventions("list.dat")).unwrap();
    assert!(read.adds_up(), "no row vanishes: {:?}", read.codes());
    read
}

/// The same however the file comes in pieces.
fn read_with(settings: &Value, file: impl AsRef<[u8]>) -> Reading {
    install(Services::new(&settings.to_string()));
    let whole = read_by(usize::MAX, file.as_ref());
    for piece in [1, 7] {
        let cut = read_by(piece, file.as_ref());
        assert_eq!((cut.rows, drafts(&cut), &cut.findings), (whole.rows, drafts(&whole), &whole.findings));
    }
    whole
}

fn read(file: impl AsRef<[u8]>) -> Reading {
    read_with(&json!({ "columns": columns(), "skip_lines": 1 }), file)
}

#[test]
fn lines_with_every_line_end() {
    for end in ["\n", "\r\n", "\r"] {
        let file = ["HDR 2026", &good("1001"), &good("1002"), ""].join(end);
        let expect = [
            "2:15030:1001:Jané Roe:jane@example.com:Danke schön",
            "3:15030:1002:Jané Roe:jane@example.com:Danke schön",
        ];
        assert_eq!(drafts(&read(&file)), expect, "{end:?}");
        assert_eq!(
            drafts(&read(file.trim_end())),
            expect[..1],
            "a last line that ends early may be half of one"
        );
        assert_eq!(drafts(&read(format!("\u{feff}{file}\x1a"))), expect, "as old systems end it");
    }
    assert_eq!((read("").rows, read("HDR\n").rows), (0, 0));
}

#[test]
fn records_without_line_ends() {
    let settings = json!({ "columns": columns(), "record_length": 60 });
    let file = format!("{}{}{}", good("1001"), good("1002"), good("1003"));
    for tail in ["", "\r\n", "\n\n", "  \x1a"] {
        let outcome = read_with(&settings, format!("{file}{tail}"));
        assert_eq!((outcome.rows, outcome.findings.len()), (3, 0), "{tail:?}");
        assert_eq!(drafts(&outcome)[2], "3:15030:1003:Jané Roe:jane@example.com:Danke schön");
    }
    let short = read_with(&settings, format!("{file}{}", &file[..30]));
    assert_eq!((drafts(&short).len(), short.codes()), (3, vec!["4::REMIT-0230".to_owned()]));
    // Beyond what is looked at before the first record.
    let file = format!("{}{}\n{}", good("1"), good("2").repeat(1_100), &good("3")[1..]);
    let stray = read_with(&settings, file);
    assert_eq!(stray.codes(), ["1102::REMIT-0231"]);
}

#[test]
fn a_record_length_holds_for_lines_too() {
    let settings = json!({ "columns": columns(), "record_length": 60 });
    let file = format!("{}\n{}!\n{}\n", good("1"), good("2"), good("3"));
    let outcome = read_with(&settings, file);
    assert_eq!((drafts(&outcome).len(), outcome.codes()), (2, vec!["2::REMIT-0230".to_owned()]));
    assert!(outcome.findings[0].message.contains("61 characters, `record_length` is 60"));
}

#[test]
fn only_blanks_may_be_cut_from_a_line() {
    let whole = line(("1", "Jane", "5.00", "jane@example.com", ""));
    let file = |end: usize| format!("HDR\n{}\n{}\n", &whole[..end], whole);
    assert_eq!(drafts(&read(file(whole.trim_end().len()))).len(), 2, "as editors do");
    for (end, column) in [(24, "Recipient Email"), (22, "Amount"), (10, "Amount")] {
        let outcome = read(file(end));
        assert_eq!((drafts(&outcome).len(), outcome.codes()), (1, vec!["2::REMIT-0230".to_owned()]), "{end}");
        assert!(outcome.findings[0].message.contains(column), "{:?}", outcome.findings);
    }
    let unended = read(format!("HDR\n{}\n{}", whole, whole.trim_end()));
    assert_eq!(unended.codes(), ["3::REMIT-0230"]);
    assert!(unended.findings[0].message.contains("is the file whole?"));
}

#[test]
fn what_has_moved_is_named() {
    let file = format!("HDR\n{}\n{}\n", good("1").replacen("     ", "\t", 1), good("2"));
    let outcome = read(file);
    assert_eq!((drafts(&outcome).len(), outcome.codes()), (1, vec!["2::REMIT-0231".to_owned()]));
}

#[test]
fn every_bad_cell_is_named_and_empty_lines_count_in_the_midst() {
    let bad = line(("1E+05", "#N/A", "15O.30", "jane@example.com", ""));
    let outcome = read(format!("HDR\n{bad}\n\n{}\n   \n\n", good("2")));
    let expect = [
        "2:Amount:REMIT-0202",
        "2:Invoice Number:REMIT-0219",
        "2:Recipient Name:REMIT-0219",
        "3:Amount:REMIT-0203",
    ];
    assert_eq!((outcome.rows, outcome.codes()), (3, expect.map(str::to_owned).to_vec()));
}

#[test]
fn amounts_with_implied_decimals() {
    let mut columns = columns();
    columns[0]["implied_decimals"] = json!(2);
    let settings = json!({ "columns": columns });
    let check = |written: &str, exponent: u8, expect: Result<i64, &str>| {
        install(Services::new(&settings.to_string()));
        let file = line(("1", "Jane", written, "jane@example.com", "")) + "\n";
        let conventions = Conventions { exponent, ..mock::conventions("list.dat") };
        let importer = FixedWidthImporter::open().unwrap();
        let read = mock::read(&importer, file.as_bytes(), 64, &conventions).unwrap();
        let got = read.taken().next().map(|row| row.amount_minor);
        match expect {
            Ok(minor) => assert_eq!(got, Some(minor), "{written}"),
            Err(part) => {
                assert!(got.is_none() && read.findings[0].message.contains(part), "{:?}", read.findings)
            }
        }
    };
    check("00015030", 2, Ok(15_030));
    check("5", 2, Ok(5));
    check("+15030", 3, Ok(150_300));
    check("15000", 0, Ok(150));
    check("15030", 0, Err("more than USD has (0)"));
    check("150.30", 2, Err("implied_decimals"));
    check("-15030", 2, Err("not above zero"));
    check("", 2, Err("no amount"));
    check("99999999", 9, Ok(999_999_990_000_000));
}

#[test]
fn encodings() {
    let windows = |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>();
    let file = windows(&format!("{}\n", good("1001")));
    let settings = json!({ "columns": columns(), "encoding": "windows-1252" });
    let expect = ["1:15030:1001:Jané Roe:jane@example.com:Danke schön"];
    assert_eq!(drafts(&read_with(&settings, &file)), expect);
    let unbroken = json!({ "columns": columns(), "encoding": "windows-1252", "record_length": 60 });
    assert_eq!(drafts(&read_with(&unbroken, file.trim_ascii_end())), Vec::<String>::new(), "cut short");
    assert_eq!(drafts(&read_with(&unbroken, &file[..60])), expect);
    let as_utf8 = read_with(&json!({ "columns": columns() }), &file);
    assert_eq!(as_utf8.codes(), ["1::REMIT-0209"]);
    for head in [&b"\xEF\xBB\xBFx"[..], b"\xFF\xFEx", b"x\0", b"\x81\n"] {
        let refused = read_with(&settings, head);
        assert_eq!((refused.rows, refused.codes()), (1, vec!["1::REMIT-0209".to_owned()]));
    }
}

#[test]
fn what_is_endless_is_bounded() {
    let endless = "x".repeat(3 << 20);
    let outcome = read(format!("HDR\n{endless}\n{}\n{endless}", good("2")));
    let expect = ["2::REMIT-0210", "4::REMIT-0210"].map(str::to_owned).to_vec();
    assert_eq!((drafts(&outcome).len(), outcome.codes()), (1, expect));
    // Bytes that begin no character.
    install(Services::new(&json!({ "columns": columns(), "record_length": 60 }).to_string()));
    let noise = read_by(4096, &vec![0x80; 1 << 20]);
    assert!(noise.taken().next().is_none() && noise.rows > 1_000, "{}", noise.rows);
}

#[test]
fn a_mapping_that_cannot_be_is_refused_by_name() {
    let check = |change: &dyn Fn(&mut Value), parts: &[&str]| {
        let mut settings = json!({ "columns": columns() });
        change(&mut settings);
        install(Services::new(&settings.to_string()));
        let refused = FixedWidthImporter::open().err().unwrap();
        for part in parts {
            assert!(refused.message.contains(part), "{part}: {}", refused.message);
        }
    };
    check(
        &|s| s["columns"][0]["start"] = json!(16),
        &["Recipient Name (7 to 16)", "Amount (16 to 23)", "overlap"],
    );
    check(&|s| drop(s["columns"].as_array_mut().unwrap().remove(3)), &["where Recipient Email stands"]);
    check(&|s| s["columns"][4]["name"] = json!("Amount"), &["Amount twice"]);
    check(&|s| s["columns"][4]["name"] = json!("Betrag"), &["\"Betrag\"", "Recipient Email", "Matter"]);
    check(&|s| s["columns"][1]["start"] = json!(0), &["Invoice Number starts at 0"]);
    check(&|s| s["columns"][1]["width"] = json!(0), &["Invoice Number", "at least 1 wide"]);
    check(&|s| s["columns"][4]["width"] = json!(u64::MAX), &["Custom Message", "16384"]);
    check(&|s| s["columns"][1]["implied_decimals"] = json!(2), &["Invoice Number", "only Amount"]);
    check(&|s| s["columns"][0]["implied_decimals"] = json!(10), &["at most 9"]);
    check(&|s| s["record_length"] = json!(59), &["59", "go to 60"]);
    check(&|s| s["skip_lines"] = json!(1_001), &["at most 1000"]);
    check(&|s| s["encoding"] = json!("utf-16"), &["utf-8", "windows-1252"]);
    let schema: Value = from_str(FixedWidthImporter::ABOUT.settings_schema).unwrap();
    let known = tabular::COLUMNS.map(|column| column.name);
    assert_eq!(schema["properties"]["columns"]["items"]["properties"]["name"]["enum"], json!(known));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// `read_with` holds what must be: no panic, no row vanishes, the same in any pieces.
    #[test]
    fn any_bytes(file in prop::collection::vec(any::<u8>(), 0..400), length in prop::option::of(60_usize..70)) {
        read_with(&json!({ "columns": columns(), "record_length": length }), &file);
        read_with(&json!({ "columns": columns(), "record_length": length, "encoding": "windows-1252" }), &file);
    }

    /// Lines that are nearly good, and so go far.
    #[test]
    fn any_lines(cells in prop::collection::vec(("\\PC{0,6}", "\\PC{0,10}", "[0-9.,-]{0,8}", "\\PC{0,20}", 0_usize..61), 0..20), end in "\r|\n|\r\n|") {
        let cut = |(number, name, amount, email, most): &(String, String, String, String, usize)| {
            line((number, name, amount, email, "")).chars().take(*most).collect::<String>()
        };
        let file = cells.iter().map(cut).collect::<Vec<_>>().join(&end);
        for length in [None, Some(60)] {
            read_with(&json!({ "columns": columns(), "record_length": length }), &file);
        }
    }

    /// What is written comes out again, in lines and without.
    #[test]
    fn written_and_read(rows in prop::collection::vec(("[a-zä-ü0-9]{1,6}", "[A-Zß一-丁]{1,10}", 1_i64..99_999), 1..20)) {
        let lines: Vec<String> = rows
            .iter()
            .map(|(number, name, cents)| {
                let amount = format!("{}.{:02}", cents / 100, cents % 100);
                line((number, name, &amount, "a@b.example", ""))
            })
            .collect();
        let expect: Vec<String> = (1..)
            .zip(&rows)
            .map(|(at, (number, name, cents))| format!("{at}:{cents}:{number}:{name}:a@b.example:"))
            .collect();
        let settings = json!({ "columns": columns(), "record_length": 60 });
        prop_assert_eq!(drafts(&read_with(&settings, lines.concat())), expect.clone());
        prop_assert_eq!(drafts(&read_with(&settings, lines.join("\n"))), expect);
    }
}
