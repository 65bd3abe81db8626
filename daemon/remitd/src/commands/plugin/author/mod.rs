//! What authors do: `new`, `dev`, `test`, `pack`. None of it needs a configuration, a daemon or a network.

mod build;
mod dev;
mod kit;
mod new;

pub use dev::dev;
pub use kit::test;
pub use new::new;

use crate::fault::{DONE, Fault};
use crate::trust::write_whole;
use crate::{show, wiring};
use remitd_host::{Grants, PluginSpec, manifest};
use std::path::{Path, PathBuf};

/// The first bytes of a component, where a core module has 1, 0.
const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

pub fn pack(file: &Path, manifest: Option<PathBuf>, out: Option<PathBuf>) -> Result<u8, Fault> {
    let beside = file.with_file_name("plugin.toml");
    let beside = if beside.exists() { beside } else { PathBuf::from("plugin.toml") };
    let packed = packed(file, manifest.as_deref(), &beside)?;
    refuse_unfit(&packed, manifest.as_deref().unwrap_or(&beside))?;
    let out = out.unwrap_or_else(|| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
        PathBuf::from(format!("{stem}.packed.wasm"))
    });
    write_whole(&out, &packed)?;
    show::text(&out.display().to_string())?;
    show::note(&format!("sign it with: minisign -Sm {}", out.display()));
    Ok(DONE)
}

/// A component with its manifest in it, of a core module or a component.
fn packed(file: &Path, given: Option<&Path>, beside: &Path) -> Result<Vec<u8>, Fault> {
    let manifest_file = given.unwrap_or(beside);
    let wasm = fs_err::read(file)?;
    let component = if wasm.starts_with(&COMPONENT) { wasm } else { build::component(&wasm, file)? };
    match manifest::Manifest::of(&component) {
        Ok(_) if given.is_some() => {
            let what = format!("{} has a manifest in it already", file.display());
            Err(Fault::usage(what, "pack what cargo built, in target/wasm32-unknown-unknown/release"))
        }
        Ok(_) => Ok(component),
        Err(manifest::ManifestError::Missing) => {
            let text = fs_err::read_to_string(manifest_file)?;
            let told = |error: manifest::ManifestError| {
                Fault::usage(
                    format!("{}: {error}", manifest_file.display()),
                    "see plugin.toml in plugin-sdk/README.md",
                )
            };
            manifest::embed(&component, &text).map_err(told)
        }
        Err(error) => Err(Fault::usage(format!("{}: {error}", file.display()), "build the component again")),
    }
}

/// Refuses what no operator could install: a component that is none of ours, or one that its manifest does not fit.
fn refuse_unfit(packed: &[u8], manifest: &Path) -> Result<(), Fault> {
    let unfit = |error: manifest::ManifestError| {
        Fault::usage(format!("{}: {error}", manifest.display()), "see plugin.toml in plugin-sdk/README.md")
    };
    let (asked, _) = manifest::Manifest::of(packed).map_err(unfit)?;
    let (id, wasm) = (asked.id.clone(), packed.to_vec().into());
    let spec = PluginSpec { id, wasm, grants: Grants::default(), settings_json: "{}".to_owned() };
    let host = wiring::bare_host()?;
    let plugin = tokio::task::block_in_place(|| host.load(spec))
        .map_err(|error| Fault::usage(error.to_string(), "see the contract: plugin-sdk/wit/v1"))?;
    asked.fits(&plugin).map_err(unfit)
}
