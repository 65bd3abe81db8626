//! The harness itself, tried on real peers: what it starts works, what it waits for comes, what it leaves is nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use remitd_tests::mariadb;
use remitd_tests::postgres::{self, Fsync};
use remitd_tests::smtp::{Mode, Options, Security, Server};
use remitd_tests::{cli, payer};
use std::path::Path;
use std::sync::Arc;

fn message() -> Message {
    let address = |text: &str| text.parse().unwrap();
    let builder =
        Message::builder().from(address("a@example.com")).to(address("b@example.com")).subject("Pay");
    builder.body("Please pay.".to_owned()).unwrap()
}

async fn send(server: &Server, options: &Options) -> Result<String, lettre::transport::smtp::Error> {
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost")
        .port(server.port)
        .pool_config(no_pool());
    if options.security == Security::StartTls {
        let authority = Certificate::from_pem(&fs_err::read(server.ca_file()).unwrap()).unwrap();
        let trust =
            TlsParameters::builder("localhost".into()).add_root_certificate(authority).build().unwrap();
        transport = transport.tls(Tls::Required(trust));
    }
    if let Some((user, password)) = options.auth {
        let mechanism = vec![lettre::transport::smtp::authentication::Mechanism::Plain];
        transport = transport.credentials((user, password).into()).authentication(mechanism);
    }
    transport.build().send(message()).await.map(|answer| answer.code().to_string())
}

fn no_pool() -> lettre::transport::smtp::PoolConfig {
    lettre::transport::smtp::PoolConfig::new().max_size(1)
}

#[test]
fn postgres_answers_survives_and_keeps_databases_apart() {
    let mut server = postgres::Server::start(Fsync::On);
    let (one, two) = (server.database("books"), server.database("books"));
    assert_ne!(one, two);
    server.ask(&one, "CREATE TABLE t (n INT)");
    server.ask(&one, "INSERT INTO t VALUES (7)");
    server.stop();
    server.resume();
    assert_eq!(server.ask(&one, "SELECT n FROM t"), "7");
    server.crash();
    server.resume();
    assert_eq!(server.ask(&one, "SELECT n FROM t"), "7");
    assert_eq!(server.ask(&two, "SELECT to_regclass('t') IS NULL"), "t");
    let shared = postgres::shared();
    assert_eq!(shared.ask(&shared.database("books"), "SHOW fsync"), "off");
}

#[test]
fn mariadb_answers_survives_and_keeps_databases_apart() {
    let mut server = mariadb::Server::start();
    let (one, two) = (server.database("books"), server.database("books"));
    assert_ne!(one, two);
    server.ask(&one, "CREATE TABLE t (n INT, s TEXT); INSERT INTO t VALUES (7, 'Søn')");
    server.stop();
    server.resume();
    assert_eq!(server.ask(&one, "SELECT n, s FROM t"), "7\tSøn");
    assert_eq!(server.ask(&two, "SHOW TABLES"), "");
}

#[tokio::test]
async fn the_smtp_peer_takes_mail_over_tls_from_those_who_sign_in() {
    let auth = Some(("remitd", "secret"));
    let options = Options { security: Security::StartTls, auth, ..Options::default() };
    let server = Server::start(&options);
    assert_eq!(send(&server, &options).await.unwrap(), "250");
    let received = server.next();
    assert!(received.encrypted && received.answer == "250", "{received:?}");
    assert_eq!((received.from.as_str(), received.to), ("a@example.com", vec!["b@example.com".to_owned()]));
    assert!(server.kept()[0].contains("Please pay."));
    let wrong =
        Options { security: Security::StartTls, auth: Some(("remitd", "wrong")), ..Options::default() };
    assert!(send(&server, &wrong).await.unwrap_err().is_permanent());
    let plain = Options { auth, ..Options::default() };
    assert!(send(&server, &plain).await.is_err(), "nothing goes without TLS");
    assert_eq!(server.kept().len(), 1);
}

#[tokio::test]
async fn the_smtp_peer_brings_the_misfortunes_of_real_ones() {
    let later = Options { mode: Mode::LaterFirst(1), ..Options::default() };
    let server = Server::start(&later);
    assert!(send(&server, &later).await.unwrap_err().is_transient());
    assert_eq!(send(&server, &later).await.unwrap(), "250");
    assert_eq!((server.next().answer.as_str(), server.next().answer.as_str()), ("451", "250"));
    assert_eq!(server.kept().len(), 1);

    let refuse = Options { mode: Mode::Refuse, ..Options::default() };
    let server = Server::start(&refuse);
    assert!(send(&server, &refuse).await.unwrap_err().is_permanent());
    assert_eq!((server.next().answer.as_str(), server.kept().len()), ("550", 0));

    let dropped = Options { mode: Mode::DropAfterData, ..Options::default() };
    let server = Server::start(&dropped);
    let error = send(&server, &dropped).await.unwrap_err();
    assert!(!error.is_permanent() && !error.is_transient(), "no answer came at all: {error:?}");
    assert_eq!((server.next().answer.as_str(), server.kept().len()), ("dropped", 1));
}

#[tokio::test]
async fn the_payer_pays_at_the_sandbox() {
    // Before the provider, which needs a TLS provider in its process too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = remitd_sandbox::Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        journal: None,
        key: "k".into(),
        webhook_secret: "w".into(),
        settle_ms: 0,
        clock: Arc::new(|| 0),
    };
    let sandbox = remitd_sandbox::bind(config).await.unwrap();
    let url = sandbox.url();
    let order = serde_json::json!({
        "reference": "1", "amount_minor": 500, "currency": "USD", "payer_email": "a@example.com",
        "return_url": format!("{url}/style.css"), "expires_ms": 1_000,
    });
    let visit = async {
        let client = reqwest::Client::builder().build().unwrap();
        let begin =
            client.post(format!("{url}/v1/checkouts")).bearer_auth("k").header("Idempotency-Key", "1");
        let begun: serde_json::Value = begin.json(&order).send().await.unwrap().json().await.unwrap();
        let checkout = begun["url"].as_str().unwrap();
        let declined = payer::submit(checkout, "4000000000000002", None).await;
        (declined, payer::submit(checkout, "4242424242424242", None).await)
    };
    let (declined, paid) = tokio::select! {
        end = sandbox.serve(std::future::pending()) => panic!("the sandbox ended: {end:?}"),
        visit = visit => visit,
    };
    assert_eq!(declined.status, 402);
    assert_eq!((paid.status, paid.url), (200, format!("{url}/style.css")));
}

#[test]
fn a_command_is_heard_to_its_end() {
    let args = ["-c", "echo '{\"a\":1}'; echo why >&2; exit 3"];
    let output = cli(Path::new("/bin/sh"), &args, &[("A", "b")]).expect(3);
    assert_eq!((output.json()["a"].as_i64(), output.stderr.as_str()), (Some(1), "why\n"));
}

#[test]
fn a_daemon_is_started_stopped_and_killed() {
    use remitd_tests::daemon::Daemon;
    let folder = tempfile::tempdir().unwrap();
    // A shell stands in for the binary and takes `run` for the script that it is to read.
    let bin = Path::new("/bin/sh");
    let script = r#"
[ "$1" = "-c" ] || exit 9
trap 'echo bye >&2; exit 0' TERM
echo 'not JSON'
echo '{"ready":true,"public":"http://127.0.0.1:1","staff":"http://127.0.0.1:2"}'
read nothing
"#;
    fs_err::write(folder.path().join("run"), script).unwrap();
    let config = folder.path().join("remitd.toml");
    let daemon = Daemon::start(bin, &config, &[]);
    assert_eq!((daemon.public.as_str(), daemon.staff.as_str()), ("http://127.0.0.1:1", "http://127.0.0.1:2"));
    daemon.stop();
    assert_eq!(fs_err::read_to_string(folder.path().join("remitd.log")).unwrap(), "bye\n");
    Daemon::start(bin, &config, &[]).kill();
}
