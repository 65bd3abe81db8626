//! Compiled components on disk. A file's name is the wasm's SHA-256 and the engine's fingerprint; its first 32 bytes are the
//! SHA-256 of the rest, checked before the bytes are trusted as code. The folder is the daemon's own (0700). Whatever is wrong
//! with a file, the component is compiled again.

use crate::compile::{COMPILE_MAX, compile};
use crate::error::HostError;
use fs_err as fs;
use sha2::{Digest, Sha256};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

const DIGEST_BYTES: usize = 32;
const FOLDER_MODE: u32 = 0o700;

#[derive(Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(crate) fn open(folder: &Path) -> Result<Cache, HostError> {
        use std::os::unix::fs::PermissionsExt;
        fs::create_dir_all(folder).map_err(HostError::Cache)?;
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder).map_err(HostError::Cache)?);
        if owner != rustix::process::geteuid().as_raw() {
            let why = format!("{} belongs to another user, who could put code there", folder.display());
            return Err(HostError::Cache(std::io::Error::other(why)));
        }
        let mode = std::fs::Permissions::from_mode(FOLDER_MODE);
        fs::set_permissions(folder, mode).map_err(HostError::Cache)?;
        Ok(Cache { folder: folder.to_owned() })
    }

    /// The compiled component: from the cache where it is whole, else compiled and kept. `sha256` is the wasm's.
    pub(crate) fn compiled(&self, engine: &Engine, wasm: &[u8], sha256: &str) -> wasmtime::Result<Component> {
        let path = self.path(engine, sha256);
        if let Some(component) = read(engine, &path) {
            return Ok(component);
        }
        let component = compile(engine, wasm, COMPILE_MAX)?;
        // Without a cache the daemon starts more slowly, no more.
        if let Err(error) = self.keep(&path, &component.serialize()?) {
            tracing::warn!(%error, "a compiled plugin could not be kept");
        }
        Ok(component)
    }

    pub(crate) fn path(&self, engine: &Engine, sha256: &str) -> PathBuf {
        let mut fingerprint = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut fingerprint);
        self.folder.join(format!("{sha256}-{:016x}.cwasm", fingerprint.finish()))
    }

    fn keep(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        let mut unique = [0u8; 8];
        getrandom::fill(&mut unique).map_err(|error| std::io::Error::other(error.to_string()))?;
        let temporary = path.with_extension(format!("{}.tmp", hex::encode(unique)));
        let written = (|| {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
            file.write_all(&Sha256::digest(code))?;
            file.write_all(code)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        })();
        if written.is_err() {
            // Best effort: the first error is the one to report.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// The component of one file; none when it is not there or not whole.
fn read(engine: &Engine, path: &Path) -> Option<Component> {
    let bytes = fs::read(path).ok()?;
    let (digest, code) = bytes.split_at_checked(DIGEST_BYTES)?;
    if Sha256::digest(code).as_slice() != digest {
        tracing::warn!(path = %path.display(), "a compiled plugin in the cache is damaged: compiling it again");
        return None;
    }
    // SAFETY: the bytes are what `Component::serialize` of this very engine gave: the digest in front was written with them,
    // only the daemon's own user can write into the folder, and wasmtime checks engine and version itself.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize(engine, code) };
    match component {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a compiled plugin does not fit this daemon: compiling it again");
            None
        }
    }
}
