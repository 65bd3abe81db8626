//! Mails through a server to which a repeated message is a second one: what may have been sent is held for a person.

use crate::case::Case;
use crate::faults::{At, CrashAt};
use crate::firm::{Books, Firm, MailBy};
use crate::road::{Granted, LEASE_MS};
use remitd_flow::{NoFaults, deliver};
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
