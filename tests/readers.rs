//! Files that remitd reads, read by others as well: both must see the same. The readers are Python packages, which `make setup` puts
//! into `target/python` as pinned in `readers/requirements.txt`.

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "readers/ledes.rs"]
mod ledes;
#[path = "readers/xlsx.rs"]
mod xlsx;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a script beside this file prints, as JSON; none where `make setup` was never run.
fn ask(script: &str, args: &[PathBuf]) -> Option<Value> {
    let venv = root().join("target/python");
    if !venv.is_dir() {
        println!("skipped: there is no target/python; `make setup` makes it");
        return None;
    }
    let python = venv.join("bin/python");
    let mut command = Command::new(&python);
    command.arg(root().join("tests/readers").join(script)).args(args);
    let output = command.output().unwrap_or_else(|error| {
        panic!("{} cannot be started ({error}): delete target/python and run `make setup`", python.display())
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{script}: {said}\nIs a package missing? Delete target/python, run `make setup`"
    );
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
