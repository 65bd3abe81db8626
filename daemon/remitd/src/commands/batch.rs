//! `batch`: what came in together, and its way out of review.

use super::Asked;
use crate::cli::{Batch, EditBatch};
use crate::codes;
use crate::fault::{DONE, Fault};
use crate::show;
use crate::views::{HeldRowView, RequestView, instant};
use crate::wiring::Need;
use remitd_flow::intake::edit::{self, Cells, Edit};
use remitd_flow::intake::report::Report;
use remitd_flow::{FlowError, Release, Road, request};
use remitd_store::Filter;
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    report: Report,
    source: String,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<Vec<RequestView>>,
    /// Bad rows that wait to be mended, as far as they could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_rows: Option<Vec<HeldRowView>>,
}

pub async fn run(asked: &Asked, batch: Batch) -> Result<u8, Fault> {
    let wired = asked.open(Need::Store).await?;
    let road = &wired.road;
    match batch {
        Batch::List { limit } => list(asked, road, limit).await?,
        Batch::Show { id } => shown(asked, road, id).await?,
        Batch::Release { id, no_mail } => {
            let how = if no_mail { Release::Links } else { Release::Send };
            request::release(road, id, how, "cli").await?;
            shown(asked, road, id).await?;
        }
        Batch::Edit(change) => {
            let id = change.id;
            edit::edit(road, id, &wanted(change)?, "cli").await?;
            shown(asked, road, id).await?;
        }
        Batch::Discard { id } => {
            request::discard(road, id, "cli").await?;
            shown(asked, road, id).await?;
        }
    }
    Ok(DONE)
}

fn wanted(change: EditBatch) -> Result<Edit, Fault> {
    let cell = |text: String| match text.split_once('=') {
        Some((column, value)) => Ok((column.trim().to_owned(), value.to_owned())),
        None => Err(Fault::usage(format!("\"{text}\" sets no column"), "--set \"Amount=120.00\"")),
    };
    let cells = Cells(change.set.into_iter().map(cell).collect::<Result<_, _>>()?);
    Ok(match (change.line, change.delete) {
        (_, Some(line)) => Edit::Delete { line },
        (Some(line), None) => Edit::Mend { line, cells },
        (None, None) => Edit::Add(cells),
    })
}

async fn list(asked: &Asked, road: &Road, limit: i64) -> Result<(), Fault> {
    let batches: Vec<Shown> = road
        .store
        .batches(limit)
        .await?
        .iter()
        .map(|batch| Shown {
            report: Report::of_batch(batch).with_mends(codes::mend),
            source: batch.source.clone(),
            created: instant(batch.created_ms),
            requests: None,
            held_rows: None,
        })
        .collect();
    if asked.json {
        return show::json(&batches);
    }
    let row = |batch: &Shown| {
        let report = &batch.report;
        vec![
            report.batch.map(|id| id.to_string()).unwrap_or_default(),
            report.state.to_owned(),
            batch.source.clone(),
            report.file.clone(),
            report.account.clone(),
            report.rows.to_string(),
            report.ok.to_string(),
            report.rejected.to_string(),
            report.duplicate.to_string(),
        ]
    };
    let heads = ["id", "state", "source", "name", "account", "rows", "ok", "rejected", "duplicate"];
    show::table(&heads, batches.iter().map(row).collect())
}

async fn shown(asked: &Asked, road: &Road, id: i64) -> Result<(), Fault> {
    let batch = road.store.batch(id).await?.ok_or_else(|| FlowError::Refused {
        code: "REMIT-0405",
        message: format!("there is no batch {id}"),
    })?;
    let requests = road.store.requests(&Filter { batch: Some(id), ..Filter::default() }).await?;
    let requests =
        requests.iter().map(|request| RequestView::of(road, request)).collect::<Result<Vec<_>, _>>()?;
    let currency = road.account(&batch.account)?.currency.code();
    let held = road.store.held_rows(id).await?;
    let held: Vec<_> = held.iter().map(|row| HeldRowView::of(row, currency)).collect();
    let report = Report::of_batch(&batch).with_mends(codes::mend);
    if asked.json {
        let (source, created) = (batch.source.clone(), instant(batch.created_ms));
        let (requests, held_rows) = (Some(requests), Some(held));
        return show::json(&Shown { report, source, created, requests, held_rows });
    }
    show::text(&report.text())?;
    if !held.is_empty() {
        show::table(&HeldRowView::HEADS, held.iter().map(HeldRowView::row).collect())?;
    }
    show::table(&RequestView::HEADS, requests.iter().map(RequestView::row).collect())
}
