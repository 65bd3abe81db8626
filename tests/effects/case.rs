//! The cases: for each kind of effect, how a firm comes to want one, and what it needs from outside.

use crate::faults::{At, CrashAt};
use crate::firm::{Firm, Outside};
use crate::road::{Granted, Running, SCHEDULE, push};
use remitd_domain::draft::Draft;
use remitd_flow::collect::{Begun, Step, begin};
use remitd_flow::intake::push::Scheduled;
use remitd_flow::intake::quick;
use remitd_flow::{NoFaults, Release, Road, effect, reconcile, request, run};
use remitd_store::{Request, Stretch};
use std::sync::Arc;

pub const GOOD_CARD: &str = "4242424242424242";
/// Pending, then paid, then returned.
pub const RETURNED_ACCOUNT: &str = "000111111116";
pub const POLL: &str = "poll:sandbox";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Mail,
    Mails,
    Checkout,
    Close,
    CloseUnheard,
    Post,
    Reversal,
    Poll,
    Push,
    Reconcile,
}

impl Case {
    pub fn kind(self) -> &'static str {
        match self {
            Case::Mail => effect::MAIL,
            Case::Mails => effect::MAILS,
            Case::Checkout => effect::CHECKOUT,
            Case::Close | Case::CloseUnheard => effect::CLOSE,
            Case::Post | Case::Reversal => effect::POST,
            Case::Poll => effect::POLL,
            Case::Push => effect::PUSH,
            Case::Reconcile => effect::RECONCILE,
        }
    }

    /// None where all it needs are the books.
    pub fn outside(self) -> Option<Outside> {
        match self {
            Case::Mail => Some(Outside::MailFolder),
            Case::Mails => None,
            Case::Checkout | Case::Close | Case::CloseUnheard | Case::Poll | Case::Reconcile => {
                Some(Outside::Provider)
            }
            Case::Post | Case::Reversal | Case::Push => Some(Outside::Matters),
        }
    }

    pub fn pushes(self) -> Vec<Scheduled> {
        if self == Case::Push { vec![push()] } else { vec![] }
    }

    /// Brings the firm to where the effect is wanted; gives its key.
    pub async fn prepare(self, firm: &Firm) -> String {
        let running = firm.start(Arc::new(NoFaults), Granted::All, &self.pushes()).await;
        let road = &running.road;
        let key = match self {
            Case::Push => push().key(),
            Case::Reconcile => {
                paid(firm, road, GOOD_CARD).await;
                firm.drive(road, POLL).await;
                firm.drive(road, "post:1").await;
                reconcile::key(SCHEDULE)
            }
            Case::Mail => format!("mail:request:{}", link(road, Release::Send).await.id),
            Case::Mails => {
                let Request { id, batch_id, .. } = link(road, Release::Links).await;
                let key = format!("{}:{batch_id}", effect::MAILS);
                let rest = serde_json::to_string(&Stretch { after: id - 1, last: id }).unwrap();
                let mut tx = road.store.begin().await.unwrap();
                tx.want(&key, effect::MAILS, batch_id, &rest, firm.now_ms()).await.unwrap();
                tx.commit().await.unwrap();
                key
            }
            Case::Checkout => wanted_checkout(road).await.1,
            Case::Close => {
                let request = link(road, Release::Links).await;
                opened(road, &request).await;
                cancel(road, request.id).await
            }
            Case::CloseUnheard => return unheard(firm, running).await,
            Case::Poll => {
                paid(firm, road, GOOD_CARD).await;
                POLL.to_owned()
            }
            Case::Post => {
                paid(firm, road, GOOD_CARD).await;
                firm.drive(road, POLL).await;
                "post:1".to_owned()
            }
            Case::Reversal => {
                paid(firm, road, RETURNED_ACCOUNT).await;
                firm.provider.settle().await;
                firm.drive(road, POLL).await;
                firm.drive(road, "post:1").await;
                firm.provider.settle().await;
                firm.drive(road, POLL).await;
                "post:2".to_owned()
            }
        };
        firm.end(running).await;
        key
    }
}

/// A link for a bill of the matter database.
pub async fn link(road: &Road, release: Release) -> Request {
    let draft = Draft {
        amount_minor: 125_000,
        invoice: "B-2001".into(),
        payer_name: "Dana Whitfield".into(),
        payer_email: "dana@example.com".into(),
        client: "00124".into(),
        matter: "00124.00001".into(),
        ..Draft::default()
    };
    quick::create(road, road.account("operating").unwrap(), draft, release).await.unwrap()
}

pub fn token(road: &Road, request: &Request) -> String {
    road.links.token(request.nonce).unwrap().reveal().to_owned()
}

/// The page of the checkout that a payer's click opens.
pub async fn opened(road: &Arc<Road>, request: &Request) -> String {
    match run::pay(road, &token(road, request), None).await.unwrap() {
        Begun::At(url) => url,
        other => panic!("the checkout did not open: {other:?}"),
    }
}

/// A link that was paid at the provider, of which remitd has not heard yet.
pub async fn paid(firm: &Firm, road: &Arc<Road>, number: &str) -> Request {
    let request = link(road, Release::Links).await;
    let checkout = opened(road, &request).await;
    firm.provider.pay(&checkout, number).await;
    request
}

async fn wanted_checkout(road: &Road) -> (Request, String) {
    let request = link(road, Release::Links).await;
    match begin(road, &token(road, &request), None).await.unwrap() {
        Step::Begin { key, .. } => (request, key),
        _ => panic!("a first click begins a checkout"),
    }
}

async fn cancel(road: &Road, request: i64) -> String {
    request::cancel(road, request, "test", "a mistake").await.unwrap();
    "close:1".to_owned()
}

/// The gateway opened a checkout, the process died before it heard so, and the link is cancelled.
async fn unheard(firm: &Firm, before: Running) -> String {
    let (request, key) = wanted_checkout(&before.road).await;
    firm.end(before).await;
    let crash = Arc::new(CrashAt::new(At { point: "checkout.begun", nth: 1 }));
    let doomed = firm.start(crash.clone(), Granted::All, &[]).await;
    firm.drive(&doomed.road, &key).await;
    assert!(crash.fired(), "the process died");
    firm.end(doomed).await;
    let after = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    let key = cancel(&after.road, request.id).await;
    firm.end(after).await;
    key
}
