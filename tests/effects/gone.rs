//! An account that is gone from the configuration: its postings say so and wait, and those of others are exported all the same.

use crate::case::{GOOD_CARD, POLL, paid};
use crate::firm::{Books, Firm, MailBy};
use crate::road::Granted;
use remitd_domain::posting::State;
use remitd_flow::{Dated, NoFaults, Posting, post};
use std::sync::Arc;

const DAY_MS: i64 = 24 * 60 * 60_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_posting_whose_account_is_gone_says_so_and_waits() {
    let firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    paid(&firm, &running.road, GOOD_CARD).await;
    firm.drive(&running.road, POLL).await;
    let mut road = Arc::into_inner(firm.again(&running.road, Posting::Auto).await).unwrap();
    let accounts = std::mem::take(&mut road.accounts);
    let effect = firm.drive(&road, "post:1").await;
    assert_eq!((effect.state.as_str(), effect.error_code.as_deref()), ("failed", Some("no-account")));
    let postings = road.store.postings(None, 10).await.unwrap();
    assert_eq!(postings[0].state, State::Incomplete);
    assert!(post::mend("no-account").is_some());
    // What the account would say is empty, and the row is there.
    let csv = post::csv(&road, &postings).await.unwrap();
    assert!(csv.lines().nth(1).unwrap().starts_with("1,incomplete,payment,,,card,"), "{csv}");
    road.accounts = accounts;
    post::queue(&road, &[1], "test").await.unwrap();
    firm.settle(&road).await;
    assert_eq!(road.store.posting(1).await.unwrap().unwrap().state, State::Posted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_keeps_the_day_on_which_it_was_posted() {
    let firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    paid(&firm, &running.road, GOOD_CARD).await;
    firm.drive(&running.road, POLL).await;
    let mut road = Arc::into_inner(firm.again(&running.road, Posting::Auto).await).unwrap();
    road.accounts.iter_mut().for_each(|account| account.entry.dated = Dated::Posted);
    firm.settle(&road).await;
    let postings = road.store.postings(None, 10).await.unwrap();
    assert_eq!(postings[0].state, State::Posted);
    let on_the_day = post::csv(&road, &postings).await.unwrap();
    firm.clock.pass(3 * DAY_MS);
    assert_eq!(post::csv(&road, &postings).await.unwrap(), on_the_day);
}
