//! Builds the seeded guests, as components.

use std::error::Error;
use std::path::Path;

const GUESTS: [&str; 4] = ["seeded-importer", "seeded-connector", "seeded-mail", "seeded-gateway"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).ok_or("the seeded guests stand inside a workspace")?;
    // What the guests of an HTTP API share.
    println!("cargo::rerun-if-changed={}", here.join("api.rs").display());
    remitd_guest_build::build_guests(root, "tests/seeded", &GUESTS)
}
