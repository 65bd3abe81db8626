//! Races: many who want the same thing at once get it once.

use crate::case::{GOOD_CARD, POLL, RETURNED_ACCOUNT, link, opened, paid, token};
use crate::firm::{Books, Firm, MailBy, Outside};
use crate::provider::WEBHOOK_SECRET;
use crate::road::{Granted, Running};
use hmac::{Hmac, KeyInit, Mac};
use remitd_domain::draft::Draft;
use remitd_domain::request::State;
use remitd_flow::collect::{Begun, webhook};
use remitd_flow::intake::quick;
use remitd_flow::{NoFaults, Release, run};
use remitd_store::Filter;
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

const CLICKS: usize = 20;
const MAILS: usize = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);

async fn running(firm: &Firm) -> Running {
    firm.start(Arc::new(NoFaults), Granted::All, &[]).await
}

/// The roads of one firm's daemons: PostgreSQL takes several at once.
async fn daemons(firm: &Firm, books: Books) -> Vec<Running> {
    let count = if books == Books::Postgres { 2 } else { 1 };
    let mut daemons = Vec::new();
    for _ in 0..count {
        daemons.push(running(firm).await);
    }
    daemons
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clicks_at_once_open_one_checkout() {
    for books in [Books::Sqlite, Books::Postgres] {
        let firm = Firm::new(books, MailBy::Folder).await;
        let daemons = daemons(&firm, books).await;
        let request = link(&daemons[0].road, Release::Links).await;
        let mut clicks = JoinSet::new();
        for click in 0..CLICKS {
            let road = daemons[click % daemons.len()].road.clone();
            let token = token(&road, &request);
            clicks.spawn(async move { run::pay(&road, &token, None).await.unwrap() });
        }
        let answers = clicks.join_all().await;
        assert!(matches!(&answers[0], Begun::At(_)), "{:?}", answers[0]);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{books:?}: {answers:?}");
        assert_eq!(firm.provider.entries("opened"), 1, "{books:?}");
    }
}

/// The signed webhooks of every event so far.
async fn webhooks(firm: &Firm) -> Vec<(Vec<(String, String)>, Vec<u8>)> {
    let events = firm.provider.get("/v1/events").await;
    let signed = |event: &serde_json::Value| {
        let body = event.to_string().into_bytes();
        let seconds = firm.now_ms() / 1_000;
        let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(&body);
        let signature = format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()));
        (vec![("Remitd-Signature".to_owned(), signature)], body)
    };
    events["events"].as_array().unwrap().iter().map(signed).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_and_polls_that_tell_the_same_make_one_payment() {
    for books in [Books::Sqlite, Books::Postgres] {
        let firm = Firm::new(books, MailBy::Folder).await;
        let daemons = daemons(&firm, books).await;
        let road = &daemons[0].road;
        let request = paid(&firm, road, RETURNED_ACCOUNT).await;
        firm.provider.settle().await;
        firm.provider.settle().await;
        let told = webhooks(&firm).await;
        assert_eq!(told.len(), 3, "pending, succeeded, returned");
        let mut tellers = JoinSet::new();
        for teller in 0..3 {
            for (headers, body) in told.clone() {
                let road = daemons[teller % daemons.len()].road.clone();
                tellers.spawn(async move {
                    webhook(&road, "sandbox", headers, body).await.unwrap();
                });
            }
        }
        for daemon in &daemons {
            let road = daemon.road.clone();
            tellers.spawn(async move { run::run_now(&road, POLL).await.unwrap() });
        }
        tellers.join_all().await;
        let poll = road.store.effect(POLL).await.unwrap().unwrap();
        assert_eq!((poll.state.as_str(), poll.error), ("ready", None), "{books:?}");
        firm.settle(road).await;
        let payments = road.store.payments_of(request.id).await.unwrap();
        assert_eq!(payments.len(), 1, "{books:?}");
        let posted: i64 = road.store.books().await.unwrap().posted.into_values().sum();
        assert_eq!(posted, 0, "{books:?}: what was written was taken back");
        let paid_minor = road.store.request(request.id).await.unwrap().unwrap().paid_minor;
        assert_eq!(paid_minor, 0, "{books:?}: nothing of it stayed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_payment_told_ten_times_is_posted_once() {
    for books in [Books::Sqlite, Books::Postgres] {
        let firm = Firm::new(books, MailBy::Folder).await;
        let daemons = daemons(&firm, books).await;
        let road = &daemons[0].road;
        paid(&firm, road, GOOD_CARD).await;
        let (headers, body) = webhooks(&firm).await.remove(0);
        let mut tellers = JoinSet::new();
        for teller in 0..10 {
            let (road, headers, body) =
                (daemons[teller % daemons.len()].road.clone(), headers.clone(), body.clone());
            tellers.spawn(async move {
                webhook(&road, "sandbox", headers, body).await.unwrap();
                run::run_now(&road, POLL).await.unwrap();
            });
        }
        tellers.join_all().await;
        firm.settle(road).await;
        let lines = firm.evidence(road).await;
        let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(
            (count("  payment"), count("posting"), count("receipt"), count("To:")),
            (1, 1, 1, 1),
            "{lines:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_whose_bank_payment_failed_can_be_paid_again() {
    for books in [Books::Sqlite, Books::Postgres] {
        let firm = Firm::new(books, MailBy::Folder).await;
        let running = running(&firm).await;
        let road = &running.road;
        // Paid at the first checkout, while another click with another amount closes that one.
        let request = paid(&firm, road, "000111111113").await;
        run::pay(road, &token(road, &request), Some(1_000)).await.unwrap();
        firm.drive(road, POLL).await;
        firm.settle(road).await;
        assert_eq!(road.store.request(request.id).await.unwrap().unwrap().state, State::Processing);
        firm.provider.settle().await;
        firm.drive(road, POLL).await;
        firm.settle(road).await;
        let checkout = opened(road, &request).await;
        firm.provider.pay(&checkout, GOOD_CARD).await;
        firm.drive(road, POLL).await;
        firm.settle(road).await;
        let request = road.store.request(request.id).await.unwrap().unwrap();
        assert_eq!((request.state, request.paid_minor), (State::PaymentReceived, 125_000), "{books:?}");
        let lines = firm.evidence(road).await;
        assert_eq!(lines.iter().filter(|line| line.starts_with("receipt")).count(), 1, "{lines:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_send_each_mail_once() {
    let firm = Firm::new(Books::Postgres, MailBy::Folder).await;
    let daemons = daemons(&firm, Books::Postgres).await;
    let road = &daemons[0].road;
    for nth in 0..MAILS {
        let draft = Draft {
            amount_minor: 1_000,
            payer_name: format!("Payer {nth}"),
            payer_email: format!("payer{nth}@example.com"),
            ..Draft::default()
        };
        quick::create(road, road.account("operating").unwrap(), draft, Release::Send).await.unwrap();
    }
    let (stopper, stop) = watch::channel(false);
    let mut lanes = JoinSet::new();
    for daemon in &daemons {
        lanes.spawn(run::run(daemon.road.clone(), Vec::new(), stop.clone()));
    }
    // The last mail leaves no mark but its row.
    let sent = async {
        while road.store.books().await.unwrap().unmailed > 0 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    tokio::time::timeout(PATIENCE, sent).await.expect("all mails go out");
    stopper.send_replace(true);
    lanes.join_all().await;
    let mails = fs_err::read_dir(firm.path(Outside::MailFolder)).unwrap().count();
    let messages = road.store.messages(1_000).await.unwrap();
    let once = messages.iter().filter(|message| message.state == "sent" && message.attempts == 1).count();
    assert_eq!((mails, messages.len(), once), (MAILS, MAILS, MAILS));
    assert_eq!(road.store.requests(&Filter::default()).await.unwrap().len(), MAILS);
}
