//! A folder of .eml files. A message appears whole or not at all, is on the disk when the call returns, and never takes the
//! place of another.

use crate::wit::types::Failure;
use fs_err as fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

const NAME_MAX_BYTES: usize = 120;
const MESSAGE_MAX_BYTES: usize = 25 << 20;

/// Writes one message. Blocks.
pub(crate) fn put(folder: &Path, name: &str, message: &[u8]) -> Result<(), Failure> {
    check_name(name)?;
    if message.len() > MESSAGE_MAX_BYTES {
        return Err(Failure::invalid("message-too-large", "the message is larger than 25 MiB"));
    }
    let target = folder.join(name);
    let temporary = write_temporary(folder, message).map_err(unwritten)?;
    let placed = place(&temporary, &target, message);
    if !matches!(placed, Ok(Placed::Moved)) {
        // Best effort: what counts is how the placing went.
        let _ = fs::remove_file(&temporary);
    }
    match placed.map_err(unwritten)? {
        Placed::Moved | Placed::ThereAlready => Ok(()),
        Placed::Taken => {
            let target = target.display();
            Err(Failure::invalid("name-taken", format!("{target} is there already, with other bytes")))
        }
    }
}

/// A name that stays in its folder and is no hidden file.
fn check_name(name: &str) -> Result<(), Failure> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > NAME_MAX_BYTES || name.starts_with('.') || !name.chars().all(good) {
        let message = "a file's name has letters, digits, -, _ and . only, does not begin with a dot and has at most \
                       120 bytes";
        return Err(Failure::invalid("bad-name", message));
    }
    Ok(())
}

fn write_temporary(folder: &Path, message: &[u8]) -> std::io::Result<PathBuf> {
    let mut unique = [0u8; 8];
    getrandom::fill(&mut unique).map_err(|error| std::io::Error::other(error.to_string()))?;
    let path = folder.join(format!(".{}.tmp", hex::encode(unique)));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    let written = file.write_all(message).and_then(|()| file.sync_all());
    if written.is_err() {
        // Best effort: the first error is the one to report.
        let _ = fs::remove_file(&path);
    }
    written.map(|()| path)
}

enum Placed {
    Moved,
    ThereAlready,
    Taken,
}

fn place(temporary: &Path, target: &Path, message: &[u8]) -> std::io::Result<Placed> {
    match rename_new(temporary, target) {
        Ok(()) => {
            let folder = target.parent().unwrap_or(target);
            fs::File::open(folder)?.sync_all()?;
            Ok(Placed::Moved)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            // Compared by length first: the other file need not be a mail at all. A link is never followed out of the folder.
            let there = fs::symlink_metadata(target)?;
            let same_length = there.is_file() && there.len() == message.len() as u64;
            let same = same_length && fs::read(target)? == message;
            Ok(if same { Placed::ThereAlready } else { Placed::Taken })
        }
        Err(error) => Err(error),
    }
}

/// Renames without replacing.
fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // NFS knows no such flag; a hard link does not replace either.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        done => Ok(done?),
    }
}

fn unwritten(error: std::io::Error) -> Failure {
    Failure::unavailable("mail-folder", format!("the message was not written: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::wit::types::FailureClass;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn the_same_again_is_fine_and_another_is_not() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "a.eml", b"one").unwrap();
        put(folder.path(), "a.eml", b"one").unwrap();
        let taken = put(folder.path(), "a.eml", b"two").unwrap_err();
        assert_eq!((taken.class, taken.code.as_str()), (FailureClass::Invalid, "name-taken"));
        assert_eq!(fs::read(folder.path().join("a.eml")).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["a.eml"], "no temporary file stays");
    }

    #[test]
    fn names_stay_in_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(NAME_MAX_BYTES + 1);
        for bad in ["", "../a", "a/b", ".hidden", "..", "a\0b", "ä.eml", "a b", long.as_str()] {
            assert_eq!(put(folder.path(), bad, b"").unwrap_err().code, "bad-name", "{bad:?}");
        }
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_folder_that_is_gone_may_come_back() {
        let failure = put(Path::new("/nonexistent/mail"), "a.eml", b"x").unwrap_err();
        assert_eq!(failure.class, FailureClass::Unavailable);
        assert!(failure.message.contains("/nonexistent/mail"), "{failure:?}");
    }
}
