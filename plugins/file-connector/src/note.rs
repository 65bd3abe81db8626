//! What is remembered of each posting: how far its file came. Owns the form of a note and how long notes are kept; a note is only
//! changed by whoever has read it as it stands.

use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::host::{clock, random, state};
use remitd_plugin_sdk::serde_json;
use serde::{Deserialize, Serialize};

/// Codes of failures after which a note is surely not written.
pub const REFUSED: [&str; 2] = [IN_HAND, TOO_MANY];
const IN_HAND: &str = "in-hand";
const TOO_MANY: &str = "too-many-files";

const PREFIX: &str = "posting/";
const CHANCE_BYTES: u32 = 12;
/// A note that is done is kept so long at least: its posting may be asked for again after a crash.
const KEPT_MS: u64 = 24 * 3_600_000;
/// Notes that are looked at for room.
const PAGES_MOST: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    #[default]
    New,
    /// The noted file is staged, or was released.
    Staged,
    /// The matter software refused it.
    Rejected,
    Done,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Note {
    pub step: Step,
    /// Under which name it is staged.
    pub staged: String,
    /// Files of this posting that were refused.
    pub refused: u32,
    /// The matter software's own number of the receipt.
    pub number: Option<String>,
    at_ms: u64,
    #[serde(skip)]
    pub key: String,
    #[serde(skip)]
    version: u64,
}

/// A name that nobody else has.
pub fn chance() -> String {
    random::bytes(CHANCE_BYTES).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Note {
    pub fn read(posting: &str) -> Result<Note, Failure> {
        let Some(entry) = state::get(&place(posting))? else {
            return Ok(Note { key: posting.to_owned(), ..Note::default() });
        };
        let note = parsed(&entry.value)?;
        Ok(Note { key: posting.to_owned(), version: entry.version, ..note })
    }

    /// Whether an earlier attempt has handed it over.
    pub fn is_known(&self) -> bool {
        matches!(self.step, Step::Staged | Step::Done)
    }

    pub fn staged(&mut self, staged: &str) -> Result<(), Failure> {
        staged.clone_into(&mut self.staged);
        self.write(Step::Staged)
    }

    pub fn rejected(&mut self) -> Result<(), Failure> {
        self.refused += 1;
        self.write(Step::Rejected)
    }

    pub fn done(&mut self, number: Option<String>) -> Result<(), Failure> {
        self.number = number;
        self.write(Step::Done)
    }

    fn write(&mut self, step: Step) -> Result<(), Failure> {
        (self.step, self.at_ms) = (step, clock::now_ms());
        let written = match self.try_write() {
            Err(failure) if failure.code == "too-much" => {
                make_room(self.at_ms).and_then(|()| self.try_write())
            }
            other => other,
        };
        match written {
            Ok(()) => {
                self.version += 1;
                Ok(())
            }
            // Another attempt is ahead: the next one goes on from where that came to.
            Err(failure) if failure.code == "changed-meanwhile" => {
                Err(Failure::unavailable(IN_HAND, "another attempt has this posting in hand"))
            }
            Err(failure) if failure.code == "too-much" => Err(Failure::unavailable(
                TOO_MANY,
                "as many files as can be remembered wait for their answers: see to the matter software's import",
            )),
            Err(failure) => Err(failure),
        }
    }

    fn try_write(&self) -> Result<(), Failure> {
        let value = serde_json::to_vec(self).map_err(|error| Failure::bug("note", error.to_string()))?;
        state::apply(&[state::Change { key: place(&self.key), value: Some(value), version: self.version }])
    }
}

fn place(posting: &str) -> String {
    format!("{PREFIX}{posting}")
}

fn parsed(value: &[u8]) -> Result<Note, Failure> {
    serde_json::from_slice(value)
        .map_err(|error| Failure::bug("note", format!("a note does not read: {error}")))
}

/// Forgets what is done since long.
fn make_room(now_ms: u64) -> Result<(), Failure> {
    let mut after = None;
    for _ in 0..PAGES_MOST {
        let entries = state::scan(PREFIX, after.as_deref())?;
        let Some(last) = entries.last() else { break };
        after = Some(last.key.clone());
        let mut old = Vec::new();
        for entry in entries {
            let note = parsed(&entry.value)?;
            if note.step == Step::Done && note.at_ms.saturating_add(KEPT_MS) < now_ms {
                old.push(state::Change { key: entry.key, value: None, version: entry.version });
            }
        }
        if !old.is_empty() {
            state::apply(&old)?;
        }
    }
    Ok(())
}
