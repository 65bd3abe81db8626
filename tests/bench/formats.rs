//! Importers of other formats than CSV, each compiled for this machine against a plain reader of the same file that checks the
//! same. A format is a function here, named in `run`.

use crate::files::{self, ITEMS};
use crate::{least, now, ratio};
use ledes_importer::LedesImporter;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::importer::{Importer, Out, Row, Source};
use remitd_plugin_sdk::mock::{Services, conventions, install};
use remitd_plugin_sdk::{Context, Failure};
use std::collections::HashMap;
use std::io::Read;

const RUNS: usize = 5;
const INVOICES: usize = 30_000;
const FIELDS: usize = 24;
const PAYERS: &str = r#"{"payers":[{"client":"00124","name":"Harbor Trust","email":"ap@harbor.example"}]}"#;

pub fn run() {
    ledes();
}

fn ledes() {
    let file = files::ledes(INVOICES);
    install(Services::new(PAYERS));
    let importer = LedesImporter::open().unwrap();
    let ours = least(RUNS, || read(&importer, file.as_bytes(), INVOICES));
    let opponent = least(RUNS, || counting(INVOICES, |out| read_lines(&file, out)));
    ratio(&format!("LEDES, {} line items / plain lines", INVOICES * ITEMS), ours, opponent, 0.8);
}

/// Seconds that the importer takes, its rows counted and dropped.
pub fn read<I: Importer>(importer: &I, mut file: &[u8], rows: usize) -> f64 {
    let context = Context { job: "bench".into(), idempotency_key: "bench".into(), deadline_ms: 0 };
    let mut source = Source::new(|max| {
        let mut piece = Vec::new();
        (&mut file).take(u64::from(max)).read_to_end(&mut piece).unwrap();
        Ok(piece)
    });
    counting(rows, |out| {
        let seen = importer.read(&context, &mut source, out, &conventions("bench"))?;
        assert_eq!(seen, rows as u64);
        Ok(())
    })
}

pub fn counting(expect: usize, read: impl FnOnce(&mut Out<'_>) -> Result<(), Failure>) -> f64 {
    let began = now();
    let mut rows = 0;
    let count = |drafts: &remitd_plugin_sdk::importer::Drafts| {
        rows += drafts.lines.len();
        Ok(())
    };
    let mut out = Out::new(count, |findings| panic!("{findings:?}"));
    read(&mut out).unwrap();
    out.finish().unwrap();
    drop(out);
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(rows, expect);
    seconds
}

struct Invoice<'a> {
    line: u32,
    client: &'a str,
    matter: &'a str,
    date: NaiveDate,
    total: i64,
    sum: i64,
}

/// Line by line: as many fields as the standard has, dates, amounts, what repeats is the same, and the sums.
fn read_lines(file: &str, out: &mut Out<'_>) -> Result<(), Failure> {
    let payers = HashMap::from([("00124", ("Harbor Trust", "ap@harbor.example"))]);
    let mut invoices: HashMap<(&str, &str), Invoice<'_>> = HashMap::new();
    for (line, text) in (1..).zip(file.lines()).skip(2) {
        let fields: Vec<&str> = text.strip_suffix("[]").unwrap().split('|').map(str::trim).collect();
        assert_eq!(fields.len(), FIELDS, "line {line}");
        let (number, client, matter) = (fields[1], fields[2], fields[3]);
        assert!(!number.is_empty() && !client.is_empty());
        let (date, total) = (day(fields[0]), cents(fields[4]));
        let first = Invoice { line, client, matter, date, total, sum: 0 };
        let invoice = invoices.entry((number, client)).or_insert(first);
        assert!(invoice.date == date && invoice.total == total && invoice.matter == matter);
        invoice.sum += cents(fields[12]);
    }
    let mut invoices: Vec<_> = invoices.into_iter().collect();
    invoices.sort_by_key(|(_, invoice)| invoice.line);
    for ((number, client), invoice) in invoices {
        assert!(invoice.total > 0 && invoice.total == invoice.sum);
        let (payer_name, payer_email) = payers[client];
        out.draft(&Row {
            line: invoice.line,
            amount_minor: invoice.total,
            invoice_date: Some(invoice.date),
            invoice: number,
            payer_name,
            payer_email,
            client: invoice.client,
            matter: invoice.matter,
            ..Row::default()
        })?;
    }
    Ok(())
}

fn cents(written: &str) -> i64 {
    let (whole, cents) = written.split_once('.').unwrap();
    assert_eq!(cents.len(), 2);
    whole.parse::<i64>().unwrap() * 100 + cents.parse::<i64>().unwrap()
}

fn day(written: &str) -> NaiveDate {
    let part = |from: usize, to: usize| written[from..to].parse::<u32>().unwrap();
    NaiveDate::from_ymd_opt(written[..4].parse().unwrap(), part(4, 6), part(6, 8)).unwrap()
}
