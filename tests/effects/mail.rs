//! Mails through a server to which a repeated message is a second one: what may have been sent is held for a person.

use crate::case::Case;
use crate::faults::{At, CrashAt};
use crate::firm::{Books, Firm, MailBy};
use crate::road::{Granted, LEASE_MS, push};
use remitd_domain::draft::{Draft, Drafts};
use remitd_domain::link::NONCE_BYTES;
use remitd_domain::request::State;
use remitd_flow::intake::push::{self, Telling};
use remitd_flow::{NoFaults, Road, deliver};
use remitd_store::{Bulk, EffectSummary};
use remitd_tests::smtp::{Options, Server};
use std::sync::Arc;

async fn firm(books: Books) -> (Server, Firm, String) {
    let server = Server::start(&Options::default());
    let firm = Firm::new(books, MailBy::Smtp(server.port)).await;
    let key = Case::Mail.prepare(&firm).await;
    (server, firm, key)
}

/// Dies at `point`; the mails that the server has by then, and the effect's state after the next start.
async fn crashed_at(books: Books, point: &'static str) -> (usize, String) {
    let (server, firm, key) = firm(books).await;
    let crash = Arc::new(CrashAt::new(At { point, nth: 1 }));
    let doomed = firm.start(crash.clone(), Granted::All, &[]).await;
    firm.drive(&doomed.road, &key).await;
    assert!(crash.fired(), "{point}");
    firm.end(doomed).await;
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    firm.settle(&running.road).await;
    let state = running.road.store.effect(&key).await.unwrap().unwrap().state;
    let kept = server.kept().len();
    if state == "unknown" {
        let message = running.road.store.messages(1).await.unwrap()[0].clone();
        deliver::resend(&running.road, message.id).await.unwrap();
        firm.settle(&running.road).await;
        let texts = server.kept();
        assert_eq!(texts.len(), kept + 1, "{point}: a person's word sends it once more");
        let same = |text: &String| text.contains(&format!("Message-ID: <{}>", message.message_id));
        assert!(texts.iter().all(same), "{point}: every copy is the same message");
        assert_eq!(running.road.store.effect(&key).await.unwrap().unwrap().state, "done");
    }
    (kept, state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_may_have_been_sent_is_held() {
    for books in [Books::Sqlite, Books::Postgres] {
        for (point, kept, state) in [
            ("mail.recorded", 0, "unknown"),
            ("mail.sent", 1, "unknown"),
            ("mail.before_commit", 1, "unknown"),
            ("mail.finished", 1, "done"),
        ] {
            assert_eq!(crashed_at(books, point).await, (kept, state.to_owned()), "{books:?} {point}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_lease_is_lost_sends_nothing() {
    for books in [Books::Sqlite, Books::Postgres] {
        let (server, firm, key) = firm(books).await;
        let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
        let store = &running.road.store;
        let slow = store.take_one(&key, firm.now_ms(), LEASE_MS).await.unwrap().unwrap();
        firm.clock.pass(LEASE_MS);
        let new = store.take(&slow.kind, firm.now_ms(), LEASE_MS, 1).await.unwrap().remove(0);
        firm.perform(&running.road, &slow).await;
        assert_eq!(server.kept().len(), 0, "{books:?}: it must not even begin");
        firm.perform(&running.road, &new).await;
        firm.perform(&running.road, &slow).await;
        assert_eq!(server.kept().len(), 1, "{books:?}");
        let messages = store.messages(10).await.unwrap();
        assert_eq!((messages.len(), messages[0].state.as_str(), messages[0].attempts), (1, "sent", 1));
    }
}

/// More than the release of a batch wants the mails of at once.
const BILLS: i64 = 2_100;
const AT_ONCE: i64 = 1_000;
const REST: &str = "mails:1";

async fn asked(firm: &Firm, road: &Road, change: &str) {
    remitd_host::run_script(&firm.matters_url(), change, None).await.unwrap();
    push::push(road, &push().push, Telling::Nothing).await.unwrap();
}

async fn ready_mails(road: &Road) -> i64 {
    let ready = |of: &&EffectSummary| (of.kind.as_str(), of.state.as_str()) == ("mail", "ready");
    road.store.effect_summary().await.unwrap().iter().find(ready).unwrap().count
}

/// A row that staff add to the batch once it is out, and release without a mail; gives its number.
async fn added_by_hand(road: &Road) -> i64 {
    let bulk = Bulk {
        batch: 1,
        state: State::Outstanding,
        account: "operating",
        connector: "matters",
        currency: "USD",
        created_ms: 0,
        expires_ms: i64::MAX,
        remainder_of: None,
    };
    let draft = Draft { amount_minor: 1, payer_email: "dana@example.com".into(), ..Draft::default() };
    let mut tx = road.store.begin().await.unwrap();
    let taken = tx.insert_requests(&bulk, &Drafts::from(draft), &[0], &[7; NONCE_BYTES]).await.unwrap();
    tx.commit().await.unwrap();
    taken.first_id
}

async fn unmailed(road: &Road) -> i64 {
    road.store.books().await.unwrap().unmailed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mails_of_a_large_batch_are_wanted_piece_by_piece_and_once() {
    for books in [Books::Sqlite, Books::Postgres] {
        let firm = Firm::new(books, MailBy::Folder).await;
        let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
        let bills = format!(
            "DELETE FROM bill;
             WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {BILLS})
             INSERT INTO bill SELECT 'N-' || (10000 + n), '00131.00001', '2026-01-01', '2026-02-01', 100 FROM s;"
        );
        asked(&firm, &running.road, &bills).await;
        assert_eq!(
            (ready_mails(&running.road).await, unmailed(&running.road).await),
            (AT_ONCE, BILLS),
            "{books:?}"
        );
        let by_hand = added_by_hand(&running.road).await;
        firm.end(running).await;

        let crash = Arc::new(CrashAt::new(At { point: "mails.wanted", nth: 1 }));
        let doomed = firm.start(crash.clone(), Granted::All, &[]).await;
        firm.drive(&doomed.road, REST).await;
        assert!(crash.fired());
        firm.end(doomed).await;

        // Of the last two, whose mails are not wanted yet, one is settled and one has changed.
        let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
        let road = &running.road;
        let changes =
            "DELETE FROM bill WHERE number = 'N-12099'; UPDATE bill SET total = 90 WHERE number = 'N-12100';";
        asked(&firm, road, changes).await;
        let new = road.store.effect("mail:request:3102").await.unwrap();
        assert!(new.is_some(), "{books:?}: the new link of one that was yet to be mailed is mailed");
        assert_eq!(unmailed(road).await, BILLS - 1, "{books:?}");

        assert_eq!(firm.drive(road, REST).await.state, "done");
        assert_eq!((ready_mails(road).await, unmailed(road).await), (BILLS - 1, BILLS - 1), "{books:?}");
        for unmailed in [3_099, 3_100, by_hand] {
            let mail = road.store.effect(&format!("mail:request:{unmailed}")).await.unwrap();
            assert!(mail.is_none(), "{books:?}: {mail:?}");
        }
        firm.end(running).await;
    }
}
