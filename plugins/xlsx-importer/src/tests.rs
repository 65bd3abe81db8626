//! Whole workbooks, from bytes to drafts and findings.

mod book;
mod hostile;
mod values;

use super::*;
use book::{Book, HEADER, LINKS, MAIN, SHEET, row, sheet};
use remitd_plugin_sdk::importer::Row;
use remitd_plugin_sdk::mock::{self, Reading, Services, install, logged};

/// The rows that the daemon would take, as `line:minor:invoice:name:email:message`.
fn drafts(read: &Reading) -> Vec<String> {
    let shown = read.taken().map(|row| {
        let Row { line, amount_minor, invoice, payer_name, payer_email, message, .. } = row;
        format!("{line}:{amount_minor}:{invoice}:{payer_name}:{payer_email}:{message}")
    });
    shown.collect()
}

fn read_by(settings: &str, piece: usize, file: &[u8]) -> Reading {
    install(Services::new(settings));
    let importer = XlsxImporter::open().unwrap();
    let read = mock::read(&importer, file, piece, &mock::conventions("june.xlsx")).unwrap();
    assert!(read.adds_up(), "no row vanishes: {:?}", read.codes());
    read
}

/// The same however the file comes in pieces.
fn read_with(settings: &str, book: &Book) -> Reading {
    let file = book.bytes();
    let whole = read_by(settings, usize::MAX, &file);
    let cut = read_by(settings, 7, &file);
    assert_eq!((cut.rows, drafts(&cut), cut.codes()), (whole.rows, drafts(&whole), whole.codes()));
    whole
}

fn read(book: &Book) -> Reading {
    read_with("{}", book)
}

const GOOD: [&str; 6] = ["R-1", "2026-07-31", "Jane Roe", "jane@example.com", "=150.3", "Thanks"];
const TAKEN: &str = "2:15030:R-1:Jane Roe:jane@example.com:Thanks";

/// It is read as the plain workbook is.
fn is_read(book: &Book) {
    let read = read(book);
    assert_eq!((drafts(&read), read.codes()), (vec![TAKEN.to_owned()], vec![]));
}

/// Nothing of it is read; the message has these words.
fn is_refused(book: &Book, code: &str, words: &str) {
    let read = read(book);
    assert_eq!((drafts(&read), read.codes()), (vec![], vec![format!("1::{code}")]), "{:?}", read.findings);
    assert!(read.findings[0].message.contains(words), "{}", read.findings[0].message);
}

#[test]
fn parts_are_found_however_they_are_named_and_packed() {
    let plain = Book::new(&row(2, &GOOD));
    is_read(&plain);
    is_read(&plain.clone().stored());
    is_read(&plain.clone().replace(LINKS, "worksheets/sheet1.xml", "/xl/worksheets/sheet1.xml"));
    is_read(&plain.clone().replace(LINKS, "worksheets/sheet1.xml", "../xl/./worksheets/sheet1.xml"));
    is_read(&plain.clone().named(SHEET, "xl\\worksheets\\Sheet1.XML"));
    is_read(&plain.clone().named(MAIN, "/xl/workbook.xml"));
    is_read(&plain.clone().part("_rels/.rels", "<Relationships/>"));
    // As Excel writes a strict workbook, and as others do who give every tag a prefix.
    let strict = "http://purl.oclc.org/ooxml/officeDocument/relationships";
    is_read(&plain.clone().replace(
        LINKS,
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        strict,
    ));
    let prefixed = sheet(&format!("{HEADER}{}", row(2, &GOOD)), "").replace('<', "<x:");
    is_read(&plain.part(SHEET, prefixed.replace("<x:/", "</x:").replace("<x:?", "<?")));
}

#[test]
fn what_is_no_workbook_is_told_how_to_become_one() {
    let check = |bytes: &[u8], words: &str| {
        let read = read_by("{}", usize::MAX, bytes);
        assert_eq!(read.codes(), ["1::REMIT-0240"]);
        assert!(read.findings[0].message.contains(words), "{}", read.findings[0].message);
    };
    check(b"", "no Excel workbook");
    check(b"Name,Email,Amount\n", "no Excel workbook");
    let ole = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    check(&ole, "old Excel workbook (.xls)");
    let password: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&[&ole[..], &password].concat(), "has a password");
    let plain = Book::new("");
    check(&plain.clone().named(MAIN, "xl/other.xml").bytes(), "an archive");
    check(&plain.clone().named(MAIN, "content.xml").bytes(), "OpenDocument");
    check(&plain.clone().replace("_rels/.rels", "xl/workbook.xml", "xl/workbook.bin").bytes(), ".xlsb");
    check(&plain.part(MAIN, "<document/>").bytes(), "no Excel workbook");
}

#[test]
fn the_header_may_stand_below_titles() {
    let moved = format!(
        "{}<row r=\"3\"/>{}",
        row(1, &["Open invoices"]),
        HEADER.replace("r=\"1\"", "r=\"4\"").replace("1\" t", "4\" t")
    );
    let below = row(5, &GOOD);
    let outcome = read(&Book::new("").part(SHEET, sheet(&format!("{moved}{below}"), "")));
    assert_eq!(drafts(&outcome), ["5:15030:R-1:Jane Roe:jane@example.com:Thanks"]);
    let missing = Book::new("").part(
        SHEET,
        sheet(&format!("{}{}", row(1, &["Open invoices"]), row(4, &["Name", "Betrag", "Email"])), ""),
    );
    let outcome = read(&missing);
    assert_eq!(outcome.codes(), ["4:Amount:REMIT-0201"]);
    assert!(
        outcome.findings[0].message.contains("in line 4; found: Name, Betrag, Email (in the sheet \"June\")")
    );
    assert_eq!(read_with(r#"{"columns":{"Betrag":"Amount"}}"#, &missing).rows, 0);
    is_refused(&Book::new("").part(SHEET, sheet("", "")), "REMIT-0201", "nothing in the workbook's sheets");
}

/// A second sheet with the same list; `state` is an attribute.
fn two_sheets(state: &str) -> Book {
    let second = format!(
        "</sheets><sheets><sheet name=\"July &amp; Co\" sheetId=\"2\" {state} r:id=\"rId4\"/></sheets>"
    );
    Book::new(&row(2, &GOOD)).replace(MAIN, "</sheets>", &second).part(
        "xl/worksheets/sheet2.xml",
        sheet(&format!("{HEADER}{}", row(2, &["R-2", "", "Ann", "ann@example.com", "=7"])), ""),
    )
}

#[test]
fn of_several_lists_one_must_be_named() {
    is_refused(&two_sheets(""), "REMIT-0243", "several sheets hold a list: \"June\", \"July & Co\"");
    is_read(&two_sheets("state=\"hidden\""));
    let said = logged().concat();
    assert!(said.contains("sheet \"June\"; not read: \"July & Co\" (hidden)"), "{said}");
    let named = read_with(r#"{"sheet":"july & co "}"#, &two_sheets("state=\"veryHidden\""));
    assert_eq!(drafts(&named), ["2:700:R-2:Ann:ann@example.com:"]);
    let outcome = read_with(r#"{"sheet":"August"}"#, &two_sheets(""));
    assert_eq!(outcome.codes(), ["1::REMIT-0243"]);
    assert!(outcome.findings[0].message.contains("there are \"June\", \"July & Co\""));
    // Another sheet that is no list stands beside it.
    is_read(&two_sheets("").part("xl/worksheets/sheet2.xml", sheet(&row(1, &["Name"]), "")));
}

#[test]
fn places_may_be_left_to_the_order() {
    let bare = |text: String| {
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(" r=\"") {
            plain.push_str(&rest[..at]);
            rest = &rest[at + 4..];
            rest = &rest[rest.find('"').unwrap() + 1..];
        }
        plain + rest
    };
    is_read(&Book::new("").part(SHEET, sheet(&bare(format!("{HEADER}{}", row(2, &GOOD))), "")));
    // A row without a place is where its first cell is.
    let placed = format!("{HEADER}{}", row(2, &GOOD).replace("<row r=\"2\">", "<row>").replace("2\"", "7\""));
    assert_eq!(read(&Book::new("").part(SHEET, sheet(&placed, ""))).codes().len(), 5);
    for (odd, words) in [
        ("<row r=\"1\"/>", "row 1 stands behind row 2"),
        ("<row r=\"0\"/>", "row 0"),
        ("<row r=\"2000000\"/>", "row 2000000"),
        ("<row r=\"x\"/>", "no row x"),
    ] {
        let outcome = read(&Book::new(&format!("{}{odd}", row(2, &GOOD))));
        assert_eq!((drafts(&outcome).len(), outcome.codes()), (1, vec!["3::REMIT-0241".to_owned()]), "{odd}");
        assert!(outcome.findings[0].message.contains(words), "{}", outcome.findings[0].message);
    }
    for odd in [
        "<c r=\"A2\"/>",
        "<c r=\"12\"><v>1</v></c>",
        "<c r=\"ZZZZ2\"><v>1</v></c>",
        "<c s=\"x\"/>",
        "<c t=\"s\"><v>9</v></c>",
    ] {
        let outcome = read(&Book::new(&row(2, &GOOD).replace("</row>", &format!("{odd}</row>"))));
        assert_eq!(outcome.codes().len(), usize::from(!odd.contains("t=\"s\"")), "{odd}");
    }
}

#[test]
fn empty_rows_are_rows_only_in_the_midst() {
    let good = |line: u32| row(line, &GOOD);
    let styled = "<c r=\"A3\" s=\"0\"/><c r=\"B3\" t=\"inlineStr\"><is><t> </t></is></c>";
    let rows = format!("{}<row r=\"3\">{styled}</row>{}<row r=\"9\"/><row r=\"1048576\"/>", good(2), good(5));
    let outcome = read(&Book::new(&rows));
    assert_eq!(drafts(&outcome).len(), 2);
    assert_eq!(outcome.codes(), ["3:Amount:REMIT-0203", "4:Amount:REMIT-0203"]);
    let stray = read(&Book::new(&format!("{}{}{}", good(2), good(1048570), good(1048571))));
    assert_eq!((stray.rows, stray.codes()), (3, vec!["1048570::REMIT-0210".to_owned()]));
    assert_eq!(drafts(&stray).len(), 2);
    // What stands beside the list is no column of it, and no empty row either.
    let outcome = read(&Book::new(&row(2, &["", "", "", "", "", "", "", "=15030.1"])));
    assert_eq!(outcome.codes(), ["2:Amount:REMIT-0203"]);
}

#[test]
fn what_nobody_sees_is_not_taken() {
    let hidden = format!("{}{}", row(2, &GOOD), row(3, &GOOD).replace("<row", "<row hidden=\"1\""));
    let outcome = read(&Book::new(&hidden));
    assert_eq!(
        (drafts(&outcome), outcome.codes()),
        (vec![TAKEN.to_owned()], vec!["3::REMIT-0246".to_owned()])
    );
    assert_eq!(drafts(&read_with(r#"{"hidden_rows":"take"}"#, &Book::new(&hidden))).len(), 2);
    let skipped = read_with(r#"{"hidden_rows":"skip"}"#, &Book::new(&hidden));
    assert_eq!((skipped.rows, drafts(&skipped)), (1, vec![TAKEN.to_owned()]));
    let formula = |cell| row(2, &["R-1", "", "Jane Roe", "jane@example.com", cell, ""]);
    for cell in ["<c><f>1+1</f></c>", "<c><f>1+1</f><v></v></c>", "<c><f/><v/></c>"] {
        let outcome = read(&Book::new(&formula(cell)));
        assert_eq!(outcome.codes(), ["2::REMIT-0244"], "{cell}");
        assert!(outcome.findings[0].message.contains("the formula in E2"));
    }
    assert_eq!(
        drafts(&read(&Book::new(&formula("<c><f>1+1</f><v>2</v></c>")))),
        ["2:200:R-1:Jane Roe:jane@example.com:"]
    );
    assert_eq!(
        read(&Book::new(&formula("<c t=\"str\"><f>\"\"</f><v></v></c>"))).codes(),
        ["2:Amount:REMIT-0203"]
    );
}

#[test]
fn merged_cells_hide_values() {
    let rows: String = (2..=4).map(|line| row(line, &GOOD)).collect();
    let check = |range: &str, bad: &[u32]| {
        let below =
            format!("<mergeCells><mergeCell ref=\"A1:A1\"/><mergeCell ref=\"{range}\"/></mergeCells>");
        let book = Book::new("").part(SHEET, sheet(&format!("{HEADER}{rows}"), &below));
        let outcome = read(&book);
        let expect: Vec<String> = bad.iter().map(|line| format!("{line}::REMIT-0245")).collect();
        assert_eq!(outcome.codes(), expect, "{range}");
        assert!(outcome.findings.iter().all(|found| found.message.contains(range)), "{range}");
    };
    check("F2:F3", &[2, 3]);
    check("E3:F3", &[3]);
    // Beside the list, and the last column over what is none.
    check("G2:H4", &[]);
    check("F3:H3", &[]);
    check("A1:F1", &[]);
}

#[test]
fn recognises_its_files() {
    let head = Book::new("").bytes();
    assert_eq!(XlsxImporter::recognise("export.dat", &head), 95);
    assert_eq!(XlsxImporter::recognise("JUNE.XLSX", b"PK\x03\x04"), 80);
    assert_eq!(XlsxImporter::recognise("june.xls", &[0xD0, 0xCF, 0x11, 0xE0]), 60);
    assert_eq!(
        XlsxImporter::recognise("letter.docx", b"PK\x03\x04 [Content_Types].xml word/document.xml"),
        30
    );
    assert_eq!(XlsxImporter::recognise("june.xlsx", b"Name,Email,Amount"), 0);
    assert_eq!(XlsxImporter::recognise("archive.zip", b"PK\x03\x04"), 0);
}

#[test]
fn settings_are_those_of_the_schema() {
    let schema: remitd_plugin_sdk::serde_json::Value =
        remitd_plugin_sdk::serde_json::from_str(XlsxImporter::ABOUT.settings_schema).unwrap();
    let known = tabular::COLUMNS.map(|column| column.name);
    let columns = &schema["properties"]["columns"]["additionalProperties"]["enum"];
    assert_eq!(columns, &remitd_plugin_sdk::serde_json::json!(known));
    install(Services::new(r#"{"hidden_rows":"hide"}"#));
    assert!(XlsxImporter::open().is_err());
}
