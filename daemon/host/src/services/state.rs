//! What a plugin remembers: its own keys and nobody else's, kept by the host's owner.

use crate::job::JobState;
use crate::keep::CHANGES_MOST;
use crate::wit::state::{Change, Entry, Host};
use crate::wit::types::Failure;

const KEY_MAX_BYTES: usize = 200;
/// Each is a transaction of the one writer that payments and postings share.
const APPLIES_MOST: u32 = 200;
const VALUE_MAX_BYTES: usize = 64 << 10;

impl Host for JobState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Entry>, Failure>> {
        if let Err(failure) = fits(&[&key]) {
            return serve!(self, "state.get", Err(failure));
        }
        serve!(self, "state.get", self.around.keep.get(&self.charter.plugin, &key).await)
    }

    async fn scan(
        &mut self,
        prefix: String,
        after: Option<String>,
    ) -> wasmtime::Result<Result<Vec<Entry>, Failure>> {
        if let Err(failure) = fits(&[&prefix, after.as_deref().unwrap_or_default()]) {
            return serve!(self, "state.scan", Err(failure));
        }
        let keep = self.around.keep.clone();
        serve!(self, "state.scan", keep.scan(&self.charter.plugin, &prefix, after.as_deref()).await)
    }

    async fn apply(&mut self, changes: Vec<Change>) -> wasmtime::Result<Result<(), Failure>> {
        serve!(self, "state.apply", self.apply_checked(&changes).await)
    }
}

/// Refuses what is longer than any key.
fn fits(texts: &[&str]) -> Result<(), Failure> {
    match texts.iter().find(|text| text.len() > KEY_MAX_BYTES) {
        None => Ok(()),
        Some(_) => Err(Failure::invalid("bad-key", format!("a key has 1 to {KEY_MAX_BYTES} bytes"))),
    }
}

impl JobState {
    /// What is remembered is the plugin's own affair, not the outside's: the ledger does not count it as a change there.
    async fn apply_checked(&mut self, changes: &[Change]) -> Result<(), Failure> {
        self.applies += 1;
        if self.applies > APPLIES_MOST {
            let message = format!("one call changes what it remembers {APPLIES_MOST} times at most");
            return Err(Failure::invalid("too-much", message));
        }
        if changes.len() > CHANGES_MOST {
            return Err(Failure::invalid(
                "too-much",
                format!("{CHANGES_MOST} changes at most are applied at once"),
            ));
        }
        for Change { key, value, .. } in changes {
            if key.is_empty() || key.len() > KEY_MAX_BYTES {
                return Err(Failure::invalid(
                    "bad-key",
                    format!("a key has 1 to {KEY_MAX_BYTES} bytes: {key:?}"),
                ));
            }
            if value.as_ref().is_some_and(|value| value.len() > VALUE_MAX_BYTES) {
                return Err(Failure::invalid(
                    "too-much",
                    format!("the value of {key:?} is larger than 64 KiB"),
                ));
            }
        }
        self.around.keep.apply(&self.charter.plugin, changes).await
    }
}
