//! Whole files, from bytes to drafts and findings.

use super::*;
use remitd_plugin_sdk::date::day_of;
use remitd_plugin_sdk::importer::{Drafts, Finding, NO_DAY, Texts};
use std::collections::BTreeSet;

const HEADER: &str =
    "Invoice Number,Invoice Date,Due Date,Recipient Name,Recipient Email,Amount,Custom Message\n";

#[derive(Default)]
struct Outcome {
    rows: u64,
    batches: Vec<Drafts>,
    findings: Vec<Finding>,
}

impl Outcome {
    /// `line:minor:invoice:name:email:message`
    fn drafts(&self) -> Vec<String> {
        let text = |texts: &Texts, at: usize| {
            let begin = if at == 0 { 0 } else { texts.ends[at - 1] as usize };
            texts.text[begin..texts.ends[at] as usize].to_owned()
        };
        let mut all = Vec::new();
        for batch in &self.batches {
            for at in 0..batch.lines.len() {
                let (name, email) = (text(&batch.payer_names, at), text(&batch.payer_emails, at));
                let (invoice, message) = (text(&batch.invoices, at), text(&batch.messages, at));
                all.push(format!(
                    "{}:{}:{invoice}:{name}:{email}:{message}",
                    batch.lines[at], batch.amounts_minor[at]
                ));
            }
        }
        all
    }

    /// `line:column:code`
    fn codes(&self) -> Vec<String> {
        self.findings.iter().map(|f| format!("{}:{}:{}", f.line, f.column, f.code)).collect()
    }
}

fn conventions() -> Conventions {
    Conventions {
        currency: "USD".into(),
        exponent: 2,
        date_order: "mdy".into(),
        decimal_mark: ".".into(),
        file_name: "drafts.csv".into(),
    }
}

/// Reads a file in pieces of `piece` bytes, and checks what must hold for every file.
fn read_by(piece: usize, file: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = file;
    let mut source = Source::new(|max| {
        let (now, later) = rest.split_at(rest.len().min(piece).min(max as usize));
        rest = later;
        Ok(now.to_vec())
    });
    let (batches, findings) = (&mut outcome.batches, &mut outcome.findings);
    let mut out = Out::new(
        |drafts| {
            batches.push(drafts.clone());
            Ok(())
        },
        |found| {
            findings.extend_from_slice(found);
            Ok(())
        },
    );
    let context = remitd_plugin_sdk::Context { job: "j".into(), idempotency_key: "k".into(), deadline_ms: 0 };
    let rows = CsvImporter::open().unwrap().read(&context, &mut source, &mut out, &conventions()).unwrap();
    out.finish().unwrap();
    drop(out);
    outcome.rows = rows;
    let bad: BTreeSet<u32> = outcome.findings.iter().map(|f| f.line).collect();
    // A row with findings is handed over as well, to be checked; only the others are to be taken.
    for batch in &mut outcome.batches {
        good_rows_only(batch, &bad);
    }
    let good: usize = outcome.batches.iter().map(|batch| batch.lines.len()).sum();
    assert_eq!(rows, (bad.len() + good) as u64, "no row vanishes: {:?}", outcome.codes());
    outcome
}

fn good_rows_only(batch: &mut Drafts, bad: &BTreeSet<u32>) {
    let keep: Vec<bool> = batch.lines.iter().map(|line| !bad.contains(line)).collect();
    let mut kept = keep.iter();
    batch.lines.retain(|_| *kept.next().unwrap());
    let mut kept = keep.iter();
    batch.amounts_minor.retain(|_| *kept.next().unwrap());
    let mut kept = keep.iter();
    batch.invoice_days.retain(|_| *kept.next().unwrap());
    let mut kept = keep.iter();
    batch.due_days.retain(|_| *kept.next().unwrap());
    for column in [
        &mut batch.invoices,
        &mut batch.payer_names,
        &mut batch.payer_emails,
        &mut batch.messages,
        &mut batch.clients,
        &mut batch.matters,
    ] {
        let mut text = String::new();
        let mut ends = Vec::new();
        let mut begin = 0;
        for (end, keep) in column.ends.iter().zip(&keep) {
            if *keep {
                text.push_str(&column.text[begin..*end as usize]);
                ends.push(u32::try_from(text.len()).unwrap());
            }
            begin = *end as usize;
        }
        (column.text, column.ends) = (text, ends);
    }
}

/// The same however the file comes in pieces.
fn read(file: impl AsRef<[u8]>) -> Outcome {
    let whole = read_by(usize::MAX, file.as_ref());
    for piece in [1, 7] {
        let cut = read_by(piece, file.as_ref());
        assert_eq!((cut.rows, cut.drafts(), cut.codes()), (whole.rows, whole.drafts(), whole.codes()));
    }
    whole
}

#[test]
fn a_plain_file() {
    let outcome = read(format!(
        "{HEADER}1001,2026-01-31,2/28/2026,Jane Roe,jane@example.com,\"$1,234.56\",Thanks\n1002,,,John Doe,john@example.com,20,\n"
    ));
    assert_eq!(
        outcome.drafts(),
        ["2:123456:1001:Jane Roe:jane@example.com:Thanks", "3:2000:1002:John Doe:john@example.com:"]
    );
    assert!(outcome.findings.is_empty());
    let day = |y, m, d| day_of(remitd_plugin_sdk::chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap());
    assert_eq!(outcome.batches[0].invoice_days, [day(2026, 1, 31), NO_DAY]);
    assert_eq!(outcome.batches[0].due_days, [day(2026, 2, 28), NO_DAY]);
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
        assert_eq!(outcome.drafts(), ["2:500:7:Jane:jane@example.com:"], "{file}");
        assert_eq!(
            (outcome.batches[0].matters.text.as_str(), outcome.batches[0].clients.text.as_str()),
            ("00124192.00001", "00124")
        );
    }
}

#[test]
fn a_semicolon_file_with_commas_in_its_texts() {
    let outcome =
        read("Recipient Name;Recipient Email;Amount;Custom Message\nRoe, Jane;j@example.com;1.00;a, b, c\n");
    assert_eq!(outcome.drafts(), ["2:100::Roe, Jane:j@example.com:a, b, c"]);
}

#[test]
fn line_numbers_go_through_quotes_blank_lines_and_every_line_end() {
    for end in ["\n", "\r\n", "\r"] {
        let file = "Name,Email,Amount,Message~~A,a@x.y,1,\"one\"~~~B,b@x.y,bad,two~C,c@x.y,3,three~"
            .replace('~', end);
        let outcome = read(&file);
        assert_eq!(outcome.drafts(), ["3:100::A:a@x.y:one", "7:300::C:c@x.y:three"], "{file:?}");
        assert_eq!(outcome.codes(), ["6:Amount:REMIT-0202"], "{file:?}");
    }
    for end in ["\n", "\r\n"] {
        let file =
            "Name,Email,Amount,Message~A,a@x.y,1,\"dear \"\"A\"\",~~pay\"~B,b@x.y,,~".replace('~', end);
        let outcome = read(&file);
        assert_eq!(outcome.drafts(), [format!("2:100::A:a@x.y:dear \"A\",{end}{end}pay")]);
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
    assert_eq!(read(file).drafts(), expect);
    assert_eq!(read(format!("\u{feff}{file}")).drafts(), expect);
    assert_eq!(read(utf16(true)).drafts(), expect);
    assert_eq!(read(utf16(false)).drafts(), expect);
    assert_eq!(read(b"Name,Email,Amount\nJos\xE9 M\xFCller \x80,j@example.com,1\n").drafts(), expect);
}

#[test]
fn bytes_that_are_no_characters_are_named_by_their_line() {
    let after_utf8 =
        [b"Name,Email,Amount\nJos\xC3\xA9,j@x.y,1\nJos\xE9,j@x.y,1\nAnn,a@x.y,2\n".as_slice()].concat();
    let outcome = read(after_utf8);
    assert_eq!(outcome.codes(), ["3::REMIT-0209"]);
    assert_eq!(outcome.drafts().len(), 2);
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
    assert_eq!(outcome.drafts(), ["4:300::C:c@x.y:"]);
    let many = format!("Name,Email,Amount\n{}\nC,c@x.y,3\n", ",".repeat(1000));
    assert_eq!((read(&many).codes(), read(&many).rows), (vec!["2::REMIT-0206".to_owned()], 2));
}

#[test]
fn empty_rows_are_rows_only_in_the_midst() {
    let outcome = read("Name,Email,Amount\nA,a@x.y,1\n,,\n \nB,b@x.y,2\n,,\n,,\n\n");
    assert_eq!(outcome.drafts(), ["2:100::A:a@x.y:", "5:200::B:b@x.y:"]);
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
    assert_eq!(own_name_first.drafts(), ["2:100::A:a@x.y:"]);
    assert_eq!((read(HEADER).rows, read(HEADER.trim_end()).rows), (0, 0), "a header alone is no row");
}

#[test]
fn a_quote_that_is_never_closed_hides_no_row_silently() {
    let outcome = read("Name,Email,Amount,Message\nA,a@x.y,1,\"oops\nB,b@x.y,2,\nC,c@x.y,3,\n");
    assert_eq!(outcome.codes(), ["2::REMIT-0216"]);
    assert!(outcome.batches.is_empty());
    assert_eq!(read("Name,Email,Amount,Message\nA,a@x.y,1,\"fine\"").drafts(), ["2:100::A:a@x.y:fine"]);
}

#[test]
fn what_is_too_long_is_named_and_passed_over() {
    let long = "x".repeat(70_000);
    let outcome = read_by(4096, format!("Name,Email,Amount\n{long},a@x.y,1\nB,b@x.y,2\n").as_bytes());
    assert_eq!(outcome.codes(), ["2:Recipient Name:REMIT-0210"]);
    assert_eq!(outcome.findings[0].value.len(), 200);
    assert_eq!(outcome.drafts(), ["3:200::B:b@x.y:"]);
    let endless = "x".repeat(3 << 20);
    let outcome = read_by(65_536, format!("Name,Email,Amount\n{endless},a@x.y,1\nB,b@x.y,2\n").as_bytes());
    assert_eq!(
        (outcome.codes(), outcome.drafts()),
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
    assert_eq!(sizes, [16_384, 16_384, 7_232]);
    assert_eq!(outcome.drafts()[39_999], "40001:4000025::Payer 39999:p39999@example.com:");
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
