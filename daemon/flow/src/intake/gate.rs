//! The gate that every draft goes through, in one transaction: checked, compared with what is asked for already, inserted,
//! released. A batch with one bad row leaves no request behind.

use crate::error::FlowError;
use crate::road::{Account, Release, Road};
use remitd_domain::draft::{Delivery, Drafts, Finding, check};
use remitd_domain::request::State;
use remitd_store::{BatchState, Bulk, Counts, NewBatch, Tx};
use std::collections::HashSet;

/// Kept of one batch; beyond that rows are only counted.
pub const FINDINGS_MAX: usize = 10_000;

/// How a firm writes dates and amounts in its files.
#[derive(Debug, Clone)]
pub struct Conventions {
    /// `mdy`, `dmy` or `ymd`, for dates that are not ISO.
    pub date_order: String,
    /// `.` or `,`.
    pub decimal_mark: String,
}

/// What became of a batch.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// None where nothing was kept (a dry run).
    pub batch: Option<i64>,
    pub state: BatchState,
    pub counts: Counts,
    pub findings: Vec<Finding>,
}

impl Outcome {
    pub fn is_clean(&self) -> bool {
        self.state != BatchState::Rejected && self.findings.is_empty()
    }
}

/// A batch on its way through the gate.
pub(super) struct Gate<'a> {
    road: &'a Road,
    tx: Tx,
    batch: i64,
    new: NewBatch<'a>,
    account: &'a Account,
    connector: &'a str,
    release: Release,
    counts: Counts,
    findings: Vec<Finding>,
    /// Lines that the reader of a file rejected: their rows are looked at, never taken.
    rejected_lines: HashSet<u32>,
    /// Something is wrong with the batch as a whole, also when every row is good.
    refused: bool,
}

impl<'a> Gate<'a> {
    pub(super) async fn open(
        road: &'a Road,
        new: NewBatch<'a>,
        account: &'a Account,
        connector: &'a str,
        release: Release,
    ) -> Result<Gate<'a>, FlowError> {
        let mut tx = road.store.begin().await?;
        let batch = tx.insert_batch(&new).await?;
        let (counts, findings, rejected_lines) = Default::default();
        Ok(Gate {
            road,
            tx,
            batch,
            new,
            account,
            connector,
            release,
            counts,
            findings,
            rejected_lines,
            refused: false,
        })
    }

    pub(super) fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    pub(super) fn began_ms(&self) -> i64 {
        self.new.now_ms
    }

    /// Rows that the reader of a file already found wrong.
    pub(super) fn note(&mut self, findings: Vec<Finding>) {
        self.refused = true;
        self.rejected_lines.extend(findings.iter().map(|finding| finding.line));
        let room = FINDINGS_MAX.saturating_sub(self.findings.len());
        self.findings.extend(findings.into_iter().take(room));
    }

    pub(super) fn count_rejected(&mut self, rows: i64) {
        self.counts.rejected += rows;
    }

    pub(super) fn ok_so_far(&self) -> Counts {
        self.counts
    }

    /// Checks and inserts rows; `remainder_of` names the request whose rest a single row asks for. Gives how many of them
    /// were not rejected before.
    pub(super) async fn take(
        &mut self,
        drafts: &Drafts,
        remainder_of: Option<i64>,
    ) -> Result<u64, FlowError> {
        let delivery = if self.release == Release::Links { Delivery::ByHand } else { Delivery::Mail };
        let before = self.findings.len();
        let (mut keep, mut bad) = (Vec::with_capacity(drafts.len()), 0_u64);
        for at in 0..drafts.len() {
            let row = drafts.row(at);
            let good = check(row, delivery, &mut self.findings);
            if self.rejected_lines.contains(&row.line) {
                continue;
            }
            if good { keep.push(at) } else { bad += 1 }
        }
        self.refused |= self.findings.len() > before;
        self.findings.truncate(FINDINGS_MAX);
        self.counts.rejected += i64::try_from(bad).unwrap_or(i64::MAX);
        let bulk = Bulk {
            batch: self.batch,
            state: if self.release == Release::Review { State::Draft } else { State::Outstanding },
            account: &self.account.id,
            connector: self.connector,
            currency: self.account.currency.code(),
            created_ms: self.new.now_ms,
            expires_ms: self.new.now_ms + self.account.expires_after_ms,
            remainder_of,
        };
        let nonces = self.road.nonces(keep.len())?;
        let taken = self.tx.insert_requests(&bulk, drafts, &keep, &nonces).await?;
        self.counts.ok += taken.kept;
        for place in taken.duplicates {
            let at = keep.get(place).copied().unwrap_or_default();
            self.note_duplicate(drafts, at).await?;
        }
        Ok(u64::try_from(keep.len()).unwrap_or(u64::MAX).saturating_add(bad))
    }

    async fn note_duplicate(&mut self, drafts: &Drafts, at: usize) -> Result<(), FlowError> {
        self.counts.duplicate += 1;
        if self.findings.len() >= FINDINGS_MAX {
            return Ok(());
        }
        let row = drafts.row(at);
        let live = self.tx.live_request(&self.account.id, row.invoice).await?;
        let twin = match live {
            Some((id, _)) => self.tx.request(id).await?.filter(|twin| twin.batch_id == self.batch),
            None => None,
        };
        let by = match (twin, live) {
            // Its request is gone again where the batch is rejected: the line is what its maker can find.
            (Some(twin), _) => format!(" in line {}", twin.line),
            (None, Some((id, state))) => format!(" by request {id} ({state})"),
            (None, None) => String::new(),
        };
        self.findings.push(Finding {
            line: row.line,
            column: "Invoice Number".to_owned(),
            value: row.invoice.to_owned(),
            code: "REMIT-0212".to_owned(),
            message: format!("this invoice is asked for already{by}: nothing was sent for it again"),
        });
        Ok(())
    }

    /// Ends the batch: kept and released, or rejected whole. With `dry_run` all is forgotten again.
    pub(super) async fn close(mut self, dry_run: bool) -> Result<Outcome, FlowError> {
        let rejected = self.refused || self.counts.rejected > 0;
        // Findings of the reader and of the gate, in the order in which people go through their file.
        self.findings.sort_by_key(|finding| finding.line);
        let state = match (rejected, self.release) {
            (true, _) => BatchState::Rejected,
            (false, Release::Review) => BatchState::Review,
            (false, Release::Send | Release::Links) => BatchState::Released,
        };
        if dry_run {
            self.tx.rollback().await?;
            return Ok(Outcome { batch: None, state, counts: self.counts, findings: self.findings });
        }
        if rejected {
            // The requests go, the record of the batch stays.
            self.tx.rollback().await?;
            self.tx = self.road.store.begin().await?;
            self.batch = self.tx.insert_batch(&self.new).await?;
        }
        self.tx.close_batch(self.batch, state, self.counts, &self.findings).await?;
        let Counts { ok, rejected, duplicate } = self.counts;
        let detail =
            format!("{} rows: {ok} ok, {rejected} rejected, {duplicate} duplicate", self.counts.rows());
        self.tx.event_of_batch(self.batch, state.name(), self.new.source, &detail, self.new.now_ms).await?;
        if state == BatchState::Released && self.release == Release::Send {
            self.tx.want_batch_mails(self.batch, self.new.now_ms).await?;
        }
        self.road.point("intake.before_commit")?;
        self.tx.commit().await?;
        self.road.point("intake.committed")?;
        self.road.wake.all();
        tracing::info!(batch = self.batch, source = self.new.source, %detail, state = state.name(), "batch");
        Ok(Outcome { batch: Some(self.batch), state, counts: self.counts, findings: self.findings })
    }
}
