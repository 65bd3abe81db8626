//! Signatures: who may sign is said by the operator's keys.

use crate::{BIN, GRANTED, MANIFEST, delivered, install, packed};
use minisign::KeyPair;
use remitd_tests::firm::Firm;
use std::io::Cursor;

fn sign(firm: &Firm, key: &KeyPair, wasm: &[u8]) {
    let boxed = minisign::sign(Some(&key.pk), &key.sk, Cursor::new(wasm), None, None).unwrap();
    fs_err::write(firm.path("delivered.wasm.minisig"), boxed.into_string()).unwrap();
}

#[track_caller]
fn refused(firm: &Firm, word: &str) {
    let file = firm.path("delivered.wasm");
    let args = [&["plugin", "install", file.to_str().unwrap()][..], &GRANTED].concat();
    let refused = firm.cli_told(&args, "y\n").expect(2);
    assert!(refused.stderr.contains(word), "{word}: {refused:?}");
    assert!(!firm.path("plugins.lock").exists());
}

#[test]
fn only_those_who_may_sign_are_let_in() {
    let firm = Firm::new(BIN, None);
    let (acme, stranger) =
        (KeyPair::generate_unencrypted_keypair().unwrap(), KeyPair::generate_unencrypted_keypair().unwrap());
    let wasm = packed(MANIFEST);
    delivered(&firm, &wasm);
    firm.add(
        "signing",
        &format!("[signing]\nrequired = true\n[signing.keys]\nacme = \"{}\"\n", acme.pk.to_base64()),
    );
    // What comes with remitd needs no signature.
    firm.cli(&["check"]).expect(0);
    refused(&firm, "it is not signed, and [signing] requires it");
    sign(&firm, &stranger, &wasm);
    refused(&firm, "fits none of the keys");
    sign(&firm, &acme, b"something else");
    refused(&firm, "fits none of the keys");
    fs_err::write(firm.path("delivered.wasm.minisig"), "untrusted comment: nothing\n").unwrap();
    refused(&firm, "is no signature");

    sign(&firm, &acme, &wasm);
    install(&firm);
    firm.cli(&["check"]).expect(0);
    let lock = fs_err::read_to_string(firm.path("plugins.lock")).unwrap();
    assert!(lock.contains(&format!("signer = \"acme {}\"", acme.pk.to_base64())), "{lock}");
    let inspected = firm.ask(&["plugin", "inspect", "acme"]);
    assert_eq!(inspected["signer"], format!("acme {}", acme.pk.to_base64()));
    assert_eq!(inspected["about"], "Hands mail to Acme.");
    assert_eq!(
        inspected["asks"][0],
        serde_json::json!({"grant": "maildir", "why": "to put each message where Acme collects it"})
    );
    let shown = firm.cli(&["plugin", "inspect", "acme"]).expect(0);
    for part in ["installed, signed by acme RW", "Hands mail to Acme.", "maildir to put each message"] {
        assert!(shown.stdout.contains(part), "{part}: {shown:?}");
    }
    let bundled = firm.cli(&["plugin", "inspect", "smtp"]).expect(0);
    for part in ["comes with remitd", "asks for\n  smtp "] {
        assert!(bundled.stdout.contains(part), "{part}: {bundled:?}");
    }
    let file = firm.cli(&["plugin", "inspect", firm.path("delivered.wasm").to_str().unwrap()]).expect(0);
    assert!(file.stdout.contains("a file: not installed") && file.stdout.contains("asks for"), "{file:?}");
    // Signature gone, or by a key that is not trusted any more.
    let signature = firm.path("plugins/acme.wasm.minisig");
    let text = fs_err::read_to_string(&signature).unwrap();
    fs_err::remove_file(&signature).unwrap();
    assert!(firm.cli(&["check"]).expect(3).stderr.contains("REMIT-0123"));
    fs_err::write(&signature, &text).unwrap();
    firm.add("signing", &format!("[signing.keys]\nacme = \"{}\"\n", stranger.pk.to_base64()));
    assert!(firm.cli(&["check"]).expect(3).stderr.contains("fits none of the keys"));
    // Without any requirement, a plugin that was signed when it was looked at must stay signed.
    fs_err::remove_file(&signature).unwrap();
    let unsigned = firm.cli(&["check"]).expect(3);
    assert!(unsigned.stderr.contains("signed by nobody"), "{unsigned:?}");
}
