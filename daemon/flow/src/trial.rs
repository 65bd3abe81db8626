//! A connector's mapping tried step by step, as an operator sets it up: what each call gives, and what is missing or odd. Reads
//! only, unless it is told to write; then one minor unit is posted, posted again, and reversed.

use crate::error::FlowError;
use crate::plugin::Connector;
use crate::plugin::connector::{Posted, Posting, Statement, to_wire};
use crate::road::{Road, money};
use remitd_domain::email::check_addresses;
use remitd_domain::reconcile::{TRIAL_KEY, TRIAL_TAKEN_BACK};
use remitd_host::{Failure, FailureClass, JobSpec, Money};
use serde::Serialize;
use std::collections::HashSet;

/// Statements that are looked at, and those that are shown.
const LOOKED_AT: u32 = 100;
const SHOWN: usize = 3;
const FOUND_MAX: u32 = 5;
/// No matter software has a statement of this number.
const NOWHERE: &str = "remitd-no-such-statement";
/// What a connector answers that tells no receipts: none at all, or none by its settings.
const UNTOLD: [&str; 2] = ["no-receipts", "not-configured"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It works, and should be looked at.
    Odd,
    Failed,
    /// An earlier step gave nothing to try it with, or nobody asked for it.
    Skipped,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Odd => "odd",
            Verdict::Failed => "failed",
            Verdict::Skipped => "skipped",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Step {
    pub step: String,
    pub verdict: Verdict,
    pub says: String,
}

#[derive(Debug, Clone, Default)]
pub struct Trial {
    pub steps: Vec<Step>,
    /// The first of those that were listed.
    pub statements: Vec<Statement>,
}

impl Trial {
    pub fn is_clean(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.verdict, Verdict::Ok | Verdict::Skipped))
    }

    fn note(&mut self, step: impl Into<String>, verdict: Verdict, says: impl Into<String>) {
        self.steps.push(Step { step: step.into(), verdict, says: says.into() });
    }

    fn failed(&mut self, step: impl Into<String>, failure: &Failure) {
        self.note(step, Verdict::Failed, format!("{} ({})", failure.message, failure.code));
    }
}

/// Tries a connector; `write` names the statement that a posting is tried on.
pub async fn run(road: &Road, id: &str, write: Option<&str>) -> Result<Trial, FlowError> {
    let connector = road.connector(id)?;
    let mut trial = Trial::default();
    let listed = list(&connector, &mut trial).await;
    let first = listed.first().cloned();
    match &first {
        Some(first) => {
            of_matter(&connector, first, &mut trial).await;
            balance(&connector, first, &mut trial).await;
        }
        None => {
            for step in ["open_statements", "balance"] {
                trial.note(step, Verdict::Skipped, "no open statement to try it with");
            }
        }
    }
    search(&connector, first.as_ref(), &mut trial).await;
    receipts(&connector, &mut trial).await;
    match write {
        None => trial.note(
            "post, reverse",
            Verdict::Skipped,
            "nothing was written: name a statement with --write, in a copy of the matter database",
        ),
        Some(number) => match listed.iter().find(|statement| statement.number == number) {
            None => trial.note(
                "post",
                Verdict::Failed,
                format!("{number} is none of the open statements that were listed"),
            ),
            Some(statement) => written(road, &connector, statement, &mut trial).await?,
        },
    }
    trial.statements = listed.into_iter().take(SHOWN).collect();
    Ok(trial)
}

fn job(step: &str) -> JobSpec {
    JobSpec::new(format!("matter test {step}"), format!("matter-test:{step}"))
}

/// The first page and the second: what a push would read.
async fn list(connector: &Connector, trial: &mut Trial) -> Vec<Statement> {
    let page = match connector.open_since(job("open_since"), None, LOOKED_AT).await {
        Ok(page) => page,
        Err(failure) => {
            trial.failed("open_since", &failure);
            return Vec::new();
        }
    };
    let statements = page.statements;
    match statements.len() {
        0 => trial.note(
            "open_since",
            Verdict::Odd,
            "no statement is open, or the statement does not find them",
        ),
        count => trial.note("open_since", Verdict::Ok, format!("the first page has {count}")),
    }
    if let Some(next) = page.next {
        match connector.open_since(job("open_since"), Some(next.clone()), LOOKED_AT).await {
            Err(failure) => trial.failed("open_since, next page", &failure),
            Ok(second) => {
                let known =
                    |statement: &&Statement| statements.iter().any(|one| one.number == statement.number);
                match second.statements.iter().find(known) {
                    Some(twice) => trial.note(
                        "open_since, next page",
                        Verdict::Failed,
                        format!(
                            "{} stands in both pages: is the cursor compared with > and ordered by?",
                            twice.number
                        ),
                    ),
                    None => trial.note("open_since, next page", Verdict::Ok, format!("goes on after {next}")),
                }
            }
        }
    }
    if !statements.is_empty() {
        numbers(&statements, trial);
        payers(&statements, trial);
        amounts(&statements, trial);
    }
    statements
}

/// Told where it is wrong only: a push leaves such a statement out, and would not know whom to ask.
fn numbers(statements: &[Statement], trial: &mut Trial) {
    let mut seen = HashSet::new();
    let twice = statements.iter().find(|statement| !seen.insert(statement.number.as_str()));
    if let Some(twice) = twice {
        let says = format!("{} stands in more than one row: does a JOIN double it?", twice.number);
        trial.note("numbers", Verdict::Failed, says);
    }
}

fn payers(statements: &[Statement], trial: &mut Trial) {
    let without: Vec<_> = statements.iter().filter(|statement| statement.payers.is_empty()).collect();
    let bad =
        statements.iter().flat_map(|statement| statement.payers.iter().map(move |payer| (statement, payer)));
    let bad: Vec<_> = bad.filter(|(_, payer)| check_addresses(&payer.email).is_err()).collect();
    if let Some((statement, payer)) = bad.first() {
        let says = format!(
            "{} have no usable address, such as {}: \"{}\"",
            bad.len(),
            statement.number,
            payer.email
        );
        trial.note("payers", Verdict::Odd, says);
    }
    match without.first() {
        Some(first) => trial.note(
            "payers",
            Verdict::Odd,
            format!(
                "{} of {} have no payer, such as {}: a push leaves them out",
                without.len(),
                statements.len(),
                first.number
            ),
        ),
        None if bad.is_empty() => {
            trial.note("payers", Verdict::Ok, "every statement has a payer with an address")
        }
        None => {}
    }
}

fn amounts(statements: &[Statement], trial: &mut Trial) {
    let odd = |statement: &&Statement| {
        let (open, total) = (&statement.open, &statement.total);
        open.amount_minor <= 0 || open.amount_minor > total.amount_minor || open.currency != total.currency
    };
    match statements.iter().find(odd) {
        Some(odd) => trial.note(
            "amounts",
            Verdict::Odd,
            format!("{}: {} of {} is open", odd.number, shown(&odd.open), shown(&odd.total)),
        ),
        None => trial.note("amounts", Verdict::Ok, "each is above zero and not more than its total"),
    }
}

async fn of_matter(connector: &Connector, first: &Statement, trial: &mut Trial) {
    let step = "open_statements";
    match connector.open_statements(job(step), first.matter.clone()).await {
        Err(failure) => trial.failed(step, &failure),
        Ok(found) => match found.iter().find(|statement| statement.number == first.number) {
            Some(same) if same.open == first.open => {
                trial.note(step, Verdict::Ok, format!("matter {} has {}", first.matter, found.len()));
            }
            Some(other) => trial.note(
                step,
                Verdict::Failed,
                format!(
                    "{} is open with {} here and with {} in open_since",
                    first.number,
                    shown(&other.open),
                    shown(&first.open)
                ),
            ),
            None => {
                trial.note(
                    step,
                    Verdict::Failed,
                    format!("matter {} does not show its statement {}", first.matter, first.number),
                );
            }
        },
    }
}

async fn balance(connector: &Connector, first: &Statement, trial: &mut Trial) {
    let step = "balance";
    match connector.balance(job(step), first.number.clone()).await {
        Err(failure) => return trial.failed(step, &failure),
        Ok(Some(open)) if open == first.open => {
            trial.note(step, Verdict::Ok, format!("{} of {} is open", shown(&open), first.number));
        }
        Ok(Some(open)) => trial.note(
            step,
            Verdict::Failed,
            format!(
                "{} is open with {} here and with {} in open_since",
                first.number,
                shown(&open),
                shown(&first.open)
            ),
        ),
        Ok(None) => {
            trial.note(step, Verdict::Failed, format!("it does not find the statement {}", first.number))
        }
    }
    match connector.balance(job(step), NOWHERE.to_owned()).await {
        Err(failure) => trial.failed("balance of nothing", &failure),
        Ok(None) => trial.note("balance of nothing", Verdict::Ok, "a statement that is not there has none"),
        Ok(Some(open)) => trial.note(
            "balance of nothing",
            Verdict::Failed,
            format!(
                "a statement that is not there is open with {}: nobody could tell a settled one",
                shown(&open)
            ),
        ),
    }
}

async fn search(connector: &Connector, first: Option<&Statement>, trial: &mut Trial) {
    let fields = match connector.search_fields(job("search")).await {
        Ok(fields) if fields.is_empty() => {
            return trial.note("search", Verdict::Odd, "no field can be searched by");
        }
        Ok(fields) => fields,
        Err(failure) => return trial.failed("search", &failure),
    };
    let mut texts: Vec<&String> = Vec::new();
    if let Some(first) = first {
        texts.extend([&first.matter, &first.client, &first.client_name, &first.number]);
        texts.extend(first.payers.iter().flat_map(|payer| [&payer.name, &payer.email]));
    }
    for field in fields {
        let step = format!("search by {field}");
        match try_texts(connector, &field, &step, &texts).await {
            Ok(Some(says)) => trial.note(step, Verdict::Ok, says),
            Err(failure) => trial.failed(step, &failure),
            Ok(None) => {
                let says = "neither the matter, the client, the number nor the payer of an open statement finds anything by it";
                trial.note(step, if first.is_some() { Verdict::Odd } else { Verdict::Skipped }, says);
            }
        }
    }
}

/// What the first text finds that finds anything. A field may be of numbers alone: that it cannot take the others is told only
/// where none finds anything.
async fn try_texts(
    connector: &Connector,
    field: &str,
    step: &str,
    texts: &[&String],
) -> Result<Option<String>, Failure> {
    let mut failed = None;
    for text in texts.iter().filter(|text| !text.is_empty()) {
        match connector.search(job(step), field.to_owned(), (*text).clone(), FOUND_MAX).await {
            Ok(matters) if matters.is_empty() => {}
            Ok(matters) => return Ok(Some(format!("\"{text}\" finds {}", matters.len()))),
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    failed.map_or(Ok(None), Err)
}

/// What `remitd reconcile` would read. A connector that tells nothing of it is no failure: it is only never compared.
async fn receipts(connector: &Connector, trial: &mut Trial) {
    let step = "receipts";
    match connector.written_since(job(step), None, LOOKED_AT).await {
        Ok(page) => {
            let says = match page.receipts.first() {
                None => "nothing was posted yet".to_owned(),
                Some(first) => format!(
                    "the first of {} is {} for {}",
                    page.receipts.len(),
                    shown(&first.amount),
                    first.statement
                ),
            };
            trial.note(step, Verdict::Ok, says);
        }
        Err(failure) if failure.class == FailureClass::Invalid && UNTOLD.contains(&failure.code.as_str()) => {
            let says = format!("{}: `remitd reconcile` cannot compare this side", failure.message);
            trial.note(step, Verdict::Skipped, says);
        }
        Err(failure) => trial.failed(step, &failure),
    }
}

/// One minor unit there and back again; the same posting twice is one.
async fn written(
    road: &Road,
    connector: &Connector,
    statement: &Statement,
    trial: &mut Trial,
) -> Result<(), FlowError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| FlowError::Random(error.to_string()))?;
    let key = format!("{TRIAL_KEY}{}", hex::encode(random));
    let posting = Posting {
        key: key.clone(),
        statement: statement.number.clone(),
        matter: statement.matter.clone(),
        client: statement.client.clone(),
        amount: Money { amount_minor: 1, currency: statement.open.currency.clone() },
        received: to_wire(road.today()),
        method: "card".to_owned(),
        reference: key.clone(),
        payer_name: "remitd matter test".to_owned(),
        narrative: "remitd matter test".to_owned(),
        details: Vec::new(),
    };
    let keyed = |key: &str| JobSpec::new("matter test post", key.to_owned());
    match connector.post(keyed(&key), posting.clone()).await {
        Err(failure) => {
            trial.failed("post", &failure);
            return Ok(());
        }
        Ok(result) => {
            let number = result.external_ref.map(|number| format!(" as {number}")).unwrap_or_default();
            trial.note(
                "post",
                Verdict::Ok,
                format!("{} written to {}{number}", shown(&posting.amount), statement.number),
            );
        }
    }
    match connector.post(keyed(&key), posting.clone()).await {
        Ok(result) if result.outcome == Posted::Found => {
            trial.note("post again", Verdict::Ok, "the same key is found and not written twice");
        }
        Ok(_) => trial.note(
            "post again",
            Verdict::Failed,
            "the same key was written twice: `find` does not find it, and nothing refuses it",
        ),
        Err(failure) => trial.failed("post again", &failure),
    }
    let reversal = Posting { key: format!("{key}{TRIAL_TAKEN_BACK}"), ..posting };
    match connector.reverse(keyed(&reversal.key), key, reversal.clone()).await {
        Err(failure) => trial.failed("reverse", &failure),
        Ok(_) => trial.note("reverse", Verdict::Ok, "taken back"),
    }
    match connector.balance(job("balance"), statement.number.clone()).await {
        Ok(Some(open)) if open == statement.open => {
            trial.note("balance after it", Verdict::Ok, "as before");
        }
        Ok(open) => trial.note(
            "balance after it",
            Verdict::Failed,
            format!(
                "{} where {} was open before",
                open.as_ref().map_or("nothing".to_owned(), shown),
                shown(&statement.open)
            ),
        ),
        Err(failure) => trial.failed("balance after it", &failure),
    }
    Ok(())
}

fn shown(amount: &Money) -> String {
    money(amount.amount_minor, &amount.currency).map_or_else(
        |_| format!("{} minor units {}", amount.amount_minor, amount.currency),
        |amount| amount.grouped(),
    )
}
