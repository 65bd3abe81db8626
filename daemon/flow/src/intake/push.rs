//! The door of the matter database: its open statements become requests to the payers who are assigned to them.

use super::gate::{Gate, Outcome};
use super::stale::{self, Ended, Listed};
use crate::effect::{PUSH, finish, recurring};
use crate::error::FlowError;
use crate::plugin::connector::{Payer, Statement, from_wire};
use crate::release::{Policy, Release};
use crate::road::{Account, Road, money};
use chrono::{Days, NaiveDate};
use remitd_domain::draft::{Delivery, Draft, Drafts, Terms, check};
use remitd_domain::policy::{Duplicates, OneLink};
use remitd_domain::shares::{Part, Share};
use remitd_host::JobSpec;
use remitd_store::{Asked, Finish, Lease, NewBatch, PaidShares};
use serde::{Deserialize, Serialize};

/// Statements asked for at once.
const PAGE: u32 = 1_000;
/// Pages of one push: a connector whose cursor does not move must not hold the daemon.
const PAGES_MAX: u32 = 10_000;

/// Which statements of a matter database are asked for, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Push {
    pub connector: String,
    pub account: String,
    pub send: bool,
    #[serde(default)]
    pub one_link: OneLink,
    pub minimum_minor: i64,
    /// Not before so many days ahead of the due date.
    pub days_before_due: Option<u32>,
}

/// Why a statement was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    pub statement: String,
    pub why: String,
}

/// A statement that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanted {
    pub statement: String,
    pub amount: String,
    pub payer: String,
}

/// What the rules say of each statement.
#[derive(Debug, Clone, Default)]
struct Sorted {
    skipped: Vec<Skipped>,
    /// Kept for a dry run alone: what is asked for can be listed.
    wanted: Option<Vec<Wanted>>,
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
pub async fn push(road: &Road, push: &Push, dry_run: bool) -> Result<Pushed, FlowError> {
    let account = road.account(&push.account)?;
    let now_ms = road.now_ms();
    let name = format!("push {}", push.connector);
    // Two accounts may be pushed to in the same millisecond.
    let key = format!("push:{}:{}:{now_ms}", push.connector, push.account);
    let new = NewBatch {
        source: "push",
        name: &name,
        source_key: Some(&key),
        sha256: None,
        account: &account.id,
        one_link: push.one_link,
        duplicates: Duplicates::Live,
        now_ms,
    };
    let release = if push.send { Release::Send } else { Release::Review };
    let policy = Policy { one_link: push.one_link, ..Policy::of(release) };
    let (listed, pages) = read_all(road, push, account, &key).await?;
    road.point("push.read")?;
    // First of all: what was settled or changed is free to be asked for anew.
    let ended = stale::sweep(road, push, &listed, now_ms, dry_run).await?;
    drop(listed);
    let mut gate = Gate::open(road, new, account, &push.connector, policy).await?;
    let mut sorted = Sorted { wanted: dry_run.then(Vec::new), ..Sorted::default() };
    for page in pages {
        take_page(&mut gate, push, account, page, &mut sorted).await?;
    }
    // A push in which there is nothing to ask for leaves no batch behind.
    let nothing = gate.ok_so_far().ok == 0;
    let outcome = gate.close(dry_run || nothing).await?;
    let Sorted { skipped, wanted } = sorted;
    Ok(Pushed { outcome, ended, skipped, wanted: wanted.unwrap_or_default() })
}

/// Every open statement, page by page.
async fn read_all(
    road: &Road,
    push: &Push,
    account: &Account,
    key: &str,
) -> Result<(Listed, Vec<Page>), FlowError> {
    let connector = road.connector(&push.connector)?;
    let today = road.today();
    let mut listed = Listed::of(account.currency.code());
    let mut pages: Vec<Page> = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let job = JobSpec::new(format!("push {}", push.connector), key);
        let page = connector
            .open_since(job, cursor.clone(), PAGE)
            .await
            .map_err(|failure| FlowError::Plugin { plugin: push.connector.clone(), failure })?;
        for statement in &page.statements {
            listed.note(&statement.number, &statement.open);
            if pages.last().is_none_or(Page::is_full) {
                pages.push(Page::default());
            }
            if let Some(last) = pages.last_mut() {
                last.note(&statement.number, wanted(push, account, statement, today));
            }
        }
        if page.next.is_none() || page.next == cursor {
            break;
        }
        cursor = page.next;
    }
    Ok((listed, pages))
}

/// Statements as the rules leave them, in few words each: a push holds all that are open, until links that are out of date have
/// ended.
#[derive(Default)]
struct Page {
    drafts: Drafts,
    /// Those that a rule leaves out, each with the number of drafts before it.
    left_out: Vec<(usize, Skipped)>,
}

impl Page {
    fn is_full(&self) -> bool {
        self.drafts.len() + self.left_out.len() >= PAGE as usize
    }

    fn note(&mut self, statement: &str, wanted: Vec<Result<Draft, String>>) {
        for draft in wanted {
            match draft {
                Ok(draft) => self.drafts.push(&draft),
                Err(why) => {
                    self.left_out.push((self.drafts.len(), Skipped { statement: statement.to_owned(), why }));
                }
            }
        }
    }

    /// The statements that several payers share.
    fn shared(&self) -> Vec<&str> {
        let shared = (0..self.drafts.len()).filter(|at| self.drafts.share(*at).is_some());
        shared.map(|at| self.drafts.row(at).invoice).collect()
    }

    /// Its statements in their order, each with its draft's place or the rule that leaves it out.
    fn statements(&self) -> impl Iterator<Item = (&str, Result<usize, &str>)> {
        let mut left_out = self.left_out.iter().peekable();
        (0..=self.drafts.len()).flat_map(move |at| {
            let mut here = Vec::new();
            while let Some((_, out)) = left_out.next_if(|(before, _)| *before == at) {
                here.push((out.statement.as_str(), Err(out.why.as_str())));
            }
            if at < self.drafts.len() {
                here.push((self.drafts.row(at).invoice, Ok(at)));
            }
            here
        })
    }
}

async fn take_page(
    gate: &mut Gate<'_>,
    push: &Push,
    account: &Account,
    page: Page,
    sorted: &mut Sorted,
) -> Result<(), FlowError> {
    let numbers: Vec<&str> = page.statements().map(|(number, _)| number).collect();
    let read_ms = gate.began_ms();
    // In this order: a link that is paid between the two looks has its posting by the second.
    let live = gate.tx().live_invoices(&push.account, &numbers).await?;
    let paid = gate.store().paid_shares(&push.connector, &page.shared()).await?;
    let settling = gate.tx().settling(&push.connector, &push.account, &numbers, read_ms).await?;
    let before = usize::try_from(gate.ok_so_far().rows()).unwrap_or_default();
    let mut drafts = Drafts::default();
    for (number, sorted_out) in page.statements() {
        let draft = if settling.contains(number) {
            Err("money for it has arrived and is on its way into the matter software".to_owned())
        } else if live.has(number, Some("")) {
            Err("it is asked for already".to_owned())
        } else {
            sorted_out.map_err(str::to_owned).and_then(|at| unasked(page.drafts.draft(at), &live, &paid))
        };
        match draft {
            // Numbered, so that a person in review can name it.
            Ok(draft) => {
                if let Some(wanted) = &mut sorted.wanted {
                    let amount = money(draft.amount_minor, account.currency.code())?.grouped();
                    let payer = format!("{} <{}>", draft.payer_name, draft.payer_email);
                    wanted.push(Wanted { statement: number.to_owned(), amount, payer });
                }
                let line = before + drafts.len() + 1;
                drafts.push(&Draft { line: u32::try_from(line).unwrap_or(u32::MAX), ..draft });
            }
            Err(why) => sorted.skipped.push(Skipped { statement: number.to_owned(), why }),
        }
    }
    gate.take(&drafts, None).await.map(drop)
}

/// What a payer owes of a statement, where others share it; what is asked for already is not asked for again.
fn unasked(draft: Draft, live: &Asked, paid: &PaidShares) -> Result<Draft, String> {
    let name = &draft.payer_name;
    let Some(share) = &draft.share else {
        let shared = live.has(&draft.invoice, None);
        return if shared { Err(format!("it is asked for already, not of {name} alone")) } else { Ok(draft) };
    };
    if live.has(&draft.invoice, Some(&share.payer)) {
        return Err(format!("{name}'s share of it is asked for already"));
    }
    match share.owed_minor(draft.amount_minor, |payer| paid.minor(&draft.invoice, payer)) {
        0 => Err(format!("{name} has paid their share of it")),
        owed_minor => Ok(Draft { amount_minor: owed_minor, ..draft }),
    }
}

/// Each payer's share of a statement.
pub(super) fn shares(statement: &Statement) -> Vec<Share> {
    let part = |payer: &Payer| Part { payer: payer.id.clone(), parts: payer.share };
    let of: Vec<_> = statement.payers.iter().map(part).collect();
    of.iter().map(|part| Share { payer: part.payer.clone(), of: of.clone() }).collect()
}

/// One statement with a bad address must not keep the others from their payers.
fn good(draft: Draft) -> Result<Draft, String> {
    let mut findings = Vec::new();
    let terms = Terms { delivery: Delivery::Mail, ledger: None };
    check(Drafts::from(draft.clone()).row(0), terms, &mut findings);
    match findings.first() {
        None => Ok(draft),
        Some(finding) => Err(finding.to_string()),
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

/// A draft for each payer of a statement, or the rule that leaves it out. Of one that is shared each draft has all that is open.
fn wanted(
    push: &Push,
    account: &Account,
    statement: &Statement,
    today: NaiveDate,
) -> Vec<Result<Draft, String>> {
    if let Err(why) = allowed(push, account, statement, today) {
        return vec![Err(why)];
    }
    let whole =
        |payer: &Payer| draft(statement, statement.open.amount_minor, (&payer.name, &payer.email), "");
    match statement.payers.as_slice() {
        [] => vec![Err("no payer with an e-mail address is assigned to it".to_owned())],
        [payer] => vec![good(whole(payer))],
        payers => {
            let part = |(payer, share)| good(Draft { share: Some(share), ..whole(payer) });
            payers.iter().zip(shares(statement)).map(part).collect()
        }
    }
}

/// Whether the rules allow that a statement is asked for.
fn allowed(push: &Push, account: &Account, statement: &Statement, today: NaiveDate) -> Result<(), String> {
    let open = &statement.open;
    if open.currency != account.currency.code() {
        return Err(format!("it is in {}, the account is in {}", open.currency, account.currency));
    }
    if open.amount_minor <= 0 {
        return Err("nothing of it is open".to_owned());
    }
    if open.amount_minor < push.minimum_minor {
        return Err("less is open than the push's minimum".to_owned());
    }
    if let Some(hold) = statement.details.iter().find(|detail| detail.name == "hold") {
        return Err(format!("it is on hold: {}", hold.value));
    }
    let due_date = statement.due.and_then(from_wire);
    if let (Some(days), Some(due)) = (push.days_before_due, due_date) {
        let first = due.checked_sub_days(Days::new(u64::from(days)));
        if first.is_some_and(|first| today < first) {
            return Err(format!("it is due on {due}, more than {days} days ahead"));
        }
    }
    Ok(())
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
    let result = push(road, &rules, false).await;
    road.point("push.pushed")?;
    let now_ms = road.now_ms();
    let next = match result {
        Ok(_) => match next_ms(&schedule, now_ms) {
            Some(at_ms) => Finish::Again { at_ms },
            None => Finish::Done,
        },
        Err(FlowError::Plugin { failure, .. }) => recurring(lease, &failure, now_ms, now_ms),
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
        format!("{PUSH}:{}:{}:{}", self.push.connector, self.push.account, self.schedule)
    }
}
