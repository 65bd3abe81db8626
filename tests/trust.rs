//! Installing plugins as an operator does it: what is shown, what is refused, and that nothing runs which was not looked at.

// A test fails loudly, as the harness does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "trust/gone.rs"]
mod gone;
#[path = "trust/install.rs"]
mod install;
#[path = "trust/refused.rs"]
mod refused;
#[path = "trust/signed.rs"]
mod signed;
#[path = "trust/upgrade.rs"]
mod upgrade;

use remitd_host::manifest;
use remitd_tests::firm::Firm;
use std::path::PathBuf;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const MANIFEST: &str = r#"id = "acme"
kind = "mail-provider"
name = "Acme Mail"
about = "Hands mail to Acme."
[[asks]]
grant = "maildir"
why = "to put each message where Acme collects it"
"#;

/// A component that comes with remitd, under another name.
fn component() -> Vec<u8> {
    remitd_plugins::bundled("mail-folder").unwrap().wasm.to_vec()
}

fn packed(manifest: &str) -> Vec<u8> {
    manifest::embed(&component(), manifest).unwrap()
}

/// The packed component in a file of the firm's folder.
fn delivered(firm: &Firm, wasm: &[u8]) -> PathBuf {
    let path = firm.path("delivered.wasm");
    fs_err::write(&path, wasm).unwrap();
    path
}

const GRANTED: [&str; 4] = ["--set", "folder=mail", "--grant", "maildir=mail"];

/// Installs what was delivered, and agrees.
#[track_caller]
fn install(firm: &Firm) {
    let file = firm.path("delivered.wasm");
    let args = [&["plugin", "install", file.to_str().unwrap()][..], &GRANTED].concat();
    firm.cli_told(&args, "y\n").expect(0);
}
