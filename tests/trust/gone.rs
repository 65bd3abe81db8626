//! What is left when something is gone: a component's file, or the plugin with all that it remembers.

use crate::{BIN, MANIFEST, delivered, install, packed};
use remitd_tests::firm::Firm;
use std::process::Command;

/// The plugin has remembered something, as a job of it would.
fn remember(firm: &Firm) {
    let rows = "INSERT INTO plugin_state (plugin, key, value, version) VALUES ('acme', x'01', x'02', 1), ('acme', x'03', x'04', 1)";
    let done = Command::new("sqlite3").arg(firm.path("data/remitd.sqlite")).arg(rows).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_lost_component_is_told_of_and_put_back() {
    let firm = Firm::new(BIN, None);
    let file = delivered(&firm, &packed(MANIFEST));
    install(&firm);
    fs_err::remove_file(firm.path("plugins/acme.wasm")).unwrap();
    assert!(firm.cli(&["check"]).expect(3).stderr.contains("REMIT-0118"));
    // The others can be looked at all the same.
    let listed = firm.cli(&["plugin", "list"]).expect(3);
    assert!(listed.stdout.contains("csv") && listed.stderr.contains("REMIT-0118"), "{listed:?}");
    firm.cli(&["plugin", "inspect", "csv"]).expect(0);
    assert!(firm.cli(&["plugin", "inspect", "acme"]).expect(3).stderr.contains("REMIT-0118"));
    let verified = firm.cli(&["plugin", "verify", "--json"]).expect(1).json();
    let acme = verified.as_array().unwrap().iter().find(|plugin| plugin["id"] == "acme").unwrap();
    assert_eq!(acme["good"], false);
    let told = acme["faults"][0].as_str().unwrap();
    assert!(told.contains("plugins/acme.wasm") && told.contains("put it back"), "{told}");
    let table = firm.cli(&["plugin", "verify"]).expect(1);
    assert!(table.stdout.contains("RESULT") && table.stdout.contains("good"), "{table:?}");

    let by_id = firm.cli_told(&["plugin", "install", "acme"], "y\n").expect(2);
    assert!(by_id.stderr.contains("remitd plugin install FILE.wasm --id acme"), "{by_id:?}");
    // It is the very one that was looked at, so that nobody is asked.
    firm.cli(&["plugin", "install", file.to_str().unwrap(), "--yes"]).expect(0);
    firm.cli(&["check"]).expect(0);
    // An upgrade in its place works too, and says that there is nothing to compare with.
    fs_err::remove_file(firm.path("plugins/acme.wasm")).unwrap();
    let file = delivered(&firm, &packed(&MANIFEST.replace("Acme Mail", "Acme Post")));
    let shown = firm.cli_told(&["plugin", "install", file.to_str().unwrap()], "y\n").expect(0);
    assert!(shown.stderr.contains("is not there any more"), "{shown:?}");
    fs_err::remove_file(firm.path("plugins/acme.wasm")).unwrap();
    firm.cli(&["plugin", "remove", "acme"]).expect(0);
    firm.cli(&["check"]).expect(0);
}

#[test]
fn what_a_plugin_remembers_stays_until_it_is_purged() {
    let firm = Firm::new(BIN, None);
    let file = delivered(&firm, &packed(MANIFEST));
    install(&firm);
    remember(&firm);
    let kept = firm.cli(&["plugin", "remove", "acme"]).expect(0);
    assert!(kept.stderr.contains("stays") && kept.stderr.contains("2 keys (to delete them:"), "{kept:?}");
    // The table's own file went with it: the same grants are given anew.
    assert!(file.exists());
    install(&firm);
    let purged = firm.cli(&["plugin", "remove", "acme", "--purge-state", "--json"]).expect(0);
    assert_eq!(purged.json(), serde_json::json!({"id": "acme", "state_keys": 2, "purged": true}));
    assert!(purged.stderr.contains("is deleted: 2 keys"), "{purged:?}");
    let trail = firm.ask(&["audit", "show"]);
    assert_eq!(trail[0]["message"], "taken away, with 2 keys that it remembered");
    let again = firm.cli(&["plugin", "remove", "acme", "--purge-state"]).expect(2);
    assert!(again.stderr.contains("is not installed"), "{again:?}");
    // Removed first, purged later.
    remember(&firm);
    let later = firm.cli(&["plugin", "remove", "acme", "--purge-state", "--json"]).expect(0).json();
    assert_eq!(later["state_keys"], 2, "{later}");
}
