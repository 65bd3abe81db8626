//! `status`: what is where, and what waits for a person.

use super::hands::{self, InHand};
use super::{Asked, status};
use crate::fault::Fault;
use crate::show;
use crate::views::{BooksView, HeldView, instant};
use crate::wiring::Need;
use crate::{control, wiring};
use remitd_store::Reconciliation;
use serde::Serialize;
use std::collections::BTreeMap;

const HELD_MAX: i64 = 100;

#[derive(Serialize)]
struct Status {
    store: &'static str,
    books: BooksView,
    requests: BTreeMap<String, i64>,
    /// By kind, then by state.
    effects: BTreeMap<String, BTreeMap<String, i64>>,
    /// Files that were dropped and are not done.
    files_in_hand: Vec<InHand>,
    /// Folders that take nothing new, since a file named `stop` lies in their inbox.
    paused: Vec<String>,
    /// Batches that wait for somebody to look at them, and bad rows that wait to be mended.
    batches_in_review: i64,
    rows_held: i64,
    /// Postings that do not go by themselves.
    postings_pending: i64,
    postings_incomplete: i64,
    held: Vec<HeldView>,
    /// How the last comparison went; none before the first.
    reconciled: Option<ReconciledView>,
}

/// What the last `reconcile` found, by the daemon at night or by hand.
#[derive(Serialize)]
struct ReconciledView {
    at: String,
    by: String,
    differences: Vec<String>,
    could_not: Vec<String>,
}

impl From<Reconciliation> for ReconciledView {
    fn from(last: Reconciliation) -> ReconciledView {
        let Reconciliation { at_ms, actor, differences, unread } = last;
        ReconciledView { at: instant(at_ms), by: actor, differences, could_not: unread }
    }
}

impl ReconciledView {
    fn is_balanced(&self) -> bool {
        self.differences.is_empty() && self.could_not.is_empty()
    }

    fn line(&self) -> String {
        let found = match (self.differences.len(), self.could_not.len()) {
            (0, 0) => "no difference".to_owned(),
            (found, 0) => format!("{found} differences (remitd reconcile)"),
            (found, sides) => {
                format!("{found} differences, {sides} sides could not be compared (remitd reconcile)")
            }
        };
        format!("reconciled {}: {found}", self.at)
    }
}

pub async fn run(asked: &Asked) -> Result<u8, Fault> {
    let wired = asked.open(Need::Store).await?;
    let store = &wired.road.store;
    let mut effects: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for row in store.effect_summary().await? {
        effects.entry(row.kind).or_default().insert(row.state, row.count);
    }
    let (mut files_in_hand, paused) = hands::look(&wired.folders);
    if files_in_hand.iter().any(|file| file.stage == "work")
        && let Some(folder) = wiring::data_folder(&wired.loaded)
    {
        for reading in control::ask_what_is_read(&folder).await {
            let its = |file: &&mut InHand| file.stage == "work" && file.file == reading.file;
            files_in_hand.iter_mut().filter(its).for_each(|file| file.rows = Some(reading.rows));
        }
    }
    let waiting = store.waiting().await?;
    let answer = Status {
        store: store.kind(),
        books: store.books().await?.into(),
        requests: store.request_counts().await?.into_iter().collect(),
        effects,
        files_in_hand,
        paused,
        batches_in_review: waiting.batches,
        rows_held: waiting.rows,
        postings_pending: waiting.pending,
        postings_incomplete: waiting.incomplete,
        held: store.effects_held(HELD_MAX).await?.iter().map(HeldView::from).collect(),
        reconciled: store.last_reconciliation().await?.map(ReconciledView::from),
    };
    if asked.json {
        show::json(&answer)?;
    } else {
        tell(&answer)?;
    }
    Ok(status(answer.is_well()))
}

impl Status {
    /// Nothing failed, and the last comparison found nothing; what staff have yet to decide is no fault.
    fn is_well(&self) -> bool {
        self.held.is_empty() && self.reconciled.as_ref().is_none_or(ReconciledView::is_balanced)
    }

    fn is_decided(&self) -> bool {
        let waits = [self.batches_in_review, self.rows_held, self.postings_pending, self.postings_incomplete];
        waits.iter().all(|count| *count == 0)
    }
}

fn tell(answer: &Status) -> Result<(), Fault> {
    let mut lines = vec![format!("store: {}", answer.store)];
    lines.extend(answer.requests.iter().map(|(state, count)| format!("requests {state}: {count}")));
    for (kind, states) in &answer.effects {
        let states: Vec<_> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        lines.push(format!("effects {kind}: {}", states.join(", ")));
    }
    lines.extend(answer.paused.iter().map(|folder| {
        format!("paused: {folder} takes nothing new until the file \"stop\" in its inbox is gone")
    }));
    lines.extend(answer.files_in_hand.iter().map(InHand::line));
    if answer.batches_in_review > 0 {
        lines.push(format!("batches in review: {} (remitd batch list)", answer.batches_in_review));
    }
    if answer.rows_held > 0 {
        lines.push(format!("bad rows to be mended: {} (remitd batch list)", answer.rows_held));
    }
    for (count, view) in [(answer.postings_pending, "pending"), (answer.postings_incomplete, "incomplete")] {
        if count > 0 {
            lines.push(format!("postings {view}: {count} (remitd posting list --view {view})"));
        }
    }
    lines.extend(answer.reconciled.as_ref().map(ReconciledView::line));
    show::text(&lines.join("\n"))?;
    if answer.held.is_empty() {
        return show::text(match (answer.is_well(), answer.is_decided()) {
            (true, true) => "nothing waits for a person",
            (true, false) => "nothing failed; what waits for a person stands above",
            (false, _) => "nothing failed; what the comparison found waits for a person",
        });
    }
    let row = |held: &HeldView| {
        vec![
            held.effect.clone(),
            held.state.clone(),
            held.attempts.to_string(),
            held.error.clone().unwrap_or_default(),
        ]
    };
    show::table(&["waits for a person", "state", "attempts", "why"], answer.held.iter().map(row).collect())
}
