//! Plugins swapped under a running daemon: what is in hand ends on the old code, nothing is lost, nothing is done twice.

// A test fails loudly, as the harness does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_host::manifest;
use remitd_tests::daemon::Daemon;
use remitd_tests::firm::Firm;
use remitd_tests::postgres;
use std::collections::BTreeSet;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const GOOD_CARD: &str = "4242424242424242";
const ROUNDS: usize = 20;
const ROWS_A_ROUND: usize = 8;

/// The mail folder's component, told apart by its manifest alone.
fn version(about: &str) -> Vec<u8> {
    let manifest = remitd_plugins::bundled("mail-folder").unwrap().manifest;
    let manifest = manifest
        .replace("id = \"mail-folder\"", "id = \"post\"")
        .replace("Writes each", &format!("{about}: writes each"));
    manifest::embed(remitd_plugins::bundled("mail-folder").unwrap().wasm, &manifest).unwrap()
}

/// Puts a version in place; the first time with what it needs.
#[track_caller]
fn install(firm: &Firm, wasm: &[u8], given: &[&str]) {
    let file = firm.path("delivered.wasm");
    fs_err::write(&file, wasm).unwrap();
    firm.cli_told(&[&["plugin", "install", file.to_str().unwrap()], given].concat(), "y\n").expect(0);
}

fn rows(round: usize) -> String {
    let row = |at| format!("A-{round}-{at},25.00,Payer {at},payer{at}@example.com\n");
    let rows: String = (0..ROWS_A_ROUND).map(row).collect();
    format!("Invoice Number,Amount,Recipient Name,Recipient Email\n{rows}")
}

#[test]
fn twenty_reloads_under_load_lose_and_repeat_nothing() {
    let mut firm = Firm::new(BIN, None);
    let versions = [version("One"), version("Two")];
    install(&firm, &versions[0], &["--set", "folder=mail", "--grant", "maildir=mail"]);
    firm.change("provider = \"mail\"", "provider = \"post\"");
    firm.start();
    let mut hashes = BTreeSet::new();
    for round in 0..ROUNDS {
        firm.drop_file(&format!("round-{round}.csv"), rows(round).as_bytes());
        install(&firm, &versions[(round + 1) % 2], &[]);
        let answer = firm.ask(&["reload"]);
        let post =
            answer["plugins"].as_array().unwrap().iter().find(|seat| seat["id"] == "post").unwrap().clone();
        assert_eq!((&answer["reloaded"], &post["change"]), (&true.into(), &"changed".into()), "{answer}");
        hashes.insert(post["sha256"].as_str().unwrap().to_owned());
    }
    assert_eq!(hashes.len(), 2);
    let most = i64::try_from(ROUNDS * ROWS_A_ROUND).unwrap();
    firm.books("every request is mailed", |books| books["requests"] == most && books["unmailed"] == 0);
    let mails = firm.mails();
    let ids: BTreeSet<&str> = mails
        .iter()
        .map(|mail| mail.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:")).unwrap())
        .collect();
    assert_eq!((mails.len(), ids.len()), (ROUNDS * ROWS_A_ROUND, ROUNDS * ROWS_A_ROUND), "each once");
    let trail = firm.ask(&["audit", "show", "--limit", "100"]);
    let reloaded = trail.as_array().unwrap().iter().filter(|row| row["what"] == "reloaded");
    let named: Vec<_> = reloaded.map(|row| row["sha256"].as_str().unwrap().to_owned()).collect();
    assert_eq!(named.len(), ROUNDS, "{trail}");
    assert!(named.iter().all(|hash| hashes.contains(hash)));
    // The road still goes to its end.
    let link = firm.ask(&["request", "list", "--limit", "1"])[0]["link"].as_str().unwrap().to_owned();
    assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
    firm.books("the payment is in", |books| books["payments"] == 1);
    firm.stop();
}

#[test]
fn a_reload_is_all_or_nothing() {
    let mut firm = Firm::new(BIN, None);
    let nobody = firm.cli(&["reload"]).expect(2);
    assert!(nobody.stderr.contains("no daemon answers"), "{nobody:?}");
    firm.start();
    let whole = fs_err::read_to_string(&firm.config).unwrap();
    // What only the daemon can find out: the settings do not fit the plugin's schema.
    firm.change("folder = \"mail\"", "foldr = \"mail\"");
    let refused = firm.cli(&["reload", "--json"]).expect(3);
    assert_eq!(
        (&refused.json()["reloaded"], &refused.json()["problems"][0]["code"]),
        (&false.into(), &"REMIT-0120".into())
    );
    assert!(refused.stderr.contains("the daemon goes on as before"), "{refused:?}");
    firm.cli(&[
        "request",
        "create",
        "--account",
        "operating",
        "--amount",
        "5.00",
        "--name",
        "Jane",
        "--email",
        "jane@example.com",
    ])
    .expect(0);
    firm.books("the mail goes out by the old plugin", |books| {
        books["requests"] == 1 && books["unmailed"] == 0
    });
    // What the running daemon works with must stay: it goes on with the accounts that it began with.
    fs_err::write(&firm.config, &whole).unwrap();
    firm.change("id = \"sandbox\"", "id = \"cards\"");
    firm.change("gateway = \"sandbox\"", "gateway = \"cards\"");
    firm.cli(&["check"]).expect(0);
    let refused = firm.cli(&["reload"]).expect(3);
    assert!(
        refused.stderr.contains("account[0].gateway works with the payment-gateway \"sandbox\""),
        "{refused:?}"
    );
    // A table that is not taken up is named.
    fs_err::write(&firm.config, whole).unwrap();
    firm.change("Please pay only what you owe.", "Thank you.");
    let answer = firm.ask(&["reload"]);
    assert_eq!(
        (&answer["reloaded"], &answer["needs_restart"][0]),
        (&true.into(), &"firm".into()),
        "{answer}"
    );
    firm.stop();
}

/// On PostgreSQL a folder may have several daemons: one of them is spoken with, and the others say that it is not they.
#[test]
fn of_two_daemons_in_one_folder_the_first_answers() {
    let mut firm = Firm::new(BIN, Some(postgres::shared()));
    firm.start();
    let elsewhere =
        [("REMITD__SERVER__PUBLIC_LISTEN", "127.0.0.1:0"), ("REMITD__SERVER__STAFF_LISTEN", "127.0.0.1:0")];
    let second = Daemon::start(&firm.bin, &firm.config, &elsewhere);
    // It is told to stop after it has tried to listen; it must not take the first one's socket with it.
    second.stop();
    let log = firm.log();
    assert!(log.contains("another daemon answers at") && log.contains("SIGHUP reloads this daemon"), "{log}");
    assert_eq!(firm.ask(&["reload"])["reloaded"], true);
    // Whoever comes when it is gone takes its place.
    firm.kill();
    firm.start();
    firm.until("the new one answers", &["reload"], |answer| answer["reloaded"] == true);
    firm.stop();
}
