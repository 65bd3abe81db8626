//! What an importer makes of a file that is only looked at: how it has understood it, in its own words, and how many rows and
//! findings it would hand over. Nothing is compared with what is asked for already, and nothing is kept.

use super::file::{PIECES, READ_MS, told};
use super::gate::Conventions;
use crate::error::FlowError;
use crate::plugin::Delivered;
use crate::road::{Account, Road};
use fs_err::tokio as fs;
use remitd_domain::draft::Finding;
use remitd_host::{JobSpec, Usage};
use serde::Serialize;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use tokio::sync::mpsc;

/// Findings that are shown; the report of an import shows all.
const FINDINGS_SHOWN: usize = 10;

#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    pub importer: String,
    /// The importer's own words: what stands between the columns, which is which, what is not read.
    pub said: Vec<String>,
    pub rows: u64,
    /// Rows with something wrong in their form.
    pub wrong: usize,
    /// The first of what is wrong.
    pub findings: Vec<Finding>,
}

pub async fn read(
    road: &Road,
    importer: &str,
    (path, name): (&Path, &str),
    account: &Account,
    conventions: &Conventions,
) -> Result<Reading, FlowError> {
    let plugin = road.importer(importer)?;
    let source = Box::new(fs::File::open(path).await?.into_parts().0);
    let (out, mut pieces) = mpsc::channel(PIECES);
    let usage = Arc::new(Usage::default());
    let job = JobSpec {
        wall_ms: Some(READ_MS),
        usage: Some(Arc::clone(&usage)),
        ..JobSpec::new(format!("explain {name}"), name)
    };
    let reading = plugin.read(job, source, out, told(account, conventions, name));
    let listening = async {
        let (mut lines, mut first) = (HashSet::new(), Vec::new());
        while let Some(piece) = pieces.recv().await {
            let Delivered::Findings(findings) = piece else { continue };
            lines.extend(findings.iter().map(|finding| finding.line));
            let room = FINDINGS_SHOWN.saturating_sub(first.len());
            first.extend(findings.into_iter().take(room));
        }
        (lines.len(), first)
    };
    let (rows, (wrong, findings)) = tokio::join!(reading, listening);
    let rows = rows.map_err(|failure| FlowError::Plugin { plugin: importer.to_owned(), failure })?;
    let said = std::mem::take(&mut *usage.said.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Reading { importer: importer.to_owned(), said, rows, wrong, findings })
}
