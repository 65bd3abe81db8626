//! The folder of [`crate::host::outbox`] in memory, one for each thread: what the test does as the software on the other side.

use crate::Failure;
use crate::wit::host::remitd::plugin::outbox::Place;
use std::cell::RefCell;
use std::collections::BTreeMap;

#[derive(Default)]
struct Folder {
    staged: BTreeMap<String, Vec<u8>>,
    dropped: BTreeMap<String, Vec<u8>>,
    answers: BTreeMap<String, Vec<u8>>,
    drops: usize,
}

thread_local! {
    static FOLDER: RefCell<Folder> = RefCell::default();
}

/// A file that lies in the folder.
pub fn dropped(name: &str) -> Option<Vec<u8>> {
    FOLDER.with_borrow(|folder| folder.dropped.get(name).cloned())
}

/// Takes a file away, as the other software does.
pub fn take(name: &str) -> Option<Vec<u8>> {
    FOLDER.with_borrow_mut(|folder| folder.dropped.remove(name))
}

/// Puts an answer there.
pub fn answer(name: &str, content: &[u8]) {
    FOLDER.with_borrow_mut(|folder| drop(folder.answers.insert(name.to_owned(), content.to_vec())));
}

/// Files that were ever dropped.
pub fn drops() -> usize {
    FOLDER.with_borrow(|folder| folder.drops)
}

/// Files that are staged now.
pub fn staged() -> usize {
    FOLDER.with_borrow(|folder| folder.staged.len())
}

pub(crate) fn clear() {
    FOLDER.take();
}

pub(crate) fn look(staged: &str, name: &str) -> Place {
    FOLDER.with_borrow(|folder| {
        match (folder.staged.contains_key(staged), folder.dropped.contains_key(name)) {
            (true, _) => Place::Staged,
            (false, true) => Place::Waiting,
            (false, false) => Place::Gone,
        }
    })
}

fn name_taken(name: &str) -> Failure {
    Failure::invalid("name-taken", format!("{name} is there already"))
}

pub(crate) fn stage(staged: &str, content: &[u8]) -> Result<(), Failure> {
    FOLDER.with_borrow_mut(|folder| {
        if folder.staged.contains_key(staged) {
            return Err(name_taken(staged));
        }
        folder.staged.insert(staged.to_owned(), content.to_vec());
        Ok(())
    })
}

pub(crate) fn release(staged: &str, name: &str) -> Result<(), Failure> {
    FOLDER.with_borrow_mut(|folder| {
        if folder.dropped.contains_key(name) {
            return Err(name_taken(name));
        }
        let content = folder.staged.remove(staged);
        let content = content
            .ok_or_else(|| Failure::invalid("not-staged", format!("nothing is staged as {staged}")))?;
        folder.dropped.insert(name.to_owned(), content);
        folder.drops += 1;
        Ok(())
    })
}

pub(crate) fn discard(staged: &str) {
    FOLDER.with_borrow_mut(|folder| drop(folder.staged.remove(staged)));
}

pub(crate) fn answered(name: &str) -> Option<Vec<u8>> {
    FOLDER.with_borrow(|folder| folder.answers.get(name).cloned())
}
