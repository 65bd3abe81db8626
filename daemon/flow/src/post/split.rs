//! The split of a payment, changed by hand until it is posted: one posting becomes several, which sum to the same cent.

use crate::effect::settle_post;
use crate::error::FlowError;
use crate::plugin::connector::{Statement, kind};
use crate::road::{Road, money};
use remitd_domain::account::Kind;
use remitd_domain::posting::{Share, State, key, prorated, split};
use remitd_domain::trust;
use remitd_host::JobSpec;
use remitd_store::{NewPosting, Posting, Tx};

/// What one posting is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Split {
    /// Statements and their amounts, in minor units.
    To(Vec<(String, i64)>),
    /// The open statements of its matter, the oldest first.
    OldestFirst,
    /// Each open statement of its matter by its part of what is open.
    Prorated,
}

/// A part of a posting: the statement that it goes to, with that one's matter and client.
struct Part {
    statement: String,
    matter: String,
    client: String,
    amount_minor: i64,
}

/// Splits a posting that is not written yet; gives its parts. A queued one is taken back for it.
pub async fn reallocate(road: &Road, id: i64, to: &Split, actor: &str) -> Result<Vec<Posting>, FlowError> {
    let (posting, behind) = super::in_full(road, id).await?.ok_or_else(|| super::missing(id))?;
    if posting.state != State::Queued || posting.reverses.is_some() {
        not_written(&posting)?;
    }
    let account = road.account(&behind.account)?.kind;
    // Asked before the transaction: the matter software may take its time.
    let open = open_statements(road, &posting, to).await?;
    let parts = parts(&posting, to, &of_kind(account, to, &open))?;
    kept_apart(road, account, &posting, &parts, &open)?;
    let mut tx = road.store.begin().await?;
    unchanged(&mut tx, &posting).await?;
    tx.rollback().await?;
    super::back::take_back(road, &posting, actor).await?;
    let mut tx = road.store.begin().await?;
    let posting = unchanged(&mut tx, &posting).await?;
    not_written(&posting)?;
    let ids = split_into(&mut tx, &posting, &parts, road.now_ms()).await?;
    settle_post(&mut tx, id, road.now_ms()).await?;
    let said = told(&posting, &parts)?;
    tx.event_of_request(posting.request_id, "posting split", actor, &said, road.now_ms()).await?;
    tx.commit().await?;
    let mut split = Vec::with_capacity(ids.len());
    for id in ids {
        split.extend(road.store.posting(id).await?);
    }
    Ok(split)
}

/// The posting as it stands now: neither has money for it gone back since it was read, nor was it split by somebody else.
async fn unchanged(tx: &mut Tx, read: &Posting) -> Result<Posting, FlowError> {
    let standing = tx.standing_postings(read.payment_id).await?;
    let found = standing.into_iter().find(|posting| posting.id == read.id);
    found.filter(|now| (&now.statement, now.amount_minor) == (&read.statement, read.amount_minor)).ok_or_else(
        || {
            let why = format!(
                "money of posting {} went back, or it was changed meanwhile: see remitd posting list",
                read.id
            );
            FlowError::refused("REMIT-0411", why)
        },
    )
}

/// Gives the parts' ids; the first one is the posting itself.
async fn split_into(
    tx: &mut Tx,
    posting: &Posting,
    parts: &[Part],
    now_ms: i64,
) -> Result<Vec<i64>, FlowError> {
    let id = posting.id;
    let mut ids = vec![id];
    for (at, part) in parts.iter().enumerate() {
        if at == 0 {
            tx.allot_posting(id, &part.statement, &part.matter, &part.client, part.amount_minor).await?;
            continue;
        }
        let line = tx.next_posting_line(posting.payment_id).await?;
        let part_key = key(&[&posting.key, &line.to_string(), "part"]);
        let new = NewPosting {
            key: &part_key,
            payment_id: posting.payment_id,
            request_id: posting.request_id,
            line,
            reverses: None,
            statement: &part.statement,
            client: &part.client,
            matter: &part.matter,
            connector: &posting.connector,
            amount_minor: part.amount_minor,
            currency: &posting.currency,
            state: State::Pending,
            now_ms,
        };
        ids.push(tx.insert_posting(&new).await?);
    }
    Ok(ids)
}

fn not_written(posting: &Posting) -> Result<(), FlowError> {
    if posting.is_unknown() {
        let why = format!(
            "nobody knows whether posting {} is written: posting written says that it is, posting retry that it is not",
            posting.id
        );
        return Err(FlowError::refused("REMIT-0411", why));
    }
    if posting.reverses.is_none() && matches!(posting.state, State::Pending | State::Incomplete) {
        return Ok(());
    }
    let what = if posting.reverses.is_some() { "a reversal".to_owned() } else { posting.state.to_string() };
    let text =
        format!("posting {} is {what}: only a pending or incomplete payment can be split anew", posting.id);
    Err(FlowError::refused("REMIT-0411", text))
}

/// Of the posting's matter, the oldest first. Where the amounts are given, only to learn of which matter a statement is.
async fn open_statements(road: &Road, posting: &Posting, to: &Split) -> Result<Vec<Statement>, FlowError> {
    let needed = !matches!(to, Split::To(_));
    if posting.matter.is_empty() || posting.connector.is_empty() {
        let why = format!(
            "posting {} names no matter whose open statements could be read: name them with --to",
            posting.id
        );
        return if needed { Err(FlowError::refused("REMIT-0412", why)) } else { Ok(Vec::new()) };
    }
    let job = JobSpec::new("posting reallocate", format!("reallocate:{}", posting.id));
    let asked = road.connector(&posting.connector)?.open_statements(job, posting.matter.clone()).await;
    match asked {
        Ok(mut open) => {
            open.retain(|statement| {
                statement.open.amount_minor > 0 && statement.open.currency == posting.currency
            });
            open.sort_by_key(|statement| statement.issued.map(|day| (day.year, day.month, day.day)));
            Ok(open)
        }
        // A mapping need not say how they are read; where it does, whose money a statement asks for is not guessed.
        Err(failure) if !needed && failure.code == "not-configured" => Ok(Vec::new()),
        Err(failure) => Err(FlowError::Plugin { plugin: posting.connector.clone(), failure }),
    }
}

fn of(posting: &Posting) -> String {
    match (posting.matter.as_str(), posting.client.as_str()) {
        ("", client) => format!("client {client}"),
        (matter, _) => format!("matter {matter}"),
    }
}

/// What is spread by itself goes to statements of the account's kind of money alone.
fn of_kind(account: Kind, to: &Split, open: &[Statement]) -> Vec<Statement> {
    let fits = |statement: &&Statement| matches!(to, Split::To(_)) || kind(statement) == Ok(account);
    open.iter().filter(fits).cloned().collect()
}

/// Rules for clients' money: each kind goes to statements of its own, and what was paid for one matter stays there.
fn kept_apart(
    road: &Road,
    account: Kind,
    posting: &Posting,
    parts: &[Part],
    open: &[Statement],
) -> Result<(), FlowError> {
    let today = road.today();
    for part in parts {
        let number = &part.statement;
        let known = open.iter().find(|statement| statement.number == *number);
        let kind = known.map(kind).transpose();
        let kind = kind.map_err(|why| FlowError::refused("REMIT-0412", format!("{number}: {why}")))?;
        let of_another = kind.and_then(|kind| trust::broken_by_statement(account, kind, today));
        let same_ledger = *number == posting.statement
            || known.is_some_and(|known| known.matter == posting.matter)
                && ["", &part.client].contains(&posting.client.as_str());
        if let Some(rule) = of_another.or(trust::broken_by_move(account, same_ledger, today)) {
            let why = format!("{rule}: posting {} of {} cannot go to {number}", posting.id, of(posting));
            return Err(FlowError::refused("REMIT-0412", why));
        }
    }
    Ok(())
}

fn parts(posting: &Posting, to: &Split, open: &[Statement]) -> Result<Vec<Part>, FlowError> {
    let of = |statement: &Statement, amount_minor| Part {
        statement: statement.number.clone(),
        matter: statement.matter.clone(),
        client: statement.client.clone(),
        amount_minor,
    };
    let by = |shares: Vec<Share>| {
        let open = |share: &Share| open.get(share.line).map(|statement| of(statement, share.amount_minor));
        shares.iter().filter_map(open).collect::<Vec<_>>()
    };
    let owed: Vec<i64> = open.iter().map(|statement| statement.open.amount_minor).collect();
    if let Split::To(named) = to {
        return given(posting, named, open);
    }
    let owed_minor: i64 = owed.iter().sum();
    if owed_minor < posting.amount_minor {
        let (owed, amount) = (shown(owed_minor, posting)?, shown(posting.amount_minor, posting)?);
        let why = format!(
            "{owed} is open in matter {}, less than the posting's {amount}: name the parts with --to",
            posting.matter
        );
        return Err(FlowError::refused("REMIT-0412", why));
    }
    Ok(by(match to {
        Split::Prorated => prorated(posting.amount_minor, &owed),
        _ => split(posting.amount_minor, &owed),
    }))
}

/// As a person named them: each once, each above zero, and together the posting.
fn given(posting: &Posting, named: &[(String, i64)], open: &[Statement]) -> Result<Vec<Part>, FlowError> {
    let mut parts: Vec<Part> = Vec::new();
    for (number, amount_minor) in named {
        if number.is_empty() || *amount_minor <= 0 || parts.iter().any(|part| part.statement == *number) {
            let why = format!("\"{number}\": name each statement once, with an amount above zero");
            return Err(FlowError::refused("REMIT-0412", why));
        }
        let known = open.iter().find(|statement| statement.number == *number);
        let (matter, client) = known
            .map_or((&posting.matter, &posting.client), |statement| (&statement.matter, &statement.client));
        parts.push(Part {
            statement: number.clone(),
            matter: matter.clone(),
            client: client.clone(),
            amount_minor: *amount_minor,
        });
    }
    let sum: i128 = parts.iter().map(|part| i128::from(part.amount_minor)).sum();
    if sum != i128::from(posting.amount_minor) {
        let sum = i64::try_from(sum).unwrap_or(i64::MAX);
        let (sum, amount) = (shown(sum, posting)?, shown(posting.amount_minor, posting)?);
        let why = format!("the parts sum to {sum}, the posting is of {amount}: they must be the same");
        return Err(FlowError::refused("REMIT-0412", why));
    }
    Ok(parts)
}

fn shown(amount_minor: i64, posting: &Posting) -> Result<String, FlowError> {
    Ok(money(amount_minor, &posting.currency)?.grouped())
}

fn told(posting: &Posting, parts: &[Part]) -> Result<String, FlowError> {
    let mut told = Vec::with_capacity(parts.len());
    for part in parts {
        told.push(format!("{} to {}", shown(part.amount_minor, posting)?, part.statement));
    }
    Ok(format!("{} of {}: {}", posting.id, posting.statement, told.join(", ")))
}
