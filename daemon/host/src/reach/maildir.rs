//! A folder of .eml files. A message appears whole or not at all, is on the disk when the call returns, and never takes the
//! place of another.

use crate::reach::place::{check_name, rename_new, write_temporary};
use crate::wit::types::Failure;
use fs_err as fs;
use std::io::ErrorKind;
use std::path::Path;

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

enum Placed {
    Moved,
    ThereAlready,
    Taken,
}

fn place(temporary: &Path, target: &Path, message: &[u8]) -> std::io::Result<Placed> {
    match rename_new(temporary, target) {
        Ok(()) => Ok(Placed::Moved),
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

fn unwritten(error: std::io::Error) -> Failure {
    Failure::unavailable("mail-folder", format!("the message was not written: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::reach::place::NAME_MAX_BYTES;
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
