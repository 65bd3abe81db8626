//! Links that do not ask for what is owed any more. The balances of their statements are read again at each push, and just before
//! a payment begins: a link whose statements are settled is cancelled; one that asks for the wrong amount is replaced, and the
//! payer is told once, by the new link's mail. What cannot be told now stays as it is.

use super::edit;
use super::gate::Gate;
use super::listed::{Keys, Linked, Listed, Out, Prints};
use super::push::Push;
use super::quick::{Follows, one};
use super::rules::Asking;
use crate::effect::close_checkout;
use crate::error::FlowError;
use crate::release::{Policy, Release, is_mailed};
use crate::road::{Road, money};
use remitd_domain::draft::Drafts;
use remitd_domain::policy::OneLink;
use remitd_domain::push::{HOLD, No};
use remitd_domain::request::{Change, State};
use remitd_domain::stale::{Line, Open, Origin, Standing, standing};
use remitd_host::{FailureClass, JobSpec, Money};
use remitd_store::{NewBatch, Request, RequestLine, Tx};
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;

/// A payer does not wait longer for the matter database: then the link is good as it is.
const LOOK: Duration = Duration::from_secs(5);
/// Links that are looked at in one go.
const PAGE: i64 = 1_000;
/// Balances that one push asks for one by one, for its own links and for others: of statements that its list does not show, since they
/// are settled or were never there. Links beyond these are looked at when they are clicked.
const BALANCES_MAX: usize = 10_000;

/// A link that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ended {
    pub request: i64,
    pub statement: String,
    pub why: String,
    /// The link that took its place, where something is owed still.
    pub replaced_by: Option<i64>,
}

/// Just before a payment begins: none where the link is good as it is, or is no link of ours.
pub async fn look(road: &Road, token: &str) -> Result<Option<Ended>, FlowError> {
    let Ok(nonce) = road.links.read(token) else { return Ok(None) };
    let Some(request) = road.store.request_by_nonce(nonce).await? else { return Ok(None) };
    if request.state != State::Outstanding || request.connector.is_empty() {
        return Ok(None);
    }
    let read_ms = road.now_ms();
    let asked = lines_of(road, &request).await?;
    let reading = async {
        let mut open = Vec::with_capacity(asked.len());
        for line in &asked {
            open.push(balance(road, &request, &line.invoice).await.unwrap_or(Open::Unsure));
        }
        open
    };
    let Ok(open) = timeout(LOOK, reading).await else {
        tracing::warn!(request = request.id, "the matter software does not say in time what is owed");
        return Ok(None);
    };
    let open = of_payer(road, &request, &asked, open).await?;
    // Whom staff leave out may still pay what they were asked for: it is their own click.
    Link { road, request, asked, open, read_ms, left_out: None }.mend().await
}

/// What can be paid of a push's connector.
pub(super) struct Links {
    /// Its account's, with the drafts of earlier pushes that wait for a person.
    own: Linked,
    /// Of the firm's other accounts what people have asked for: into one, a client's money, nothing is pushed that would look after it.
    elsewhere: Linked,
}

impl Links {
    /// Those that ask for something else than `listed` says, by their ids; and the statements that the account's others ask for.
    pub(super) fn compared(self, listed: &Listed) -> (Vec<i64>, Prints) {
        let (mut unlike, asked) = self.own.compared(listed);
        unlike.extend(self.elsewhere.compared(listed).0);
        (unlike, asked)
    }
}

/// All links that a push looks after, page by page.
pub(super) async fn linked(
    road: &Road,
    push: &Push,
    currency: &'static str,
    keys: &Keys,
) -> Result<Links, FlowError> {
    let none = || Linked::of(currency, keys.clone());
    let (mut links, mut after) = (Links { own: none(), elsewhere: none() }, 0);
    loop {
        let page = road.store.payable_page(&push.connector, &push.account, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(links) };
        after = last.id;
        for link in &page {
            if link.is_own {
                links.own.note(link);
            } else if link.currency == currency {
                // A list is in one currency, and says nothing of others.
                links.elsewhere.note(link);
            }
        }
    }
}

/// At each push, of links that ask for something else than `listed` says, or whose statements it does not list any more.
pub(super) async fn sweep(
    asking: &Asking<'_>,
    road: &Road,
    listed: &Listed,
    unlike: Vec<i64>,
    (read_ms, dry_run): (i64, bool),
) -> Result<Vec<Ended>, FlowError> {
    // Those that people made may ask for what was never there: they do not use up what is a push's own.
    let (mut ended, mut pushed, mut given) = (Vec::new(), BALANCES_MAX, BALANCES_MAX);
    for id in unlike {
        let request = road.store.request(id).await?;
        // One that was made since then knows better.
        let is_known = |request: &Request| {
            matches!(request.state, State::Outstanding | State::Draft) && request.created_ms <= read_ms
        };
        let Some(request) = request.filter(is_known) else { continue };
        let asked = lines_of(road, &request).await?;
        let left = if origin(&request) == Origin::Balance { &mut pushed } else { &mut given };
        let mut open = Vec::with_capacity(asked.len());
        for line in &asked {
            open.push(match listed.open(&line.invoice, &request.currency) {
                Some(open) => open,
                None if *left == 0 || line.invoice.is_empty() => Open::Unsure,
                None => {
                    *left -= 1;
                    balance(road, &request, &line.invoice).await.unwrap_or_else(|Away| {
                        // Each would wait as long.
                        *left = 0;
                        Open::Unsure
                    })
                }
            });
        }
        let open = of_payer(road, &request, &asked, open).await?;
        let left_out = asked.iter().find_map(|line| left_out(asking, listed, &request, line));
        let link = Link { road, request, asked, open, read_ms, left_out };
        let mended = if dry_run { Ok(link.ending()) } else { link.mend().await };
        match mended {
            Ok(one) => ended.extend(one),
            // The others, and the push itself, go on.
            Err(error @ FlowError::Refused { .. }) => {
                tracing::error!(request = id, code = error.code(), %error, "a link that is out of date cannot be replaced");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(ended)
}

/// Why a line is not asked for anew: by the lists that staff keep for the push's account, or since the rules leave its statement out as it
/// stands now. What a person asks for is not a push's to judge, but for what is on hold.
fn left_out(asking: &Asking<'_>, listed: &Listed, request: &Request, line: &RequestLine) -> Option<No> {
    let is_own = request.account == asking.account.id;
    if let Err(no) = asking.left_out(line)
        && is_own
    {
        return Some(no);
    }
    match listed.left_out(&line.invoice)? {
        Out::OnHold => Some(No { rule: HOLD, why: "it is on hold in the matter software".into() }),
        Out::ByPush if origin(request) == Origin::Balance => Some(No {
            rule: "rules",
            why: "the push leaves it out now: remitd matter push --dry-run says why".into(),
        }),
        Out::ByPush => None,
    }
}

/// A link, and what the matter software says of each of its lines.
struct Link<'a> {
    road: &'a Road,
    request: Request,
    asked: Vec<RequestLine>,
    open: Vec<Open>,
    read_ms: i64,
    /// Why it is not asked for anew.
    left_out: Option<No>,
}

impl Link<'_> {
    fn lines(&self) -> Vec<Line> {
        let both = self.asked.iter().zip(&self.open);
        both.map(|(line, open)| Line { asked_minor: line.amount_minor, open: *open }).collect()
    }

    fn owed_minor(&self) -> i64 {
        self.lines().iter().map(|line| line.owed_minor(origin(&self.request))).sum()
    }

    /// Why it cannot stay, where it cannot.
    fn ending(&self) -> Option<Ended> {
        let shown = |minor| money(minor, &self.request.currency).map(|money| money.grouped());
        let why = match standing(origin(&self.request), &self.lines()) {
            Standing::Owed => return None,
            Standing::Settled => "settled in the matter software".to_owned(),
            Standing::Changed => {
                let (asked, owed) = (shown(self.request.amount_minor), shown(self.owed_minor()));
                let changed =
                    format!("{} is owed, not {}", owed.unwrap_or_default(), asked.unwrap_or_default());
                match &self.left_out {
                    Some(No { rule, why }) => format!("{changed}; {rule}: {why}"),
                    None => changed,
                }
            }
        };
        let statement = self.request.invoices().to_owned();
        Some(Ended { request: self.request.id, statement, why, replaced_by: None })
    }

    async fn mend(&self) -> Result<Option<Ended>, FlowError> {
        let Some(mut ended) = self.ending() else { return Ok(None) };
        if self.request.state == State::Draft {
            // The push that found it asks anew.
            return Ok(edit::drop_draft(self.road, &self.request, &ended.why).await?.then_some(ended));
        }
        if self.owed_minor() > 0 && self.left_out.is_none() {
            ended.replaced_by = match self.replace(&ended.why).await? {
                None => return Ok(None),
                new => new,
            };
        } else {
            let mut tx = self.road.store.begin().await?;
            if !self.end(&mut tx, &ended.why).await? {
                return Ok(None);
            }
            tx.commit().await?;
        }
        tracing::info!(request = ended.request, statement = ended.statement, why = ended.why, "link ended");
        self.road.wake.all();
        Ok(Some(ended))
    }

    /// False where it is being paid, or money for it is not in the balance yet: then it stays.
    async fn end(&self, tx: &mut Tx, why: &str) -> Result<bool, FlowError> {
        let Request { id, connector, account, .. } = &self.request;
        let statements: Vec<_> = self.asked.iter().map(|line| line.invoice.as_str()).collect();
        // Held from here on: no click can begin a payment of it meanwhile.
        let found = tx.request(*id).await?;
        if found.is_none_or(|found| found.state != State::Outstanding)
            || !tx.unwritten(connector, account, &statements, self.read_ms).await?.is_empty()
            || tx.change_request(*id, Change::Cancel).await?.is_none()
        {
            return Ok(false);
        }
        let now_ms = self.road.now_ms();
        tx.event_of_request(*id, "cancelled", connector, why, now_ms).await?;
        close_checkout(tx, *id, now_ms).await?;
        Ok(true)
    }

    /// The old link ends and the new one begins in one transaction; mailed, where the old one was.
    async fn replace(&self, why: &str) -> Result<Option<i64>, FlowError> {
        let Request { id, account, connector, source, payer_name, .. } = &self.request;
        let mailed = is_mailed(self.road, &self.request).await?;
        let release = if mailed { Release::Send } else { Release::Links };
        let policy = Policy { one_link: OneLink::Payer, ..Policy::of(release) };
        let name = format!("changed {payer_name}");
        let (source_key, sha256, duplicates) = Default::default();
        let new = NewBatch {
            // Of a balance comes a balance, of what was given comes what may never grow.
            source: if origin(&self.request) == Origin::Balance { source } else { "changed" },
            name: &name,
            source_key,
            sha256,
            account,
            one_link: policy.one_link,
            duplicates,
            now_ms: self.road.now_ms(),
        };
        let account = self.road.account(account)?;
        let mut gate = Gate::open(self.road, new, account, connector, policy).await?;
        if !self.end(gate.tx(), why).await? {
            return Ok(None);
        }
        let made = one(self.road, gate, &self.owed(), Some(Follows::Replaces(*id))).await?;
        Ok(Some(made.id))
    }

    fn owed(&self) -> Drafts {
        let mut drafts = Drafts::default();
        for (asked, line) in self.asked.iter().zip(self.lines()) {
            let owed_minor = line.owed_minor(origin(&self.request));
            if owed_minor > 0 {
                drafts.push(&asked.draft(&self.request, owed_minor));
            }
        }
        drafts
    }
}

fn origin(request: &Request) -> Origin {
    if request.source == edit::PUSH { Origin::Balance } else { Origin::Given }
}

/// What a link asks for: its lines, or itself as the only one.
async fn lines_of(road: &Road, request: &Request) -> Result<Vec<RequestLine>, FlowError> {
    let lines = road.store.request_lines(request).await?;
    Ok(if lines.is_empty() { vec![request.line()] } else { lines })
}

/// What is open of each line for this payer, who may share its statement with others.
async fn of_payer(
    road: &Road,
    request: &Request,
    asked: &[RequestLine],
    open: Vec<Open>,
) -> Result<Vec<Open>, FlowError> {
    let shared: Vec<_> =
        asked.iter().filter(|line| line.share.is_some()).map(|line| line.invoice.as_str()).collect();
    if shared.is_empty() {
        return Ok(open);
    }
    let paid = road.store.paid_shares(&request.connector, &shared).await?;
    let own = |(line, open): (&RequestLine, Open)| match (&line.share, open) {
        (Some(share), Open::Minor(minor)) => {
            Open::Minor(share.owed_minor(minor, |payer| paid.minor(&line.invoice, payer)))
        }
        _ => open,
    };
    Ok(asked.iter().zip(open).map(own).collect())
}

/// The matter software does not answer.
struct Away;

async fn balance(road: &Road, request: &Request, statement: &str) -> Result<Open, Away> {
    if statement.is_empty() {
        return Ok(Open::Unsure);
    }
    let Ok(connector) = road.connector(&request.connector) else { return Ok(Open::Unsure) };
    let job = JobSpec::new(format!("balance of {statement}"), format!("balance:{}", request.id));
    match connector.balance(job, statement.to_owned()).await {
        Ok(None) => Ok(Open::Unknown),
        Ok(Some(open)) => Ok(in_currency(request, &open)),
        // A mapping need not say how a balance is read.
        Err(failure) if failure.class == FailureClass::Invalid => Ok(Open::Unsure),
        Err(failure) => {
            tracing::warn!(request = request.id, statement, error = %failure.message, "its balance cannot be read");
            if failure.class == FailureClass::Unavailable { Err(Away) } else { Ok(Open::Unsure) }
        }
    }
}

fn in_currency(request: &Request, open: &Money) -> Open {
    if open.currency == request.currency { Open::Minor(open.amount_minor) } else { Open::Unsure }
}
