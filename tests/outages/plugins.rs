//! Plugins that misbehave: the job fails with a word that says what happened, payers and the other plugins do not notice,
//! and once the operator has mended it, what waited goes out.

use crate::{BIN, GOOD_CARD, ask_for};
use remitd_host::manifest;
use remitd_tests::firm::Firm;
use remitd_tests::misdeeds;

/// Puts a plugin in place as an operator does.
fn install(firm: &Firm, name: &str, deed: &str) {
    let file = firm.path("delivered.wasm");
    let wasm = manifest::embed(&misdeeds::mail_provider(deed), &misdeeds::manifest(name)).unwrap();
    fs_err::write(&file, wasm).unwrap();
    firm.cli_told(&["plugin", "install", file.to_str().unwrap()], "y\n").expect(0);
}

const MISDEEDS: [(&str, &str, &str); 4] = [
    ("loops", "(loop $again (br $again)) unreachable", "time-limit"),
    (
        "eats",
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable",
        "memory-limit",
    ),
    ("digs", "call $deed i32.const 1 i32.add", "stack-overflow"),
    ("traps", "unreachable", "trapped"),
];

#[test]
fn a_mail_provider_that_misbehaves_holds_its_mails_and_nothing_else() {
    let mut firm = Firm::new(BIN, None);
    let ungranted =
        "[[plugin]]\nid = \"ungranted\"\nfile = \"mail-folder\"\nsettings = { folder = \"mail\" }\n";
    firm.add("ungranted", ungranted);
    for (name, deed, _) in MISDEEDS {
        install(&firm, name, deed);
    }
    firm.change("[limits]", "[limits]\nplugin_time = \"300ms\"\nplugin_memory = \"64MiB\"");
    let mut provider = "mail".to_owned();
    let mut use_provider = |firm: &mut Firm, next: &str| {
        firm.change(&format!("provider = \"{provider}\""), &format!("provider = \"{next}\""));
        provider = next.to_owned();
        firm.start();
    };
    let ungranted = ("ungranted", "", "grant-missing");
    for (at, (name, _, code)) in MISDEEDS.into_iter().chain([ungranted]).enumerate() {
        use_provider(&mut firm, name);
        // Each start tries again what waited, and one more.
        let link = ask_for(&firm, &format!("A-{at}"), "75.00");
        let held = firm.until(&format!("{name}: all are held"), &["status"], |status| {
            let held = status["held"].as_array().unwrap();
            held.len() > at && held.iter().all(|held| held["code"] == code && held["state"] == "waiting")
        });
        assert!(
            held["held"][0]["error"].as_str().unwrap().contains(name),
            "the message names the plugin: {held}"
        );
        // The other plugins work, and so do payers.
        assert_eq!(firm.pay(&link, GOOD_CARD).status, 200);
        let paid = i64::try_from(at).unwrap() + 1;
        firm.books("the payment is in", |books| books["payments"] == paid);
        firm.stop();
    }
    // What was refused is in the trail, with the code that asked for it.
    let of = |row: &&serde_json::Value| row["actor"] == "plugin:ungranted";
    let noted = |trail: &serde_json::Value| trail.as_array().unwrap().iter().any(|row| of(&row));
    let trail = firm.until("the refusal is in the trail", &["audit", "show"], noted);
    let refusal = trail.as_array().unwrap().iter().find(of).unwrap();
    assert_eq!((&refusal["what"], &refusal["code"]), (&"refused".into(), &"grant-missing".into()), "{trail}");
    assert!(refusal["message"].as_str().unwrap().contains("write maildir = [\"mail\"]"), "{trail}");
    assert_eq!(refusal["sha256"].as_str().unwrap().len(), 64, "{trail}");
    // Their links are paid, so the requests' mails are not wanted any more: the receipts are.
    use_provider(&mut firm, "mail");
    firm.until("what waited went out", &["status"], |status| {
        status["held"].as_array().unwrap().is_empty() && status["books"]["unmailed"] == 0
    });
    assert_eq!(firm.mails().len(), MISDEEDS.len() + 1);
    firm.stop();
}

#[test]
fn a_plugin_that_is_none_is_refused_at_the_start() {
    let firm = Firm::new(BIN, None);
    fs_err::write(firm.path("none.wasm"), "no component").unwrap();
    firm.add("none", "[[plugin]]\nid = \"none\"\nfile = \"none.wasm\"\n");
    for command in ["check", "run"] {
        let refused = firm.cli(&[command]).expect(3);
        assert!(refused.stderr.contains("\"none\""), "{refused:?}");
    }
    firm.add("none", "[[plugin]]\nid = \"none\"\nfile = \"gone.wasm\"\n");
    for command in ["check", "run"] {
        let refused = firm.cli(&[command]).expect(3);
        assert!(refused.stderr.contains("gone.wasm"), "{refused:?}");
    }
}

#[test]
fn a_plugin_that_goes_on_failing_is_set_aside_until_it_is_mended() {
    let mut firm = Firm::new(BIN, None);
    install(&firm, "acme", "unreachable");
    firm.change("provider = \"mail\"", "provider = \"acme\"");
    firm.change("[limits]", "[limits]\nplugin_failures = 2");
    firm.start();
    for nth in 0..3 {
        ask_for(&firm, &format!("A-{nth}"), "75.00");
        firm.until("it is held", &["status"], |status| status["held"].as_array().unwrap().len() == nth + 1);
    }
    let status = firm.ask(&["status"]);
    let codes: Vec<_> =
        status["held"].as_array().unwrap().iter().map(|held| held["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["set-aside", "trapped", "trapped"], "the newest first: {status}");
    assert!(status["held"][0]["error"].as_str().unwrap().contains("remitd reload"), "{status}");
    let aside =
        |trail: &serde_json::Value| trail[0]["what"] == "set-aside" && trail[0]["actor"] == "plugin:acme";
    firm.until("it is in the trail", &["audit", "show"], aside);
    // The author's mended version takes the same place.
    let good = remitd_plugins::bundled("mail-folder").unwrap();
    let file = firm.path("delivered.wasm");
    fs_err::write(&file, manifest::embed(good.wasm, good.manifest).unwrap()).unwrap();
    let table = firm.path("conf.d/plugin-acme.toml");
    let text = fs_err::read_to_string(&table).unwrap();
    let text = text
        .replace("[plugin.settings]", "[plugin.settings]\nfolder = \"mail\"")
        .replace("maildir = []", "maildir = [\"mail\"]");
    fs_err::write(&table, text).unwrap();
    firm.cli_told(&["plugin", "install", file.to_str().unwrap(), "--id", "acme"], "y\n").expect(0);
    firm.cli(&["reload"]).expect(0);
    firm.books("what waited goes out", |books| books["unmailed"] == 0);
    assert_eq!(firm.mails().len(), 3);
    firm.stop();
}
