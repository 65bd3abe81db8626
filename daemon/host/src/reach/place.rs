//! Files in folders of others: names that stay in their folder, files that are whole on the disk before anybody sees them, and
//! renaming that never replaces. Owns no folder.

use crate::wit::types::Failure;
use fs_err as fs;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) const NAME_MAX_BYTES: usize = 120;

/// A name that stays in its folder and is no hidden file.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > NAME_MAX_BYTES || name.starts_with('.') || !name.chars().all(good) {
        let message = "a file's name has letters, digits, -, _ and . only, does not begin with a dot and has at most \
                       120 bytes";
        return Err(Failure::invalid("bad-name", message));
    }
    Ok(())
}

/// A hidden file of a name of its own, synced.
pub(crate) fn write_temporary(folder: &Path, content: &[u8]) -> std::io::Result<PathBuf> {
    let mut unique = [0u8; 8];
    getrandom::fill(&mut unique).map_err(|error| std::io::Error::other(error.to_string()))?;
    let path = folder.join(format!(".{}.tmp", hex::encode(unique)));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        // Best effort: the first error is the one to report.
        let _ = fs::remove_file(&path);
    }
    written.map(|()| path)
}

/// Renames without replacing, and syncs the folder where the file is now.
pub(crate) fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // NFS knows no such flag; a hard link does not replace either.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)?;
        }
        done => done?,
    }
    fs::File::open(to.parent().unwrap_or(to))?.sync_all()
}
