//! The good way, and what may happen to it afterwards.

use crate::{BIN, GRANTED, MANIFEST, delivered, install, packed};
use remitd_tests::firm::Firm;

#[test]
fn a_person_looks_and_agrees() {
    let firm = Firm::new(BIN, None);
    let file = delivered(&firm, &packed(MANIFEST));
    let args = [&["plugin", "install", file.to_str().unwrap()][..], &GRANTED].concat();
    let no = firm.cli_told(&args, "n\n").expect(2);
    for part in [
        "Acme Mail",
        "Hands mail to Acme.",
        "not signed",
        "asks for maildir",
        "Acme collects it",
        "granted: mail",
        "It is new here",
    ] {
        assert!(no.stderr.contains(part), "{part}: {no:?}");
    }
    assert!(!firm.path("plugins.lock").exists() && !firm.path("plugins").exists(), "no is no");
    // Unattended only where somebody has looked before.
    let unattended = firm.cli(&[&args[..], &["--yes"]].concat()).expect(2);
    assert!(unattended.stderr.contains("without --yes"), "{unattended:?}");

    install(&firm);
    firm.cli(&["check"]).expect(0);
    let lock = fs_err::read_to_string(firm.path("plugins.lock")).unwrap();
    assert!(
        lock.contains("id = \"acme\"")
            && lock.contains("maildir mail")
            && lock.contains("contract = \"1.0.0\""),
        "{lock}"
    );
    let verified = firm.ask(&["plugin", "verify", "acme"]);
    assert_eq!((&verified[0]["good"], &verified[0]["id"]), (&true.into(), &"acme".into()));
    firm.cli(&["plugin", "install", file.to_str().unwrap(), "--yes"]).expect(0);
    let dropped = firm.cli(&args).expect(2);
    assert!(dropped.stderr.contains("is configured already"), "{dropped:?}");
    let trail = firm.ask(&["audit", "show"]);
    assert_eq!((&trail[0]["what"], &trail[0]["code"]), (&"installed".into(), &"acme".into()), "{trail}");
    assert_eq!(trail[0]["sha256"], verified[0]["sha256"]);
    assert_eq!(trail[0]["message"], "Acme Mail 0.1.0 with maildir mail");
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let firm = Firm::new(BIN, None);
    let whole = packed(MANIFEST);
    delivered(&firm, &whole);
    install(&firm);
    let installed = firm.path("plugins/acme.wasm");
    for place in [0, 9, whole.len() / 3, whole.len() / 2, whole.len() - 40, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        fs_err::write(&installed, &flipped).unwrap();
        let refused = firm.cli(&["check"]).expect(3);
        assert!(
            refused.stderr.contains("REMIT-0122") && refused.stderr.contains("SHA-256"),
            "{place}: {refused:?}"
        );
        firm.cli(&["plugin", "verify", "acme"]).expect(1);
    }
    let refused = firm.cli(&["run"]).expect(3);
    assert!(refused.stderr.contains("\"acme\""), "{refused:?}");
    fs_err::write(&installed, &whole).unwrap();
    firm.cli(&["check"]).expect(0);
}

#[test]
fn a_grant_that_nobody_agreed_to_is_refused() {
    let firm = Firm::new(BIN, None);
    delivered(&firm, &packed(MANIFEST));
    install(&firm);
    let table = firm.path("conf.d/plugin-acme.toml");
    let text = fs_err::read_to_string(&table).unwrap();
    fs_err::write(&table, text.replace("secrets = []", "secrets = [\"sandbox-key\"]")).unwrap();
    let refused = firm.cli(&["check"]).expect(3);
    let words = [
        "conf.d/plugin-acme.toml:",
        "REMIT-0122",
        "new among its grants: secrets sandbox-key",
        "remitd plugin install acme",
    ];
    for part in words {
        assert!(refused.stderr.contains(part), "{part}: {refused:?}");
    }
    let shown = firm.cli_told(&["plugin", "install", "acme"], "y\n").expect(0);
    assert!(shown.stderr.contains("is granted secrets sandbox-key, and does not ask for it"), "{shown:?}");
    firm.cli(&["check"]).expect(0);
}

#[test]
fn what_is_worked_with_is_not_taken_away() {
    let firm = Firm::new(BIN, None);
    delivered(&firm, &packed(MANIFEST));
    install(&firm);
    firm.change("provider = \"mail\"", "provider = \"acme\"");
    firm.cli(&["check"]).expect(0);
    let refused = firm.cli(&["plugin", "remove", "acme"]).expect(2);
    assert!(refused.stderr.contains("mail.provider works with \"acme\""), "{refused:?}");
    firm.change("provider = \"acme\"", "provider = \"mail\"");
    firm.cli(&["plugin", "remove", "acme"]).expect(0);
    assert!(!firm.path("plugins/acme.wasm").exists() && !firm.path("conf.d/plugin-acme.toml").exists());
    firm.cli(&["check"]).expect(0);
    let again = firm.cli(&["plugin", "remove", "acme"]).expect(2);
    assert!(again.stderr.contains("is not installed"), "{again:?}");
}
