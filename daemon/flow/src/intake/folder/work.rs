//! From `work` to `done` or `rejected`, with the report beside it. The name in `work` is the batch's key, so that a file is
//! never two batches; each step may be repeated after a crash.

use super::take::maker_name;
use super::{Folder, Memory, random_hex};
use crate::effect::back_off_ms;
use crate::error::FlowError;
use crate::intake::file::{self, CHANGED, File};
use crate::intake::progress::Progress;
use crate::intake::report::{Links, Report};
use crate::release::Release;
use crate::road::Road;
use fs_err::tokio as fs;
use remitd_domain::draft::Finding;
use remitd_host::FailureClass;
use remitd_store::{Batch, BatchState, Closed, Counts, NewBatch};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// How often a file that takes long is told of.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// The files in `work`; what is no plain file is not from us.
pub(super) async fn names(folder: &Path) -> Result<Vec<String>, FlowError> {
    let mut entries = fs::read_dir(folder.join("work")).await?;
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let is_file = entry.file_type().await.is_ok_and(|kind| kind.is_file());
        let ours = entry.file_name().into_string().ok().filter(|name| is_file && !name.starts_with('.'));
        names.extend(ours);
    }
    names.sort();
    Ok(names)
}

/// Works on the file, unless it is to wait.
pub(super) async fn step(
    road: &Road,
    folder: &Folder,
    name: &str,
    memory: &mut Memory,
) -> Result<(), FlowError> {
    if memory.later.get(name).is_some_and(|(_, at_ms)| *at_ms > road.now_ms()) {
        return Ok(());
    }
    match work_on(road, folder, name).await {
        Ok(()) => drop(memory.later.remove(name)),
        Err(FlowError::Crashed(point)) => return Err(FlowError::Crashed(point)),
        // One file's trouble is not the others'.
        Err(error) => try_later(road, memory, name, &error),
    }
    Ok(())
}

/// The file waits in `work` until time or the operator has mended what stands in its way.
fn try_later(road: &Road, memory: &mut Memory, name: &str, error: &FlowError) {
    let attempt = memory.later.get(name).map_or(1, |(attempt, _)| attempt + 1);
    memory.later.insert(name.to_owned(), (attempt, road.now_ms() + back_off_ms(attempt)));
    tracing::warn!(file = name, %error, code = error.code(), attempt, "not done with it yet: trying again");
}

async fn work_on(road: &Road, folder: &Folder, name: &str) -> Result<(), FlowError> {
    let path = folder.path.join("work").join(name);
    let batch = match road.store.batch_by_source_key(name).await? {
        Some(batch) => batch,
        None => match take_in(road, folder, name, &path).await? {
            Some(batch) => batch,
            None => return Ok(()),
        },
    };
    road.point("folder.imported")?;
    put_beside(road, folder, name, &batch).await?;
    road.point("folder.reported")?;
    let to = if batch.state == BatchState::Rejected { "rejected" } else { "done" };
    match fs::rename(&path, folder.path.join(to).join(name)).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// What time or the operator may mend; the file waits in `work`.
fn is_for_now(error: &FlowError) -> bool {
    let denied = matches!(error, FlowError::Plugin { failure, .. } if failure.class == FailureClass::Denied);
    let changed = error.code() == CHANGED;
    error.may_pass() || denied || changed || matches!(error, FlowError::NoPlugin { .. } | FlowError::Io(_))
}

/// None where another daemon has the file.
async fn take_in(road: &Road, folder: &Folder, name: &str, path: &Path) -> Result<Option<Batch>, FlowError> {
    let account = road.account(&folder.account)?;
    let progress = folder.reading.begin(name);
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
        progress: &progress,
    };
    let read = telling(file.name, &progress, file::import(road, &file)).await;
    folder.reading.end();
    match read {
        Ok(_) => {}
        Err(FlowError::Store(error)) if error.is_taken() => {}
        Err(FlowError::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error @ (FlowError::Plugin { .. } | FlowError::Refused { .. })) if !is_for_now(&error) => {
            refuse(road, &file, &error).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(road.store.batch_by_source_key(name).await?)
}

/// Awaits the reading, and says how far it is from time to time.
async fn telling<T>(file: &str, progress: &Progress, reading: impl Future<Output = T>) -> T {
    tokio::pin!(reading);
    let mut before = 0;
    loop {
        tokio::select! {
            read = &mut reading => return read,
            () = tokio::time::sleep(TELL_EVERY) => {
                let (rows, bytes) = (progress.rows(), progress.bytes());
                let rows_a_second = (rows - before) / TELL_EVERY.as_secs();
                tracing::info!(file, rows, rows_a_second, bytes, "reading");
                before = rows;
            }
        }
    }
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
    let forms = Report::of_batch(batch).with_mends(folder.mends).forms()?;
    // Side by side: each waits for the disk, which can take them all at once.
    let [text, json, csv, page] = forms.each_ref().map(|(form, text)| {
        put(&beside, format!("{name}.{form}"), async |file| Ok(file.write_all(text.as_bytes()).await?))
    });
    // Each to its end: one that fails must not leave halves of the others behind.
    let (text, json, csv, page) = tokio::join!(text, json, csv, page);
    text.and(json).and(csv).and(page)?;
    if folder.policy.release == Release::Links && !rejected {
        let mut links = Links::of(road, batch.id);
        let pages = async |file: &mut fs::File| {
            while let Some(page) = links.next().await? {
                file.write_all(page.as_bytes()).await?;
            }
            Ok(())
        };
        put(&beside, format!("{name}.links.csv"), pages).await?;
    }
    Ok(())
}

async fn put(
    folder: &Path,
    name: String,
    write: impl AsyncFnOnce(&mut fs::File) -> Result<(), FlowError>,
) -> Result<(), FlowError> {
    // A name of its own: another daemon may be writing the same.
    let unfinished = folder.join(format!(".{name}.{}", random_hex()?));
    let written = async {
        let mut file = fs::File::create(&unfinished).await?;
        write(&mut file).await?;
        // What is still being written would fail unseen.
        file.flush().await?;
        file.sync_all().await?;
        Ok(fs::rename(&unfinished, folder.join(&name)).await?)
    };
    let written = written.await;
    if written.is_err() {
        // Half a report takes room on a disk that may be full.
        let _ = fs::remove_file(&unfinished).await;
    }
    written
}
