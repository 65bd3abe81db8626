//! The door of a watched folder. A file goes `inbox → work → done | rejected`; its report and its links stand beside it.
//!
//! Invariants: only a file that was the same on two looks is taken; taking is one rename; what lies in `work` is the only
//! thing that is worked on, so that a start after a crash finds everything where the crash left it; what is not taken is
//! touched by nobody, and said once.

mod contents;
mod guard;
mod take;
mod work;

pub use contents::{Contents, Dropped, Left};

use super::gate::Conventions;
use super::look::Look;
use super::pattern::Pattern;
use super::progress::Reading;
use super::report::Mends;
use super::watch::Hints;
use crate::error::FlowError;
use crate::release::Policy;
use crate::road::Road;
use fs_err::tokio as fs;
use guard::Guard;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What a folder is made of; `inbox` and `work` are what is in hand.
pub const PARTS: [&str; 4] = ["inbox", "work", "done", "rejected"];

#[derive(Debug, Clone)]
pub struct Folder {
    /// Holds its [`PARTS`].
    pub path: PathBuf,
    pub account: String,
    /// What the rest is read by: a plugin's id, or [`BY_CONTENT`](super::recognise::BY_CONTENT).
    pub importer: String,
    /// Importers of files by their names; the first that fits.
    pub by_name: Vec<(Pattern, String)>,
    pub policy: Policy,
    pub conventions: Conventions,
    pub settle_ms: i64,
    /// For the reports.
    pub mends: Mends,
    /// What is read now, for whoever asks.
    pub reading: Arc<Reading>,
}

impl Folder {
    fn importer_of(&self, name: &str) -> &str {
        let fits = self.by_name.iter().find(|(pattern, _)| pattern.fits(name));
        fits.map_or(&self.importer, |(_, importer)| importer)
    }
}

/// What one daemon remembers of a folder between looks; nothing that a restart would miss.
#[derive(Default)]
struct Memory {
    /// How each file looked, and since when it looks so.
    seen: HashMap<OsString, (Look, i64)>,
    /// Whether one of them has not looked so for long enough.
    settling: bool,
    left: take::LeftAlone,
    stopped: bool,
    /// Files in `work` that could not be done with yet: attempts, and when to try again.
    later: HashMap<String, (i64, i64)>,
    /// Held while something is in hand: a file kept open for ever would keep a share from being unmounted.
    guard: Option<Guard>,
    away: bool,
}

/// Watches the folder until `stop` turns true.
pub async fn run(road: &Road, folder: &Folder, mut stop: watch::Receiver<bool>) {
    let mut memory = Memory::default();
    let mut hints = None;
    while !*stop.borrow() {
        match look(road, folder, &mut memory, &stop).await {
            Ok(()) => {
                if memory.away {
                    tracing::info!(folder = %folder.path.display(), "the folder is back");
                    memory.away = false;
                    hints = None;
                }
            }
            Err(FlowError::Crashed(point)) => {
                tracing::error!(point, "crashed");
                return;
            }
            Err(error) => {
                if !memory.away {
                    tracing::error!(folder = %folder.path.display(), %error, code = error.code(), "the folder is away: looking again");
                }
                (memory.away, memory.guard) = (true, None);
            }
        }
        let hint = hints.get_or_insert_with(|| Hints::of(&folder.path.join("inbox")));
        let settling = if memory.settling { folder.settle_ms.unsigned_abs() + 1 } else { u64::MAX };
        let pause = Duration::from_millis(road.limits.scan_ms.min(settling));
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
            () = hint.next() => {}
        }
    }
}

/// One look: take what is whole, then work on all that was taken.
async fn look(
    road: &Road,
    folder: &Folder,
    memory: &mut Memory,
    stop: &watch::Receiver<bool>,
) -> Result<(), FlowError> {
    for part in PARTS {
        let part = folder.path.join(part);
        if !fs::try_exists(&part).await? {
            // The folder itself is never made: a share that is not mounted must not be hidden by an empty folder.
            fs::create_dir(&part).await?;
        }
    }
    if memory.guard.is_none() {
        memory.guard = Some(Guard::take(&folder.path, &road.store)?);
    }
    take::take_whole(road, folder, memory).await?;
    let names = work::names(&folder.path).await?;
    memory.later.retain(|name, _| names.binary_search(name).is_ok());
    for name in names {
        // What is taken waits as well after the order to stop as before it.
        if *stop.borrow() {
            break;
        }
        work::step(road, folder, &name, memory).await?;
    }
    if memory.later.is_empty() {
        memory.guard = None;
    }
    Ok(())
}

fn random_hex() -> Result<String, FlowError> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| FlowError::Random(error.to_string()))?;
    Ok(hex::encode(random))
}
