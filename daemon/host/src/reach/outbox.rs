//! A folder that other software takes files from. A file is staged out of its sight, whole and on the disk, and appears in one
//! step; nothing is replaced, no link is followed, and nothing is read that is larger than an answer. All of it blocks.

use crate::reach::place::{check_name, rename_new, write_temporary};
use crate::wit::outbox::Place;
use crate::wit::types::Failure;
use fs_err as fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

const FILE_MAX_BYTES: usize = 1 << 20;

/// Where files appear, where they are staged (on the same volume), and where answers are looked for. None of them is made here: a
/// share that is away must not be taken for an empty folder.
#[derive(Debug, Clone)]
pub struct Outbox {
    pub folder: PathBuf,
    pub staging: PathBuf,
    pub answers: PathBuf,
}

impl Outbox {
    pub(crate) fn look(&self, staged: &str, name: &str) -> Result<Place, Failure> {
        check_name(staged)?;
        check_name(name)?;
        // In this order: what is released between the two looks is found by the first.
        if is_file(&self.staging.join(staged)).map_err(away)? {
            return Ok(Place::Staged);
        }
        // A share that is away shows an empty folder: nothing was taken from that. Where files are staged is on the same volume.
        fs::metadata(&self.staging).map_err(away)?;
        let waits = is_file(&self.folder.join(name)).map_err(away)?;
        Ok(if waits { Place::Waiting } else { Place::Gone })
    }

    pub(crate) fn stage(&self, staged: &str, content: &[u8]) -> Result<(), Failure> {
        check_name(staged)?;
        if content.len() > FILE_MAX_BYTES {
            return Err(Failure::invalid("file-too-large", "the file is larger than 1 MiB"));
        }
        let temporary = write_temporary(&self.staging, content).map_err(away)?;
        let placed = rename_new(&temporary, &self.staging.join(staged));
        if placed.is_err() {
            // Best effort: the first error is the one to report.
            let _ = fs::remove_file(&temporary);
        }
        placed.map_err(|error| taken_or_away(error, staged))
    }

    pub(crate) fn release(&self, staged: &str, name: &str) -> Result<(), Failure> {
        check_name(staged)?;
        check_name(name)?;
        let from = self.staging.join(staged);
        if !is_file(&from).map_err(away)? {
            return Err(Failure::invalid("not-staged", format!("nothing is staged as {staged}")));
        }
        rename_new(&from, &self.folder.join(name)).map_err(|error| taken_or_away(error, name))
    }

    pub(crate) fn discard(&self, staged: &str) -> Result<(), Failure> {
        check_name(staged)?;
        match fs::remove_file(self.staging.join(staged)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(away(error)),
            _ => Ok(()),
        }
    }

    pub(crate) fn answer(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        check_name(name)?;
        let path = self.answers.join(name);
        if !is_file(&path).map_err(away)? {
            return Ok(None);
        }
        let mut answer = Vec::new();
        let most = u64::try_from(FILE_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let file = fs::File::open(&path).map_err(away)?;
        file.take(most).read_to_end(&mut answer).map_err(away)?;
        if answer.len() > FILE_MAX_BYTES {
            let message = format!("{} is larger than 1 MiB: begin a new one", path.display());
            return Err(Failure::invalid("answer-too-large", message));
        }
        Ok(Some(answer))
    }
}

/// Links, pipes and folders are no files here.
fn is_file(path: &Path) -> std::io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(there.is_file()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn away(error: std::io::Error) -> Failure {
    Failure::unavailable("outbox", format!("the folder could not be used: {error}"))
}

fn taken_or_away(error: std::io::Error, name: &str) -> Failure {
    match error.kind() {
        ErrorKind::AlreadyExists => Failure::invalid("name-taken", format!("{name} is there already")),
        _ => away(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn outbox(folder: &Path) -> Outbox {
        let drop = folder.join("drop");
        let staging = drop.join(".remitd");
        fs::create_dir_all(&staging).unwrap();
        Outbox { staging, answers: drop.clone(), folder: drop }
    }

    #[test]
    fn a_file_appears_whole_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox(folder.path());
        outbox.stage("s1", b"one").unwrap();
        assert_eq!(outbox.look("s1", "a.csv"), Ok(Place::Staged));
        assert_eq!(outbox.stage("s1", b"two").unwrap_err().code, "name-taken");
        outbox.release("s1", "a.csv").unwrap();
        assert_eq!(outbox.look("s1", "a.csv"), Ok(Place::Waiting));
        assert_eq!(fs::read(outbox.folder.join("a.csv")).unwrap(), b"one");
        assert_eq!(outbox.release("s1", "a.csv").unwrap_err().code, "not-staged");
        outbox.stage("s2", b"two").unwrap();
        assert_eq!(outbox.release("s2", "a.csv").unwrap_err().code, "name-taken");
        outbox.discard("s2").unwrap();
        outbox.discard("s2").unwrap();
        fs::remove_file(outbox.folder.join("a.csv")).unwrap();
        assert_eq!(outbox.look("s1", "a.csv"), Ok(Place::Gone));
        assert_eq!(fs::read_dir(&outbox.staging).unwrap().count(), 0, "nothing half written stays");
    }

    #[test]
    fn an_answer_is_a_plain_file_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox(folder.path());
        assert_eq!(outbox.answer("a.ok"), Ok(None));
        fs::write(outbox.answers.join("a.ok"), "R-7").unwrap();
        assert_eq!(outbox.answer("a.ok"), Ok(Some(b"R-7".to_vec())));
        fs::write(folder.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), outbox.answers.join("b.ok")).unwrap();
        assert_eq!(outbox.answer("b.ok"), Ok(None), "a link leads elsewhere");
        fs::write(outbox.answers.join("c.ok"), vec![b'x'; FILE_MAX_BYTES + 1]).unwrap();
        assert_eq!(outbox.answer("c.ok").unwrap_err().code, "answer-too-large");
        for bad in ["../secret", ".remitd", "a/b", ""] {
            assert_eq!(outbox.answer(bad).unwrap_err().code, "bad-name", "{bad:?}");
            assert_eq!(outbox.release("s", bad).unwrap_err().code, "bad-name", "{bad:?}");
        }
    }

    /// Gone for a while is not the same as taken.
    #[test]
    fn a_folder_that_is_away_has_nothing_taken_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox(folder.path());
        outbox.stage("s1", b"one").unwrap();
        outbox.release("s1", "a.csv").unwrap();
        fs::rename(&outbox.folder, folder.path().join("away")).unwrap();
        fs::create_dir(&outbox.folder).unwrap();
        assert_eq!(outbox.look("s1", "a.csv").unwrap_err().code, "outbox");
        assert_eq!(outbox.stage("s2", b"two").unwrap_err().code, "outbox");
    }
}
