//! The gate that every draft goes through, in one transaction: checked, compared with what is asked for already, inserted,
//! released. By default a batch with one bad row leaves no request behind; where the firm says so, bad rows are held and the
//! good ones go on.

use super::bad::BadRows;
use crate::error::FlowError;
use crate::release::{self, Policy, Release};
use crate::road::{Account, Road};
use remitd_domain::draft::{Delivery, Drafts, Finding, Terms, check};
use remitd_domain::policy::{Duplicates, OnError, OneLink};
use remitd_domain::request::State;
use remitd_domain::trust::needs_ledger;
use remitd_domain::zeros::Zeros;
use remitd_store::{Asked, BatchState, Bulk, Closed, Counts, NewBatch, Tx};

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
    /// Rejected rows that wait to be mended.
    pub held: i64,
    pub findings: Vec<Finding>,
    /// What was noticed and let through.
    pub notes: Vec<Finding>,
}

impl Outcome {
    pub fn is_clean(&self) -> bool {
        self.state != BatchState::Rejected && self.findings.is_empty()
    }
}

/// What the drafts of an account are checked for today.
pub(super) fn terms(road: &Road, account: &Account, delivery: Delivery) -> Terms {
    Terms { delivery, ledger: needs_ledger(account.kind, road.today()) }
}

/// A batch on its way through the gate.
pub(super) struct Gate<'a> {
    road: &'a Road,
    tx: Tx,
    batch: i64,
    new: NewBatch<'a>,
    account: &'a Account,
    connector: &'a str,
    policy: Policy,
    counts: Counts,
    findings: Vec<Finding>,
    bad: BadRows,
    /// Invoices may be asked for in ways that no unique index sees.
    looks_back: bool,
    /// Leading zeros, of the columns in which they count.
    zeros: [(&'static str, Zeros); 3],
    /// Something is wrong with the batch as a whole, also when every row is good.
    refused: bool,
}

impl<'a> Gate<'a> {
    pub(super) async fn open(
        road: &'a Road,
        new: NewBatch<'a>,
        account: &'a Account,
        connector: &'a str,
        policy: Policy,
    ) -> Result<Gate<'a>, FlowError> {
        let mut tx = road.store.begin().await?;
        let batch = tx.insert_batch(&new).await?;
        tx.take_turn().await?;
        let looks_back = policy.duplicates != Duplicates::Live || tx.has_gathered(&account.id).await?;
        let (counts, findings, zeros) = Default::default();
        let zeros: [Zeros; 3] = zeros;
        let [invoice, client, matter] = zeros;
        Ok(Gate {
            road,
            tx,
            batch,
            new,
            account,
            connector,
            policy,
            counts,
            findings,
            bad: BadRows::new(policy.on_error),
            looks_back,
            zeros: [("Invoice Number", invoice), ("Client", client), ("Matter", matter)],
            refused: false,
        })
    }

    pub(super) fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// What of `invoices` is asked for as this connector's statements into other accounts for money of this kind: a statement may move
    /// from one to another, with its office say.
    pub(super) async fn asked_elsewhere(&mut self, invoices: &[&str]) -> Result<Asked, FlowError> {
        let mut asked = Asked::default();
        for other in &self.road.accounts {
            if other.kind == self.account.kind && other.id != self.account.id {
                asked.extend(self.tx.asked_as_statements(&other.id, self.connector, invoices).await?);
            }
        }
        Ok(asked)
    }

    pub(super) fn batch(&self) -> i64 {
        self.batch
    }

    pub(super) fn began_ms(&self) -> i64 {
        self.new.now_ms
    }

    /// Rows that the reader of a file already found wrong.
    pub(super) fn note(&mut self, findings: Vec<Finding>) {
        self.refused |= !findings.is_empty();
        self.bad.said(&findings);
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
        let (keep, bad) = self.sift(drafts);
        self.counts.rejected += i64::try_from(bad).unwrap_or(i64::MAX);
        let good = keep.len();
        let keep = self.unasked(drafts, keep).await?;
        let bulk = Bulk {
            batch: self.batch,
            state: if self.waits() { State::Draft } else { State::Outstanding },
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
        self.road.point("intake.piece")?;
        Ok(u64::try_from(good).unwrap_or(u64::MAX).saturating_add(bad))
    }

    /// The places of the good rows, and how many bad ones there are that nobody has counted yet.
    fn sift(&mut self, drafts: &Drafts) -> (Vec<usize>, u64) {
        let delivery = if self.policy.release == Release::Links { Delivery::ByHand } else { Delivery::Mail };
        let terms = terms(self.road, self.account, delivery);
        let (mut keep, mut bad) = (Vec::with_capacity(drafts.len()), 0_u64);
        for at in 0..drafts.len() {
            let row = drafts.row(at);
            let before = self.findings.len();
            let good = check(row, terms, &mut self.findings);
            for ((_, zeros), number) in self.zeros.iter_mut().zip([row.invoice, row.client, row.matter]) {
                zeros.see(row.line, number);
            }
            let said = self.bad.has(row.line);
            if good && !said {
                keep.push(at);
                continue;
            }
            self.refused = true;
            self.bad.keep(self.findings.get(before..).unwrap_or_default(), || drafts.draft(at));
            self.findings.truncate(FINDINGS_MAX);
            bad += u64::from(!said);
        }
        (keep, bad)
    }

    /// Takes out what is asked for already in ways that no unique index sees.
    async fn unasked(&mut self, drafts: &Drafts, keep: Vec<usize>) -> Result<Vec<usize>, FlowError> {
        if (!self.looks_back && drafts.shares.is_empty()) || keep.is_empty() {
            return Ok(keep);
        }
        let invoices: Vec<&str> = keep.iter().map(|at| drafts.row(*at).invoice).collect();
        let asked = self.tx.asked_already(&self.account.id, &invoices, self.policy.duplicates).await?;
        let (twice, keep): (Vec<_>, Vec<_>) =
            keep.into_iter().partition(|at| asked.has(drafts.row(*at).invoice, drafts.payer(*at)));
        for at in twice {
            self.note_duplicate(drafts, at).await?;
        }
        Ok(keep)
    }

    async fn note_duplicate(&mut self, drafts: &Drafts, at: usize) -> Result<(), FlowError> {
        self.counts.duplicate += 1;
        if self.findings.len() >= FINDINGS_MAX {
            return Ok(());
        }
        let row = drafts.row(at);
        let asked = self.tx.asked_by(&self.account.id, row.invoice).await?;
        let twin = match asked {
            Some((id, _)) => self.tx.request(id).await?.filter(|twin| twin.batch_id == self.batch),
            None => None,
        };
        let by = match (twin, asked) {
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

    /// Rows that went in as links at once need their mails only.
    async fn go(&mut self) -> Result<(), FlowError> {
        let (release, one_link, now_ms) = (self.policy.release, self.policy.one_link, self.new.now_ms);
        if self.waits() {
            release::drafts(&mut self.tx, self.batch, one_link, release, now_ms).await?;
        } else if release == Release::Send {
            release::links(&mut self.tx, self.batch, now_ms).await?;
        }
        Ok(())
    }

    /// Rows of one payer are gathered before they are released.
    fn waits(&self) -> bool {
        self.policy.release == Release::Review || self.policy.one_link == OneLink::Payer
    }

    /// Whether nothing of the batch is taken.
    fn is_rejected(&mut self) -> bool {
        let bad = self.refused || self.counts.rejected > 0;
        if self.policy.on_error == OnError::Reject {
            return bad;
        }
        match self.bad.why_not_held(self.counts.ok + self.counts.duplicate) {
            Some(why) if bad => {
                self.findings.extend(why);
                true
            }
            _ => false,
        }
    }

    fn notes(&self) -> Vec<Finding> {
        let note = |(column, zeros): &(&str, Zeros)| {
            let eaten = zeros.eaten()?;
            let many = match eaten.many {
                1 => "this number has".to_owned(),
                many => format!("this and {} more have", many - 1),
            };
            let message = format!(
                "{many} fewer digits than the numbers of this column that begin with 0 ({}): has a spreadsheet taken the leading zeros away?",
                eaten.digits
            );
            let (column, code) = ((*column).to_owned(), "REMIT-0224".to_owned());
            Some(Finding { line: eaten.line, column, value: eaten.number, code, message })
        };
        self.zeros.iter().filter_map(note).collect()
    }

    /// Ends the batch: kept and released, or rejected whole. With `dry_run` all is forgotten again.
    pub(super) async fn close(mut self, dry_run: bool) -> Result<Outcome, FlowError> {
        let rejected = self.is_rejected();
        // Findings of the reader and of the gate, in the order in which people go through their file.
        self.findings.sort_by_key(|finding| finding.line);
        let state = match (rejected, self.policy.release) {
            (true, _) => BatchState::Rejected,
            (false, Release::Review) => BatchState::Review,
            (false, Release::Send | Release::Links) => BatchState::Released,
        };
        let (notes, held) = (self.notes(), if rejected { Vec::new() } else { self.bad.rows() });
        let (batch, counts) = ((!dry_run).then_some(self.batch), self.counts);
        let held_rows = i64::try_from(held.len()).unwrap_or(i64::MAX);
        let findings = std::mem::take(&mut self.findings);
        let mut outcome = Outcome { batch, state, counts, held: held_rows, findings, notes };
        if dry_run {
            self.tx.rollback().await?;
            return Ok(outcome);
        }
        if rejected {
            // The requests go, the record of the batch stays.
            self.tx.rollback().await?;
            self.tx = self.road.store.begin().await?;
            self.batch = self.tx.insert_batch(&self.new).await?;
            outcome.batch = Some(self.batch);
        }
        self.tx.hold_rows(self.batch, &held).await?;
        let Outcome { findings, notes, .. } = &outcome;
        self.tx.close_batch(self.batch, &Closed { state, counts, findings, notes }).await?;
        let Counts { ok, rejected, duplicate } = counts;
        let detail = format!("{} rows: {ok} ok, {rejected} rejected, {duplicate} duplicate", counts.rows());
        self.tx.event_of_batch(self.batch, state.name(), self.new.source, &detail, self.new.now_ms).await?;
        if state == BatchState::Released {
            self.go().await?;
        }
        self.road.point("intake.before_commit")?;
        self.tx.commit().await?;
        self.road.point("intake.committed")?;
        self.road.wake.all();
        tracing::info!(batch = self.batch, source = self.new.source, %detail, state = state.name(), "batch");
        Ok(outcome)
    }
}
