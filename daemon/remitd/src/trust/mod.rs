//! Whether a component is the one that a person looked at: its bytes, its manifest, its grants, its signer against
//! `plugins.lock`. The plugins that come with remitd are part of it and need no lock.

mod lock;
mod signature;

pub use lock::{CONTRACT, Entry, Lock, write_whole};
pub use signature::{SIGNATURE_ENDING, signer_of};

use crate::config::{self, Loaded};
use remitd_host::{Grants, Wasm};
use std::io::Read;
use std::path::Path;

/// Why a plugin is not loaded, and at which key of its table to look.
pub struct Distrust {
    pub code: &'static str,
    pub key: &'static str,
    pub message: String,
    pub hint: String,
}

/// The bytes of a configured plugin, where they are what was reviewed.
pub fn trusted(loaded: &Loaded, lock: &Lock, wanted: &config::Plugin) -> Result<Wasm, Distrust> {
    if let Some(bundled) = remitd_plugins::bundled(&wanted.file) {
        return Ok(Wasm::bundled(bundled.wasm, bundled.sha256));
    }
    let (id, path) = (&wanted.id, loaded.path(&wanted.file));
    let distrust = |code, key, message, hint: String| Distrust { code, key, message, hint };
    let wasm = read_component(&path).map_err(|error| {
        let gone = error.kind() == std::io::ErrorKind::NotFound;
        let (code, hint) = if gone {
            ("REMIT-0118", format!("put it back, or take the plugin away: remitd plugin remove {id}"))
        } else {
            ("REMIT-0119", "make it readable for the daemon's user".to_owned())
        };
        distrust(code, "file", error.to_string(), hint)
    })?;
    let Some(reviewed) = lock.get(id) else {
        let message = format!("plugin \"{id}\" was never installed: it is not in {}", lock.name());
        let hint = format!("look at it and agree: remitd plugin install {id}");
        return Err(distrust("REMIT-0122", "file", message, hint));
    };
    let signer = signer_of(loaded, &path, &wasm).map_err(|message| {
        let hint = "get the file and its signature from the author again".to_owned();
        distrust("REMIT-0123", "file", format!("plugin \"{id}\": {message}"), hint)
    })?;
    let now = Entry::of(id, &wasm, &grants(&wanted.grants), signer);
    let changes = reviewed.changes(&now);
    if changes.is_empty() {
        return Ok(wasm);
    }
    let only_grants = now.sha256 == reviewed.sha256;
    let message = format!("plugin \"{id}\" is not the one that was reviewed: {}", changes.join("; "));
    let hint = format!(
        "if this is meant, look at it and agree: remitd plugin install {id}; if not, put the old one back"
    );
    Err(distrust("REMIT-0122", if only_grants { "grants" } else { "file" }, message, hint))
}

/// No component is larger, in bytes.
const COMPONENT_MAX_BYTES: u64 = 64 << 20;

/// A file that may be a component.
pub fn read_component(path: &Path) -> std::io::Result<Wasm> {
    let refused = |why: &str| std::io::Error::other(format!("{} {why}", path.display()));
    if !fs_err::metadata(path)?.is_file() {
        return Err(refused("is no file"));
    }
    let mut wasm = Vec::new();
    fs_err::File::open(path)?.take(COMPONENT_MAX_BYTES + 1).read_to_end(&mut wasm)?;
    if wasm.len() as u64 > COMPONENT_MAX_BYTES {
        return Err(refused("is larger than 64 MiB, as no component is"));
    }
    Ok(wasm.into())
}

/// The operator's grants as the host knows them.
pub fn grants(grants: &config::Grants) -> Grants {
    Grants {
        sql: grants.sql.clone(),
        sql_write: grants.sql_write.clone(),
        http: grants.http.iter().map(|origin| origin.as_str().to_owned()).collect(),
        smtp: grants.smtp.clone(),
        maildir: grants.maildir.clone(),
        outbox: grants.outbox.clone(),
        secrets: grants.secrets.clone(),
    }
}
