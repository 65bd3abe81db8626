//! Packs what `remitd plugin new` writes: the templates, the SDK as a crate of its own, and the lock file, so that a new plugin
//! builds with exactly the dependencies that this build had at hand. Owns nothing at run time.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const KINDS: [&str; 4] = ["importer", "connector", "mail-provider", "payment-gateway"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut code = String::new();
    for kind in KINDS {
        let name = kind.replace('-', "_").to_uppercase();
        files(&mut code, &name, &root.join("plugin-sdk/templates").join(kind))?;
    }
    for (name, folder) in [("SDK_SOURCES", "src"), ("SDK_CONTRACT", "wit")] {
        files(&mut code, name, &root.join("plugin-sdk").join(folder))?;
    }
    let manifest = out.join("sdk.toml");
    fs_err::write(&manifest, standalone(&root)?)?;
    let lock = root.join("Cargo.lock");
    let (style, readme) = (root.join("rustfmt.toml"), root.join("plugin-sdk/README.md"));
    let texts =
        [("SDK_MANIFEST", &manifest), ("LOCK", &lock), ("SDK_STYLE", &style), ("SDK_README", &readme)];
    for (name, file) in texts {
        println!("cargo::rerun-if-changed={}", file.display());
        writeln!(code, "pub const {name}: &str = include_str!({:?});", file.display().to_string())?;
    }
    println!("cargo::rerun-if-changed={}", root.join("Cargo.toml").display());
    println!("cargo::rerun-if-changed={}", root.join("plugin-sdk/Cargo.toml").display());
    Ok(fs_err::write(out.join("embedded.rs"), code)?)
}

/// A constant with every file of a folder: its name there, and its text.
fn files(code: &mut String, name: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    walk(folder, &mut found)?;
    found.sort();
    writeln!(code, "pub const {name}: &[(&str, &[u8])] = &[")?;
    for path in found {
        let inside = path.strip_prefix(folder)?.display().to_string();
        writeln!(code, "    ({inside:?}, include_bytes!({:?})),", path.display().to_string())?;
    }
    Ok(writeln!(code, "];")?)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The SDK's manifest, with what it takes from the workspace written out.
fn standalone(root: &Path) -> Result<String, Box<dyn Error>> {
    let read = |path: &str| -> Result<toml::Table, Box<dyn Error>> {
        Ok(fs_err::read_to_string(root.join(path))?.parse()?)
    };
    let (workspace, mut sdk) = (read("Cargo.toml")?, read("plugin-sdk/Cargo.toml")?);
    let of_workspace = |table: &str| workspace.get("workspace")?.get(table)?.as_table();
    let missing = "the workspace's manifest has another form";
    for (table, from) in [("package", "package"), ("dependencies", "dependencies")] {
        let shared = of_workspace(from).ok_or(missing)?;
        let own = sdk.get_mut(table).and_then(toml::Value::as_table_mut).ok_or(missing)?;
        for (key, value) in own.iter_mut() {
            if value.get("workspace").is_some() {
                *value = shared.get(key).ok_or(missing)?.clone();
            }
        }
    }
    sdk.remove("lints");
    Ok(toml::to_string(&sdk)?)
}
