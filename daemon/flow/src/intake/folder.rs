//! The door of a watched folder. A file goes `inbox → work → done | rejected`; its report and its links stand beside it.
//!
//! Invariants: only a file that was the same on two looks is taken; taking is one rename; what lies in `work` is the only
//! thing that is worked on, so that a start after a crash finds everything where the crash left it; the name in `work` is the
//! batch's key, so that a file is never two batches.

use super::file::{self, File};
use super::gate::Conventions;
use super::pattern::Pattern;
use super::report::{self, Mends, Report};
use super::watch::Hints;
use crate::effect::back_off_ms;
use crate::error::FlowError;
use crate::release::{Policy, Release};
use crate::road::Road;
use fs_err::tokio as fs;
use remitd_domain::draft::Finding;
use remitd_host::FailureClass;
use remitd_store::{Batch, BatchState, Closed, Counts, NewBatch};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// Names that other programs use while they write.
const UNFINISHED: [&str; 6] = [".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp"];
const NAME_MAX_BYTES: usize = 180;

#[derive(Debug, Clone)]
pub struct Folder {
    /// Holds `inbox`, `work`, `done` and `rejected`.
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
}

impl Folder {
    fn importer_of(&self, name: &str) -> &str {
        let fits = self.by_name.iter().find(|(pattern, _)| pattern.fits(name));
        fits.map_or(&self.importer, |(_, importer)| importer)
    }
}

/// How a file looked, and since when it looks so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    size: u64,
    changed_ns: i128,
    inode: u64,
}

/// What one daemon remembers of a folder between looks; nothing that a restart would miss.
#[derive(Default)]
struct Memory {
    seen: HashMap<String, (Look, i64)>,
    /// Files in `work` that could not be taken in yet: attempts, and when to try again.
    later: HashMap<String, (i64, i64)>,
    away: bool,
}

/// Watches the folder until `stop` turns true.
pub async fn run(road: &Road, folder: &Folder, mut stop: watch::Receiver<bool>) {
    let mut memory = Memory::default();
    let mut hints = None;
    while !*stop.borrow() {
        match look(road, folder, &mut memory).await {
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
                    tracing::error!(folder = %folder.path.display(), %error, "the folder is away: looking again");
                }
                memory.away = true;
            }
        }
        let hint = hints.get_or_insert_with(|| Hints::of(&folder.path.join("inbox")));
        let settling = if memory.seen.is_empty() { u64::MAX } else { folder.settle_ms.unsigned_abs() + 1 };
        let pause = Duration::from_millis(road.limits.scan_ms.min(settling));
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
            () = hint.next() => {}
        }
    }
}

/// One look: take what is whole, then work on all that was taken.
async fn look(road: &Road, folder: &Folder, memory: &mut Memory) -> Result<(), FlowError> {
    for part in ["inbox", "work", "done", "rejected"] {
        let part = folder.path.join(part);
        if !fs::try_exists(&part).await? {
            // The folder itself is never made: a share that is not mounted must not be hidden by an empty folder.
            fs::create_dir(&part).await?;
        }
    }
    take_whole(road, folder, memory).await?;
    for name in names(&folder.path.join("work")).await? {
        let due = memory.later.get(&name).is_none_or(|(_, at_ms)| *at_ms <= road.now_ms());
        if due {
            match work_on(road, folder, &name, memory).await {
                Err(FlowError::Crashed(point)) => return Err(FlowError::Crashed(point)),
                // One file's trouble is not the others'.
                Err(error) => try_later(road, memory, &name, &error),
                Ok(()) => {}
            }
        }
    }
    Ok(())
}

async fn names(folder: &Path) -> Result<Vec<String>, FlowError> {
    let mut entries = fs::read_dir(folder).await?;
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        // Neither folders nor links: a link could lead anywhere.
        let is_file = entry.file_type().await.is_ok_and(|kind| kind.is_file());
        let name = entry.file_name().to_string_lossy().into_owned();
        let lower = name.to_lowercase();
        let unfinished = UNFINISHED.iter().any(|end| lower.ends_with(end)) || lower.starts_with(['.', '~']);
        if is_file && !unfinished {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Moves files to `work` that looked the same for the whole of the settling time.
async fn take_whole(road: &Road, folder: &Folder, memory: &mut Memory) -> Result<(), FlowError> {
    let inbox = folder.path.join("inbox");
    let mut seen = HashMap::new();
    for name in names(&inbox).await? {
        let path = inbox.join(&name);
        let Ok(facts) = fs::symlink_metadata(&path).await else { continue };
        let now_ms = road.now_ms();
        let changed_ns = i128::from(facts.mtime()) * 1_000_000_000 + i128::from(facts.mtime_nsec());
        let look = Look { size: facts.len(), changed_ns, inode: facts.ino() };
        let since_ms = match memory.seen.get(&name) {
            Some((before, since_ms)) if *before == look => *since_ms,
            _ => now_ms,
        };
        if now_ms - since_ms < folder.settle_ms || now_ms == since_ms {
            seen.insert(name, (look, since_ms));
            continue;
        }
        let taken = folder.path.join("work").join(work_name(road, &name)?);
        match fs::rename(&path, &taken).await {
            Ok(()) => road.point("folder.taken")?,
            // Another daemon was quicker.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    memory.seen = seen;
    Ok(())
}

/// A name that no other file ever gets: the same file dropped twice is two of them.
fn work_name(road: &Road, name: &str) -> Result<String, FlowError> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| FlowError::Random(error.to_string()))?;
    let stamp = road.clock.now().format("%Y%m%dT%H%M%S");
    let mut end = name.len().min(NAME_MAX_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    Ok(format!("{stamp}-{}_{}", hex::encode(random), name.get(..end).unwrap_or_default()))
}

/// The name that its maker gave it.
fn maker_name(work_name: &str) -> &str {
    work_name.split_once('_').map_or(work_name, |(_, name)| name)
}

/// The file waits in `work` until time or the operator has mended what stands in its way.
fn try_later(road: &Road, memory: &mut Memory, name: &str, error: &FlowError) {
    let attempt = memory.later.get(name).map_or(1, |(attempt, _)| attempt + 1);
    memory.later.insert(name.to_owned(), (attempt, road.now_ms() + back_off_ms(attempt)));
    tracing::warn!(file = name, %error, code = error.code(), attempt, "not taken in yet: trying again");
}

async fn work_on(road: &Road, folder: &Folder, name: &str, memory: &mut Memory) -> Result<(), FlowError> {
    let path = folder.path.join("work").join(name);
    let batch = match road.store.batch_by_source_key(name).await? {
        Some(batch) => batch,
        None => match take_in(road, folder, name, &path).await {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(()),
            Err(error) => return Err(error),
        },
    };
    memory.later.remove(name);
    road.point("folder.imported")?;
    put_beside(road, folder, name, &batch).await?;
    road.point("folder.reported")?;
    let to = if batch.state == BatchState::Rejected { "rejected" } else { "done" };
    match fs::rename(&path, folder.path.join(to).join(name)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// What time or the operator may mend; the file waits in `work`.
fn is_for_now(error: &FlowError) -> bool {
    let denied = matches!(error, FlowError::Plugin { failure, .. } if failure.class == FailureClass::Denied);
    error.may_pass() || denied || matches!(error, FlowError::NoPlugin { .. } | FlowError::Io(_))
}

/// None where another daemon has the file.
async fn take_in(road: &Road, folder: &Folder, name: &str, path: &Path) -> Result<Option<Batch>, FlowError> {
    let account = road.account(&folder.account)?;
    let file = File {
        path,
        name: maker_name(name),
        account,
        importer: folder.importer_of(maker_name(name)),
        conventions: &folder.conventions,
        policy: folder.policy,
        source: "folder",
        source_key: Some(name),
        dry_run: false,
    };
    match file::import(road, &file).await {
        Ok(_) => {}
        Err(FlowError::Store(error)) if error.is_taken() => {}
        Err(FlowError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error @ (FlowError::Plugin { .. } | FlowError::Refused { .. })) if !is_for_now(&error) => {
            refuse(road, &file, &error).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(road.store.batch_by_source_key(name).await?)
}

/// A file that cannot be read at all is a rejected batch too: it never just vanishes.
async fn refuse(road: &Road, file: &File<'_>, error: &FlowError) -> Result<(), FlowError> {
    let new = NewBatch {
        source: file.source,
        name: file.name,
        source_key: file.source_key,
        sha256: None,
        account: &file.account.id,
        one_link: file.policy.one_link,
        duplicates: file.policy.duplicates,
        now_ms: road.now_ms(),
    };
    let finding = Finding {
        line: 0,
        column: String::new(),
        value: file.name.to_owned(),
        code: error.code().to_owned(),
        message: error.to_string(),
    };
    let mut tx = road.store.begin().await?;
    let id = tx.insert_batch(&new).await?;
    let (counts, findings) = (Counts::default(), [finding]);
    let closed = Closed { state: BatchState::Rejected, counts, findings: &findings, notes: &[] };
    tx.close_batch(id, &closed).await?;
    tx.commit().await?;
    tracing::error!(file = file.name, %error, "rejected");
    Ok(())
}

/// The report, and where links were asked for, the links; written whole or not at all.
async fn put_beside(road: &Road, folder: &Folder, name: &str, batch: &Batch) -> Result<(), FlowError> {
    let rejected = batch.state == BatchState::Rejected;
    let beside = folder.path.join(if rejected { "rejected" } else { "done" });
    for (form, text) in Report::of_batch(batch).with_mends(folder.mends).forms()? {
        put(&beside, &format!("{name}.{form}"), &text).await?;
    }
    if folder.policy.release == Release::Links && !rejected {
        put(&beside, &format!("{name}.links.csv"), &report::links(road, batch.id).await?).await?;
    }
    Ok(())
}

async fn put(folder: &Path, name: &str, text: &str) -> Result<(), FlowError> {
    let unfinished = folder.join(format!(".{name}.tmp"));
    fs::write(&unfinished, text).await?;
    fs::File::open(&unfinished).await?.sync_all().await?;
    Ok(fs::rename(&unfinished, folder.join(name)).await?)
}
