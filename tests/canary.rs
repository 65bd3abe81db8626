//! The canary: whatever happens to a firm, none of its secrets is ever written down outside of the files that hold them. Every
//! secret is one: the provider's key, the webhooks' and the links', a mail server's password, a database's.

// A test fails loudly, as the harness does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_tests::firm::Firm;
use remitd_tests::payer;
use remitd_tests::smtp::{Options, Security, Server};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const GOOD_CARD: &str = "4242424242424242";
const RELAY_PASSWORD: &str = "CANARY-relay-5uPq2";
const DATABASE: &str = "postgres://books:CANARY-books-9mWx4@127.0.0.1:1/books";
const DATABASE_PASSWORD: &str = "CANARY-books-9mWx4";
/// Longer than the daemon waits for a provider.
const LISTENING: Duration = Duration::from_secs(60);

const RELAY: &str = r#"
[[smtp]]
id = "relay"
host = "127.0.0.1"
port = {port}
security = "starttls"
ca_file = "{ca}"
user = "remitd"
password = { file = "secrets/relay" }
[[plugin]]
id = "relay"
file = "smtp"
settings = { connection = "relay" }
grants = { smtp = ["relay"] }
[log]
level = "trace"
"#;

fn keep_secret(firm: &Firm, name: &str, secret: &str) {
    let file = firm.path("secrets").join(name);
    fs_err::write(&file, secret).unwrap();
    fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Name and text of every secret of the firm.
fn canaries(firm: &Firm) -> Vec<(String, String)> {
    let files = fs_err::read_dir(firm.path("secrets")).unwrap().map(|file| file.unwrap().path());
    let secret = |file: PathBuf| {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs_err::read_to_string(&file).unwrap().trim().to_owned())
    };
    let mut all: Vec<_> = files.map(secret).collect();
    all.push(("the database's password".to_owned(), DATABASE_PASSWORD.to_owned()));
    all
}

/// A link for an invoice.
fn ask_for(firm: &Firm, invoice: &str) -> String {
    let args =
        ["request", "create", "--account", "operating", "--amount", "75.00", "--name", "Dana Whitfield"];
    let to = ["--email", "dana@example.com", "--invoice", invoice];
    firm.ask(&[args.as_slice(), &to].concat())["link"].as_str().unwrap().to_owned()
}

/// A provider that fails, and repeats in its answer whatever it was sent; its address.
fn tactless_provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(LISTENING)).unwrap();
            let mut request = vec![0; 64 << 10];
            let Ok(read) = stream.read(&mut request) else { continue };
            let said = &request[..read];
            let head = format!("HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: {read}\r\n\r\n");
            // The daemon may have had enough.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(said));
        }
    });
    url
}

/// A webhook that nobody signed; its status.
fn forged_webhook(firm: &Firm) -> u16 {
    let url = format!("{}/hooks/sandbox", firm.public);
    firm.provider.run(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let post = client.post(url).header("sandbox-signature", "00").body("{\"events\":[]}");
        post.send().await.unwrap().status().as_u16()
    })
}

/// Every file below, links apart: the cache of compiled plugins is shared by all tests.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

/// What the firm's commands say, and how they fail.
fn said(firm: &Firm) -> String {
    let commands: [&[&str]; 11] = [
        &["status"],
        &["check"],
        &["audit", "show"],
        &["plugin", "list"],
        &["plugin", "inspect", "sandbox"],
        &["plugin", "inspect", "relay"],
        &["request", "list"],
        &["posting", "list"],
        &["mail", "list"],
        &["mail", "show", "1"],
        &["matter", "show", "00124.00001"],
    ];
    let both = commands.iter().flat_map(|args| [args.to_vec(), [args, &["--json"][..]].concat()]);
    both.map(|args| format!("{args:?}: {:?}\n", firm.cli(&args))).collect()
}

#[track_caller]
fn silent(firm: &Firm, commands: &str) {
    let mut written = Vec::new();
    files(&firm.path(""), &mut written);
    written.retain(|file| !file.starts_with(firm.path("secrets")));
    assert!(written.iter().any(|file| file.ends_with("remitd.log")), "{written:?}");
    assert!(written.iter().any(|file| file.ends_with("data/remitd.sqlite")), "{written:?}");
    let canaries = canaries(firm);
    assert!(canaries.len() >= 6, "{canaries:?}");
    let mut read: Vec<(String, Vec<u8>)> =
        written.into_iter().map(|file| (file.display().to_string(), fs_err::read(&file).unwrap())).collect();
    read.push(("what the commands say".to_owned(), commands.as_bytes().to_vec()));
    for (name, secret) in canaries {
        assert!(secret.len() >= 8, "{name} is worth looking for");
        for (place, bytes) in &read {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "the secret \"{name}\" stands in {place}");
        }
    }
}

#[test]
fn no_secret_of_a_firm_is_ever_written_down() {
    let relay = Server::start(&Options {
        security: Security::StartTls,
        auth: Some(("remitd", "another password")),
        ..Options::default()
    });
    let mut firm = Firm::new(BIN, None);
    firm.add_matters(None);
    keep_secret(&firm, "relay", RELAY_PASSWORD);
    keep_secret(&firm, "books", DATABASE);
    let ca = relay.ca_file();
    let table = RELAY.replace("{port}", &relay.port.to_string()).replace("{ca}", ca.to_str().unwrap());
    firm.add("relay", &table);
    firm.start();
    let link = ask_for(&firm, "A-1");
    assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    firm.books("the first is paid", |books| books["payments"] == 1 && books["unmailed"] == 0);
    assert_eq!(forged_webhook(&firm), 400);
    let mut heard = said(&firm);
    firm.stop();
    silent(&firm, &heard);

    // From here on everything fails, each in its own way.
    firm.change("provider = \"mail\"", "provider = \"relay\"");
    let url = firm.provider.url.clone();
    firm.change(&url, &tactless_provider());
    let matters = firm.path("conf.d/matters.toml");
    let text = fs_err::read_to_string(&matters).unwrap();
    fs_err::write(&matters, text.replace("\"sqlite:matters.sqlite\"", "{ file = \"secrets/books\" }"))
        .unwrap();
    firm.start();
    let link = ask_for(&firm, "A-2");
    let visit = firm.provider.run(payer::begin(&link, None));
    assert!(visit.url.starts_with(&firm.public), "there is no checkout: {visit:?}");
    let held = firm.until("the mail is held", &["status"], |status| {
        status["held"].as_array().unwrap().iter().any(|held| held["code"] == "smtp-auth")
    });
    heard += &format!("{held}{}", visit.page);
    heard += &said(&firm);
    for told in ["and is withheld", "refused user and password", "matters"] {
        assert!(heard.contains(told) || firm.log().contains(told), "{told} is told: {heard}\n{}", firm.log());
    }
    assert_eq!(forged_webhook(&firm), 400);
    firm.stop();
    silent(&firm, &heard);
}
