//! The door of one row: a quick link, made by hand; and the link for the rest of a short payment.

use super::gate::{Gate, Outcome};
use crate::error::FlowError;
use crate::plugin::connector::{detail, kind};
use crate::release::{Policy, Release};
use crate::road::{Account, Road, left_minor, money};
use remitd_domain::draft::{Draft, Drafts, Finding};
use remitd_domain::policy::OneLink;
use remitd_domain::request::State;
use remitd_domain::trust;
use remitd_host::JobSpec;
use remitd_store::{Counts, Filter, NewBatch, Request, RequestLine};

pub async fn create(
    road: &Road,
    account: &Account,
    draft: Draft,
    release: Release,
) -> Result<Request, FlowError> {
    of_its_kind(road, account, &draft).await?;
    let name = format!("quick {}", draft.payer_name);
    let new = new_batch(road, "quick", &name, account);
    let gate = Gate::open(road, new, account, &account.connector, Policy::of(release)).await?;
    one(road, gate, &Drafts::from(draft), None).await
}

/// Rules for clients' money: what the matter software says is of one kind is not asked for into an account of the other. A person asks
/// for what it does not know, or cannot be asked about now.
async fn of_its_kind(road: &Road, account: &Account, draft: &Draft) -> Result<(), FlowError> {
    if [&account.connector, &draft.matter, &draft.invoice].into_iter().any(String::is_empty) {
        return Ok(());
    }
    let job = JobSpec::new("request create", format!("kind:{}", draft.invoice));
    let asked = road.connector(&account.connector)?.open_statements(job, draft.matter.clone()).await;
    let open = asked.unwrap_or_else(|failure| {
        tracing::warn!(statement = draft.invoice, error = %failure.message, "nobody says whose money it asks for");
        Vec::new()
    });
    let said = open.iter().find(|statement| statement.number == draft.invoice);
    let Some(statement) = said.filter(|statement| !detail(statement, "account-kind").is_empty()) else {
        return Ok(());
    };
    let kind = kind(statement)
        .map_err(|why| FlowError::refused("REMIT-0283", format!("{}: {why}", draft.invoice)))?;
    match trust::broken_by_statement(account.kind, kind, road.today()) {
        None => Ok(()),
        Some(rule) => {
            let why = format!(
                "{rule}: {} asks for money of the other kind: ask into an account of that kind",
                draft.invoice
            );
            Err(FlowError::refused("REMIT-0283", why))
        }
    }
}

/// Asks for what a payment left open. A link is single use, so this is a new one.
pub async fn remainder(road: &Road, id: i64, release: Release) -> Result<Request, FlowError> {
    let old = road.store.request(id).await?.ok_or_else(|| unknown(id))?;
    let account = road.account(&old.account)?;
    let name = format!("remainder {}", old.payer_name);
    // What a link gathered stays together.
    let policy = Policy { one_link: OneLink::Payer, ..Policy::of(release) };
    let new = NewBatch { one_link: policy.one_link, ..new_batch(road, "remainder", &name, account) };
    let mut gate = Gate::open(road, new, account, &old.connector, policy).await?;
    // Held until the new link is made: what is open cannot change meanwhile, and nobody else asks for it too.
    let old = gate.tx().request(id).await?.ok_or_else(|| unknown(id))?;
    if let Some(why) = not_open(&mut gate, &old).await? {
        return Err(FlowError::refused("REMIT-0402", why));
    }
    let lines = gate.tx().asked_lines(&old).await?;
    one(road, gate, &rest(&old, &lines), Some(Follows::RestOf(id))).await
}

/// What is open of a request, a draft a line: the oldest lines are settled first.
fn rest(old: &Request, lines: &[RequestLine]) -> Drafts {
    let (mut drafts, mut paid_minor) = (Drafts::default(), old.paid_minor);
    for line in lines {
        let settled_minor = line.amount_minor.min(paid_minor);
        paid_minor -= settled_minor;
        if settled_minor < line.amount_minor {
            drafts.push(&line.draft(old, line.amount_minor - settled_minor));
        }
    }
    drafts
}

/// Why the rest of a request cannot be asked for.
async fn not_open(gate: &mut Gate<'_>, old: &Request) -> Result<Option<String>, FlowError> {
    let id = old.id;
    let used_up = matches!(
        old.state,
        State::PartiallyPaid | State::PaymentReceived | State::Expired | State::Cancelled
    );
    let left = left_minor(old);
    if !used_up || left <= 0 {
        let left = money(left.max(0), &old.currency)?.grouped();
        return Ok(Some(format!(
            "request {id} is {} and {left} of it is open: only what a used-up link left open can be asked for again",
            old.state
        )));
    }
    if let Some(other) = gate.tx().remainder(id).await? {
        return Ok(Some(format!("the rest of request {id} is asked for by request {other} already")));
    }
    let pending = gate.tx().has_pending_payment(id).await? || gate.tx().live_checkout(id).await?.is_some();
    Ok(pending
        .then(|| format!("a payment of request {id} may be on its way: wait until it is sure or failed")))
}

pub(super) fn new_batch<'a>(
    road: &Road,
    source: &'a str,
    name: &'a str,
    account: &'a Account,
) -> NewBatch<'a> {
    let (source_key, sha256, one_link, duplicates) = Default::default();
    let now_ms = road.now_ms();
    NewBatch { source, name, source_key, sha256, account: &account.id, one_link, duplicates, now_ms }
}

/// The link that a new one comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    RestOf(i64),
    Replaces(i64),
}

/// Makes the one link of a batch, or none.
pub(super) async fn one(
    road: &Road,
    gate: Gate<'_>,
    drafts: &Drafts,
    follows: Option<Follows>,
) -> Result<Request, FlowError> {
    let made = all(road, gate, drafts, follows).await?.into_iter().next();
    made.ok_or_else(|| FlowError::refused("REMIT-0401", "the request is gone again"))
}

/// Makes the links of a batch, all of them or none.
pub(super) async fn all(
    road: &Road,
    mut gate: Gate<'_>,
    drafts: &Drafts,
    follows: Option<Follows>,
) -> Result<Vec<Request>, FlowError> {
    let rest_of = follows.and_then(|follows| if let Follows::RestOf(id) = follows { Some(id) } else { None });
    gate.take(drafts, rest_of).await?;
    if let Some(Follows::Replaces(old)) = follows {
        let batch = gate.batch();
        gate.tx().set_replaces(batch, old).await?;
    }
    if gate.ok_so_far()
        != (Counts { ok: i64::try_from(drafts.len()).unwrap_or(i64::MAX), ..Counts::default() })
    {
        // A person waits for the answer: no batch is kept of what was refused.
        return Err(refusal(&gate.close(true).await?));
    }
    let outcome = gate.close(false).await?;
    let filter = Filter { batch: outcome.batch, ..Filter::default() };
    let mut made = road.store.requests(&filter).await?;
    made.retain(|request| request.state != State::Gathered);
    Ok(made)
}

fn refusal(outcome: &Outcome) -> FlowError {
    let code = match outcome.findings.first().map(|finding| finding.code.as_str()) {
        Some("REMIT-0212") => "REMIT-0212",
        _ => "REMIT-0403",
    };
    let told: Vec<_> = outcome.findings.iter().map(Finding::to_string).collect();
    FlowError::refused(code, told.join("\n"))
}

fn unknown(id: i64) -> FlowError {
    FlowError::refused("REMIT-0401", format!("there is no request {id}"))
}
