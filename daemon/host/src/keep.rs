//! What the host asks its owner to keep: each plugin's state, and the trail of what was refused. Owns the shape of both and the
//! keeper that forgets (for a look at a plugin, for tests); the daemon's own keeps them in its database.

use crate::wit::state::{Change, Entry};
use crate::wit::types::Failure;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

/// Keys that one scan gives, and changes that are applied at once.
pub const SCAN_MOST: usize = 100;
pub const CHANGES_MOST: usize = 100;
/// Keys of one plugin, and bytes of its keys and values together.
pub const KEYS_MOST: usize = 1_000;
pub const STATE_MAX_BYTES: usize = 4 << 20;

/// What a keeper answers, once it has written.
pub type Kept<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// One line of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub plugin: String,
    /// Of the wasm that did it.
    pub sha256: String,
    pub job: String,
    /// `refused` or `set-aside`.
    pub what: &'static str,
    /// The failure's code, as in `grant-missing`.
    pub code: String,
    pub message: String,
}

/// Keeps what outlives a job.
pub trait Keep: Send + Sync {
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> Kept<'a, Option<Entry>>;
    /// In the keys' order of bytes, [`SCAN_MOST`] at most.
    fn scan<'a>(&'a self, plugin: &'a str, prefix: &'a str, after: Option<&'a str>) -> Kept<'a, Vec<Entry>>;
    /// All or none; see [`changed_meanwhile`] and [`too_much`].
    fn apply<'a>(&'a self, plugin: &'a str, changes: &'a [Change]) -> Kept<'a, ()>;
    /// Kept as soon as it can be; nobody waits for it, and the log has it in any case.
    fn note(&self, note: Note);
}

/// The failure of a change whose key has another version by now.
pub fn changed_meanwhile(key: &str) -> Failure {
    Failure::invalid(
        "changed-meanwhile",
        format!("the key {key:?} has changed since it was read: read it again"),
    )
}

/// The failure of changes after which a plugin would keep more than it may.
pub fn too_much() -> Failure {
    let most = STATE_MAX_BYTES >> 20;
    Failure::invalid(
        "too-much",
        format!("a plugin keeps at most {KEYS_MOST} keys and {most} MiB: remove old keys first"),
    )
}

type States = BTreeMap<(String, String), Entry>;

/// Keeps nothing longer than itself.
#[derive(Default)]
pub struct Forgetful {
    states: Mutex<States>,
    notes: Mutex<Vec<Note>>,
}

impl Forgetful {
    /// What was noted so far.
    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn states(&self) -> std::sync::MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now<'a, T: Send + 'a>(value: Result<T, Failure>) -> Kept<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Keep for Forgetful {
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> Kept<'a, Option<Entry>> {
        now(Ok(self.states().get(&(plugin.to_owned(), key.to_owned())).cloned()))
    }

    fn scan<'a>(&'a self, plugin: &'a str, prefix: &'a str, after: Option<&'a str>) -> Kept<'a, Vec<Entry>> {
        let states = self.states();
        let ours = states.iter().filter(|((of, key), _)| {
            of == plugin && key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after)
        });
        now(Ok(ours.take(SCAN_MOST).map(|(_, entry)| entry.clone()).collect()))
    }

    fn apply<'a>(&'a self, plugin: &'a str, changes: &'a [Change]) -> Kept<'a, ()> {
        let mut states = self.states();
        let mut next = states.clone();
        for change in changes {
            let at = (plugin.to_owned(), change.key.clone());
            let version = next.get(&at).map_or(0, |entry| entry.version);
            if version != change.version {
                return now(Err(changed_meanwhile(&change.key)));
            }
            match &change.value {
                Some(value) => {
                    let (key, value) = (change.key.clone(), value.clone());
                    next.insert(at, Entry { key, value, version: version + 1 });
                }
                None => drop(next.remove(&at)),
            }
        }
        let ours: Vec<_> = next.iter().filter(|((of, _), _)| of == plugin).collect();
        let bytes: usize = ours.iter().map(|((_, key), entry)| key.len() + entry.value.len()).sum();
        if ours.len() > KEYS_MOST || bytes > STATE_MAX_BYTES {
            return now(Err(too_much()));
        }
        *states = next;
        now(Ok(()))
    }

    fn note(&self, note: Note) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }
}
