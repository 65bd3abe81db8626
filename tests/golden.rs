//! Golden components: the plugins of each release as they were built for it. They load and answer in every later one, since
//! firms do not rebuild what others wrote. `tests/golden/README.md` says how a release adds its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_flow::plugin::{Connector, Conventions, Delivered, Gateway, Importer, MailProvider};
use remitd_host::{Grants, Host, HostConfig, JobSpec, Kind, Limits, Plugin, PluginSpec, Services, keep};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn host() -> Arc<Host> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = std::env::temp_dir().join(format!("remitd-golden-{}", std::process::id()));
    let services = Services { maildirs: vec![("mail".to_owned(), folder.clone())], ..Services::default() };
    fs_err::create_dir_all(&folder).unwrap();
    let config = HostConfig {
        cache_dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache"),
        limits: Limits::default(),
        guest_threads: 1,
        today: chrono_tz::UTC,
        clock: Arc::new(|| chrono::DateTime::from_timestamp_millis(1_768_489_200_000).unwrap()),
        keep: Arc::<keep::Forgetful>::default(),
        tamper: None,
    };
    Host::new(config, services, &[remitd_flow::plugin::extend]).unwrap()
}

fn load(host: &Host, release: &Path, name: &str, settings: &str) -> Arc<Plugin> {
    let path = release.join(format!("{name}.wasm"));
    let (id, settings_json) = (name.to_owned(), settings.to_owned());
    let wasm = fs_err::read(&path).unwrap().into();
    host.load(PluginSpec { id, wasm, grants: Grants::default(), settings_json }).unwrap()
}

fn job() -> JobSpec {
    JobSpec::new("golden", "golden")
}

fn releases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let releases: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert!(!releases.is_empty(), "each release leaves its components here");
    releases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_built_for_a_release_runs_in_every_later_one() {
    let host = host();
    for release in releases() {
        importer(&host, &release).await;
        let mail = load(&host, &release, "mail-folder", r#"{"folder":"mail"}"#);
        assert_eq!(
            (mail.kind(), mail.services().contains(&"maildir".to_owned())),
            (Kind::MailProvider, true)
        );
        let mail = MailProvider::new(host.clone(), mail).unwrap();
        assert_eq!(mail.repeats_safely(job()).await, Ok(true));
        let connector = load(
            &host,
            &release,
            "sql-connector",
            r#"{"connection":"matters","currency":"USD","balance":"SELECT 1 AS open WHERE :statement <> ''"}"#,
        );
        assert!(host.describe(&connector).await.unwrap().settings_schema.contains("connection"));
        let connector = Connector::new(host.clone(), connector).unwrap();
        let refused = connector.balance(job(), "INV-1".to_owned()).await.unwrap_err();
        assert_eq!(refused.code, "grant-missing", "{refused:?}");
        // Older than the interface: it works, and is only not reconciled.
        let untold = connector.written_since(job(), None, 10).await.map(drop).map_err(|failure| failure.code);
        let expected = if connector.tells_receipts() { "grant-missing" } else { "no-receipts" };
        assert_eq!(untold, Err(expected.to_owned()));
        let settings = r#"{"api":"http://127.0.0.1:1","key-secret":"k","webhook-secret":"w"}"#;
        let gateway = load(&host, &release, "sandbox-gateway", settings);
        let gateway = Gateway::new(host.clone(), gateway).unwrap();
        assert_eq!(gateway.events_since(job(), None).await.unwrap_err().code, "grant-missing");
    }
}

async fn importer(host: &Arc<Host>, release: &Path) {
    let plugin = load(host, release, "csv-importer", "{}");
    let importer = Importer::new(host.clone(), plugin).unwrap();
    let file = b"Amount,Recipient Name,Recipient Email\n12.50,Jane Roe,jane@example.com\n".to_vec();
    assert!(importer.recognise("a.csv".to_owned(), file.clone()).await.unwrap() > 90);
    let (out, mut found) = tokio::sync::mpsc::channel(8);
    let conventions = Conventions {
        currency: "USD".to_owned(),
        exponent: 2,
        date_order: "mdy".to_owned(),
        decimal_mark: ".".to_owned(),
        file_name: "a.csv".to_owned(),
    };
    let rows = importer.read(job(), Box::new(std::io::Cursor::new(file)), out, conventions).await.unwrap();
    let Some(Delivered::Drafts(drafts)) = found.recv().await else { panic!("no drafts") };
    assert_eq!((rows, drafts.row(0).amount_minor, drafts.row(0).payer_email), (1, 1250, "jane@example.com"));
}
