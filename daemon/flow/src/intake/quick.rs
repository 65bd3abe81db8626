//! The door of one row: a quick link, made by hand; and the link for the rest of a short payment.

use super::gate::{Gate, Outcome};
use crate::error::FlowError;
use crate::road::{Account, Release, Road, left_minor};
use remitd_domain::draft::{Draft, Drafts};
use remitd_domain::request::State;
use remitd_store::{Filter, NewBatch, Request};

pub async fn create(
    road: &Road,
    account: &Account,
    draft: Draft,
    release: Release,
) -> Result<Request, FlowError> {
    let connector = account.connector.as_str();
    one(road, account, draft, release, connector, ("quick", None)).await
}

/// Asks for what a payment left open. A link is single use, so this is a new one.
pub async fn remainder(road: &Road, id: i64, release: Release) -> Result<Request, FlowError> {
    let old = road.store.request(id).await?.ok_or_else(|| unknown(id))?;
    let left = left_minor(&old);
    let used_up = matches!(
        old.state,
        State::PartiallyPaid | State::PaymentReceived | State::Expired | State::Cancelled
    );
    if !used_up || left <= 0 {
        let message = format!(
            "request {id} is {} and {} of it is open: only what a used-up link left open can be asked for again",
            old.state, left
        );
        return Err(FlowError::refused("REMIT-0402", message));
    }
    let account = road.account(&old.account)?;
    let draft = Draft {
        line: 0,
        amount_minor: left,
        invoice_date: old.invoice_date,
        due_date: old.due_date,
        invoice: old.invoice,
        payer_name: old.payer_name,
        payer_email: old.payer_email,
        message: old.message,
        client: old.client,
        matter: old.matter,
    };
    one(road, account, draft, release, &old.connector, ("remainder", Some(id))).await
}

async fn one(
    road: &Road,
    account: &Account,
    draft: Draft,
    release: Release,
    connector: &str,
    (source, remainder_of): (&str, Option<i64>),
) -> Result<Request, FlowError> {
    let name = format!("{source} {}", draft.payer_name);
    let new = NewBatch {
        source,
        name: &name,
        source_key: None,
        sha256: None,
        account: &account.id,
        now_ms: road.now_ms(),
    };
    let mut gate = Gate::open(road, new, account, connector, release).await?;
    gate.take(&Drafts::from(draft), remainder_of).await?;
    if gate.ok_so_far().ok != 1 {
        // A person waits for the answer: no batch is kept of what was refused.
        return Err(refusal(&gate.close(true).await?));
    }
    let outcome = gate.close(false).await?;
    let filter = Filter { batch: outcome.batch, limit: Some(1), ..Filter::default() };
    let made = road.store.requests(&filter).await?.into_iter().next();
    made.ok_or_else(|| FlowError::refused("REMIT-0401", "the request is gone again"))
}

fn refusal(outcome: &Outcome) -> FlowError {
    let code = match outcome.findings.first().map(|finding| finding.code.as_str()) {
        Some("REMIT-0212") => "REMIT-0212",
        _ => "REMIT-0403",
    };
    let told: Vec<_> = outcome
        .findings
        .iter()
        .map(|finding| format!("{} \"{}\": {}", finding.column, finding.value, finding.message))
        .collect();
    FlowError::refused(code, told.join("\n"))
}

fn unknown(id: i64) -> FlowError {
    FlowError::refused("REMIT-0401", format!("there is no request {id}"))
}
