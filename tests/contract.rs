//! What scripts rely on: exit statuses, the keys of every `--json`, and a configuration whose faults come all at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_tests::firm::Firm;
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const SICK: &str = include_str!("contract/sick.toml");
const DIAGNOSIS: &str = include_str!("contract/diagnosis.txt");
const GOOD_CARD: &str = "4242424242424242";

/// Every name of `keys`, split by spaces, is in the answer; of a list, in its first element.
#[track_caller]
fn has(answer: &Value, keys: &str) {
    let one = if answer.is_array() { &answer[0] } else { answer };
    let one = one.as_object().unwrap_or_else(|| panic!("no object in {answer:#}"));
    for key in keys.split(' ') {
        assert!(one.contains_key(key), "no {key} in {answer:#}");
    }
}

#[test]
fn a_sick_configuration_is_told_all_at_once() {
    let firm = Firm::new(BIN, None);
    fs_err::write(&firm.config, SICK).unwrap();
    let folder = firm.config.parent().unwrap().to_str().unwrap();
    for command in ["check", "run", "status"] {
        let output = firm.cli(&[command]).expect(3);
        assert_eq!(output.stdout, "", "{command}");
        assert_eq!(output.stderr.replace(folder, "FIRM").trim_end(), DIAGNOSIS.trim_end(), "{command}");
    }
    let problems = firm.cli(&["check", "--json"]).expect(3).json();
    has(&problems, "level file line column code path message hint");
    let told =
        DIAGNOSIS.lines().filter(|line| line.contains(": error[") || line.contains(": warning[")).count();
    assert_eq!(problems.as_array().unwrap().len(), told);
}

#[test]
fn a_configuration_that_is_not_there_or_no_toml_is_told_too() {
    let firm = Firm::new(BIN, None);
    fs_err::write(&firm.config, "[firm\nname = 1").unwrap();
    let output = firm.cli(&["check"]).expect(3);
    assert!(output.stderr.contains("remitd.toml:1:"), "{output:?}");
    fs_err::remove_file(&firm.config).unwrap();
    let output = firm.cli(&["run"]).expect(3);
    assert!(output.stderr.contains("remitd.toml"), "{output:?}");
}

#[test]
fn every_answer_has_its_keys() {
    let mut firm = Firm::new(BIN, None);
    firm.add_matters(None);
    has(&firm.ask(&["plugin", "list"]), "id kind sha256 grants");
    has(&firm.ask(&["plugin", "inspect", "csv"]), "id kind name version settings_schema imports exports");
    assert_eq!(firm.ask(&["check"]), serde_json::json!([]));
    has(&firm.ask(&["matter", "search", "Harbor"]), "number client client_name description");
    has(
        &firm.ask(&["matter", "show", "00124.00001"]),
        "number matter client client_name due total open currency payers",
    );
    let report = "batch rows ok rejected duplicate errors file account state";
    has(&firm.ask(&["matter", "push", "--dry-run"]), &format!("{report} connector skipped"));

    let file = firm.path("june.csv");
    let head = "Invoice Number,Due Date,Recipient Name,Recipient Email,Amount";
    fs_err::write(&file, format!("{head}\nB-1,2026-12-01,Dana,dana@example.com,ten\n")).unwrap();
    let import = ["import", file.to_str().unwrap(), "--account", "operating"];
    let rejected = firm.ask(&import);
    has(&rejected, report);
    has(&rejected["errors"], "line column value code message");
    fs_err::write(&file, format!("{head}\nB-1,2026-12-01,Dana,dana@example.com,1250\n")).unwrap();
    let batch = firm.ask(&import)["batch"].to_string();
    has(&firm.ask(&["batch", "list"]), &format!("{report} source created"));
    has(&firm.ask(&["batch", "show", &batch]), &format!("{report} source created requests"));
    has(&firm.ask(&["batch", "release", &batch]), &format!("{report} requests"));

    let request = "id number state amount paid currency payer account invoice matter client due expires link source created";
    let requests = firm.ask(&["request", "list"]);
    has(&requests, request);
    has(&requests[0]["payer"], "name email");
    let link = requests[0]["link"].as_str().unwrap();
    firm.start();
    assert_eq!(firm.pay(link, GOOD_CARD).status, 200);
    firm.books("it is posted and mailed", |books| books["postings"] == 1 && books["mails"] == 2);
    let shown = firm.ask(&["request", "show", requests[0]["number"].as_str().unwrap()]);
    has(&shown, &format!("{request} message remainder_of payments events"));
    has(&shown["payments"], "id state amount currency method gateway reference reason created");
    has(&shown["events"], "at what actor detail");
    let posting = "id key state kind amount currency statement matter client connector request payment reference code error created posted";
    has(&firm.ask(&["posting", "list"]), posting);
    let mail = "id request purpose state recipient subject message_id provider provider_ref error created sent attempts";
    has(&firm.ask(&["mail", "list"]), mail);
    has(&firm.ask(&["mail", "show", "1"])["history"], "attempt started ended outcome detail");
    let status = firm.ask(&["status"]);
    has(&status, "store books requests effects files_in_hand paused held reconciled");
    let reconciled = firm.ask(&["reconcile"]);
    has(&reconciled, "at balanced sides differences could_not gateways too_old on_the_way");
    has(&reconciled["sides"], "side name count came back stays currency");
    has(&reconciled["gateways"], "gateway tells_since");
    has(&firm.ask(&["status"])["reconciled"], "at by differences could_not");
    has(&status["books"], "files rows requests mails payments paid postings posted unposted unmailed");
    has(&status["books"]["posted"], "amount currency");
    let made =
        ["request", "create", "--account", "operating", "--amount", "5", "--name", "Jane", "--no-mail"];
    has(&firm.ask(&made), request);
    has(&firm.ask(&["request", "cancel", "1002"]), request);
    has(&firm.ask(&["explain", "REMIT-0202"]), "code title");
    // Instants are RFC 3339 in UTC, amounts decimal texts.
    let created = shown["created"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.len() == "2026-11-24T00:00:00.000Z".len(), "{created}");
    assert_eq!((&shown["amount"], &shown["paid"]), (&"1250.00".into(), &"1250.00".into()));
    firm.stop();
}

#[test]
fn a_command_that_cannot_says_so_on_stderr_alone() {
    let firm = Firm::new(BIN, None);
    for args in [
        ["request", "show", "7"].as_slice(),
        &["batch", "show", "7"],
        &["mail", "show", "7"],
        &["posting", "post", "7"],
        &["posting", "list", "--view", "lost"],
        &["request", "list", "--state", "lost"],
        &["request", "list", "--sort", "luck"],
        &["explain", "REMIT-9999"],
        &["matter", "push"],
        &["plugin", "run", "csv", "no-such-export"],
        &["no-such-command"],
    ] {
        let output = firm.cli(&[args, &["--json"]].concat()).expect(2);
        assert_eq!(output.stdout, "", "{args:?}");
        assert!(output.stderr.contains("error"), "{args:?}: {output:?}");
    }
}
