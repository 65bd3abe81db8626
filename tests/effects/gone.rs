//! What was there and is gone: an account of the configuration, what the provider knew, a receipt beside a provider that is away.

use crate::case::{GOOD_CARD, POLL, link, opened, paid};
use crate::firm::{Books, Firm, MailBy, Outside};
use crate::road::{Granted, SCHEDULE};
use remitd_domain::posting::State;
use remitd_flow::{Dated, NoFaults, Posting, Release, Road, post, reconcile, request};
use remitd_store::Request;
use sqlx::{Connection, Executor, SqliteConnection};
use std::sync::Arc;

const DAY_MS: i64 = 24 * 60 * 60_000;

/// A payment of which remitd has heard, and whose posting is due.
async fn heard_of(firm: &Firm, road: &Arc<Road>) -> Request {
    let request = paid(firm, road, GOOD_CARD).await;
    firm.drive(road, POLL).await;
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_posting_whose_account_is_gone_says_so_and_waits() {
    let firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    heard_of(&firm, &running.road).await;
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
    heard_of(&firm, &running.road).await;
    let mut road = Arc::into_inner(firm.again(&running.road, Posting::Auto).await).unwrap();
    road.accounts.iter_mut().for_each(|account| account.entry.dated = Dated::Posted);
    firm.settle(&road).await;
    let postings = road.store.postings(None, 10).await.unwrap();
    assert_eq!(postings[0].state, State::Posted);
    let on_the_day = post::csv(&road, &postings).await.unwrap();
    firm.clock.pass(3 * DAY_MS);
    assert_eq!(post::csv(&road, &postings).await.unwrap(), on_the_day);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_knows_nothing_of_new_payments_is_not_compared() {
    let mut firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    let road = &running.road;
    heard_of(&firm, road).await;
    firm.drive(road, "post:1").await;
    firm.clock.pass(60_000);
    assert!(reconcile::reconcile(road).await.unwrap().is_balanced());
    firm.provider.forget().await;
    let found = reconcile::reconcile(road).await.unwrap();
    let unread: Vec<_> =
        found.unread.iter().map(|one| (one.name.as_str(), one.failure.code.as_str())).collect();
    assert_eq!((unread, found.differences.len(), found.too_old), (vec![("sandbox", "tells-nothing")], 0, 0));
    firm.clock.pass(31 * DAY_MS);
    let found = reconcile::reconcile(road).await.unwrap();
    assert_eq!((found.is_balanced(), found.too_old), (true, 1), "it may have forgotten by now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_that_is_refused_for_good_leaves_nothing_that_waits() {
    let mut firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    let road = &running.road;
    let request = link(road, Release::Links).await;
    opened(road, &request).await;
    firm.provider.forget().await;
    request::cancel(road, request.id, "test", "a mistake").await.unwrap();
    assert_eq!(firm.drive(road, "close:1").await.state, "done");
    assert!(road.store.effects_held(10).await.unwrap().is_empty());
    let events = road.store.events_of_request(request.id).await.unwrap();
    assert!(events.iter().any(|event| event.what == "checkout not closed"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_side_that_is_away_hides_nothing_of_the_others() {
    let mut firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    let road = &running.road;
    heard_of(&firm, road).await;
    firm.drive(road, "post:1").await;
    let mut matters = SqliteConnection::connect(&firm.matters_url()).await.unwrap();
    matters.execute("DELETE FROM receipt").await.unwrap();
    matters.close().await.unwrap();
    firm.take_away(Outside::Provider).await;
    let row = firm.drive(road, &reconcile::key(SCHEDULE)).await;
    assert!(row.state == "ready" && row.error_code.is_some(), "{row:?}");
    let last = road.store.last_reconciliation().await.unwrap().unwrap();
    assert_eq!((last.differences.len(), last.unread.len()), (1, 1), "{last:?}");
}

/// Money goes back while the payment waits for the matter software, and a clerk enters it there by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_entered_by_hand_after_its_refund_is_left_to_whoever_entered_it() {
    let firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    let road = &running.road;
    let request = heard_of(&firm, road).await;
    let payment = road.store.payments_of(request.id).await.unwrap().remove(0);
    let shown = |posting: &remitd_store::Posting| {
        (posting.id, posting.state, posting.amount_minor, posting.error_code.clone())
    };
    for (back_minor, by_hand) in [(30_000, 1), (95_000, 3)] {
        firm.provider.refund(&payment.gateway_ref, back_minor).await;
        firm.drive(road, POLL).await;
        if by_hand == 1 {
            post::remove(road, &[by_hand], "test").await.unwrap();
        }
        firm.settle(road).await;
        let postings = road.store.postings(Some(State::Pending), 10).await.unwrap();
        let [reversal] = postings.as_slice() else { panic!("{postings:?}") };
        let original = road.store.posting(reversal.reverses.unwrap()).await.unwrap().unwrap();
        assert_eq!(shown(&original), (by_hand, State::Removed, back_minor, None));
        assert_eq!(shown(reversal), (reversal.id, State::Pending, back_minor, Some("by-hand".to_owned())));
        assert!(post::queue(road, &[reversal.id], "test").await.is_err(), "nothing of ours stands there");
        assert!(reconcile::reconcile(road).await.unwrap().differences.is_empty());
        post::remove(road, &[reversal.id], "test").await.unwrap();
        firm.settle(road).await;
        assert!(reconcile::reconcile(road).await.unwrap().differences.is_empty());
    }
    let books = road.store.books().await.unwrap();
    assert_eq!((books.unposted, books.payments), (0, 0), "{books:?}");
}
