//! Builds the plugins that come with remitd, as components.

use std::error::Error;
use std::path::Path;

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
    remitd_guest_build::build_guests(root, "plugins", &PLUGINS)
}
