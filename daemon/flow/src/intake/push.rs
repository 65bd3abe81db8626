//! The door of the matter database: its open statements become requests to the payers who are assigned to them.

use super::edit;
use super::gate::{Gate, Outcome};
use super::listed::{Keys, Listed, Listing, Out, Prints};
use super::rules::{Asking, no, same_payers};
use super::spool::{Spool, Spooled};
use super::stale::{self, Ended};
use crate::effect::{PUSH, back_off_ms, finish, recurring};
use crate::error::FlowError;
use crate::plugin::connector::{Connector, Statement, StatementPage, detail, from_wire};
use crate::release::{Policy, Release};
use crate::road::{Road, money};
use remitd_domain::draft::{Draft, Drafts};
use remitd_domain::policy::{Duplicates, OneLink};
use remitd_domain::push::{HOLD, No, Rules};
use remitd_host::{Failure, JobSpec, ReadAhead};
use remitd_store::{Asked, Finish, Lease, NewBatch, PaidShares};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::PathBuf;
use tokio::task::JoinSet;

/// Statements asked for at once.
const PAGE: u32 = 2_000;
/// Pages of one push: a connector whose cursor does not move must not hold the daemon.
const PAGES_MAX: u32 = 10_000;
const LISTED_TWICE: &str =
    "the matter database lists it in more than one row: does a JOIN in open_since double it?";

/// Which statements of a matter database are asked for, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Push {
    pub connector: String,
    pub account: String,
    pub send: bool,
    #[serde(default)]
    pub one_link: OneLink,
    #[serde(flatten)]
    pub rules: Rules,
    /// A file of numbers that are not asked for, read at each push.
    #[serde(default)]
    pub hold_list: Option<PathBuf>,
}

/// Why a statement was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    pub statement: String,
    /// The name of the rule that said no.
    pub rule: &'static str,
    pub why: Cow<'static, str>,
}

/// A statement that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanted {
    pub statement: String,
    pub amount: String,
    pub payer: String,
    /// The names of the rules that are set and said yes.
    pub rules: Vec<&'static str>,
}

/// What of its statements a push tells, beside what became of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// What would be asked for and what would be left out: nothing is done.
    Dry,
    /// What is left out.
    LeftOut,
    /// Nothing, as where a schedule pushes: nobody would read it.
    Nothing,
}

/// What the rules say of each statement.
#[derive(Debug, Clone)]
struct Sorted {
    telling: Telling,
    skipped: Vec<Skipped>,
    wanted: Vec<Wanted>,
}

impl Sorted {
    fn skip(&mut self, statement: &str, No { rule, why }: No) {
        if self.telling != Telling::Nothing {
            self.skipped.push(Skipped { statement: statement.to_owned(), rule, why });
        }
    }

    fn want(&mut self, asking: &Asking<'_>, draft: &Draft) -> Result<(), FlowError> {
        if self.telling == Telling::Dry {
            self.wanted.push(Wanted {
                statement: draft.invoice.clone(),
                amount: money(draft.amount_minor, asking.account.currency.code())?.grouped(),
                payer: format!("{} <{}>", draft.payer_name, draft.payer_email),
                rules: asking.rules(),
            });
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub struct Pushed {
    pub outcome: Outcome,
    /// Links that did not ask for what is owed any more.
    pub ended: Vec<Ended>,
    /// Of a dry run: what would be asked for.
    pub wanted: Vec<Wanted>,
    pub skipped: Vec<Skipped>,
}

/// Reads every open statement and asks for those that the rules allow and nobody is asked for yet.
pub async fn push(road: &Road, push: &Push, telling: Telling) -> Result<Pushed, FlowError> {
    let account = road.account(&push.account)?;
    let now_ms = road.now_ms();
    let name = format!("push {}", push.connector);
    let key = format!("push:{}:{}:{now_ms}", push.connector, push.account);
    let new = NewBatch {
        source: edit::PUSH,
        name: &name,
        // Each is a batch of its own, also of two that begin in the same millisecond.
        source_key: None,
        sha256: None,
        account: &account.id,
        one_link: push.one_link,
        duplicates: Duplicates::Live,
        now_ms,
    };
    let release = if push.send { Release::Send } else { Release::Review };
    let policy = Policy { one_link: push.one_link, ..Policy::of(release) };
    let dry_run = telling == Telling::Dry;
    let asking = Asking::begin(push, account, road.today()).await?;
    let keys = Keys::default();
    let reading = read_all(road, &asking, &key, &keys, telling);
    let linked = stale::linked(road, push, account.currency.code(), &keys);
    let (Read { listed, mut rows, left_out }, linked) = tokio::try_join!(reading, linked)?;
    road.point("push.read")?;
    // First of all: what was settled or changed is free to be asked for anew.
    let (unlike, asked) = linked.compared(&listed);
    let ended = stale::sweep(&asking, road, &listed, unlike, (now_ms, dry_run)).await?;
    let known = Known { twice: listed.twice(), asked };
    let mut gate = Gate::open(road, new, account, &push.connector, policy).await?;
    let mut sorted = Sorted { telling, skipped: Vec::new(), wanted: Vec::new() };
    let mut next = rows.next().await?;
    for left_out in left_out {
        let Some(drafts) = next else { break };
        let page = Page { drafts, left_out };
        // While the store takes a page in, the one after it is fetched.
        let taking = take_page(&mut gate, &asking, &known, page, &mut sorted);
        let (taken, fetched) = tokio::join!(taking, rows.next());
        taken?;
        next = fetched?;
    }
    // A push in which there is nothing to ask for leaves no batch behind.
    let nothing = gate.ok_so_far().ok == 0;
    let outcome = gate.close(dry_run || nothing).await?;
    let Sorted { skipped, wanted, .. } = sorted;
    Ok(Pushed { outcome, ended, skipped, wanted })
}

/// Everything that is open.
struct Read {
    listed: Listed,
    rows: Spooled,
    /// Of each page of `rows`.
    left_out: Vec<Vec<LeftOut>>,
}

/// Every open statement, page by page; each page is read while the one before it is sorted.
async fn read_all(
    road: &Road,
    asking: &Asking<'_>,
    key: &str,
    keys: &Keys,
    telling: Telling,
) -> Result<Read, FlowError> {
    let plugin = &asking.push.connector;
    let mut listing = Listing::of(asking.account.currency.code(), keys.clone());
    let (mut spool, mut left_out) = (Spool::open(&road.data).await?, Vec::new());
    let mut page = Page::default();
    let mut reading = Reading::begin(road, plugin, key)?;
    let mut cursor = None;
    reading.ask(cursor.clone());
    for _ in 0..PAGES_MAX {
        let StatementPage { statements, next } =
            reading.page().await.map_err(|failure| FlowError::Plugin { plugin: plugin.clone(), failure })?;
        let more = next.is_some() && next != cursor;
        cursor = next;
        if more {
            reading.ask(cursor.clone());
        }
        for statement in &statements {
            let drafts = asking.drafts(statement);
            listing.note(&statement.number, &statement.open, left_out_of(statement, &drafts));
            page.note(&statement.number, drafts, telling);
        }
        // Connectors may give pages that are smaller than what is taken in at once.
        if page.is_full() || !more {
            let full = std::mem::take(&mut page);
            spool.keep(&full.drafts).await?;
            left_out.push(full.left_out);
        }
        if !more {
            return Ok(Read { listed: listing.read(), rows: spool.reread().await?, left_out });
        }
    }
    let failure = Failure::invalid(
        "too-long",
        format!("\"{plugin}\" lists more than {PAGES_MAX} pages, or they do not end"),
    );
    Err(FlowError::Plugin { plugin: plugin.clone(), failure })
}

/// Why nobody is asked for a statement. What is on hold is so for whoever asks, whichever rule says no first.
fn left_out_of(statement: &Statement, drafts: &[Result<Draft, No>]) -> Option<Out> {
    if !detail(statement, HOLD).is_empty() {
        return Some(Out::OnHold);
    }
    matches!(drafts, [Err(_)]).then_some(Out::ByPush)
}

/// A list of open statements that is asked for page by page, one at a time.
struct Reading {
    connector: Connector,
    job: JobSpec,
    /// The page that was asked for.
    page: JoinSet<Result<StatementPage, Failure>>,
}

impl Reading {
    fn begin(road: &Road, plugin: &str, key: &str) -> Result<Reading, FlowError> {
        let ahead = Some(ReadAhead::default());
        let job = JobSpec { ahead, ..JobSpec::new(format!("push {plugin}"), key) };
        Ok(Reading { connector: road.connector(plugin)?, job, page: JoinSet::new() })
    }

    fn ask(&mut self, cursor: Option<String>) {
        let (connector, job) = (self.connector.clone(), self.job.clone());
        self.page.spawn(async move { connector.open_since(job, cursor, PAGE).await });
    }

    async fn page(&mut self) -> Result<StatementPage, Failure> {
        let lost = || Failure::bug("reading", "the daemon's own code failed while a page was read");
        self.page.join_next().await.and_then(Result::ok).unwrap_or_else(|| Err(lost()))
    }
}

/// A statement that a rule leaves out, with the number of drafts before it.
type LeftOut = (usize, String, No);

/// Statements as the rules leave them.
#[derive(Default)]
struct Page {
    drafts: Drafts,
    left_out: Vec<LeftOut>,
}

impl Page {
    fn is_full(&self) -> bool {
        self.drafts.len() + self.left_out.len() >= PAGE as usize
    }

    fn note(&mut self, statement: &str, wanted: Vec<Result<Draft, No>>, telling: Telling) {
        for draft in wanted {
            match draft {
                Ok(draft) => self.drafts.push(&draft),
                Err(_) if telling == Telling::Nothing => {}
                Err(no) => self.left_out.push((self.drafts.len(), statement.to_owned(), no)),
            }
        }
    }

    /// The statements that several payers share.
    fn shared(&self) -> Vec<&str> {
        let shared = (0..self.drafts.shares.len()).filter(|at| self.drafts.share(*at).is_some());
        shared.map(|at| self.drafts.row(at).invoice).collect()
    }

    /// Its statements in their order, each with its draft's place or the rule that leaves it out.
    fn statements(&self) -> impl Iterator<Item = (&str, Result<usize, &No>)> {
        let mut left_out = self.left_out.iter().peekable();
        let mut drafts = 0..self.drafts.len();
        std::iter::from_fn(move || match left_out.next_if(|(before, ..)| *before == drafts.start) {
            Some((_, statement, no)) => Some((statement.as_str(), Err(no))),
            None => drafts.next().map(|at| (self.drafts.invoices.get(at), Ok(at))),
        })
    }
}

/// What is known of statements once all are read.
struct Known {
    twice: Prints,
    /// A link asks for just what is open. Where it has ended since, the next push will see.
    asked: Prints,
}

async fn take_page(
    gate: &mut Gate<'_>,
    asking: &Asking<'_>,
    known: &Known,
    page: Page,
    sorted: &mut Sorted,
) -> Result<(), FlowError> {
    let Push { connector, account, .. } = asking.push;
    let asked: Vec<bool> = page.statements().map(|(number, _)| known.asked.contains(number)).collect();
    let unsure = page.statements().zip(&asked).filter(|(_, asked)| !**asked);
    let numbers: Vec<&str> = unsure.map(|((number, _), _)| number).collect();
    let read_ms = gate.began_ms();
    // In this order: a link that is paid between the two looks has its posting by the second.
    let mut live = gate.tx().asked_already(account, &numbers, Duplicates::Live).await?;
    live.extend(gate.asked_elsewhere(&numbers).await?);
    let paid = gate.tx().paid_shares(connector, &page.shared()).await?;
    let settling = gate.tx().settling(connector, account, &numbers, read_ms).await?;
    let before = usize::try_from(gate.ok_so_far().rows()).unwrap_or_default();
    let mut drafts = Drafts::default();
    for ((number, sorted_out), asked) in page.statements().zip(asked) {
        let draft = if settling.contains(number) {
            no("settling", "money for it has arrived and is on its way into the matter software")
        } else if asked || live.has(number, Some("")) {
            no("asked_already", "it is asked for already")
        } else if known.twice.contains(number) {
            no("listed_twice", LISTED_TWICE)
        } else {
            sorted_out.map_err(No::clone).and_then(|at| unasked(page.drafts.draft(at), &live, &paid))
        };
        match draft {
            // Numbered, so that a person in review can name it.
            Ok(draft) => {
                sorted.want(asking, &draft)?;
                let line = before + drafts.len() + 1;
                drafts.push(&Draft { line: u32::try_from(line).unwrap_or(u32::MAX), ..draft });
            }
            Err(no) => sorted.skip(number, no),
        }
    }
    gate.take(&drafts, None).await.map(drop)
}

/// What a payer owes of a statement, where others share it; what is asked for already is not asked for again.
fn unasked(draft: Draft, live: &Asked, paid: &PaidShares) -> Result<Draft, No> {
    let name = &draft.payer_name;
    let Some(share) = &draft.share else {
        return match live.has(&draft.invoice, None) {
            true => no("asked_already", format!("it is asked for already, not of {name} alone")),
            false => Ok(draft),
        };
    };
    if live.has(&draft.invoice, Some(&share.payer)) {
        return no("asked_already", format!("{name}'s share of it is asked for already"));
    }
    same_payers(&draft.invoice, share, live, paid)?;
    match share.owed_minor(draft.amount_minor, |payer| paid.minor(&draft.invoice, payer)) {
        0 => no("share_paid", format!("{name} has paid their share of it")),
        owed_minor => Ok(Draft { amount_minor: owed_minor, ..draft }),
    }
}

/// What is asked for of a statement, from a payer by name and address.
pub(super) fn draft(
    statement: &Statement,
    amount_minor: i64,
    (name, email): (&str, &str),
    message: &str,
) -> Draft {
    Draft {
        line: 0,
        amount_minor,
        invoice_date: statement.issued.and_then(from_wire),
        due_date: statement.due.and_then(from_wire),
        invoice: statement.number.clone(),
        payer_name: name.to_owned(),
        payer_email: email.to_owned(),
        message: message.to_owned(),
        client: statement.client.clone(),
        matter: statement.matter.clone(),
        share: None,
    }
}

/// The effect of a schedule: push, and come again at its next time. What a second one finds is asked for already.
pub async fn perform(
    road: &Road,
    lease: &Lease,
    next_ms: impl Fn(&str, i64) -> Option<i64>,
) -> Result<(), FlowError> {
    let Ok(Scheduled { push: rules, schedule }) = serde_json::from_str(&lease.payload) else {
        return Err(FlowError::refused("REMIT-0309", format!("the payload of {} does not read", lease.key)));
    };
    let result = push(road, &rules, Telling::Nothing).await;
    road.point("push.pushed")?;
    let now_ms = road.now_ms();
    let next = match result {
        Ok(_) => match next_ms(&schedule, now_ms) {
            Some(at_ms) => Finish::Again { at_ms },
            None => Finish::Done,
        },
        Err(FlowError::Plugin { failure, .. }) => recurring(lease, &failure, now_ms, now_ms),
        // Such as a list that is not there: what people mend is seen without a restart.
        Err(FlowError::Refused { code, message }) => {
            tracing::error!(effect = lease.key, code, "{message}");
            Finish::Retry { at_ms: now_ms + back_off_ms(lease.attempt), code: code.to_owned(), message }
        }
        Err(error) => return Err(error),
    };
    finish(road, lease, &next).await
}

/// What the effect of a schedule carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scheduled {
    pub push: Push,
    /// In cron's words.
    pub schedule: String,
}

impl Scheduled {
    pub fn key(&self) -> String {
        let Push { connector, account, rules, .. } = &self.push;
        // Two pushes may share a schedule, each for its own practices.
        let only = [&rules.practices, &rules.offices, &rules.responsible].map(|words| words.join(","));
        let only = only.join(":");
        let only = if only == "::" { String::new() } else { format!(":{only}") };
        format!("{PUSH}:{connector}:{account}:{}{only}", self.schedule)
    }
}
