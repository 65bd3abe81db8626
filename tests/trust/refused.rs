//! What can never be installed: each with the name of the thing and the mend.

use crate::{BIN, MANIFEST, component, delivered, packed};
use remitd_host::manifest;
use remitd_tests::firm::Firm;

/// A component in text, with the manifest.
fn made(wat: &str) -> Vec<u8> {
    manifest::embed(&wat::parse_str(wat).unwrap(), MANIFEST).unwrap()
}

/// A component whose manifest would write over the terminal's lines; `packed` itself refuses to make it.
fn forged() -> Vec<u8> {
    let mut wasm = packed(MANIFEST);
    // As long as what it replaces, so that the section stays whole.
    let (from, to) = (b"Hands mail to Acme.", b"\\u001b[2Ksigned by.");
    let at = wasm.windows(from.len()).position(|part| part == from).unwrap();
    wasm[at..at + to.len()].copy_from_slice(to);
    wasm
}

#[test]
fn each_bad_component_is_named() {
    let firm = Firm::new(BIN, None);
    let check = |what: &str, wasm: &[u8], words: &[&str]| {
        let file = delivered(&firm, wasm);
        let args = ["plugin", "install", file.to_str().unwrap(), "--set", "folder=mail"];
        let refused = firm.cli_told(&args, "y\n").expect(2);
        for word in words {
            assert!(refused.stderr.contains(word), "{what}: {word:?} is not said: {refused:?}");
        }
        assert!(!firm.path("plugins.lock").exists(), "{what}");
    };
    let whole = packed(MANIFEST);
    check("nothing", b"", &["delivered.wasm", "component"]);
    check("a core module", b"\0asm\x01\0\0\0", &["is not a component"]);
    check("cut short", &whole[..whole.len() / 2], &["is not a component"]);
    check("no manifest", &component(), &["has no manifest", "remitd plugin pack"]);
    check(
        "WASI",
        &made(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#),
        &["wasi:cli/environment", "wasm32-unknown-unknown"],
    );
    check(
        "another version",
        &made(r#"(component (import "remitd:plugin/log@2.0.0" (instance)))"#),
        &["log@2.0.0", "version 1.0.0"],
    );
    check("no world", &made("(component)"), &["must export exactly one of"]);
    let other = r#"(component (import "remitd:plugin/sql@1.0.0" (instance)) (instance $i)
        (export "remitd:plugin/mail-provider@1.0.0" (instance $i)))"#;
    check(
        "another kind's service",
        &made(other),
        &["remitd:plugin/sql@1.0.0", "a plugin of kind mail-provider is not given"],
    );
    let with = |manifest: &str| packed(manifest);
    check(
        "the wrong kind",
        &with(&MANIFEST.replace("mail-provider", "connector")),
        &["the manifest says kind = \"connector\"", "mail-provider"],
    );
    check(
        "too much asked",
        &with(&format!("{MANIFEST}[[asks]]\ngrant = \"smtp\"\nwhy = \"who knows\"\n")),
        &["asks for the grant smtp", "does not use"],
    );
    let silent = MANIFEST.split("[[asks]]").next().unwrap();
    check("too little asked", &with(silent), &["uses maildir", "does not ask", "[[asks]]"]);
    check(
        "no reason",
        &with(&MANIFEST.replace("to put each message where Acme collects it", " ")),
        &["gives no reason for the grant maildir"],
    );
    check("a forged line", &forged(), &["`about` of the manifest must be plain text"]);
    check(
        "no such grant",
        &with(&MANIFEST.replace("\"maildir\"", "\"files\"")),
        &["asks for \"files\"", "sql_write"],
    );
    let file = delivered(&firm, &whole);
    let wrong =
        firm.cli_told(&["plugin", "install", file.to_str().unwrap(), "--set", "foldr=mail"], "y\n").expect(2);
    assert!(
        wrong.stderr.contains("no setting `foldr`") && wrong.stderr.contains("needs the setting `folder`"),
        "{wrong:?}"
    );
}

#[test]
fn a_grant_of_what_is_not_there_leaves_nothing_behind() {
    let firm = Firm::new(BIN, None);
    let file = delivered(&firm, &packed(MANIFEST));
    let args =
        ["plugin", "install", file.to_str().unwrap(), "--set", "folder=mail", "--grant", "maildir=nowhere"];
    let refused = firm.cli_told(&args, "y\n").expect(3);
    assert!(refused.stderr.contains("there is no \"nowhere\" in [[maildir]]"), "{refused:?}");
    firm.cli(&["check"]).expect(0);
    assert!(!firm.path("plugins.lock").exists() && !firm.path("conf.d/plugin-acme.toml").exists());
    // Nor does one take the place of a plugin that comes with remitd.
    let file = delivered(&firm, &packed(&MANIFEST.replace("\"acme\"", "\"mail\"")));
    let refused = firm.cli_told(&["plugin", "install", file.to_str().unwrap()], "y\n").expect(2);
    assert!(refused.stderr.contains("comes with remitd") && refused.stderr.contains("--id"), "{refused:?}");
}

#[test]
fn a_grant_that_is_not_asked_for_is_refused() {
    let firm = Firm::new(BIN, None);
    let file = delivered(&firm, &packed(MANIFEST));
    let args =
        ["plugin", "install", file.to_str().unwrap(), "--set", "folder=mail", "--grant", "secrets=link-key"];
    let refused = firm.cli_told(&args, "y\n").expect(2);
    for word in ["does not ask for secrets", "leave --grant secrets=link-key out: it asks for maildir"] {
        assert!(refused.stderr.contains(word), "{word}: {refused:?}");
    }
    assert!(!firm.path("plugins.lock").exists());
}

#[test]
fn what_is_not_there_and_what_is_too_much_is_named() {
    let firm = Firm::new(BIN, None);
    let refused = firm.cli(&["plugin", "install", "nope.wasm"]).expect(2);
    for word in ["there is no file nope.wasm in /", "nor a configured plugin", "remitd plugin pack"] {
        assert!(refused.stderr.contains(word), "{word}: {refused:?}");
    }
    let bundled = firm.cli(&["plugin", "install", "smtp"]).expect(2);
    assert!(bundled.stderr.contains("write file = \"smtp\" in a [[plugin]] table"), "{bundled:?}");
    let check = |file: &std::path::Path, word: &str| {
        let refused = firm.cli_told(&["plugin", "install", file.to_str().unwrap()], "y\n").expect(2);
        assert!(refused.stderr.contains(word), "{word}: {refused:?}");
    };
    let huge = firm.path("huge.wasm");
    fs_err::File::create(&huge).unwrap().set_len((64 << 20) + 1).unwrap();
    check(&huge, "larger than 64 MiB");
    check(&delivered(&firm, &bomb()), "more than 32 MiB of code");
}

/// As large as a file may be, all of it code: what it would take to compile it is not tried.
fn bomb() -> Vec<u8> {
    let leb128 = |value: u32| -> Vec<u8> {
        (0..5u32).map(|at| (value >> (7 * at)) as u8 & 0x7f | if at < 4 { 0x80 } else { 0 }).collect()
    };
    let section = |id: u8, body: &[u8]| [&[id][..], &leb128(body.len() as u32), body].concat();
    let (functions, bytes) = (63, 1 << 20);
    let body = [leb128(bytes), vec![0], vec![1; bytes as usize - 2], vec![0x0b]].concat();
    let count = leb128(functions);
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, b"\x01\x60\0\0"),
        section(3, &[count.clone(), vec![0; functions as usize]].concat()),
        section(10, &[count, body.repeat(functions as usize)].concat()),
    ]
    .concat();
    manifest::embed(&[b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module)].concat(), MANIFEST).unwrap()
}

#[test]
fn a_setting_that_its_schema_refuses_is_found_at_its_place() {
    let firm = Firm::new(BIN, None);
    firm.change("folder = \"mail\"", "foldr = \"mail\"");
    let refused = firm.cli(&["check"]).expect(3);
    for part in
        ["remitd.toml:", "REMIT-0120", "foldr", "did you mean `folder`?", "needs the setting `folder`"]
    {
        assert!(refused.stderr.contains(part), "{part}: {refused:?}");
    }
    let json = firm.cli(&["check", "--json"]).expect(3).json();
    assert_eq!(json[0]["code"], "REMIT-0120", "{json}");
    firm.change("foldr = \"mail\"", "folder = \"mail\"");
    firm.change("importer = \"csv\"", "importer = \"mail\"");
    firm.change("gateway = \"sandbox\"", "gateway = \"csv\"");
    let json = firm.cli(&["check", "--json"]).expect(3).json();
    let paths: Vec<_> =
        json.as_array().unwrap().iter().map(|p| (p["code"].clone(), p["path"].clone())).collect();
    assert_eq!(paths.len(), 2, "all at once: {json}");
    assert!(paths.iter().all(|(code, _)| code == "REMIT-0121"), "{json}");
}
