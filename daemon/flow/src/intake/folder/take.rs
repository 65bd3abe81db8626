//! From `inbox` to `work`: a file is taken once it has looked the same for the whole of the settling time. Taking is one
//! rename, so that of several daemons one has the file.

use super::contents::{Contents, Dropped, Left};
use super::{Folder, Memory, random_hex};
use crate::error::FlowError;
use crate::road::Road;
use fs_err::tokio as fs;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

const NAME_MAX_BYTES: usize = 180;
/// An ending that says what a file is: it is kept where a name is cut.
const ENDING_MAX_BYTES: usize = 16;

/// What is left alone, since when, and whether that was told.
pub(super) type LeftAlone = HashMap<OsString, (Left, i64, bool)>;

pub(super) async fn take_whole(road: &Road, folder: &Folder, memory: &mut Memory) -> Result<(), FlowError> {
    let inbox = folder.path.join("inbox");
    let read = tokio::task::spawn_blocking(move || Contents::of(&inbox)).await;
    let Contents { dropped, stopped } = read.map_err(std::io::Error::other)??;
    tell_of_stop(folder, memory, stopped);
    let now_ms = road.now_ms();
    let (mut seen, mut left_alone) = (HashMap::new(), Vec::new());
    memory.settling = false;
    for Dropped { name, look, left } in dropped {
        if let Some(why) = left {
            left_alone.push((name, why));
            continue;
        }
        let since_ms = match memory.seen.get(&name) {
            // A clock that was set back starts anew.
            Some((before, since_ms)) if *before == look && *since_ms <= now_ms => *since_ms,
            _ => now_ms,
        };
        let settled = now_ms - since_ms >= folder.settle_ms && now_ms > since_ms;
        memory.settling |= !settled;
        if settled && !stopped {
            match take(road, folder, &name).await {
                Ok(()) => continue,
                Err(FlowError::Io(error)) => {
                    left_alone.push((name.clone(), Left::Refused(error.to_string())))
                }
                Err(error) => return Err(error),
            }
        }
        seen.insert(name, (look, since_ms));
    }
    memory.seen = seen;
    tell_of_left(folder, memory, left_alone, now_ms);
    Ok(())
}

async fn take(road: &Road, folder: &Folder, name: &OsStr) -> Result<(), FlowError> {
    let taken = work_name(road, &name.to_string_lossy())?;
    if name.to_str().is_none() {
        // What is no UTF-8 cannot go into the store or a report; the file itself is not touched.
        tracing::warn!(file = ?name, taken, "its name is not UTF-8: taken under another");
    }
    let work = folder.path.join("work").join(&taken);
    match fs::rename(folder.path.join("inbox").join(name), work).await {
        Ok(()) => {
            tracing::info!(file = taken, "taken");
            Ok(road.point("folder.taken")?)
        }
        // Another daemon was quicker.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn tell_of_stop(folder: &Folder, memory: &mut Memory, stopped: bool) {
    let inbox = folder.path.join("inbox");
    match (memory.stopped, stopped) {
        (false, true) => {
            tracing::warn!(inbox = %inbox.display(), "a file named \"stop\" lies here: nothing new is taken until it is gone");
        }
        (true, false) => {
            tracing::info!(inbox = %inbox.display(), "the file named \"stop\" is gone: files are taken again")
        }
        _ => {}
    }
    memory.stopped = stopped;
}

/// Each once, and only what stays: a link that lives for a moment is how some programs put a file in its place.
fn tell_of_left(folder: &Folder, memory: &mut Memory, left: Vec<(OsString, Left)>, now_ms: i64) {
    let mut known = HashMap::new();
    for (name, why) in left.into_iter().filter(|(_, why)| !why.is_usual()) {
        let (since_ms, told) = match memory.left.get(&name) {
            Some((before, since_ms, told)) if *before == why => (*since_ms, *told),
            _ => (now_ms, false),
        };
        let tell = !told && now_ms - since_ms >= folder.settle_ms && now_ms > since_ms;
        if tell {
            tracing::warn!(inbox = %folder.path.join("inbox").display(), file = ?name, %why, "left alone");
        }
        known.insert(name, (why, since_ms, told || tell));
    }
    memory.left = known;
}

/// A name that no other file ever gets: the same file dropped twice is two of them.
fn work_name(road: &Road, name: &str) -> Result<String, FlowError> {
    let stamp = road.clock.now().format("%Y%m%dT%H%M%S");
    Ok(format!("{stamp}-{}_{}", random_hex()?, shortened(name)))
}

/// The name that its maker gave it.
pub(super) fn maker_name(work_name: &str) -> &str {
    work_name.split_once('_').map_or(work_name, |(_, name)| name)
}

/// With its ending, which may choose the importer.
fn shortened(name: &str) -> String {
    if name.len() <= NAME_MAX_BYTES {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |at| name.get(at..).unwrap_or_default());
    let ending = if ending.len() <= ENDING_MAX_BYTES { ending } else { "" };
    let end = name.floor_char_boundary(NAME_MAX_BYTES - ending.len());
    format!("{}{ending}", name.get(..end).unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_ending() {
        assert_eq!(shortened("june.csv"), "june.csv");
        let long = shortened(&format!("{}.csv", "é".repeat(120)));
        assert!(long.len() <= NAME_MAX_BYTES && long.ends_with("é.csv"), "{long}");
        assert_eq!(shortened(&".x".repeat(120)).len(), NAME_MAX_BYTES);
        assert_eq!(maker_name("20261125T101010-0a1b2c3d_a_b.csv"), "a_b.csv");
    }
}
