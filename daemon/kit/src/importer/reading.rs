//! Reads one file through an importer: the file cut as a case wants it, and everything that came out, gathered. Checks nothing.

use crate::case::Ended;
use crate::world::World;
use remitd_domain::draft::{Drafts, Finding};
use remitd_flow::plugin::{ByteSource, Conventions, Delivered};
use remitd_host::{Failure, JobSpec};
use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

/// How the file comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Whole,
    /// So many bytes at most a piece.
    Pieces(u32),
    /// The medium fails after so many bytes.
    BreaksAfter(usize),
}

/// What one reading gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read {
    pub rows: Result<u64, Failure>,
    /// One line a draft: its line, amount, dates and texts.
    pub drafts: Vec<Row>,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub line: u32,
    pub amount_minor: i64,
    /// Everything else of it, in the columns' order.
    pub rest: String,
}

impl Read {
    /// Lines that have a finding.
    pub fn rejected(&self) -> BTreeSet<u32> {
        self.findings.iter().map(|finding| finding.line).collect()
    }

    /// Drafts that are taken: none of their lines has a finding.
    pub fn taken(&self) -> Vec<&Row> {
        let rejected = self.rejected();
        self.drafts.iter().filter(|row| !rejected.contains(&row.line)).collect()
    }
}

/// Reads a file to its end.
pub(crate) async fn read(
    world: &World,
    job: JobSpec,
    bytes: Vec<u8>,
    cut: Cut,
    conventions: Conventions,
) -> Result<Read, Ended> {
    let importer = world.importer()?;
    let (out, mut found) = mpsc::channel(1);
    let source = ByteSource::from(Box::new(Source { bytes, at: 0, cut }));
    let source = match cut {
        Cut::Pieces(piece_bytes) => source.in_pieces(piece_bytes),
        _ => source,
    };
    let gathering = async {
        let (mut drafts, mut findings) = (Vec::new(), Vec::new());
        while let Some(delivered) = found.recv().await {
            match delivered {
                Delivered::Drafts(batch) => drafts.extend(rows_of(&batch)),
                Delivered::Findings(batch) => findings.extend(batch),
            }
        }
        (drafts, findings)
    };
    let (rows, (drafts, findings)) = tokio::join!(importer.read(job, source, out, conventions), gathering);
    if let Err(failure) = &rows {
        world.record.heard("read", failure);
    }
    Ok(Read { rows, drafts, findings })
}

fn rows_of(batch: &Drafts) -> impl Iterator<Item = Row> + '_ {
    (0..batch.len()).map(|at| {
        let row = batch.row(at);
        let days = (batch.invoice_days.get(at), batch.due_days.get(at));
        let texts = [row.invoice, row.payer_name, row.payer_email, row.message, row.client, row.matter];
        Row { line: row.line, amount_minor: row.amount_minor, rest: format!("{days:?} {texts:?}") }
    })
}

struct Source {
    bytes: Vec<u8>,
    at: usize,
    cut: Cut,
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = match self.cut {
            Cut::Whole | Cut::Pieces(_) => buffer.remaining(),
            Cut::BreaksAfter(bytes) if self.at >= bytes => {
                return Poll::Ready(Err(io::Error::other("the disk gives no more of the file")));
            }
            Cut::BreaksAfter(bytes) => buffer.remaining().min(bytes - self.at),
        };
        let end = self.at.saturating_add(most).min(self.bytes.len());
        buffer.put_slice(self.bytes.get(self.at..end).unwrap_or_default());
        self.at = end;
        Poll::Ready(Ok(()))
    }
}
