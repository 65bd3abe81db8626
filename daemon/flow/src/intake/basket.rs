//! The door of a search: statements that a person has picked, of one or several matters, on one link to the payer who is
//! assigned to them, or where several share them, on one link to each.

use super::gate::Gate;
use super::push::draft;
use super::quick::{all, new_batch};
use super::rules::{same_payers, shares};
use crate::error::FlowError;
use crate::plugin::connector::{Statement, kind};
use crate::release::{Policy, Release};
use crate::road::{Account, Road, money};
use remitd_domain::draft::{Draft, Drafts};
use remitd_domain::policy::{Duplicates, OneLink};
use remitd_domain::posting::split;
use remitd_domain::push::No;
use remitd_domain::trust;
use remitd_host::JobSpec;
use remitd_store::{NewBatch, Request};

/// A statement that was picked, and how much of it is asked for; without it, all that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    pub statement: String,
    pub amount_minor: Option<i64>,
}

pub struct Basket<'a> {
    pub connector: &'a str,
    pub matters: &'a [String],
    /// In the order in which they are paid; none: every open statement of the matters.
    pub picked: &'a [Picked],
    /// Spread over the statements in their order, where the parts are not given one by one.
    pub amount_minor: Option<i64>,
    /// Instead of the payer who is assigned; name and address.
    pub payer: Option<(&'a str, &'a str)>,
    pub message: &'a str,
}

/// Asks for the statements with one link a payer.
pub async fn ask(
    road: &Road,
    account: &Account,
    basket: &Basket<'_>,
    release: Release,
) -> Result<Vec<Request>, FlowError> {
    let read_ms = road.now_ms();
    let open = open_statements(road, basket).await?;
    let lines = pick(account, basket, &open)?;
    kept_apart(road, account, &lines)?;
    let drafts = drafts(road, basket, &lines).await?;
    let policy = Policy { one_link: OneLink::Payer, ..Policy::of(release) };
    let batch = format!("matter {}", basket.matters.join(", "));
    let new = NewBatch { one_link: policy.one_link, ..new_batch(road, "matter", &batch, account) };
    let mut gate = Gate::open(road, new, account, basket.connector, policy).await?;
    free(&mut gate, account, basket, &drafts, read_ms).await?;
    all(road, gate, &drafts, None).await
}

/// Nothing of it is asked for into another account, or paid and not in the balance yet. What is asked for into this one, the gate
/// will say.
async fn free(
    gate: &mut Gate<'_>,
    account: &Account,
    basket: &Basket<'_>,
    drafts: &Drafts,
    read_ms: i64,
) -> Result<(), FlowError> {
    let mut numbers: Vec<_> = (0..drafts.len()).map(|at| drafts.row(at).invoice).collect();
    numbers.dedup();
    let live = gate.tx().asked_already(&account.id, &numbers, Duplicates::Live).await?;
    let elsewhere = gate.asked_elsewhere(&numbers).await?;
    let paid = gate.tx().paid_shares(basket.connector, &numbers).await?;
    let unwritten = gate.tx().unwritten(basket.connector, &account.id, &numbers, read_ms).await?;
    let settling = gate.tx().settling(basket.connector, &account.id, &numbers, read_ms).await?;
    for at in 0..drafts.len() {
        let Draft { invoice, share, .. } = drafts.draft(at);
        if unwritten.contains(&invoice) {
            return Err(refused(format!(
                "money for {invoice} has arrived, or goes back, and the matter software does not have it yet: see remitd posting list, \
                 and ask again once that is done"
            )));
        }
        if settling.contains(&invoice) && !live.has(&invoice, drafts.payer(at)) {
            return Err(refused(format!(
                "{invoice} may be paid at the gateway just now, by a link that has ended: ask again in a while"
            )));
        }
        if elsewhere.has(&invoice, drafts.payer(at)) {
            return Err(refused(format!(
                "{invoice} is asked for already, into another account: see remitd request list"
            )));
        }
        if let Some(share) = share {
            let same = same_payers(&invoice, &share, &live, &paid);
            same.map_err(|No { why, .. }| refused(format!("{invoice}: {why}")))?;
        }
    }
    Ok(())
}

async fn drafts(road: &Road, basket: &Basket<'_>, lines: &[(Statement, i64)]) -> Result<Drafts, FlowError> {
    let payers = payers(basket, lines)?;
    let mut drafts = Drafts::default();
    if let [payer] = payers.as_slice() {
        for (statement, amount_minor) in lines {
            drafts.push(&draft(statement, *amount_minor, *payer, basket.message));
        }
        return Ok(drafts);
    }
    let numbers: Vec<_> = lines.iter().map(|(statement, _)| statement.number.as_str()).collect();
    let paid = road.store.paid_shares(basket.connector, &numbers).await?;
    for (statement, amount_minor) in lines {
        for (payer, share) in payers.iter().zip(shares(statement)) {
            let owed_minor = share.owed_minor(*amount_minor, |payer| paid.minor(&statement.number, payer));
            if owed_minor > 0 {
                let draft = draft(statement, owed_minor, *payer, basket.message);
                drafts.push(&Draft { share: Some(share), ..draft });
            }
        }
    }
    Ok(drafts)
}

async fn open_statements(road: &Road, basket: &Basket<'_>) -> Result<Vec<Statement>, FlowError> {
    let connector = road.connector(basket.connector)?;
    let mut open = Vec::new();
    for matter in basket.matters {
        let job = JobSpec::new("matter ask", format!("ask:{matter}"));
        let found = connector.open_statements(job, matter.clone()).await;
        open.extend(
            found.map_err(|failure| FlowError::Plugin { plugin: basket.connector.to_owned(), failure })?,
        );
    }
    Ok(open)
}

/// Each statement with what is asked of it.
fn pick(
    account: &Account,
    basket: &Basket<'_>,
    open: &[Statement],
) -> Result<Vec<(Statement, i64)>, FlowError> {
    let all: Vec<Picked>;
    let picked = if basket.picked.is_empty() {
        all = open
            .iter()
            .map(|statement| Picked { statement: statement.number.clone(), amount_minor: None })
            .collect();
        &all
    } else {
        basket.picked
    };
    let mut lines: Vec<(Statement, i64)> = Vec::new();
    for Picked { statement: number, amount_minor } in picked {
        let mut found = open.iter().filter(|statement| statement.number == *number);
        let Some(statement) = found.next() else {
            let known: Vec<_> = open.iter().map(|statement| statement.number.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(refused(format!(
                "{number} is no open statement of these matters; there are: {known}"
            )));
        };
        if found.next().is_some() {
            let why = format!(
                "the matter database lists {number} in more than one row: does a JOIN in open_statements double it?"
            );
            return Err(refused(why));
        }
        let (owed, asked) = (&statement.open, amount_minor.unwrap_or(statement.open.amount_minor));
        if owed.currency != account.currency.code() {
            return Err(refused(format!(
                "{number} is in {}, the account is in {}",
                owed.currency, account.currency
            )));
        }
        if asked <= 0 || asked > owed.amount_minor {
            let owed = money(owed.amount_minor, &owed.currency)?.grouped();
            return Err(refused(format!("{owed} of {number} is open: ask for it, or for a part of it")));
        }
        if lines.iter().any(|(known, _)| known.number == *number) {
            return Err(refused(format!("{number} is named twice")));
        }
        lines.push((statement.clone(), asked));
    }
    match basket.amount_minor {
        None if lines.is_empty() => Err(refused("nothing is open in these matters".to_owned())),
        None => Ok(lines),
        Some(amount_minor) => spread(account, amount_minor, lines),
    }
}

/// Rules for clients' money: one link is for one kind, and that is the account's.
fn kept_apart(road: &Road, account: &Account, lines: &[(Statement, i64)]) -> Result<(), FlowError> {
    let today = road.today();
    let kinds = lines.iter().map(|(statement, _)| kind(statement));
    let kinds = kinds.collect::<Result<Vec<_>, _>>().map_err(refused)?;
    let other = kinds.iter().find_map(|kind| trust::broken_by_statement(account.kind, *kind, today));
    match trust::broken_by_link(&kinds, today).or(other) {
        None => Ok(()),
        Some(rule) => Err(FlowError::refused(
            "REMIT-0283",
            format!(
                "{rule}: ask for the statements of each kind of money by themselves, into an account of that kind"
            ),
        )),
    }
}

/// An amount over the statements in their order.
fn spread(
    account: &Account,
    amount_minor: i64,
    lines: Vec<(Statement, i64)>,
) -> Result<Vec<(Statement, i64)>, FlowError> {
    let open: Vec<i64> = lines.iter().map(|(_, open)| *open).collect();
    let whole: i64 = open.iter().sum();
    if amount_minor <= 0 || amount_minor > whole {
        let whole = money(whole, account.currency.code())?.grouped();
        return Err(refused(format!("{whole} is open of these statements: ask for it, or for a part of it")));
    }
    let shares = split(amount_minor, &open);
    let of = |share: &remitd_domain::posting::Share| {
        lines.get(share.line).map(|(statement, _)| (statement.clone(), share.amount_minor))
    };
    Ok(shares.iter().filter_map(of).collect())
}

/// Whoever was named; else those who are assigned to each of them, by name and address.
fn payers<'a>(
    basket: &Basket<'a>,
    lines: &'a [(Statement, i64)],
) -> Result<Vec<(&'a str, &'a str)>, FlowError> {
    if let Some(named) = basket.payer {
        return Ok(vec![named]);
    }
    let mut found: Vec<Vec<(&str, &str)>> = Vec::new();
    for (statement, _) in lines {
        if statement.payers.is_empty() {
            return Err(refused(format!("nobody is assigned to pay {}: name the payer", statement.number)));
        }
        found
            .push(statement.payers.iter().map(|payer| (payer.name.as_str(), payer.email.as_str())).collect());
    }
    found.dedup();
    if found.len() > 1 {
        let told = |(name, email): &(&str, &str)| format!("{name} <{email}>");
        let told: Vec<_> =
            found.iter().map(|payers| payers.iter().map(told).collect::<Vec<_>>().join(" and ")).collect();
        return Err(refused(format!(
            "they have different payers: {}; ask each, or name one",
            told.join(", ")
        )));
    }
    Ok(found.pop().unwrap_or_default())
}

fn refused(why: impl Into<String>) -> FlowError {
    FlowError::refused("REMIT-0413", why)
}
