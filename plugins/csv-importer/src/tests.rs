//! Whole files, from bytes to drafts and findings.

use super::*;
use proptest::prelude::*;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::importer::Row;
use remitd_plugin_sdk::mock::{self, Reading, Services, install};

const HEADER: &str =
    "Invoice Number,Invoice Date,Due Date,Recipient Name,Recipient Email,Amount,Custom Message\n";

/// The rows that the daemon would take, as `line:minor:invoice:name:email:message`.
fn drafts(read: &Reading) -> Vec<String> {
    let shown = read.taken().map(|row| {
        let Row { line, amount_minor, invoice, payer_name, payer_email, message, .. } = row;
        format!("{line}:{amount_minor}:{invoice}:{payer_name}:{payer_email}:{message}")
    });
    shown.collect()
}

/// Reads a file in pieces of `piece` bytes, and checks what must hold for every file.
fn read_by(piece: usize, file: &[u8]) -> Reading {
    let importer = CsvImporter::open().unwrap();
    let read = mock::read(&importer, file, piece, &mock::conventions("drafts.csv")).unwrap();
    assert!(read.adds_up(), "no row vanishes: {:?}", read.codes());
    read
}

/// The same however the file comes in pieces.
fn read(file: impl AsRef<[u8]>) -> Reading {
    let whole = read_by(usize::MAX, file.as_ref());
    for piece in [1, 7] {
        let cut = read_by(piece, file.as_ref());
        assert_eq!((cut.rows, drafts(&cut), cut.codes()), (whole.rows, drafts(&whole), whole.codes()));
    }
    whole
}

#[test]
fn a_plain_file() {
    let outcome = read(format!(
        "{HEADER}1001,2026-01-31,2/28/2026,Jane Roe,jane@example.com,\"$1,234.56\",Thanks\n1002,,,John Doe,john@example.com,20,\n"
    ));
    assert_eq!(
        drafts(&outcome),
        ["2:123456:1001:Jane Roe:jane@example.com:Thanks", "3:2000:1002:John Doe:john@example.com:"]
    );
    assert!(outcome.findings.is_empty());
    let dates: Vec<_> = outcome.taken().map(|row| (row.invoice_date, row.due_date)).collect();
    let day = NaiveDate::from_ymd_opt;
    assert_eq!(dates, [(day(2026, 1, 31), day(2026, 2, 28)), (None, None)]);
}

#[test]
fn any_order_other_names_and_any_delimiter() {
    for delimiter in [",", ";", "\t", "|"] {
        let rows = [
            ["E-Mail", "AMOUNT DUE", "payer", "Matter No.", "client", "Inv. #", "Colour"],
            ["jane@example.com", "5.00", "Jane", "00124192.00001", "00124", "7", "red"],
        ];
        let file = rows.map(|row| row.join(delimiter)).join("\r\n");
        let outcome = read(&file);
        assert_eq!(drafts(&outcome), ["2:500:7:Jane:jane@example.com:"], "{file}");
        let row = outcome.taken().next().unwrap();
        assert_eq!((row.matter, row.client), ("00124192.00001", "00124"));
    }
}

#[test]
fn a_semicolon_file_with_commas_in_its_texts() {
    let outcome =
        read("Recipient Name;Recipient Email;Amount;Custom Message\nRoe, Jane;j@example.com;1.00;a, b, c\n");
    assert_eq!(drafts(&outcome), ["2:100::Roe, Jane:j@example.com:a, b, c"]);
}

#[test]
fn line_numbers_go_through_quotes_blank_lines_and_every_line_end() {
    for end in ["\n", "\r\n", "\r"] {
        let file = "Name,Email,Amount,Message~~A,a@x.y,1,\"one\"~~~B,b@x.y,bad,two~C,c@x.y,3,three~"
            .replace('~', end);
        let outcome = read(&file);
        assert_eq!(drafts(&outcome), ["3:100::A:a@x.y:one", "7:300::C:c@x.y:three"], "{file:?}");
        assert_eq!(outcome.codes(), ["6:Amount:REMIT-0202"], "{file:?}");
    }
    for end in ["\n", "\r\n"] {
        let file =
            "Name,Email,Amount,Message~A,a@x.y,1,\"dear \"\"A\"\",~~pay\"~B,b@x.y,,~".replace('~', end);
        let outcome = read(&file);
        assert_eq!(drafts(&outcome), [format!("2:100::A:a@x.y:dear \"A\",{end}{end}pay")]);
        assert_eq!(outcome.codes(), ["5:Amount:REMIT-0203"]);
    }
}

#[test]
fn encodings() {
    let file = "Name,Email,Amount\nJosé Müller €,j@example.com,1\n";
    let expect = ["2:100::José Müller €:j@example.com:"];
    let utf16 = |big: bool| {
        let mut bytes = if big { vec![0xFE, 0xFF] } else { vec![0xFF, 0xFE] };
        bytes.extend(
            file.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }),
        );
        bytes
    };
    assert_eq!(drafts(&read(file)), expect);
    assert_eq!(drafts(&read(format!("\u{feff}{file}"))), expect);
    assert_eq!(drafts(&read(utf16(true))), expect);
    assert_eq!(drafts(&read(utf16(false))), expect);
    assert_eq!(drafts(&read(b"Name,Email,Amount\nJos\xE9 M\xFCller \x80,j@example.com,1\n")), expect);
}

#[test]
fn pieces_of_utf16_may_end_within_a_character() {
    // Longer than what is looked at before the first record.
    let file = format!("Name,Email,Amount,Message\n{}", "Jané,j@x.y,1,\"two\r\nlines\"\n".repeat(3_000));
    let utf16 =
        "\u{feff}".encode_utf16().chain(file.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    assert_eq!(drafts(&read(utf16)).len(), 3_000);
}

#[test]
fn bytes_that_are_no_characters_are_named_by_their_line() {
    let after_utf8 =
        [b"Name,Email,Amount\nJos\xC3\xA9,j@x.y,1\nJos\xE9,j@x.y,1\nAnn,a@x.y,2\n".as_slice()].concat();
    let outcome = read(after_utf8);
    assert_eq!(outcome.codes(), ["3::REMIT-0209"]);
    assert_eq!(drafts(&outcome).len(), 2);
    assert_eq!(read(b"\xEF\xBB\xBFName,Email,Amount\nJos\xE9,j@x.y,1\n").codes(), ["2::REMIT-0209"]);
    assert_eq!(read(b"Name,Email,Amount\nJos\x81,j@x.y,1\n").codes(), ["2::REMIT-0209"]);
    assert_eq!(read(b"N\0a\0m\0e\0").codes(), ["1::REMIT-0209"]);
    assert_eq!(read(b"PK\x03\x04workbook").codes(), ["1::REMIT-0209"]);
    let mut lone = vec![0xFF, 0xFE];
    lone.extend("Name,Email,Amount\nJ".encode_utf16().flat_map(u16::to_le_bytes));
    lone.extend([0x00, 0xD8]);
    lone.extend(",j@x.y,1\n".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(read(lone).codes(), ["2::REMIT-0209"]);
}

#[test]
fn every_bad_cell_of_a_row_is_named() {
    let outcome = read(format!("{HEADER}1,soon,31/12/2026,Jane,j@example.com,ten,\n"));
    assert_eq!(
        outcome.codes(),
        ["2:Amount:REMIT-0202", "2:Invoice Date:REMIT-0205", "2:Due Date:REMIT-0205"]
    );
    assert_eq!(outcome.findings[0].value, "ten");
    assert_eq!(outcome.rows, 1);
}

#[test]
fn ragged_rows_are_named_and_the_others_read() {
    let outcome = read("Name,Email,Amount\nA,a@x.y\nB,b@x.y,1,2\nC,c@x.y,3\n");
    assert_eq!(outcome.codes(), ["2::REMIT-0206", "3::REMIT-0206"]);
    assert!(outcome.findings[0].message.contains("has 2 fields, the first line has 3"));
    assert_eq!(drafts(&outcome), ["4:300::C:c@x.y:"]);
    let many = format!("Name,Email,Amount\n{}\nC,c@x.y,3\n", ",".repeat(1000));
    assert_eq!((read(&many).codes(), read(&many).rows), (vec!["2::REMIT-0206".to_owned()], 2));
}

#[test]
fn empty_rows_are_rows_only_in_the_midst() {
    let outcome = read("Name,Email,Amount\nA,a@x.y,1\n,,\n \nB,b@x.y,2\n,,\n,,\n\n");
    assert_eq!(drafts(&outcome), ["2:100::A:a@x.y:", "5:200::B:b@x.y:"]);
    assert_eq!(outcome.codes(), ["3:Amount:REMIT-0203", "4:Amount:REMIT-0203"]);
}

#[test]
fn missing_and_doubled_columns_are_named_on_line_one() {
    let outcome = read("Name;Betrag\nA;1\n");
    assert_eq!(outcome.codes(), ["1:Recipient Email:REMIT-0201", "1:Amount:REMIT-0201"]);
    assert!(outcome.findings[1].message.contains("found: Name, Betrag"), "{:?}", outcome.findings);
    assert_eq!(read("").codes(), ["1::REMIT-0201"]);
    assert_eq!(read("\n\n").codes(), ["1::REMIT-0201"]);
    assert_eq!(read("Name,E-mail,Email,Amount\n").codes(), ["1:Recipient Email:REMIT-0201"]);
    let own_name_first = read("Name,Email,Balance,Amount\nA,a@x.y,9,1\n");
    assert_eq!(drafts(&own_name_first), ["2:100::A:a@x.y:"]);
    assert_eq!((read(HEADER).rows, read(HEADER.trim_end()).rows), (0, 0), "a header alone is no row");
}

#[test]
fn a_quote_that_is_never_closed_hides_no_row_silently() {
    let outcome = read("Name,Email,Amount,Message\nA,a@x.y,1,\"oops\nB,b@x.y,2,\nC,c@x.y,3,\n");
    assert_eq!(outcome.codes(), ["2::REMIT-0216"]);
    assert!(outcome.batches.is_empty());
    assert_eq!(drafts(&read("Name,Email,Amount,Message\nA,a@x.y,1,\"fine\"")), ["2:100::A:a@x.y:fine"]);
}

#[test]
fn what_is_too_long_is_named_and_passed_over() {
    let long = "x".repeat(70_000);
    let outcome = read_by(4096, format!("Name,Email,Amount\n{long},a@x.y,1\nB,b@x.y,2\n").as_bytes());
    assert_eq!(outcome.codes(), ["2:Recipient Name:REMIT-0210"]);
    assert_eq!(outcome.findings[0].value.len(), 200);
    assert_eq!(drafts(&outcome), ["3:200::B:b@x.y:"]);
    let endless = "x".repeat(3 << 20);
    let outcome = read_by(65_536, format!("Name,Email,Amount\n{endless},a@x.y,1\nB,b@x.y,2\n").as_bytes());
    assert_eq!(
        (outcome.codes(), drafts(&outcome)),
        (vec!["2::REMIT-0210".to_owned()], vec!["3:200::B:b@x.y:".to_owned()])
    );
}

#[test]
fn a_large_file_comes_in_bounded_batches() {
    let mut file = String::from("Name,Email,Amount\n");
    for row in 0..40_000 {
        file.push_str(&format!("Payer {row},p{row}@example.com,{}.25\n", row + 1));
    }
    let outcome = read_by(256 * 1024, file.as_bytes());
    let sizes: Vec<usize> = outcome.batches.iter().map(|batch| batch.lines.len()).collect();
    assert_eq!(sizes, [8_192, 8_192, 8_192, 8_192, 7_232]);
    assert_eq!(drafts(&outcome)[39_999], "40001:4000025::Payer 39999:p39999@example.com:");
}

#[test]
fn recognises_its_files() {
    let sure = CsvImporter::recognise("upload.bin", HEADER.as_bytes());
    let likely = CsvImporter::recognise("list.csv", b"Invoice,Due\n");
    let perhaps = CsvImporter::recognise("list.TXT", b"hello");
    assert!(sure > likely && likely > perhaps && perhaps > 0, "{sure} {likely} {perhaps}");
    assert_eq!(CsvImporter::recognise("list.csv", b"PK\x03\x04"), 0);
    assert_eq!(CsvImporter::recognise("list.dat", b"hello"), 0);
}

#[test]
fn a_file_of_too_many_rows_is_cut_and_said() {
    let file = format!("Name,Email,Amount\n{}", "A,a@x.y,1\n".repeat(1_000_003));
    let outcome = read_by(256 * 1024, file.as_bytes());
    assert_eq!((outcome.rows, outcome.codes()), (1_000_001, vec!["1000002::REMIT-0210".to_owned()]));
}

#[test]
fn the_firms_own_names_of_columns() {
    install(Services::new(
        r#"{"columns":{"Rg-Nr":"Invoice Number","Betrag":"Amount","Zahler":"Recipient Name"}}"#,
    ));
    // No column but the address is known without the settings; the delimiter is found all the same.
    let outcome = read("Zahler;Betrag, fällig;RG NR.;E-Mail;Betrag\nRoe, Jane;9;7;j@example.com;1.50\n");
    assert_eq!(drafts(&outcome), ["2:150:7:Roe, Jane:j@example.com:"]);
    install(Services::new(r#"{"columns":{"Betrag":"Summe"}}"#));
    let refused = CsvImporter::open().err().unwrap();
    assert!(
        refused.message.contains("\"Summe\"") && refused.message.contains("Recipient Email"),
        "{refused:?}"
    );
    let schema: remitd_plugin_sdk::serde_json::Value =
        remitd_plugin_sdk::serde_json::from_str(CsvImporter::ABOUT.settings_schema).unwrap();
    let known = tabular::COLUMNS.map(|column| column.name);
    assert_eq!(
        schema["properties"]["columns"]["additionalProperties"]["enum"],
        remitd_plugin_sdk::serde_json::json!(known)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// `read` holds what must be: no panic, no row vanishes, the same in any pieces.
    #[test]
    fn any_bytes(file in prop::collection::vec(any::<u8>(), 0..400)) {
        install(Services::default());
        read(&file);
    }

    #[test]
    fn any_rows(rows in "([a-zé\",; \t\r\n]{0,8}[,;\n]){0,60}", delimiter in "[,;|\t]") {
        install(Services::default());
        let header = ["Name", "Email", "Amount"].join(&delimiter);
        read(format!("{header}\n{rows}"));
    }
}
