//! The door of files: a billing office's file becomes a batch, all of it or nothing.

use super::gate::{Conventions, Gate, Outcome};
use super::look::Look;
use super::progress::{Counted, Progress};
use super::recognise::{self, BY_CONTENT};
use crate::error::FlowError;
use crate::plugin::{self, Delivered, Importer};
use crate::release::Policy;
use crate::road::{Account, Road};
use fs_err::tokio as fs;
use remitd_domain::draft::Finding;
use remitd_host::JobSpec;
use remitd_store::{BatchState, Closed, Counts, NewBatch};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// Longest that reading one file may take: a million rows through a busy database.
pub(super) const READ_MS: u64 = 15 * 60_000;
/// Pieces between the importer and the database; each is up to 8 MiB.
pub(super) const PIECES: usize = 2;
const HASH_PIECE: usize = 256 * 1024;
/// Somebody still wrote the file: what was read of it is not the whole.
pub(super) const CHANGED: &str = "REMIT-0252";

#[derive(Clone, Copy)]
pub struct File<'a> {
    pub path: &'a Path,
    /// As its maker called it.
    pub name: &'a str,
    pub account: &'a Account,
    /// A plugin's id, or [`BY_CONTENT`].
    pub importer: &'a str,
    pub conventions: &'a Conventions,
    pub policy: Policy,
    /// `file` or `folder`.
    pub source: &'a str,
    /// What it came from, once: the same key is the same batch.
    pub source_key: Option<&'a str>,
    pub dry_run: bool,
    /// Counts what is read of it.
    pub progress: &'a Arc<Progress>,
}

/// Reads the file through its importer and takes its rows in.
pub async fn import(road: &Road, file: &File<'_>) -> Result<Outcome, FlowError> {
    if file.importer == BY_CONTENT {
        let guesses = recognise::guesses(road, file.path, file.name).await?;
        let importer = recognise::surest(&guesses, file.name)?;
        tracing::info!(file = file.name, importer, "recognised");
        return through(road, &File { importer, ..*file }).await;
    }
    through(road, file).await
}

async fn through(road: &Road, file: &File<'_>) -> Result<Outcome, FlowError> {
    let importer = road.importer(file.importer)?;
    let look = Look::of(&fs::metadata(file.path).await?);
    let sha256 = hash(file.path, road.limits.file_bytes).await?;
    let new = NewBatch {
        source: file.source,
        name: file.name,
        source_key: file.source_key,
        sha256: Some(&sha256),
        account: &file.account.id,
        one_link: file.policy.one_link,
        duplicates: file.policy.duplicates,
        now_ms: road.now_ms(),
    };
    if let Some(earlier) = road.store.batch_of_content(&sha256, &file.account.id).await? {
        return same_again(road, file, new, &earlier).await;
    }
    let opened = Gate::open(road, new.clone(), file.account, &file.account.connector, file.policy).await;
    let mut gate = match opened {
        Ok(gate) => gate,
        // Somebody else took the same content in since we looked.
        Err(error) => match road.store.batch_of_content(&sha256, &file.account.id).await? {
            Some(earlier) => return same_again(road, file, new, &earlier).await,
            None => return Err(error),
        },
    };
    gate.tx().with_room().await?;
    read_into(&mut gate, &importer, file, road.limits.file_rows).await?;
    if Look::of(&fs::metadata(file.path).await?) != look {
        let message = format!(
            "{} was changed while it was read: nothing was taken in; it can be once nobody writes it any more",
            file.name
        );
        return Err(FlowError::refused(CHANGED, message));
    }
    road.point("intake.read")?;
    gate.close(file.dry_run).await
}

/// The importer reads and the gate takes, side by side; neither holds more than a few pieces.
async fn read_into(
    gate: &mut Gate<'_>,
    importer: &Importer,
    file: &File<'_>,
    rows_max: u64,
) -> Result<(), FlowError> {
    let reader = fs::File::open(file.path).await?.into_parts().0;
    let source = Box::new(Counted { reader, progress: file.progress.clone() });
    let (out, mut pieces) = mpsc::channel(PIECES);
    let conventions = told(file.account, file.conventions, file.name);
    let job = JobSpec { wall_ms: Some(READ_MS), ..JobSpec::new(format!("import {}", file.name), file.name) };
    let reading = importer.read(job, source, out, conventions);
    let taking = async {
        let (mut seen, mut pushed) = (0_u64, 0_u64);
        while let Some(piece) = pieces.recv().await {
            match piece {
                Delivered::Drafts(drafts) => {
                    seen += drafts.len() as u64;
                    if seen > rows_max {
                        return Err(too_many_rows(rows_max));
                    }
                    pushed += gate.take(&drafts, None).await?;
                    file.progress.handed_over(drafts.len() as u64);
                }
                Delivered::Findings(findings) => gate.note(findings),
            }
        }
        // Dropped only here: an early end of this side is told to the importer by the closed channel.
        drop(pieces);
        Ok(pushed)
    };
    let (read, taken) = tokio::join!(reading, taking);
    let pushed = taken?;
    let rows = read.map_err(|failure| FlowError::Plugin { plugin: file.importer.to_owned(), failure })?;
    let rejected = rows.checked_sub(pushed).ok_or_else(|| miscount(file.importer, rows, pushed))?;
    gate.count_rejected(i64::try_from(rejected).unwrap_or(i64::MAX));
    if rows == 0 {
        gate.note(vec![empty_file()]);
    }
    Ok(())
}

/// What an importer is told of the file and of how its firm writes.
pub(super) fn told(account: &Account, conventions: &Conventions, name: &str) -> plugin::Conventions {
    plugin::Conventions {
        currency: account.currency.code().to_owned(),
        exponent: u8::try_from(account.currency.exponent()).unwrap_or_default(),
        date_order: conventions.date_order.clone(),
        decimal_mark: conventions.decimal_mark.clone(),
        file_name: name.to_owned(),
    }
}

fn too_many_rows(most: u64) -> FlowError {
    FlowError::refused(
        "REMIT-0210",
        format!("the file has more than {most} rows: split it, or raise file_rows under [limits]"),
    )
}

fn miscount(importer: &str, rows: u64, pushed: u64) -> FlowError {
    FlowError::refused(
        "REMIT-0214",
        format!(
            "the importer \"{importer}\" says that it saw {rows} rows but handed over {pushed}: nothing was taken in"
        ),
    )
}

fn empty_file() -> Finding {
    Finding {
        line: 1,
        column: String::new(),
        value: String::new(),
        code: "REMIT-0215".to_owned(),
        message: "the file has no rows below its header: nothing was taken in".to_owned(),
    }
}

/// The very same content was taken in before: every row is a duplicate, whatever has become of the links.
async fn same_again(
    road: &Road,
    file: &File<'_>,
    new: NewBatch<'_>,
    earlier: &remitd_store::Batch,
) -> Result<Outcome, FlowError> {
    let counts = Counts { duplicate: earlier.counts.rows(), ..Counts::default() };
    let findings = vec![Finding {
        line: 0,
        column: String::new(),
        value: file.name.to_owned(),
        code: "REMIT-0213".to_owned(),
        message: format!(
            "this very file was taken in before, as batch {} (\"{}\"): nothing was sent again",
            earlier.id, earlier.name
        ),
    }];
    let new = NewBatch { sha256: None, ..new };
    let mut batch = None;
    if !file.dry_run {
        let mut tx = road.store.begin().await?;
        let id = tx.insert_batch(&new).await?;
        let closed = Closed { state: BatchState::Rejected, counts, findings: &findings, notes: &[] };
        tx.close_batch(id, &closed).await?;
        tx.commit().await?;
        batch = Some(id);
    }
    Ok(Outcome { batch, state: BatchState::Rejected, counts, held: 0, findings, notes: Vec::new() })
}

async fn hash(path: &Path, bytes_max: u64) -> Result<String, FlowError> {
    let mut file = fs::File::open(path).await?;
    let size = file.metadata().await?.len();
    if size > bytes_max {
        let message = format!(
            "{} is {size} bytes long, more than file_bytes under [limits] allows ({bytes_max}): split it, or raise the limit",
            path.display()
        );
        return Err(FlowError::refused("REMIT-0210", message));
    }
    let mut digest = Sha256::new();
    let mut piece = vec![0; HASH_PIECE];
    loop {
        let read = file.read(&mut piece).await?;
        match piece.get(..read) {
            Some([]) | None => return Ok(hex::encode(digest.finalize())),
            Some(bytes) => digest.update(bytes),
        }
    }
}
