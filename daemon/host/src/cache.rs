//! Compiled components on disk. A file's name is the wasm's SHA-256 and the engine's fingerprint; its last 32 bytes are the
//! BLAKE3 of the rest, checked before the bytes are trusted as code. The folder is the daemon's own (0700). Whatever is wrong
//! with a file, the component is compiled again.
//!
//! A file is mapped, not read, as a program is: so it is never changed where it lies, but written under another name and renamed.

use crate::compile::{COMPILE_MAX, compile};
use crate::error::HostError;
use crate::plugin::Wasm;
use fs_err as fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

const DIGEST_BYTES: usize = 32;
/// Of these files, in their names: one of another form is not there.
const FORM: u32 = 2;
/// Read at once to be hashed.
const PIECE_BYTES: usize = 64 << 10;
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

    /// The compiled component: from the cache where it is whole, else compiled and kept.
    pub(crate) fn compiled(&self, engine: &Engine, wasm: &Wasm) -> wasmtime::Result<Component> {
        let path = self.path(engine, wasm.sha256());
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
        self.folder.join(format!("{sha256}-{:016x}.{FORM}.cwasm", fingerprint.finish()))
    }

    fn keep(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        let mut unique = [0u8; 8];
        getrandom::fill(&mut unique).map_err(|error| std::io::Error::other(error.to_string()))?;
        let temporary = path.with_extension(format!("{}.tmp", hex::encode(unique)));
        let written = (|| {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
            file.write_all(code)?;
            file.write_all(blake3::hash(code).as_bytes())?;
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
    let file = fs::File::open(path).ok()?;
    if !matches!(is_whole(file), Ok(true)) {
        tracing::warn!(path = %path.display(), "a compiled plugin in the cache is damaged: compiling it again");
        return None;
    }
    match deserialize(engine, path) {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a compiled plugin does not fit this daemon: compiling it again");
            None
        }
    }
}

/// Whether the digest at its end is that of what stands before it.
fn is_whole(mut file: fs::File) -> std::io::Result<bool> {
    let Some(mut left) = file.metadata()?.len().checked_sub(DIGEST_BYTES as u64) else { return Ok(false) };
    let mut hasher = blake3::Hasher::new();
    let mut piece = [0; PIECE_BYTES];
    while left > 0 {
        let room = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let Some(room) = piece.get_mut(..room) else { return Ok(false) };
        file.read_exact(room)?;
        hasher.update(room);
        left -= room.len() as u64;
    }
    let mut digest = [0; DIGEST_BYTES];
    file.read_exact(&mut digest)?;
    Ok(hasher.finalize() == digest)
}

#[allow(unsafe_code)]
fn deserialize(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `Component::serialize` of this very engine gave: the digest behind them was written with them and
    // has just been found right, only the daemon's own user can write into the folder, and no file in it is changed in place.
    // Wasmtime checks engine and version itself.
    let mapped = unsafe { Component::deserialize_file(engine, path) };
    mapped.or_else(|_| {
        // On a volume from which nothing may be run (noexec), a copy of it may.
        let bytes = fs::read(path)?;
        // SAFETY: as above.
        unsafe { Component::deserialize(engine, bytes) }
    })
}
