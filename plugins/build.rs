//! Builds the plugins that come with remitd, as components, and works out by which digest each is known.

use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::{Path, PathBuf};

const PLUGINS: [&str; 9] = [
    "csv-importer",
    "fixed-width-importer",
    "ledes-importer",
    "xlsx-importer",
    "sql-connector",
    "file-connector",
    "mail-folder",
    "smtp",
    "sandbox-gateway",
];

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().ok_or("the plugins stand inside a workspace")?;
    // What importers of tables share goes into their components too.
    println!("cargo::rerun-if-changed={}", here.join("tabular").display());
    remitd_guest_build::build_guests(root, "plugins", &PLUGINS)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    for plugin in PLUGINS {
        let wasm = fs_err::read(out.join(format!("{plugin}.wasm")))?;
        fs_err::write(out.join(format!("{plugin}.sha256")), hex::encode(Sha256::digest(wasm)))?;
    }
    Ok(())
}
