//! A newer one in the place of an older: what is different is said before anybody agrees.

use crate::{BIN, MANIFEST, delivered, install, packed};
use remitd_host::manifest;
use remitd_tests::firm::Firm;

/// The same component with another version in it, and with the manifest.
fn newer(manifest: &str) -> Vec<u8> {
    let mut wasm = crate::component();
    let (from, to) = (b"0.1.0", b"0.2.0");
    let places: Vec<usize> =
        wasm.windows(from.len()).enumerate().filter(|(_, part)| part == from).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the component says its version");
    for at in places {
        wasm[at..at + to.len()].copy_from_slice(to);
    }
    manifest::embed(&wasm, manifest).unwrap()
}

/// Asks once more, and for another reason.
fn asking_more() -> String {
    MANIFEST.replace("to put each message where Acme collects it", "to keep all mail")
}

#[test]
fn an_upgrade_says_what_is_different() {
    let firm = Firm::new(BIN, None);
    let file = delivered(&firm, &packed(MANIFEST));
    install(&firm);
    let mut next = newer(&asking_more().replace("Hands mail to Acme.", "Hands mail to Acme, faster."));
    fs_err::write(&file, &next).unwrap();
    let args = ["plugin", "install", file.to_str().unwrap()];
    let shown = firm.cli_told(&args, "n\n").expect(2);
    for part in [
        "Since it was installed:",
        "version 0.1.0 -> 0.2.0",
        "SHA-256",
        "its manifest is another",
        "it said of itself: Hands mail to Acme.",
        "asks for maildir for another reason: to keep all mail",
        "before: to put each message where Acme collects it",
    ] {
        assert!(shown.stderr.contains(part), "{part}: {shown:?}");
    }
    firm.cli(&["check"]).expect(0);
    let answer = firm.cli_told(&[&args[..], &["--json"]].concat(), "y\n").expect(0).json();
    assert_eq!(answer["version"], "0.2.0");
    assert_eq!(answer["changes"][0], "version 0.1.0 -> 0.2.0", "{answer}");
    assert_eq!(fs_err::read(firm.path("plugins/acme.wasm")).unwrap(), next);
    next.truncate(next.len() / 2);
    fs_err::write(&file, &next).unwrap();
    firm.cli_told(&args, "y\n").expect(2);
    firm.cli(&["check"]).expect(0);
}

#[test]
fn where_the_old_one_is_gone_that_is_said() {
    let firm = Firm::new(BIN, None);
    delivered(&firm, &packed(MANIFEST));
    install(&firm);
    // Written over by hand: what was looked at is nowhere any more.
    fs_err::write(firm.path("plugins/acme.wasm"), newer(&asking_more())).unwrap();
    let shown = firm.cli_told(&["plugin", "install", "acme"], "y\n").expect(0);
    for part in ["SHA-256", "its manifest is another", "is not there any more"] {
        assert!(shown.stderr.contains(part), "{part}: {shown:?}");
    }
    assert!(!shown.stderr.contains("->"), "nothing is made up: {shown:?}");
    let same = firm.cli(&["plugin", "install", "acme", "--yes"]).expect(0);
    assert!(same.stderr.contains("Nothing has changed since it was installed."), "{same:?}");
}

#[test]
fn what_is_not_granted_says_the_line_to_add() {
    let firm = Firm::new(BIN, None);
    let file = delivered(&firm, &packed(MANIFEST));
    let args = ["plugin", "install", file.to_str().unwrap(), "--set", "folder=mail"];
    let shown = firm.cli_told(&args, "y\n").expect(0);
    assert!(shown.stderr.contains("not granted: add --grant maildir=NAME"), "{shown:?}");
    let shown = firm.cli(&["plugin", "install", "acme", "--yes"]).expect(0);
    let line = "not granted: write maildir = [\"NAME\"] in [plugin.grants] of \"acme\"";
    assert!(shown.stderr.contains(line), "{shown:?}");
    let trail = firm.ask(&["audit", "show"]);
    assert_eq!(trail[0]["message"], "Acme Mail 0.1.0 with no grants");
}
