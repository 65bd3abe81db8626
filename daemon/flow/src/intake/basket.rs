//! The door of a search: statements that a person has picked, of one or several matters, on one link to the payer who is
//! assigned to them.

use super::gate::Gate;
use super::push::draft;
use super::quick::{new_batch, one};
use crate::error::FlowError;
use crate::plugin::connector::Statement;
use crate::release::{Policy, Release};
use crate::road::{Account, Road, money};
use remitd_domain::draft::Drafts;
use remitd_domain::policy::OneLink;
use remitd_domain::posting::split;
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

/// Asks for the statements with one link.
pub async fn ask(
    road: &Road,
    account: &Account,
    basket: &Basket<'_>,
    release: Release,
) -> Result<Request, FlowError> {
    let open = open_statements(road, basket).await?;
    let lines = pick(account, basket, &open)?;
    let (name, email) = payer(basket, &lines)?;
    let mut drafts = Drafts::default();
    for (statement, amount_minor) in &lines {
        drafts.push(&draft(statement, *amount_minor, (&name, &email), basket.message));
    }
    let policy = Policy { one_link: OneLink::Payer, ..Policy::of(release) };
    let batch = format!("matter {}", basket.matters.join(", "));
    let new = NewBatch { one_link: policy.one_link, ..new_batch(road, "matter", &batch, account) };
    let gate = Gate::open(road, new, account, basket.connector, policy).await?;
    one(road, gate, &drafts, None).await
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
        let Some(statement) = open.iter().find(|statement| statement.number == *number) else {
            let known: Vec<_> = open.iter().map(|statement| statement.number.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(refused(format!(
                "{number} is no open statement of these matters; there are: {known}"
            )));
        };
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

/// Whoever was named; else the one who is assigned to all of them.
fn payer(basket: &Basket<'_>, lines: &[(Statement, i64)]) -> Result<(String, String), FlowError> {
    if let Some((name, email)) = basket.payer {
        return Ok((name.to_owned(), email.to_owned()));
    }
    let mut found: Vec<(&str, &str)> = Vec::new();
    for (statement, _) in lines {
        match statement.payers.as_slice() {
            [payer] => found.push((&payer.name, &payer.email)),
            [] => {
                return Err(refused(format!(
                    "nobody is assigned to pay {}: name the payer",
                    statement.number
                )));
            }
            _ => {
                return Err(refused(format!(
                    "several payers share {}: name one of them, and the part that is asked for",
                    statement.number
                )));
            }
        }
    }
    found.dedup();
    match found.as_slice() {
        [(name, email)] => Ok(((*name).to_owned(), (*email).to_owned())),
        several => {
            let told: Vec<_> = several.iter().map(|(name, email)| format!("{name} <{email}>")).collect();
            Err(refused(format!("they have different payers: {}; ask each, or name one", told.join(", "))))
        }
    }
}

fn refused(why: String) -> FlowError {
    FlowError::refused("REMIT-0413", why)
}
