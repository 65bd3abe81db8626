//! The whole road, walked unattended: a file is dropped, the matter database is pushed, every payer pays, everything is
//! posted. Then the books of the gateway, of remitd and of the matter software are laid side by side.

use super::payer;
use super::{SAMPLE_CSV, SAMPLE_NAME};
use crate::commands::run::Daemon;
use crate::fault::Fault;
use crate::show;
use crate::views::{BooksView, SumView, sums};
use fs_err as fs;
use remitd_flow::FlowError;
use remitd_flow::intake::push::{self, Telling};
use remitd_flow::plugin::JobSpec;
use remitd_store::{Books, Filter, Sort, Sums};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// Of the sample firm.
const CURRENCY: &str = "USD";
/// For each step; a slow machine needs seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    books: BooksView,
    /// What the gateway says it took.
    captured: Vec<SumView>,
    /// Statements that the matter software still counts as open although they were paid.
    open_after: i64,
    balanced: bool,
}

/// Gives whether the books balance.
pub async fn once(daemon: &Daemon, dir: &Path, inbox: &Path, json: bool) -> Result<bool, Fault> {
    show::note("dropping a file into the inbox …");
    drop_file(inbox, SAMPLE_NAME, SAMPLE_CSV)?;
    until(daemon, "the file is released", |books| books.files >= 1).await?;
    show::note("pushing the open bills of the matter database …");
    push(daemon).await?;
    show::note("waiting for the mails …");
    until(daemon, "all mails are out", |books| books.unmailed == 0 && books.requests > 0).await?;
    let links = payer::links(&dir.join("mail"), &daemon.addresses.public)?;
    show::note(&format!("paying {} links …", links.len()));
    for link in &links {
        payer::pay(link).await?;
    }
    let paid = i64::try_from(links.len()).unwrap_or_default();
    until(daemon, "all is posted and receipted", |books| {
        books.payments == paid && books.unposted == 0 && books.unmailed == 0
    })
    .await?;
    let answer = compare(daemon, paid).await?;
    if json {
        show::json(&answer)?;
    } else {
        let BooksView { files, rows, requests, mails, payments, postings, .. } = answer.books;
        let verdict = if answer.balanced { "the books balance" } else { "the books do NOT balance" };
        show::text(&format!(
            "{files} file, {rows} rows, {requests} requests, {mails} mails, {payments} payments, {postings} postings: {verdict}"
        ))?;
    }
    Ok(answer.balanced)
}

/// As a person drops it: written elsewhere, moved in.
pub fn drop_file(inbox: &Path, name: &str, text: &str) -> Result<(), Fault> {
    let unfinished = inbox.join(format!("{name}.part"));
    fs::write(&unfinished, text)?;
    Ok(fs::rename(&unfinished, inbox.join(name))?)
}

pub async fn push(daemon: &Daemon) -> Result<(), Fault> {
    for (rules, _) in &daemon.wired.pushes {
        push::push(&daemon.wired.road, rules, Telling::Nothing).await?;
    }
    Ok(())
}

/// Waits until the books say so.
pub async fn until(daemon: &Daemon, what: &str, fits: impl Fn(&Books) -> bool) -> Result<(), Fault> {
    let road = &daemon.wired.road;
    let wait = async {
        loop {
            if fits(&road.store.books().await?) {
                return Ok::<_, Fault>(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(result) => result,
        Err(_) => Err(Fault::usage(
            format!("{what}: not within {} s", PATIENCE.as_secs()),
            "remitd status says what waits",
        )),
    }
}

pub async fn newest_link(daemon: &Daemon) -> Result<String, Fault> {
    let road = &daemon.wired.road;
    let filter = Filter { sort: Sort::Created, limit: Some(1), ..Filter::default() };
    match road.store.requests(&filter).await?.first() {
        Some(request) => Ok(road.link(request.nonce)?),
        None => Ok("none yet".to_owned()),
    }
}

/// Gateway, remitd, matter software: three books, one sum.
async fn compare(daemon: &Daemon, links: i64) -> Result<Answer, Fault> {
    let road = &daemon.wired.road;
    let books = road.store.books().await?;
    let captured = Sums::from([(CURRENCY.to_owned(), payer::captured_minor(daemon).await?)]);
    let mut open_after = 0;
    for posting in road.store.postings(None, i64::MAX).await? {
        let job = JobSpec::new("demo", "demo");
        let balance = road.connector(&posting.connector)?.balance(job, posting.statement.clone()).await;
        let balance =
            balance.map_err(|failure| FlowError::Plugin { plugin: posting.connector.clone(), failure })?;
        if balance.is_some_and(|balance| balance.amount_minor != 0) {
            open_after += 1;
        }
    }
    let balanced = books.files == 1
        && books.requests == links
        && books.payments == links
        && books.postings == links
        && books.mails == links * 2
        && books.paid == captured
        && books.posted == captured
        && books.unposted == 0
        && books.unmailed == 0
        && open_after == 0;
    Ok(Answer { books: books.into(), captured: sums(&captured), open_after, balanced })
}
