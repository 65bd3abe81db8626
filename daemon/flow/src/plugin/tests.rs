//! The bundled plugins through their typed wrappers, on a real host: files, a database, a mail folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::connector::{Posted, Posting};
use super::{Connector, Conventions, Delivered, Importer, MailProvider, extend};
use crate::plugin::mail::{Mailbox, Message};
use fs_err as fs;
use remitd_domain::draft::Drafts;
use remitd_host::{
    Date, Failure, FailureClass, Grants, Host, HostConfig, HostError, JobSpec, Kind, Limits, Money, Plugin,
    PluginSpec, Services, SqlConnection, Wasm,
};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

fn host(folder: &Path) -> Arc<Host> {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = HostConfig {
        cache_dir: folder.join("cache"),
        limits: Limits::default(),
        guest_threads: 1,
        today: chrono_tz::America::New_York,
        clock: Arc::new(|| chrono::DateTime::from_timestamp_millis(1_767_225_600_000).unwrap()),
        keep: Arc::<remitd_host::keep::Forgetful>::default(),
        tamper: None,
    };
    let url = format!("sqlite:{}", folder.join("matter.db").display());
    let services = Services {
        sql: vec![SqlConnection { name: "elite".into(), url: url.into(), statement_ms: 5_000 }],
        maildirs: vec![("out".into(), folder.to_owned())],
        ..Services::default()
    };
    Host::new(config, services, &[extend]).unwrap()
}

fn load(host: &Arc<Host>, id: &str, grants: Grants, settings: &Value) -> Arc<Plugin> {
    let bundled = remitd_plugins::bundled(id).unwrap();
    let spec = PluginSpec {
        id: id.into(),
        wasm: Wasm::bundled(bundled.wasm, bundled.sha256),
        grants,
        settings_json: settings.to_string(),
    };
    host.load(spec).unwrap()
}

fn job(key: &str) -> JobSpec {
    JobSpec::new(format!("job {key}"), key)
}

fn conventions() -> Conventions {
    Conventions {
        currency: "USD".into(),
        exponent: 2,
        date_order: "mdy".into(),
        decimal_mark: ".".into(),
        file_name: "bills.csv".into(),
    }
}

const HEADER: &str =
    "Invoice Number,Invoice Date,Due Date,Recipient Name,Recipient Email,Amount,Custom Message\n";

fn importer(host: &Arc<Host>) -> Importer {
    Importer::new(Arc::clone(host), load(host, "csv-importer", Grants::default(), &json!({}))).unwrap()
}

async fn read(importer: &Importer, file: Vec<u8>) -> (Result<u64, Failure>, Vec<Delivered>) {
    let (out, mut found) = mpsc::channel(1);
    let source = Box::new(std::io::Cursor::new(file));
    let reading = importer.read(job("read"), source, out, conventions());
    let taking = async {
        let mut all = Vec::new();
        while let Some(delivered) = found.recv().await {
            all.push(delivered);
        }
        all
    };
    tokio::join!(reading, taking)
}

#[tokio::test]
async fn a_file_becomes_drafts_and_findings() {
    let folder = tempfile::tempdir().unwrap();
    let importer = importer(&host(folder.path()));
    let file = format!(
        "{HEADER}1001,1/2/2026,2026-02-28,Jané,jane@example.com,\"$1,234.56\",\n1002,,,Joe,joe@example.com,12.345,\n"
    );
    assert!(importer.recognise("bills.csv".into(), file.clone().into_bytes()).await.unwrap() > 50);
    assert_eq!(importer.recognise("a.xlsx".into(), b"PK\x03\x04".to_vec()).await, Ok(0));
    let (rows, found) = read(&importer, file.into_bytes()).await;
    assert_eq!(rows, Ok(2));
    let mut drafts = Drafts::default();
    let mut findings = Vec::new();
    for delivered in found {
        match delivered {
            Delivered::Drafts(batch) => drafts = batch,
            Delivered::Findings(batch) => findings.extend(batch),
        }
    }
    let row = drafts.row(0);
    assert_eq!((drafts.len(), row.line, row.invoice, row.payer_name), (2, 2, "1001", "Jané"));
    assert_eq!(row.amount_minor, 123_456);
    // The rejected row comes too, to be looked at.
    assert_eq!((drafts.row(1).line, drafts.row(1).amount_minor), (3, 1));
    let codes: Vec<_> = findings.iter().map(|found| (found.line, found.code.as_str())).collect();
    assert_eq!(codes, [(3, "REMIT-0202")]);
}

#[tokio::test]
async fn a_long_file_comes_in_batches_and_none_is_lost() {
    const ROWS: u32 = 40_000;
    let folder = tempfile::tempdir().unwrap();
    let importer = importer(&host(folder.path()));
    let row = |n| format!("{n},,,Jane,jane@example.com,1.00,\n");
    let file: String = std::iter::once(HEADER.to_owned()).chain((0..ROWS).map(row)).collect();
    let (rows, found) = read(&importer, file.into_bytes()).await;
    assert_eq!(rows, Ok(u64::from(ROWS)));
    let lengths = found.iter().map(|delivered| match delivered {
        Delivered::Drafts(batch) => batch.len(),
        Delivered::Findings(findings) => panic!("{findings:?}"),
    });
    assert_eq!(lengths.sum::<usize>(), ROWS as usize);
    assert!(found.len() > 1);
}

#[tokio::test]
async fn a_closed_intake_ends_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let importer = importer(&host(folder.path()));
    let (out, found) = mpsc::channel(1);
    drop(found);
    let file = format!("{HEADER}1001,,,Jane,jane@example.com,1.00,\n").into_bytes();
    let source = Box::new(std::io::Cursor::new(file));
    let failure = importer.read(job("read"), source, out, conventions()).await.unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (FailureClass::Unavailable, "intake-closed"));
}

fn posting(key: &str) -> Posting {
    Posting {
        key: key.into(),
        statement: "0001".into(),
        matter: "7.1".into(),
        client: "7".into(),
        amount: Money { amount_minor: 250, currency: "USD".into() },
        received: Date { year: 2026, month: 1, day: 2 },
        method: "card".into(),
        reference: "pay_1".into(),
        payer_name: "Jane".into(),
        narrative: "remitd payment".into(),
        details: Vec::new(),
    }
}

fn matter_database(host: &Arc<Host>) -> Connector {
    let settings = json!({
        "connection": "elite",
        "currency": "USD",
        "balance": "SELECT open FROM bill WHERE number = :statement",
        "find": "SELECT 'R' || id AS ref FROM receipt WHERE key = :key",
        "post": [
            "INSERT INTO receipt (key, bill, amount) VALUES (:key, :statement, :amount)",
            { "sql": "UPDATE bill SET open = open - :amount WHERE number = :statement", "rows": 1 },
        ],
    });
    let names = vec!["elite".to_owned()];
    let grants = Grants { sql: names.clone(), sql_write: names, ..Grants::default() };
    let plugin = load(host, "sql-connector", grants, &settings);
    Connector::new(Arc::clone(host), plugin).unwrap()
}

#[tokio::test]
async fn a_posting_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let schema = "
        CREATE TABLE bill (number TEXT PRIMARY KEY, open NUMERIC NOT NULL);
        CREATE TABLE receipt (id INTEGER PRIMARY KEY, key TEXT UNIQUE, bill TEXT, amount NUMERIC);
        INSERT INTO bill VALUES ('0001', 12.50);";
    let file = SqliteConnectOptions::new().filename(folder.path().join("matter.db")).create_if_missing(true);
    file.connect().await.unwrap().execute(schema).await.unwrap();
    let connector = matter_database(&host);
    let open = |minor| Ok(Some(Money { amount_minor: minor, currency: "USD".into() }));
    assert_eq!(connector.balance(job("b"), "0001".into()).await, open(1_250));
    assert_eq!(connector.balance(job("b"), "none".into()).await, Ok(None));
    let first = connector.post(job("p1"), posting("p1")).await.unwrap();
    assert_eq!((first.outcome, first.external_ref.as_deref()), (Posted::Written, Some("R1")));
    let again = connector.post(job("p1"), posting("p1")).await.unwrap();
    assert_eq!((again.outcome, again.external_ref.as_deref()), (Posted::Found, Some("R1")));
    assert_eq!(connector.balance(job("b"), "0001".into()).await, open(1_000));
}

#[tokio::test]
async fn a_mail_lies_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    let grants = Grants { maildir: vec!["out".into()], ..Grants::default() };
    let plugin = load(&host, "mail-folder", grants, &json!({ "folder": "out" }));
    let provider = MailProvider::new(Arc::clone(&host), plugin).unwrap();
    let mailbox = |address: &str| Mailbox { name: String::new(), address: address.into() };
    let message = Message {
        message_id: "1.request@firm.example".into(),
        sender: mailbox("billing@firm.example"),
        recipient: mailbox("jane@example.com"),
        reply_to: None,
        subject: "Payment".into(),
        text: "hello".into(),
        html: "<p>hello".into(),
        headers: Vec::new(),
        wire: b"Subject: Payment\r\n\r\nhello\r\n".to_vec(),
    };
    assert_eq!(provider.repeats_safely(job("m")).await, Ok(true));
    provider.send(job("m"), message.clone()).await.unwrap();
    provider.send(job("m"), message).await.unwrap();
    let mails = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let mails: Vec<_> = mails.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(fs::read(mail).unwrap(), b"Subject: Payment\r\n\r\nhello\r\n");
}

#[tokio::test]
async fn every_bundled_plugin_says_what_it_is_and_fits_no_other_seat() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path());
    for bundled in &remitd_plugins::BUNDLED {
        let plugin = load(&host, bundled.id, Grants::default(), &json!({}));
        let described = host.describe(&plugin).await.unwrap();
        assert!(!described.name.is_empty() && !described.version.is_empty(), "{}", bundled.id);
        let schema: Value = serde_json::from_str(&described.settings_schema).unwrap();
        assert!(schema.is_object(), "{}", bundled.id);
        let seated = Importer::new(Arc::clone(&host), Arc::clone(&plugin));
        match (plugin.kind(), seated.err()) {
            (Kind::Importer, None) | (_, Some(HostError::WrongKind { .. })) => {}
            (kind, other) => panic!("{} of kind {kind}: {other:?}", bundled.id),
        }
    }
}
