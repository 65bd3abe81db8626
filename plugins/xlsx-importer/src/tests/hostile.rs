//! Workbooks that are damaged or made to do harm: said, never a break-down, never a row that is not there.

use super::book::{Book, MAIN, SHEET, TEXTS, row, sheet};
use super::*;
use crate::row::Row as SheetRow;
use crate::sheet::Sheet;
use proptest::prelude::*;

#[test]
fn what_is_too_large_is_said_before_it_fills_the_memory() {
    is_refused(
        &Book::new("").part(MAIN, format!("<!--{}-->", "x".repeat(200 << 10)).repeat(90)),
        "REMIT-0242",
        "more than 16 MiB",
    );
    is_refused(&Book::new("").part(MAIN, " ".repeat(400 << 10)), "REMIT-0242", "a text in it is longer");
    let long = format!("{}{}", row(2, &GOOD), row(3, &[&"x".repeat(400 << 10)]));
    let outcome = read(&Book::new(&long));
    assert_eq!((drafts(&outcome).len(), outcome.codes()), (1, vec!["3::REMIT-0242".to_owned()]));
    let short = row(2, &["R-1", "", &"x".repeat(70_000), "jane@example.com", "=1"]);
    assert_eq!(read(&Book::new(&short)).codes(), ["2:Recipient Name:REMIT-0210"]);
    let many: String = "&amp;".repeat(1_100_000);
    let outcome = read(&Book::new(&row(2, &["R-1", "", &many, "jane@example.com", "=1"])));
    assert_eq!(outcome.codes(), ["2::REMIT-0242"]);
    let far = format!("{}{}", row(2, &GOOD), " ".repeat(20 << 20));
    is_refused(
        &Book::new("").part(SHEET, sheet(&format!("{HEADER}{far}"), &" ".repeat(18 << 20))),
        "REMIT-0242",
        "below the list",
    );
    let file = vec![b'P'; (32 << 20) + 1];
    assert_eq!(read_by("{}", usize::MAX, &file).codes(), ["1::REMIT-0242"]);
}

#[test]
fn xml_that_does_harm_is_refused() {
    let doctype = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>";
    let rows = sheet(&format!("{HEADER}{}", row(2, &GOOD)), "");
    is_refused(
        &Book::new("").part(SHEET, rows.replace("<worksheet>", &format!("{doctype}<worksheet>"))),
        "REMIT-0241",
        "document type",
    );
    is_refused(&Book::new("").part(TEXTS, "<sst><si><t>&b;</t></si></sst>"), "REMIT-0241", "&b;");
    is_refused(&Book::new("").part(TEXTS, "<x>".repeat(200)), "REMIT-0241", "100 tags within tags");
    is_refused(&Book::new("").part(TEXTS, "<sst><si><t>never"), "REMIT-0241", "ends in its midst");
    is_refused(&Book::new("").part(TEXTS, "<sst></si></sst>"), "REMIT-0241", "sharedStrings.xml");
    is_refused(
        &Book::new("").replace("xl/_rels/workbook.xml.rels", "sheet1.xml", "sheet9.xml"),
        "REMIT-0241",
        "no part xl/worksheets/sheet9.xml",
    );
}

#[test]
fn a_sheet_whose_bytes_were_changed_gives_no_row() {
    let book = Book::new(&row(2, &GOOD)).stored();
    let mut file = book.bytes();
    let at = file.windows(5).position(|window| window == b"150.3").unwrap();
    file[at] = b'9';
    let outcome = read_by("{}", usize::MAX, &file);
    assert_eq!((drafts(&outcome), outcome.codes()), (vec![], vec!["1::REMIT-0241".to_owned()]));
}

#[test]
fn a_list_of_too_many_rows_is_cut_and_said() {
    let rows: String = (2..=1_000_003)
        .map(|line| format!("<row r=\"{line}\"><c r=\"E{line}\"><v>1</v></c></row>"))
        .collect();
    let outcome = read_by("{}", usize::MAX, &Book::new(&rows).bytes());
    assert_eq!((outcome.rows, outcome.codes()), (1_000_001, vec!["1000002::REMIT-0210".to_owned()]));
}

fn three() -> Vec<u8> {
    let rows: String = (2..=4).map(|line| row(line, &GOOD)).collect();
    Book::new(&rows).part(TEXTS, "<sst><si><r><t>a</t></r></si></sst>").bytes()
}

/// Each row and its cells; at the end, what is wrong.
fn rows(book: &Workbook, by_tags_alone: bool) -> Vec<String> {
    let sheet = Sheet::open(book, &book.sheets[0]).unwrap();
    let mut sheet = if by_tags_alone { sheet.by_tags_alone() } else { sheet };
    let (mut row, mut seen) = (SheetRow::default(), Vec::new());
    loop {
        match sheet.next(&mut row) {
            Ok(true) => {
                let cells = row.cells.iter().map(|cell| format!("{cell:?} {}", row.text(cell)));
                seen.push(format!("{} {} {:?}", row.line, row.is_hidden, cells.collect::<Vec<_>>()));
            }
            Ok(false) => return seen,
            Err(wrong) => return [seen, vec![wrong.message]].concat(),
        }
    }
}

fn usual_or_nearly() -> impl Strategy<Value = String> {
    let cell = "<c( r=\"[A-D][1-9]?\"| s=\"[0-9x]\"| t=\"(s|str|inlineStr|b)\"| x='1'){0,3}(/>|>(<v>([0-9]|&amp;|_x0041_|a|\r|é| ){0,4}</v>|<v/>|<f>1</f><v>2</v>|<is><t( xml:space=\"preserve\")?>[a ]{0,3}</t></is>|<is><r><t>a</t></r></is>)?</c>)";
    let row =
        format!("<row( r=\"[1-9]\"| hidden=\"[01]\"| spans=\"1:7\"){{0,2}}(/>|>({cell}){{0,4}}</row>\n?)");
    prop::collection::vec(prop::string::string_regex(&row).unwrap(), 0..6).prop_map(|rows| rows.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// `read_by` holds what must be: no panic, no row vanishes.
    #[test]
    fn any_bytes(file in prop::collection::vec(any::<u8>(), 0..400), piece in 1..400_usize) {
        read_by("{}", piece, &file);
        read_by("{}", piece, &[b"PK\x03\x04", &file[..]].concat());
    }

    #[test]
    fn a_workbook_with_some_bytes_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut file = three();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let outcome = read_by("{}", usize::MAX, &file);
        prop_assert!(drafts(&outcome).len() <= 3);
    }

    #[test]
    fn a_workbook_cut_short(end in any::<prop::sample::Index>()) {
        let file = three();
        let outcome = read_by("{}", usize::MAX, &file[..end.index(file.len())]);
        prop_assert_eq!(drafts(&outcome).len(), 0);
    }

    /// Parts that are whole, and sheets of any tags.
    #[test]
    fn any_rows(rows in "(</?(row|c|v|is|t|f|sheetData|x)( r=\"[A-F]?[0-9]\"| t=\"[sbnd]\"| hidden=\"1\")?/?>|[0-9]|&amp;|a){0,60}") {
        read_by("{}", usize::MAX, &Book::new(&rows).bytes());
        read_by("{}", usize::MAX, &Book::new("").part(SHEET, format!("<worksheet><sheetData>{HEADER}{rows}")).bytes());
    }

    #[test]
    fn a_row_read_where_it_lies_reads_as_by_its_tags(rows_of in usual_or_nearly()) {
        let file = Book::new("").part(SHEET, sheet(&format!("<row/>{rows_of}"), "")).bytes();
        let Ok(book) = Workbook::open(file) else { unreachable!() };
        prop_assert_eq!(rows(&book, false), rows(&book, true), "{}", rows_of);
    }
}
