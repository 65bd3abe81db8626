//! Odd but valid files of LEDES 1998B, read by the importer and by ledes-parser: the same invoices, dates, totals and numbers of
//! line items. That reader gives line items; they are put together here.

use super::{ask, root};
use ledes_importer::LedesImporter;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::importer::Importer;
use remitd_plugin_sdk::mock::{self, Services, install, logged};
use remitd_plugin_sdk::rust_decimal::Decimal;
use remitd_tests::chance::Chance;
use std::collections::{BTreeMap, BTreeSet};

const FILES: u64 = 60;
const CLIENTS: u64 = 4;
const HEADER: &str = include_str!("../../plugins/ledes-importer/tests/header-1998b.txt");

/// An amount in minor units, written in one of the ways that the standard allows.
fn written(chance: &mut Chance, minor: i64) -> String {
    let (sign, cents) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    match (chance.below(4), cents % 100, cents % 10) {
        (0, 0, _) => format!("{sign}{}", cents / 100),
        (1, _, 0) => format!("{sign}{}.{}", cents / 100, cents % 100 / 10),
        (2, ..) => format!("{sign}{}.{:02}00", cents / 100, cents % 100),
        _ => format!("{sign}{}.{:02}", cents / 100, cents % 100),
    }
}

/// Some invoices, their line items mixed, in one of the forms that billing systems write.
fn odd_file(seed: u64) -> String {
    let chance = &mut Chance::new(seed);
    let mut records = Vec::new();
    for invoice in 0..=chance.below(6) {
        let client = chance.below(CLIENTS);
        let lines: Vec<i64> =
            (0..=chance.below(8)).map(|_| i64::try_from(chance.below(900_000)).unwrap() - 90_000).collect();
        let lines = if lines.iter().sum::<i64>() > 0 { lines } else { vec![1] };
        let total = written(chance, lines.iter().sum());
        let date = format!("2026{:02}{:02}", 1 + chance.below(12), 1 + chance.below(28));
        for (at, line) in lines.iter().enumerate() {
            let text = chance.of(&["Call", "Exhibit [A] & \"B\"", "see [] there", "50% of; the, rest", ""]);
            let pad = chance.of(&["", " ", "\t"]);
            let fold = chance.of(&["|", "|", "|", "|\r\n", " |\n"]);
            let code = chance.of(&["L510", ""]);
            let (kind, line) = (chance.of(&["F", "E", "IF", "ie"]), written(chance, *line));
            let record = format!(
                "{date}|INV-{seed}-{invoice}|0{client}|0{client}.0001{pad}|{total}{pad}|20260101|20260131|{text}|{}|{kind}|1.2500|-0.50|{line}{fold}{date}|{code}||A102|22547|{text}|24-6437381|350|Roe, Jane|PARTNR|CM-1[]",
                at + 1
            );
            let place = chance.at(records.len() + 1);
            records.insert(place, record);
        }
    }
    let end = chance.of(&["\n", "\r\n", "\r", "\n\n", " \r\n"]);
    let last = chance.of(&["", "\n", "\r\n\r\n"]);
    format!("LEDES1998B[]{end}{}{end}{}{last}", HEADER.trim_end(), records.join(end))
}

/// Date and amount in minor units, by invoice and client; and the number of line items.
type Seen = (BTreeMap<(String, String), (NaiveDate, i64)>, usize);

fn ours(file: &str) -> Seen {
    let payers: Vec<String> = (0..CLIENTS)
        .map(|client| {
            format!(r#"{{"client":"0{client}","name":"Client {client}","email":"c{client}@example.com"}}"#)
        })
        .collect();
    install(Services::new(&format!(r#"{{"payers":[{}]}}"#, payers.join(","))));
    logged();
    let importer = LedesImporter::open().unwrap();
    let read = mock::read(&importer, file.as_bytes(), usize::MAX, &mock::conventions("odd.led")).unwrap();
    assert!(read.findings.is_empty(), "it is a valid file: {:?}\n{file}", read.findings);
    let seen: BTreeMap<_, _> = read
        .drafts()
        .map(|row| {
            let key = (row.invoice.to_owned(), row.client.to_owned());
            (key, (row.invoice_date.unwrap(), row.amount_minor))
        })
        .collect();
    assert_eq!(read.rows, seen.len() as u64);
    let log = logged().pop().unwrap();
    let items = log.rsplit(", ").next().unwrap().split(' ').next().unwrap().parse().unwrap();
    (seen, items)
}

fn theirs(items: &serde_json::Value) -> Seen {
    let (mut seen, mut sums) = (BTreeMap::new(), BTreeMap::<_, Decimal>::new());
    let items = items.as_array().unwrap();
    for item in items {
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        let decimal = |name: &str| text(name).parse::<Decimal>().unwrap();
        let minor =
            i64::try_from((decimal("invoice_total") * Decimal::ONE_HUNDRED).normalize().mantissa()).unwrap();
        let scale = (decimal("invoice_total") * Decimal::ONE_HUNDRED).normalize().scale();
        assert_eq!(scale, 0, "{item}");
        let key = (text("invoice_number"), text("client_id"));
        seen.insert(key.clone(), (text("invoice_date").parse().unwrap(), minor));
        *sums.entry(key).or_default() += decimal("line_item_total");
    }
    let sums: BTreeSet<_> =
        sums.into_iter().map(|(key, sum)| (key, (sum * Decimal::ONE_HUNDRED).normalize())).collect();
    let totals = seen.iter().map(|(key, (_, minor))| (key.clone(), Decimal::from(*minor))).collect();
    assert_eq!(sums, totals, "both sums of the other reader");
    (seen, items.len())
}

#[test]
fn ledes_parser_sees_the_same_invoices() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = (0..FILES).map(odd_file).collect();
    let paths: Vec<_> = (0..FILES).map(|seed| folder.path().join(format!("{seed}.led"))).collect();
    for (path, file) in paths.iter().zip(&files) {
        fs_err::write(path, file).unwrap();
    }
    let Some(read) = ask("ledes.py", &paths) else { return };
    let read = read.as_array().unwrap();
    assert_eq!(read.len(), files.len(), "in {}", root().display());
    for (seed, (items, file)) in read.iter().zip(&files).enumerate() {
        assert_eq!(ours(file), theirs(items), "seed {seed}:\n{file}");
    }
}
