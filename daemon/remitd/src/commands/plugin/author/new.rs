//! `plugin new`: a crate from a template, with the SDK beside it, so that it builds wherever Rust is.

use crate::cli::PluginKind;
use crate::fault::{DONE, Fault};
use crate::show;
use std::path::{Path, PathBuf};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

pub fn new(kind: PluginKind, name: &str, dir: Option<PathBuf>) -> Result<u8, Fault> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.ends_with('-') || !name.chars().all(plain)
    {
        let hint = "begin with a lower-case letter; then letters, digits and `-`, such as acme-billing";
        return Err(Fault::usage(format!("{name:?} is no name for a crate"), hint));
    }
    let dir = dir.unwrap_or_else(|| PathBuf::from(name));
    if dir.exists() && fs_err::read_dir(&dir)?.next().is_some() {
        return Err(Fault::usage(
            format!("{} is there already", dir.display()),
            "name another folder with --dir",
        ));
    }
    let template = match kind {
        PluginKind::Importer => embedded::IMPORTER,
        PluginKind::Connector => embedded::CONNECTOR,
        PluginKind::MailProvider => embedded::MAIL_PROVIDER,
        PluginKind::PaymentGateway => embedded::PAYMENT_GATEWAY,
    };
    let kind = type_name(name);
    for (file, bytes) in template {
        let filled = match std::str::from_utf8(bytes) {
            Ok(text) => text.replace("{{name}}", name).replace("{{Type}}", &kind).into_bytes(),
            Err(_) => bytes.to_vec(),
        };
        put(&dir.join(file), &filled)?;
    }
    for (folder, files) in [("sdk/src", embedded::SDK_SOURCES), ("sdk/wit", embedded::SDK_CONTRACT)] {
        for (file, bytes) in files {
            put(&dir.join(folder).join(file), bytes)?;
        }
    }
    put(&dir.join("sdk/README.md"), embedded::SDK_README.as_bytes())?;
    put(&dir.join("sdk/Cargo.toml"), embedded::SDK_MANIFEST.as_bytes())?;
    // An author's `cargo fmt` leaves it as it is.
    put(&dir.join("sdk/rustfmt.toml"), embedded::SDK_STYLE.as_bytes())?;
    // Cargo takes out what the plugin does not use, and keeps the versions of the rest.
    put(&dir.join("Cargo.lock"), embedded::LOCK.as_bytes())?;
    show::text(&dir.display().to_string())?;
    show::note(&format!(
        "next: cd {} && remitd plugin dev   (and cargo test for its own tests)",
        dir.display()
    ));
    Ok(DONE)
}

/// `AcmeBilling` of `acme-billing`.
fn type_name(name: &str) -> String {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
    };
    name.split('-').map(part).collect()
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    Ok(fs_err::write(path, bytes)?)
}
