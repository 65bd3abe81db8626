//! How a plugin is built for the sandbox and becomes a component: for build scripts, and for `remitd plugin dev`. The inner cargo has none
//! of the outer one's flags, so that clippy or a wrapper around rustc is not its compiler too; in a build script it has its own
//! target folder as well, so that it never waits for the outer one's lock.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "guest";
/// Stack, data and first heap page then lie close together: the host puts a small memory back without a page fault. A crate that needs
/// more says `cargo::rustc-link-arg=-zstack-size=…` in its build script.
const STACK_BYTES: u32 = 128 << 10;
/// Sixteen bytes at once. Every x86-64 and ARM64 machine has it, and wasmtime takes it unless it is told not to.
const FEATURES: &str = "-Ctarget-feature=+simd128";
/// More is inlined than the usual 275 allows: each function that a guest enters looks at the epoch and its stack first. At 600 the CSV
/// importer takes a tenth less time and a tenth more space; at 1200 it is slower again.
const INLINING: &str = "-Cllvm-args=-inline-threshold=600";

/// What the outer cargo says to its own compiler and jobs.
const NOT_FOR_GUESTS: [&str; 9] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "MAKEFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_BUILD_TARGET",
    "CLIPPY_ARGS",
];

/// Builds these guests, each a crate in `folder` of the workspace at `root`, and writes each as `NAME.wasm` into OUT_DIR.
pub fn build_guests(root: &Path, folder: &str, guests: &[&str]) -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    watch(root, folder, guests);
    // Out is target/PROFILE/build/PACKAGE-HASH/out: debug and release builds share one set of guests.
    let target = out.ancestors().nth(4).unwrap_or(&out).join("guest");
    let built = build(root, &target, guests)?;
    for guest in guests {
        let module = built.join(format!("{}.wasm", guest.replace('-', "_")));
        let component = encode(&fs_err::read(module)?).map_err(|error| format!("{guest}: {error:#}"))?;
        fs_err::write(out.join(format!("{guest}.wasm")), component)?;
    }
    Ok(())
}

/// A change of anything that goes into a component, and of nothing else, builds them again.
fn watch(root: &Path, folder: &str, guests: &[&str]) {
    for guest in guests {
        for part in ["Cargo.toml", "settings.schema.json", "src"] {
            watch_path(&root.join(folder).join(guest).join(part));
        }
    }
    for part in [
        "plugin-sdk/Cargo.toml",
        "plugin-sdk/src",
        "plugin-sdk/wit",
        "plugins/guest-build",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        watch_path(&root.join(part));
    }
}

fn watch_path(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// Gives the folder in which the modules lie.
fn build(root: &Path, target: &Path, guests: &[&str]) -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(env::var_os("CARGO").ok_or("cargo runs this script")?);
    cargo.current_dir(root).args(["build", "--lib", "--locked", "--profile", PROFILE, "--target", TARGET]);
    cargo.arg("--target-dir").arg(target);
    for guest in guests {
        cargo.args(["--package", guest]);
    }
    for_guests(&mut cargo, &without_paths(root));
    let done = cargo.output().map_err(|error| format!("cannot run cargo: {error}"))?;
    if done.status.success() {
        return Ok(target.join(TARGET).join(PROFILE));
    }
    let words = String::from_utf8_lossy(&done.stderr);
    if words.contains("target may not be installed") || words.contains("E0463") {
        return Err(format!(
            "the plugins are built for {TARGET}, which this toolchain does not have\nhint: rustup target add {TARGET}\n\n{words}"
        )
        .into());
    }
    Err(format!("the plugins do not build:\n{words}").into())
}

/// Panics name source files: by the same names on every machine, so that the same sources give the same bytes.
fn without_paths(root: &Path) -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let mut flags = vec![format!("--remap-path-prefix={}=remitd", root.display())];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=cargo", home.display())));
    flags
}

/// Gives a cargo that builds guests their flags, and none of those of whoever started us.
pub fn for_guests(cargo: &mut Command, flags: &[String]) {
    for name in NOT_FOR_GUESTS {
        cargo.env_remove(name);
    }
    let stack = format!("-Clink-arg=-zstack-size={STACK_BYTES}");
    cargo.env(
        "CARGO_ENCODED_RUSTFLAGS",
        [&[stack, FEATURES.to_owned(), INLINING.to_owned()], flags].concat().join("\x1f"),
    );
}

/// Makes a component of a core module that carries its world.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let component = wit_component::ComponentEncoder::default().validate(true).module(module)?.encode()?;
    Ok(component)
}
