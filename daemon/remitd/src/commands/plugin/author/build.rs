//! From an author's crate to a component, with cargo alone. Owns what an author is told; how a guest is built is said in
//! `remitd_guest_build`, for the bundled plugins too.

use crate::fault::Fault;
use remitd_guest_build::{TARGET, encode, for_guests};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Builds the crate of a folder and gives its component's bytes. What cargo says goes to the author as it is.
pub fn build(dir: &Path) -> Result<Vec<u8>, Fault> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(dir).args(["build", "--lib", "--release", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics");
    for_guests(&mut cargo, &[]);
    let done = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let done =
        done.map_err(|error| Fault::usage(format!("cannot run cargo: {error}"), "install Rust with rustup"))?;
    if !done.status.success() {
        return Err(Fault::usage(
            format!("the plugin in {} does not build", dir.display()),
            format!("mend what cargo says above; if it lacks the target: rustup target add {TARGET}"),
        ));
    }
    let module = module(&String::from_utf8_lossy(&done.stdout)).ok_or_else(|| {
        Fault::usage(
            "cargo built no .wasm file",
            "write crate-type = [\"cdylib\", \"rlib\"] under [lib] of Cargo.toml",
        )
    })?;
    component(&fs_err::read(&module)?, &module)
}

/// The last .wasm file that cargo tells of: the crate's own comes after its dependencies.
fn module(messages: &str) -> Option<PathBuf> {
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let files = artifacts.filter_map(|message| {
        let names = message.get("filenames")?.as_array()?.iter().filter_map(|name| name.as_str());
        names.filter(|name| name.ends_with(".wasm")).map(PathBuf::from).next()
    });
    files.fold(None, |_, file| Some(file))
}

/// Makes a component of a core module that carries its world.
pub fn component(module: &[u8], file: &Path) -> Result<Vec<u8>, Fault> {
    encode(module).map_err(|error| {
        Fault::usage(
            format!("{}: no component can be made of it: {error}", file.display()),
            "build it for wasm32-unknown-unknown with the SDK's export macro of its kind, called once",
        )
    })
}
