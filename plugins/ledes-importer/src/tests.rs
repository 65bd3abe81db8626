//! Whole files, from bytes to drafts and findings.

use super::*;
use proptest::prelude::*;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::importer::{Finding, Row};
use remitd_plugin_sdk::mock::{self, Services, install, logged};
use std::collections::BTreeMap;

const HEADER: &str = include_str!("../tests/header-1998b.txt");
const HEADER_BI: &str = include_str!("../tests/header-98bi-v2.txt");
const SETTINGS: &str = r#"{"due_days":30,"payers":[
    {"client":"00124","name":"Harbor Trust","email":"ap@harbor.example"},
    {"client":"00124","matter":"00124.00009","name":"Pier Nine","email":"nine@pier.example"},
    {"client":"7","name":"Seven Ltd","email":"seven@example.com"}]}"#;

/// A record of 1998B: (invoice, client, matter, invoice total, line total).
fn item(of: (&str, &str, &str, &str, &str)) -> String {
    let (number, client, matter, total, line) = of;
    format!(
        "20260131|{number}|{client}|{matter}|{total}|20260101|20260131|For services|1|F|2.00|0|{line}|20260115|L510||A102|22547|Call [] notes|24-6437381|350|Roe, Jane|PARTNR|CM-1[]\n"
    )
}

fn file(items: &[(&str, &str, &str, &str, &str)]) -> String {
    let items: String = items.iter().map(|of| item(*of)).collect();
    format!("LEDES1998B[]\n{HEADER}{items}")
}

/// A record of 98BI V2: (invoice total, line total, line tax, tax total, net total, currency).
fn item_bi(of: (&str, &str, &str, &str, &str, &str)) -> String {
    let (total, line, line_tax, tax, net, currency) = of;
    let first = item(("9", "7", "7.1", total, line)).replace("[]\n", "").replace("Call  notes", "Call");
    format!(
        "{first}|PO1|TAX1|Name of matter|{tax}|{net}|{currency}|Roe|Jane|O|Firm|1 Street||City|Region|1|GBR|Seven|2 Street||City|Region|2|GBR|0.2|{line_tax}|VAT||[]\n"
    )
}

fn file_bi(items: &[(&str, &str, &str, &str, &str, &str)]) -> String {
    let items: String = items.iter().map(|of| item_bi(*of)).collect();
    format!("LEDES98BI V2[]\n{HEADER_BI}{items}")
}

#[derive(Debug)]
struct Outcome {
    rows: u64,
    seen: String,
    drafts: Vec<String>,
    /// Of each draft, the invoice's day and the day when it is due.
    due: Vec<(Option<NaiveDate>, Option<NaiveDate>)>,
    findings: Vec<Finding>,
}

impl Outcome {
    /// `line:column:code`
    fn codes(&self) -> Vec<String> {
        self.findings.iter().map(|f| format!("{}:{}:{}", f.line, f.column, f.code)).collect()
    }
}

/// `line:minor:invoice:client:matter:name:email:message`
fn shown(row: &Row<'_>) -> String {
    let Row { line, amount_minor, invoice, client, matter, payer_name, payer_email, message, .. } = row;
    format!("{line}:{amount_minor}:{invoice}:{client}:{matter}:{payer_name}:{payer_email}:{message}")
}

fn conventions(currency: &str, exponent: u8) -> Conventions {
    Conventions { currency: currency.into(), exponent, ..mock::conventions("june.led") }
}

/// Reads a file in pieces of `piece` bytes, and checks what must hold for every file. Only drafts that are to be taken are given.
fn read_by(piece: usize, file: &[u8], settings: &str, conventions: &Conventions) -> Outcome {
    install(Services::new(settings));
    logged();
    let read = mock::read(&LedesImporter::open().unwrap(), file, piece, conventions).unwrap();
    assert!(read.adds_up(), "no row vanishes: {read:?}");
    let seen = logged().pop().unwrap().replace("info: ", "");
    Outcome {
        rows: read.rows,
        seen,
        drafts: read.taken().map(|row| shown(&row)).collect(),
        due: read.taken().map(|row| (row.invoice_date, row.due_date)).collect(),
        findings: read.findings,
    }
}

fn read_as(file: impl AsRef<[u8]>, settings: &str, conventions: &Conventions) -> Outcome {
    let whole = read_by(usize::MAX, file.as_ref(), settings, conventions);
    for piece in [1, 7] {
        let cut = read_by(piece, file.as_ref(), settings, conventions);
        assert_eq!(
            (cut.rows, cut.drafts, &cut.findings),
            (whole.rows, whole.drafts.clone(), &whole.findings)
        );
    }
    whole
}

/// The same however the file comes in pieces.
fn read(file: impl AsRef<[u8]>) -> Outcome {
    read_as(file, SETTINGS, &conventions("USD", 2))
}

const HARBOR: &str = "Harbor Trust:ap@harbor.example:";

#[test]
fn an_invoice_is_the_sum_of_its_line_items_wherever_they_stand() {
    let outcome = read(file(&[
        ("A-1", "00124", "00124.00001", "100.00", "112.5"),
        ("A-2", "7", "7.1", "0.29", "0.2899"),
        ("A-1", "00124", "00124.00001", "100.00", "-12.50"),
        ("A-2", "7", "7.1", "0.29", "0.0001"),
    ]));
    assert_eq!(
        outcome.drafts,
        [
            format!("3:10000:A-1:00124:00124.00001:{HARBOR}"),
            "4:29:A-2:7:7.1:Seven Ltd:seven@example.com:".to_owned()
        ]
    );
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    assert_eq!(outcome.seen, "LEDES 1998B, 24 columns, 2 invoices, 4 line items");
    let day = NaiveDate::from_ymd_opt;
    assert_eq!(outcome.due[0], (day(2026, 1, 31), day(2026, 3, 2)));
    let plain = SETTINGS.replace("\"due_days\":30,", "\"describe\":true,");
    let described = read_as(file(&[("A-1", "7", "7.1", "5", "5.00")]), &plain, &conventions("USD", 2));
    assert_eq!(described.drafts, ["3:500:A-1:7:7.1:Seven Ltd:seven@example.com:For services"]);
    assert_eq!(described.due[0].1, None);
}

#[test]
fn an_invoice_of_several_matters_is_one_draft_that_names_none() {
    let both = [
        ("A-1", "00124", "00124.00009", "30.00", "10.00"),
        ("A-1", "00124", "00124.00001", "30.00", "20.00"),
    ];
    assert_eq!(read(file(&both)).drafts, [format!("3:3000:A-1:00124::{HARBOR}")]);
    let own = read(file(&[("A-1", "00124", "00124.00009", "10.00", "10.00")]));
    assert_eq!(own.drafts, ["3:1000:A-1:00124:00124.00009:Pier Nine:nine@pier.example:"]);
    let totals_apart = [
        ("A-1", "00124", "00124.00009", "10.00", "10.00"),
        ("A-1", "00124", "00124.00001", "20.00", "20.00"),
    ];
    let outcome = read(file(&totals_apart));
    assert_eq!(outcome.codes(), ["4:INVOICE_TOTAL:REMIT-0220"]);
    assert!(outcome.findings[0].message.contains("is 10.00 at line 3"), "{outcome:?}");
    // The same number of another client is another invoice.
    let apart = read(file(&[("A-1", "00124", "00124.1", "1.00", "1"), ("A-1", "7", "7.1", "2.00", "2")]));
    assert_eq!(apart.drafts.len(), 2);
}

#[test]
fn a_broken_line_item_rejects_its_invoice_and_no_other() {
    let outcome = read(file(&[
        ("A-1", "7", "7.1", "30.00", "10.00"),
        ("A-2", "7", "7.1", "5.00", "5.00"),
        ("A-1", "7", "7.1", "30.00", "ten"),
        ("A-1", "7", "7.1", "31.00", ""),
    ]));
    assert_eq!(outcome.rows, 2);
    assert_eq!(outcome.drafts, ["4:500:A-2:7:7.1:Seven Ltd:seven@example.com:"]);
    assert_eq!(
        outcome.codes(),
        ["5:LINE_ITEM_TOTAL:REMIT-0202", "5:INVOICE_TOTAL:REMIT-0220", "5:LINE_ITEM_TOTAL:REMIT-0203"]
    );
    assert_eq!(outcome.findings[0].value, "ten");
    assert!(outcome.findings[2].message.starts_with("line 6: there is no amount"));
    let many = vec![("A-1", "7", "7.1", "30.00", "x"); 20];
    let outcome = read(file(&many));
    assert_eq!((outcome.rows, outcome.findings.len()), (1, invoice::FAULTS_SHOWN + 1));
    assert!(outcome.findings[invoice::FAULTS_SHOWN].message.starts_with("12 more things"));
}

#[test]
fn sums_that_do_not_agree_say_both() {
    let outcome =
        read(file(&[("A-1", "7", "7.1", "30.00", "10.00"), ("A-1", "7", "7.1", "30.00", "10.005")]));
    assert_eq!(outcome.codes(), ["3:INVOICE_TOTAL:REMIT-0220"]);
    assert_eq!(
        outcome.findings[0].message,
        "INVOICE_TOTAL of invoice A-1 is 30.00, its line items add up to 20.005"
    );
    assert_eq!(read(file(&[("A-1", "7", "7.1", "0", "0")])).codes(), ["3:INVOICE_TOTAL:REMIT-0204"]);
    assert_eq!(read(file(&[("A-1", "7", "7.1", "-5", "-5")])).codes(), ["3:INVOICE_TOTAL:REMIT-0204"]);
    assert_eq!(read(file(&[("A-1", "7", "7.1", "1.005", "1.005")])).codes(), ["3:INVOICE_TOTAL:REMIT-0202"]);
    let yen = read_as(file(&[("A-1", "7", "7.1", "500", "500.00")]), SETTINGS, &conventions("JPY", 0));
    assert_eq!(yen.drafts, ["3:500:A-1:7:7.1:Seven Ltd:seven@example.com:"]);
    let huge = ("A-1", "7", "7.1", "1.00", "900000000000000");
    assert_eq!(read(file(&[huge, huge])).codes(), ["4:LINE_ITEM_TOTAL:REMIT-0202"]);
}

#[test]
fn tax_is_in_the_line_items_or_beside_them() {
    let one = |of: (&str, &str, &str, &str, &str, &str)| {
        let outcome = read_as(file_bi(&[of, of]), SETTINGS, &conventions("GBP", 2));
        (
            outcome.drafts,
            outcome.findings.iter().map(|f| format!("{}:{}", f.column, f.code)).collect::<Vec<_>>(),
        )
    };
    let taken = vec!["3:24000:9:7:7.1:Seven Ltd:seven@example.com:".to_owned()];
    assert_eq!(
        one(("240.00", "120.00", "20.00", "40.00", "200.00", "GBP")),
        (taken.clone(), vec![]),
        "within"
    );
    assert_eq!(
        one(("240.00", "100.00", "20.00", "40.00", "200.00", "GBP")),
        (taken.clone(), vec![]),
        "beside"
    );
    assert_eq!(one(("240.00", "120.00", "", "", "", "")), (taken.clone(), vec![]), "not said");
    assert_eq!(
        one(("240.00", "120.00", "", "40.00", "200.00", "gbp")),
        (taken, vec![]),
        "of the invoice alone"
    );
    let wrong = |column: &str, code: &str| (vec![], vec![format!("{column}:REMIT-{code}")]);
    assert_eq!(one(("240.00", "110.00", "20.00", "40.00", "200.00", "GBP")), wrong("INVOICE_TOTAL", "0220"));
    assert_eq!(one(("240.00", "120.00", "20.00", "30.00", "200.00", "GBP")), wrong("INVOICE_TOTAL", "0220"));
    assert_eq!(
        one(("240.00", "120.00", "15.00", "40.00", "200.00", "GBP")),
        wrong("INVOICE_NET_TOTAL", "0220")
    );
    assert_eq!(
        one(("240.00", "120.00", "20.00", "40.00", "200.00", "EUR")),
        wrong("INVOICE_CURRENCY", "0222")
    );
    let sums = read_as(
        file_bi(&[("240.00", "110.00", "20.00", "40.00", "200.00", "GBP")]),
        SETTINGS,
        &conventions("GBP", 2),
    );
    assert_eq!(
        sums.findings[0].message,
        "INVOICE_TOTAL of invoice 9 is 240.00, its line items add up to 110.00, and with their tax to 130.00"
    );
    assert_eq!(sums.seen, "LEDES 98BI V2, 52 columns, 1 invoices, 1 line items");
}

#[test]
fn a_client_without_a_payer_is_named_with_the_line_to_add() {
    let outcome = read(file(&[("A-1", "0124", "1", "5.00", "5.00")]));
    assert_eq!(outcome.codes(), ["3:CLIENT_ID:REMIT-0221"]);
    assert!(outcome.findings[0].message.contains(r#"add { client = "0124", name = "…", email = "…" }"#));
    for wrong in [
        r#"{}"#,
        r#"{"payers":[{"client":"7"}]}"#,
        r#"{"payers":[],"colour":1}"#,
        r#"{"payers":[{"client":"7","name":"A","email":"a@x.y"},{"client":"7","name":"B","email":"b@x.y"}]}"#,
    ] {
        install(Services::new(wrong));
        assert!(LedesImporter::open().is_err(), "{wrong}");
    }
}

#[test]
fn records_end_with_brackets_however_lines_are_broken() {
    let items = [
        ("A-1", "7", "7.1", "5.00", "2.00"),
        ("A-1", "7", "7.1", "5.00", "3.00"),
        ("A-2", "7", "7", "1", "1"),
    ];
    let usual = file(&items);
    for end in ["\n", "\r\n", "\r"] {
        let other = usual.replace('\n', end);
        assert_eq!(read(&other).drafts, read(&usual).drafts, "{end:?}");
        let blank = format!("\u{feff}{}{end}{end}  {end}", other.replace("[]", "[] "));
        assert_eq!(read(blank).drafts, read(&usual).drafts);
        let folded = read(other.replace("services", &format!("ser{end}vices")));
        let lines: Vec<_> =
            folded.drafts.iter().map(|draft| draft.split(':').next().unwrap().to_owned()).collect();
        assert_eq!((lines, folded.findings), (vec!["3".to_owned(), "7".to_owned()], vec![]));
    }
    let in_one_line = read(usual.replace("[]\n", "[]").replace("Call [] notes", "Call"));
    let drafts: Vec<_> =
        read(&usual).drafts.iter().map(|draft| format!("1:{}", draft.split_once(':').unwrap().1)).collect();
    assert_eq!(in_one_line.drafts, drafts);
}

#[test]
fn marks_and_headers_that_are_not_the_standards() {
    assert_eq!(read("").codes(), ["1::REMIT-0201"]);
    assert_eq!(read("\n \n").codes(), ["1::REMIT-0201"]);
    for mark in ["LEDES98BI[]\n", "Invoice,Amount\n1,2\n", "LEDES2000[]", "LEDES1998B"] {
        assert_eq!(read(mark).codes(), ["1::REMIT-0201"], "{mark}");
    }
    assert_eq!(read("LEDES1998B[]\n").codes(), ["1::REMIT-0201"]);
    let only_header = read(file(&[]));
    assert_eq!((only_header.rows, only_header.findings.len()), (0, 0));
    let row = [("A-1", "7", "7.1", "5.00", "5.00")];
    let renamed = read(file(&row).replace("|INVOICE_TOTAL|", "|TOTAL|"));
    assert_eq!(renamed.codes(), ["2:INVOICE_TOTAL:REMIT-0201", "2::REMIT-0201"]);
    assert_eq!(renamed.findings[1].value, "TOTAL");
    let short = read(file(&row).replace("|CLIENT_MATTER_ID", ""));
    assert_eq!(short.codes(), ["2:CLIENT_MATTER_ID:REMIT-0201"]);
    let doubled = read(file(&row).replace("|CLIENT_MATTER_ID", "|CLIENT_ID|CLIENT_MATTER_ID"));
    assert!(doubled.findings[0].message.contains("more than once"), "{doubled:?}");
    let lower = format!("ledes1998b[]\n{}{}", HEADER.to_lowercase(), item(row[0]));
    assert_eq!(read(lower).drafts.len(), 1);
}

#[test]
fn columns_are_found_by_their_names() {
    let swap = |record: &str| {
        let mut fields: Vec<&str> = record.trim_end().trim_end_matches("[]").split('|').collect();
        fields.swap(4, 12);
        fields.swap(0, 23);
        format!("{}[]\n", fields.join("|"))
    };
    let rows = [("A-1", "7", "7.1", "5.00", "2.00"), ("A-1", "7", "7.1", "5.00", "3.00")];
    let swapped: String = rows.iter().map(|of| swap(&item(*of))).collect();
    let outcome = read(format!("LEDES1998B[]\n{}{swapped}", swap(HEADER)));
    assert_eq!(outcome.drafts, ["3:500:A-1:7:7.1:Seven Ltd:seven@example.com:"]);
    assert!(outcome.seen.contains("(not in the usual order from INVOICE_DATE on)"), "{}", outcome.seen);
}

#[test]
fn records_that_are_no_line_item() {
    let good = item(("A-1", "7", "7.1", "5.00", "5.00"));
    let pipe = good.replace("A-1", "A-2").replace("For services", "For | services");
    let body = format!("junk[]\n{pipe}a|b[]\n{}{}{good}", good.replace("A-1", ""), good.replace("|7|", "||"));
    let outcome = read(format!("LEDES1998B[]\n{HEADER}{body}"));
    assert_eq!(
        outcome.codes(),
        [
            "3::REMIT-0206",
            "5::REMIT-0206",
            "6:INVOICE_NUMBER:REMIT-0223",
            "7:CLIENT_ID:REMIT-0223",
            "4::REMIT-0206"
        ]
    );
    assert!(outcome.findings[4].message.contains("has 25 fields, the header has 24"), "{outcome:?}");
    assert_eq!((outcome.rows, outcome.drafts.len()), (6, 1));
    let cut_off = file(&[("A-1", "7", "7.1", "5.00", "5.00"), ("A-2", "7", "7.1", "5.00", "5.00")]);
    let outcome = read(cut_off.trim_end().trim_end_matches("[]"));
    assert_eq!((outcome.codes(), outcome.drafts.len()), (vec!["4::REMIT-0206".to_owned()], 1));
    let date = read(file(&[("A-1", "7", "7.1", "5.00", "5.00")]).replace("20260131|A-1", "2026-01-31|A-1"));
    assert_eq!(date.codes(), ["3:INVOICE_DATE:REMIT-0205"]);
    assert_eq!(read(good.replace("20260131|A", "20260230|A")).rows, 1);
    let long = format!("{}{}[]\n{good}", file(&[]), "x".repeat(3 << 20));
    let outcome = read_by(4096, long.as_bytes(), SETTINGS, &conventions("USD", 2));
    assert_eq!((outcome.codes(), outcome.drafts.len()), (vec!["3::REMIT-0210".to_owned()], 1));
    let wide = read(format!("{}{}[]\n{good}", file(&[]), "|".repeat(1000)));
    assert_eq!((wide.codes(), wide.drafts.len()), (vec!["3::REMIT-0206".to_owned()], 1));
}

#[test]
fn files_joined_to_one_are_read_one_after_the_other() {
    let one = file(&[("A-1", "7", "7.1", "5.00", "5.00")]);
    let international = file_bi(&[("240.00", "240.00", "", "", "", "USD")]);
    let outcome = read(format!("{one}{international}\u{feff}{one}"));
    assert_eq!(outcome.drafts.len(), 3, "{outcome:?}");
    assert_eq!(outcome.seen, "LEDES 1998B, 24 columns, 3 files in one, 3 invoices, 3 line items");
    let broken = read(format!("{one}LEDES98BI V2[]\n{HEADER}"));
    assert!(broken.findings.iter().all(|finding| finding.line == 5), "{broken:?}");
    assert_eq!(broken.drafts.len(), 1);
}

#[test]
fn encodings() {
    let plain = SETTINGS.replace("\"due_days\":30,", "\"describe\":true,");
    let message = |bytes: &[u8]| {
        let outcome = read_as(bytes, &plain, &conventions("USD", 2));
        outcome.drafts.iter().map(|draft| draft.rsplit(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let text = file(&[("A-1", "7", "7.1", "5.00", "5.00")]).replace("services", "Müller €");
    assert_eq!(message(text.as_bytes()), ["For Müller €"]);
    let windows = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
    assert_eq!(message(&windows), ["For Müller €"]);
    let both = [text.as_bytes(), &windows[windows.len() - item(("A-1", "7", "7.1", "5.00", "5.00")).len()..]]
        .concat();
    assert_eq!(read(both).codes(), ["4::REMIT-0209"]);
    let wide: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(wide).codes(), ["1::REMIT-0209"]);
    assert_eq!(read(vec![0; 5000]).codes(), ["1::REMIT-0209"]);
}

#[test]
fn recognises_its_files() {
    for mark in ["LEDES1998B[]\r\nINV", "\u{feff}LEDES98BI V2[]", "ledes98biv2[]"] {
        assert_eq!(LedesImporter::recognise("upload.bin", mark.as_bytes()), 100, "{mark}");
    }
    let by_name = |name| LedesImporter::recognise(name, b"hello");
    assert!(LedesImporter::recognise("x", b"LEDES98BI[]") > 50);
    assert!(by_name("june.LED") > by_name("june.txt") && by_name("june.txt") > 0);
    assert_eq!((by_name("june.csv"), LedesImporter::recognise("june.led", b"\0\x01")), (0, 0));
}

#[test]
fn more_than_can_be_kept_is_said() {
    let rows: String = (0..=invoices::INVOICES_MAX)
        .map(|at| item((&format!("N{at}"), "7", "7.1", "5.00", "5.00")))
        .collect();
    let file = format!("LEDES1998B[]\n{HEADER}{rows}");
    let outcome = read_by(256 << 10, file.as_bytes(), SETTINGS, &conventions("USD", 2));
    assert_eq!(outcome.drafts.len(), invoices::INVOICES_MAX);
    assert_eq!(outcome.codes(), ["100003::REMIT-0210"]);
    let strays = format!("LEDES1998B[]\n{HEADER}{}", "a|b[]\n".repeat(100_002));
    let outcome = read_by(256 << 10, strays.as_bytes(), SETTINGS, &conventions("USD", 2));
    assert_eq!((outcome.rows, outcome.findings.last().unwrap().code.as_str()), (100_001, code::TOO_LONG));
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..400), after in 0..4_usize) {
        let before = ["", "LEDES1998B[]", "LEDES98BI V2[]\n", &file(&[("A-1", "7", "7.1", "5.00", "5.00")])][after].to_owned();
        read([before.as_bytes(), &bytes].concat());
    }

    #[test]
    fn no_marks_in_odd_places_break_it(soup in "(\\||\\[\\]|\\[|\\]|\r|\n|7|LEDES1998B|20260131\\|A\\|7){0,60}") {
        read(format!("{}{soup}", file(&[("A-1", "7", "7.1", "5.00", "5.00")])));
    }

    /// Line items of a few invoices in any order: each draft is for the sum of its own, whatever happens to the others.
    #[test]
    fn invoices_add_up(items in proptest::collection::vec((0..6_u8, -50_000..200_000_i64), 1..60), broken in 0..6_u8) {
        let mut sums = BTreeMap::<u8, i64>::new();
        for (invoice, ten_thousandths) in &items {
            *sums.entry(*invoice).or_default() += ten_thousandths;
        }
        let decimal = |value: i64| {
            format!("{}{}.{:04}", if value < 0 { "-" } else { "" }, value.abs() / 10_000, value.abs() % 10_000)
        };
        let rows: String = items.iter().map(|(invoice, value)| {
            let total = sums[invoice] + i64::from(*invoice == broken) * 100;
            item((&invoice.to_string(), "7", "7.1", &decimal(total), &decimal(*value)))
        }).collect();
        let outcome = read(format!("LEDES1998B[]\n{HEADER}{rows}"));
        let expect: BTreeMap<String, i64> = sums.iter()
            .filter(|(invoice, sum)| **invoice != broken && **sum > 0 && **sum % 100 == 0)
            .map(|(invoice, sum)| (invoice.to_string(), sum / 100))
            .collect();
        let got: BTreeMap<String, i64> = outcome.drafts.iter().map(|draft| {
            let mut parts = draft.split(':').skip(1);
            let minor = parts.next().unwrap().parse().unwrap();
            (parts.next().unwrap().to_owned(), minor)
        }).collect();
        prop_assert_eq!(outcome.rows, sums.len() as u64);
        prop_assert_eq!(got, expect);
    }
}
