//! Review by hand: rows of a batch are added, mended and deleted before they go out, and held rows are mended into drafts. Every
//! change goes through the checks that the doors share, keeps the batch's counts adding up, and leaves an event behind.

use super::gate::{FINDINGS_MAX, terms};
use crate::error::FlowError;
use crate::road::{Account, Road};
use chrono::NaiveDate;
use remitd_domain::draft::{Delivery, Draft, Drafts, Finding, check};
use remitd_domain::money::Money;
use remitd_domain::request::{Change, State};
use remitd_store::{Batch, BatchState, Bulk, Closed, HeldRow, Request, Tx};

/// The source of the batches of pushes.
pub(super) const PUSH: &str = "push";

/// What a person writes into one row, by column; what is not written stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Cells(pub Vec<(String, String)>);

/// One change of a batch.
#[derive(Debug, Clone)]
pub enum Edit {
    Add(Cells),
    Mend { line: u32, cells: Cells },
    Delete { line: u32 },
}

/// The columns as the template and the reports call them, and the parts of a draft that they are.
const COLUMNS: [&str; 9] = [
    "Invoice Number",
    "Invoice Date",
    "Due Date",
    "Recipient Name",
    "Recipient Email",
    "Amount",
    "Custom Message",
    "Client",
    "Matter",
];

/// Does one change; gives the line that it was done to.
pub async fn edit(road: &Road, batch: i64, edit: &Edit, actor: &str) -> Result<u32, FlowError> {
    let mut tx = road.store.begin().await?;
    tx.take_turn().await?;
    let found = tx
        .batch(batch)
        .await?
        .ok_or_else(|| FlowError::refused("REMIT-0405", format!("there is no batch {batch}")))?;
    if matches!(found.state, BatchState::Rejected | BatchState::Discarded) {
        let message = format!("batch {batch} is {}: nothing of it is kept that could be edited", found.state);
        return Err(FlowError::refused("REMIT-0406", message));
    }
    let mut desk = Desk { road, account: road.account(&found.account)?, batch: found, tx };
    let (line, what, detail) = match edit {
        Edit::Add(cells) => desk.add(cells).await?,
        Edit::Mend { line, cells } => desk.mend(*line, cells).await?,
        Edit::Delete { line } => desk.delete(*line).await?,
    };
    desk.close(what, &format!("line {line}: {detail}"), actor).await?;
    Ok(line)
}

/// Takes out a draft of a push that does not ask for what is owed any more; false where it is no draft by now.
pub(super) async fn drop_draft(road: &Road, draft: &Request, why: &str) -> Result<bool, FlowError> {
    let mut tx = road.store.begin().await?;
    tx.take_turn().await?;
    let found = tx.batch(draft.batch_id).await?.filter(|batch| batch.state == BatchState::Review);
    let still = tx.request(draft.id).await?.filter(|request| request.state == State::Draft);
    let (Some(batch), Some(draft)) = (found, still) else { return Ok(false) };
    let mut desk = Desk { road, account: road.account(&batch.account)?, batch, tx };
    desk.discard(&draft, why).await?;
    if desk.batch.counts.ok == 0 && desk.batch.held == 0 {
        desk.batch.state = BatchState::Discarded;
    }
    let detail = format!("line {}: {} {}: {why}", draft.line, draft.invoice, draft.payer_name);
    desk.close("row dropped", &detail, &draft.connector).await?;
    Ok(true)
}

/// A batch while one of its rows is changed.
struct Desk<'a> {
    road: &'a Road,
    account: &'a Account,
    batch: Batch,
    tx: Tx,
}

/// The line, what was done, and what the trail says of it.
type Done = (u32, &'static str, String);

impl Desk<'_> {
    async fn add(&mut self, cells: &Cells) -> Result<Done, FlowError> {
        if self.batch.source == PUSH {
            let message = "the rows of a push are what the matter database says is open: ask for more with `remitd matter ask`";
            return Err(FlowError::refused("REMIT-0229", message));
        }
        let last = self.tx.last_line(self.batch.id).await?;
        let mut draft = Draft { line: u32::try_from(last + 1).unwrap_or(u32::MAX), ..Draft::default() };
        self.write(&mut draft, cells)?;
        self.passes(&draft, &[])?;
        self.insert(&draft).await?;
        self.batch.counts.ok += 1;
        Ok((draft.line, "row added", cells.told()))
    }

    /// A draft is written anew; a held row that is good now becomes a draft.
    async fn mend(&mut self, line: u32, cells: &Cells) -> Result<Done, FlowError> {
        if let Some(HeldRow { mut draft, findings }) = self.tx.release_row(self.batch.id, line.into()).await?
        {
            self.write(&mut draft, cells)?;
            // What could not be read stands in the findings alone: it must be written now. A row that could not even be split has
            // nothing in it, and the checks see that.
            let unread: Vec<_> = findings
                .into_iter()
                .filter(|finding| !finding.column.is_empty() && !cells.names(&finding.column))
                .collect();
            self.passes(&draft, &unread)?;
            self.insert(&draft).await?;
            self.batch.counts.ok += 1;
            self.batch.counts.rejected -= 1;
            self.batch.findings.retain(|finding| finding.line != line);
            return Ok((line, "row mended", cells.told()));
        }
        let request = self.draft_of(line).await?;
        let mut draft = request.draft();
        self.write(&mut draft, cells)?;
        let same = (draft.amount_minor, &draft.invoice) == (request.amount_minor, &request.invoice);
        if request.source == PUSH && !same {
            let message = "a push asks for a statement and for all that is open of it, and asks anew once that changes: delete the row, \
                           and ask for a part with `remitd matter ask --amount`";
            return Err(FlowError::refused("REMIT-0229", message));
        }
        self.passes(&draft, &[])?;
        self.unasked(&draft, Some(&request)).await?;
        self.tx.rewrite_draft(request.id, &draft).await.map_err(|error| twice(error, &draft))?;
        Ok((line, "row edited", cells.told()))
    }

    /// The row counts as rejected, and the report says that a person did it.
    async fn delete(&mut self, line: u32) -> Result<Done, FlowError> {
        const BY_HAND: &str = "the row was deleted by hand";
        let shown = match self.tx.release_row(self.batch.id, line.into()).await? {
            Some(row) => {
                self.note_gone(line, &row.draft.invoice, BY_HAND);
                row.draft
            }
            None => {
                let request = self.draft_of(line).await?;
                self.discard(&request, BY_HAND).await?;
                request.draft()
            }
        };
        Ok((line, "row deleted", format!("{} {}", shown.invoice, shown.payer_name)))
    }

    async fn discard(&mut self, draft: &Request, why: &str) -> Result<(), FlowError> {
        self.tx.change_request(draft.id, Change::Discard).await?;
        self.batch.counts.ok -= 1;
        self.batch.counts.rejected += 1;
        self.note_gone(draft.draft().line, &draft.invoice, why);
        Ok(())
    }

    fn note_gone(&mut self, line: u32, invoice: &str, why: &str) {
        if self.batch.findings.len() < FINDINGS_MAX {
            let (column, code) = (String::new(), "REMIT-0225".to_owned());
            self.batch.findings.push(Finding {
                line,
                column,
                value: invoice.to_owned(),
                code,
                message: why.to_owned(),
            });
        }
    }

    async fn draft_of(&mut self, line: u32) -> Result<Request, FlowError> {
        let found = self.tx.draft_of_line(self.batch.id, line.into()).await?;
        found.ok_or_else(|| {
            let message = format!(
                "batch {} has no draft and no held row of line {line}: see `remitd batch show {}`",
                self.batch.id, self.batch.id
            );
            FlowError::refused("REMIT-0227", message)
        })
    }

    fn write(&self, draft: &mut Draft, cells: &Cells) -> Result<(), FlowError> {
        for (column, value) in &cells.0 {
            self.write_cell(draft, column, value.trim())?;
        }
        Ok(())
    }

    fn write_cell(&self, draft: &mut Draft, column: &str, value: &str) -> Result<(), FlowError> {
        let wrong = |why: String| FlowError::refused("REMIT-0403", format!("{column} \"{value}\": {why}"));
        let date = || -> Result<Option<NaiveDate>, FlowError> {
            if value.is_empty() {
                return Ok(None);
            }
            let date =
                value.parse().map_err(|_| wrong("it is not a date: write it as 2026-12-31".to_owned()))?;
            Ok(Some(date))
        };
        match COLUMNS.iter().position(|known| known.eq_ignore_ascii_case(column)) {
            Some(0) => value.clone_into(&mut draft.invoice),
            Some(1) => draft.invoice_date = date()?,
            Some(2) => draft.due_date = date()?,
            Some(3) => value.clone_into(&mut draft.payer_name),
            Some(4) => value.clone_into(&mut draft.payer_email),
            Some(5) => {
                let amount = Money::parse(value, self.account.currency);
                draft.amount_minor = amount.map_err(|error| wrong(error.to_string()))?.minor();
            }
            Some(6) => value.clone_into(&mut draft.message),
            Some(7) => value.clone_into(&mut draft.client),
            Some(8) => value.clone_into(&mut draft.matter),
            _ => {
                let message = format!("there is no column \"{column}\": name one of {}", COLUMNS.join(", "));
                return Err(FlowError::refused("REMIT-0228", message));
            }
        }
        Ok(())
    }

    /// The checks of every door, as for a row that will be mailed: that is decided at the release.
    fn passes(&self, draft: &Draft, unread: &[Finding]) -> Result<(), FlowError> {
        let mut findings = Vec::new();
        check(
            Drafts::from(draft.clone()).row(0),
            terms(self.road, self.account, Delivery::Mail),
            &mut findings,
        );
        let known: Vec<_> = findings.iter().map(|finding| finding.column.clone()).collect();
        findings.extend(unread.iter().filter(|finding| !known.contains(&finding.column)).cloned());
        if findings.is_empty() {
            return Ok(());
        }
        let told: Vec<_> = findings.iter().map(Finding::to_string).collect();
        Err(FlowError::refused("REMIT-0403", told.join("\n")))
    }

    async fn insert(&mut self, draft: &Draft) -> Result<(), FlowError> {
        self.unasked(draft, None).await?;
        let bulk = Bulk {
            batch: self.batch.id,
            state: State::Draft,
            account: &self.account.id,
            connector: &self.account.connector,
            currency: self.account.currency.code(),
            created_ms: self.road.now_ms(),
            expires_ms: self.road.now_ms() + self.account.expires_after_ms,
            remainder_of: None,
        };
        let nonces = self.road.nonces(1)?;
        let taken = self.tx.insert_requests(&bulk, &Drafts::from(draft.clone()), &[0], &nonces).await?;
        if taken.kept == 1 { Ok(()) } else { Err(asked_already(draft, None)) }
    }

    /// No invoice twice, by the batch's own rule.
    async fn unasked(&mut self, draft: &Draft, own: Option<&Request>) -> Result<(), FlowError> {
        if own.is_some_and(|own| own.invoice == draft.invoice) {
            return Ok(());
        }
        let (account, invoice) = (self.account.id.as_str(), draft.invoice.as_str());
        let asked = self.tx.asked_already(account, &[invoice], self.batch.duplicates).await?;
        if !asked.has(invoice, None) {
            return Ok(());
        }
        let by = self.tx.asked_by(account, invoice).await?;
        Err(asked_already(draft, by))
    }

    async fn close(mut self, what: &str, detail: &str, actor: &str) -> Result<(), FlowError> {
        let Batch { id, state, counts, findings, notes, .. } = &self.batch;
        let closed = Closed { state: *state, counts: *counts, findings, notes };
        self.tx.close_batch(*id, &closed).await?;
        self.tx.event_of_batch(*id, what, actor, detail, self.road.now_ms()).await?;
        self.tx.commit().await?;
        Ok(())
    }
}

impl Cells {
    fn names(&self, column: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(column))
    }

    fn told(&self) -> String {
        self.0.iter().map(|(column, value)| format!("{column} = \"{value}\"")).collect::<Vec<_>>().join(", ")
    }
}

fn twice(error: remitd_store::StoreError, draft: &Draft) -> FlowError {
    if error.is_taken() { asked_already(draft, None) } else { error.into() }
}

fn asked_already(draft: &Draft, by: Option<(i64, State)>) -> FlowError {
    let by = by.map(|(id, state)| format!(" by request {id} ({state})")).unwrap_or_default();
    let message = format!("invoice {} is asked for already{by}: nothing was changed", draft.invoice);
    FlowError::refused("REMIT-0212", message)
}
