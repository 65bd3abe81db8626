//! Names that lead out of a mail folder, and states that would fill the daemon's database.

use crate::{House, is};
use remitd_host::FailureClass::{Denied, Invalid};
use remitd_host::{Failure, Grants, Services};
use remitd_tests::puppet;
use remitd_tests::zoo::SEVEN;
use serde_json::{Value, json};

#[tokio::test]
async fn no_name_leads_out_of_its_folder() {
    let root = tempfile::tempdir().unwrap();
    let inside = root.path().join("out");
    fs_err::create_dir(&inside).unwrap();
    let victim = root.path().join("victim");
    fs_err::write(&victim, "theirs").unwrap();
    fs_err::os::unix::fs::symlink(&victim, inside.join("link.eml")).unwrap();
    fs_err::os::unix::fs::symlink(root.path().join("nothing"), inside.join("dangling.eml")).unwrap();
    fs_err::os::unix::fs::symlink(root.path(), inside.join("up")).unwrap();
    let services = Services { maildirs: vec![("out".into(), inside.clone())], ..Services::default() };
    let house = House::new(services);
    let grants = Grants { maildir: vec!["out".into()], ..Grants::default() };
    let plugin = house.load("escaper", puppet::mail_provider(), grants);
    let put = async |folder: &str, name: &str, message: &str| {
        let args = json!({ "folder": folder, "name": name, "message": message });
        house.call(&plugin, "maildir-put", args).await
    };
    let beside = house.beside();
    let long = "x".repeat(1_000);
    for name in
        ["../x", "/etc/x", "a\0b", "a/b", "up/x", ".", "..", "", "~", "a\\b", "a\nb", "é", "con:", &long]
    {
        is(&put("out", name, "m").await.unwrap_err(), Invalid, "bad-name");
    }
    // The same bytes as the victim's must not be told apart either: a link is nothing that was put there.
    for (name, message) in [("link.eml", "ours"), ("link.eml", "theirs"), ("dangling.eml", "m"), ("up", "m")]
    {
        is(&put("out", name, message).await.unwrap_err(), Invalid, "name-taken");
    }
    for folder in ["..", "../out", "out/", "/", "", "out\0"] {
        is(&put(folder, "a.eml", "m").await.unwrap_err(), Denied, "grant-missing");
    }
    put("out", "a.eml", "m").await.unwrap();
    assert!(beside.end().await > 0);
    assert_eq!(fs_err::read_to_string(&victim).unwrap(), "theirs");
    let mut left: Vec<_> =
        fs_err::read_dir(&inside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["a.eml", "dangling.eml", "link.eml", "up"], "no temporary file stays");
    assert_eq!(fs_err::read_dir(root.path()).unwrap().count(), 2, "nothing was made outside");
}

/// So many changes of new keys, from this number on.
fn changes(from: usize, many: usize, value_bytes: usize) -> Value {
    let change = |nth| json!({ "key": format!("k{nth:04}"), "value": "v".repeat(value_bytes), "version": 0 });
    (from..from + many).map(change).collect()
}

#[tokio::test]
async fn what_a_plugin_keeps_is_bounded() {
    let house = House::new(Services::default());
    let beside = house.beside();
    let flood = house.load("flood", puppet::mail_provider(), Grants::default());
    let heavy = house.load("heavy", puppet::mail_provider(), Grants::default());
    let apply = async |plugin, changes: Value| -> Result<Value, Failure> {
        house.call(plugin, "state-apply", json!({ "changes": changes })).await
    };
    let key = |bytes: usize| json!([{ "key": "k".repeat(bytes), "value": "v", "version": 0 }]);
    for bytes in [0, 201] {
        is(&apply(&flood, key(bytes)).await.unwrap_err(), Invalid, "bad-key");
    }
    is(&apply(&flood, changes(0, 101, 1)).await.unwrap_err(), Invalid, "too-much");
    is(&apply(&flood, changes(0, 1, (64 << 10) + 1)).await.unwrap_err(), Invalid, "too-much");
    for hundred in 0..10 {
        apply(&flood, changes(hundred * 100, 100, 1)).await.unwrap();
    }
    is(&apply(&flood, changes(1_000, 1, 1)).await.unwrap_err(), Invalid, "too-much");
    // 4 MiB of values and keys: the 64th of 64 KiB no longer fits beside its keys.
    for few in 0..6 {
        apply(&heavy, changes(few * 10, 10, 64 << 10)).await.unwrap();
    }
    is(&apply(&heavy, changes(60, 10, 64 << 10)).await.unwrap_err(), Invalid, "too-much");
    let kept = house.call(&heavy, "state-get", json!({ "key": "k0060" })).await;
    assert_eq!(kept, Ok(json!(null)), "all or none");
    // One plugin's flood is not another's.
    assert_eq!(house.call(&house.good, "fine", json!({})).await, Ok(json!(SEVEN)));
    assert!(beside.end().await > 0);
}
