//! What a gateway tells and no rule can decide: its money is in no books before a person has said so.

use crate::case::{link, opened};
use crate::firm::{Books, Firm, MailBy};
use crate::judge::bill;
use crate::model::BILL_MINOR;
use crate::provider::WEBHOOK_SECRET;
use crate::road::{Granted, Running};
use remitd_domain::account::Kind;
use remitd_domain::posting::State;
use remitd_flow::{FlowError, NoFaults, Posting, Release, Road, collect, post};
use serde_json::json;
use std::sync::Arc;

impl Firm {
    /// The gateway signs and sends what it has to tell of the first checkout.
    pub async fn hears(
        &self,
        road: &Road,
        (event, what): (&str, &str),
        payment: &str,
        amount_minor: i64,
    ) -> Result<usize, FlowError> {
        let event = json!({
            "id": event, "what": what, "checkout": "1", "payment": payment, "amount_minor": amount_minor,
            "currency": "USD", "method": "card", "at_ms": self.now_ms(), "reason": "",
        });
        let body = event.to_string().into_bytes();
        let signature = remitd_sandbox::sign(WEBHOOK_SECRET, self.now_ms() / 1_000, &body).unwrap();
        collect::webhook(road, "sandbox", vec![("Remitd-Signature".to_owned(), signature)], body).await
    }
}

/// A link for one bill, whose checkout is open at the gateway.
async fn asked(firm: &Firm) -> Running {
    let running = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
    let request = link(&running.road, Release::Links).await;
    opened(&running.road, &request).await;
    running
}

/// The state, code and amount of each posting.
async fn postings(road: &Road) -> Vec<(State, String, i64)> {
    let mut postings = road.store.postings(None, 10).await.unwrap();
    postings.sort_by_key(|posting| posting.id);
    let shown = |posting: remitd_store::Posting| {
        (posting.state, posting.error_code.unwrap_or_default(), posting.amount_minor)
    };
    postings.into_iter().map(shown).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_payment_by_one_checkout_waits_for_a_person() {
    let firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = asked(&firm).await;
    let road = &running.road;
    for (event, payment) in [("ev_1", "pay_1"), ("ev_2", "pay_2")] {
        let told = firm.hears(road, (event, "payment-succeeded"), payment, BILL_MINOR).await;
        assert_eq!(told.unwrap(), 1);
        firm.settle(road).await;
    }
    let posted = (State::Posted, String::new(), BILL_MINOR);
    let twice = (State::Pending, "paid-twice".to_owned(), BILL_MINOR);
    assert_eq!(postings(road).await, [posted.clone(), twice]);
    let mend = post::mend("paid-twice").unwrap();
    assert!(mend.contains("Refund it") && mend.contains("posting reallocate"), "{mend}");
    let (receipts, _) = bill(&firm).await;
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    // The first way of the mend.
    firm.hears(road, ("ev_3", "refunded"), "pay_2", BILL_MINOR).await.unwrap();
    firm.settle(road).await;
    let of_second: Vec<_> = postings(road).await.split_off(1);
    assert!(of_second.iter().all(|(state, ..)| *state == State::Removed), "{of_second:?}");
    assert_eq!(bill(&firm).await.0, receipts);
}

/// Trust rule R5, where the firm has turned on that clients' money is posted by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_adds_to_a_payment_into_trust_waits_for_a_person() {
    let firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = asked(&firm).await;
    let mut road = Arc::into_inner(firm.again(&running.road, Posting::Auto).await).unwrap();
    road.accounts.iter_mut().for_each(|account| account.kind = Kind::Trust);
    let told = firm.hears(&road, ("ev_1", "payment-succeeded"), "pay_1", BILL_MINOR + 300).await;
    assert_eq!(told.unwrap(), 1);
    firm.settle(&road).await;
    let postings = road.store.postings(None, 10).await.unwrap();
    assert!(!postings.is_empty());
    for posting in &postings {
        assert_eq!((posting.state, posting.error_code.as_deref()), (State::Pending, Some("added")));
        let said = posting.error.as_deref().unwrap();
        assert!(said.starts_with("trust rule R5: "), "{said}");
        assert!(said.contains("1,253.00 USD was taken where 1,250.00 USD was asked for"), "{said}");
    }
    assert_eq!(bill(&firm).await.0, [], "no receipt");
}

/// What was asked for, and no more, is posted there by itself: it is the surcharge that was stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_into_trust_to_which_nothing_is_added_is_posted() {
    let firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
    let running = asked(&firm).await;
    let mut road = Arc::into_inner(firm.again(&running.road, Posting::Auto).await).unwrap();
    road.accounts.iter_mut().for_each(|account| account.kind = Kind::Trust);
    firm.hears(&road, ("ev_1", "payment-succeeded"), "pay_1", BILL_MINOR).await.unwrap();
    firm.settle(&road).await;
    assert_eq!(postings(&road).await, [(State::Posted, String::new(), BILL_MINOR)]);
    assert_eq!(bill(&firm).await.0.len(), 1);
}
