//! A matter database that has no place for a key, neither its own nor a table of ours. What is begun is noted in the plugin's state
//! before it is written, and what is written after it. Where an attempt's end stays unknown the database cannot be asked: a person
//! looks there and decides, and each decision writes once.

use remitd_plugin_sdk::connector::Posting;
use remitd_plugin_sdk::host::{clock, state};
use remitd_plugin_sdk::{Failure, serde_json};
use serde::{Deserialize, Serialize};

const PREFIX: &str = "posting/";
/// The contract's name for the detail that tells one decision from another.
const DECIDED: &str = "decided";
/// What is written is remembered so long at least, while others are written: its posting is asked for again right after a crash.
const KEPT_MS: u64 = 15 * 60_000;
/// Notes that are looked at for room, a hundred a page.
const PAGES_MOST: u32 = 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    /// By which decision, where a person has taken one.
    Begun(Option<String>),
    Written,
}

#[derive(Serialize, Deserialize)]
struct Note {
    step: Step,
    at_ms: u64,
}

/// An attempt that is noted and may write.
pub struct Attempt {
    place: String,
    version: u64,
}

/// Whether a posting is written; a failure where nobody knows.
pub fn is_written(key: &str) -> Result<bool, Failure> {
    match read(&place(key))? {
        (None, _) => Ok(false),
        (Some(Note { step: Step::Written, .. }), _) => Ok(true),
        (Some(Note { step: Step::Begun(_), .. }), _) => {
            Err(nobody_knows(key, "an earlier attempt has no known end"))
        }
    }
}

/// Notes that writing begins; none where it is written already.
pub fn begin(posting: &Posting) -> Result<Option<Attempt>, Failure> {
    let place = place(&posting.key);
    let decided = posting.details.iter().find(|detail| detail.name == DECIDED).map(|detail| &detail.value);
    let (note, version) = read(&place)?;
    match note.map(|note| note.step) {
        Some(Step::Written) => return Ok(None),
        // A decision is good for one attempt.
        Some(Step::Begun(before)) if decided.is_none() || decided == before.as_ref() => {
            return Err(nobody_knows(&posting.key, "an earlier attempt has no known end"));
        }
        Some(Step::Begun(_)) | None => {}
    }
    let attempt = Attempt { place, version };
    attempt.write(Some(Step::Begun(decided.cloned())))?;
    Ok(Some(Attempt { version: attempt.version + 1, ..attempt }))
}

impl Attempt {
    pub fn written(self) -> Result<(), Failure> {
        self.write(Some(Step::Written))
    }

    /// Surely nothing was written.
    pub fn refused(self) -> Result<(), Failure> {
        self.write(None)
    }

    fn write(&self, step: Option<Step>) -> Result<(), Failure> {
        let at_ms = clock::now_ms();
        let value = step.map(|step| serde_json::to_vec(&Note { step, at_ms })).transpose();
        let value = value.map_err(|error| Failure::bug("note", error.to_string()))?;
        let change = state::Change { key: self.place.clone(), value, version: self.version };
        let written = match state::apply(std::slice::from_ref(&change)) {
            Err(failure) if failure.code == "too-much" => {
                make_room(at_ms).and_then(|()| state::apply(&[change]))
            }
            other => other,
        };
        written.map_err(|failure| match failure.code.as_str() {
            "changed-meanwhile" => {
                Failure::unavailable("in-hand", "another attempt has this posting in hand")
            }
            "too-much" => Failure::unavailable(
                "too-many-notes",
                "as many postings as can be remembered have no known end: see to those that are incomplete",
            ),
            _ => failure,
        })
    }
}

pub fn nobody_knows(key: &str, why: &str) -> Failure {
    let message =
        format!("{why}, and this matter database has no place for the key {key}: look for the receipt there");
    Failure::invalid("nobody-knows", message)
}

fn place(key: &str) -> String {
    format!("{PREFIX}{key}")
}

fn read(place: &str) -> Result<(Option<Note>, u64), Failure> {
    let Some(entry) = state::get(place)? else { return Ok((None, 0)) };
    let note = serde_json::from_slice(&entry.value);
    let note = note.map_err(|error| Failure::bug("note", format!("a note does not read: {error}")))?;
    Ok((Some(note), entry.version))
}

/// Forgets what was written long ago.
fn make_room(now_ms: u64) -> Result<(), Failure> {
    let mut after = None;
    for _ in 0..PAGES_MOST {
        let page = state::scan(PREFIX, after.as_deref())?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        let is_old = |entry: &state::Entry| {
            serde_json::from_slice::<Note>(&entry.value)
                .is_ok_and(|note| matches!(note.step, Step::Written) && note.at_ms + KEPT_MS < now_ms)
        };
        let old = page.into_iter().filter(is_old);
        let forgotten: Vec<_> =
            old.map(|entry| state::Change { key: entry.key, value: None, version: entry.version }).collect();
        if !forgotten.is_empty() {
            return state::apply(&forgotten);
        }
    }
    Ok(())
}
