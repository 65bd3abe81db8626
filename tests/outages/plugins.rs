//! Plugins that misbehave: the job fails with a word that says what happened, payers and the other plugins do not notice,
//! and once the operator has mended it, what waited goes out.

use crate::{BIN, GOOD_CARD, ask_for};
use remitd_tests::firm::Firm;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A mail provider whose every answer is `deed`.
fn mail_provider(deed: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugin-sdk/wit/v1");
    let (package, _) = resolve.push_dir(contract).unwrap();
    let world = resolve.select_world(&[package], Some("mail-provider-plugin")).unwrap();
    let of = "remitd:plugin/mail-provider@1.0.0";
    let core = format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func $deed (export "{of}#repeats-safely") (result i32) {deed})
            (func (export "{of}#describe") (result i32) call $deed)
            (func (export "{of}#send") (param i32) (result i32) call $deed)
            (func (export "{of}#bounces-since") (param i32 i32 i32 i32 i64 i32 i32 i32) (result i32) call $deed)
            (func (export "{of}#read-webhook") (param i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32) call $deed))"#
    );
    let mut core = wat::parse_str(core).unwrap();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&core).unwrap().encode().unwrap()
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
    let mut plugins =
        "[[plugin]]\nid = \"ungranted\"\nfile = \"mail-folder\"\nsettings = { folder = \"mail\" }\n"
            .to_owned();
    for (name, deed, _) in MISDEEDS {
        fs_err::write(firm.path(&format!("{name}.wasm")), mail_provider(deed)).unwrap();
        plugins.push_str(&format!("[[plugin]]\nid = \"{name}\"\nfile = \"{name}.wasm\"\n"));
    }
    firm.add("misdeeds", &plugins);
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
