//! Messages, checkouts, payments and postings: from the mail to the matter software.

use crate::asked::EXPIRES;
use crate::{Answers, NOW};
use remitd_domain::payment::State as Paid;
use remitd_domain::posting::State;
use remitd_store::{CheckoutState, MessageState, NewMessage, NewPayment, NewPosting, Posted, Store};

const REQUEST: i64 = 1_002;

pub async fn walk(store: &Store, answers: &mut Answers) {
    messages(store, answers).await;
    checkouts(store, answers).await;
    payments(store, answers).await;
    postings(store, answers).await;
    postings_change(store, answers).await;
    posted(store, answers).await;
}

async fn messages(store: &Store, answers: &mut Answers) {
    let new = NewMessage {
        key: "mail:request:1002",
        request_id: REQUEST,
        payment_id: None,
        purpose: "request",
        message_id: "m@example.com",
        recipient: "payer@example.com",
        subject: "Pay",
        provider: "mail",
        now_ms: NOW,
    };
    let mut tx = store.begin().await.unwrap();
    let message = tx.message(&new).await.unwrap();
    answers.note("message", &message);
    answers.note("the same message", tx.message(&new).await.unwrap());
    answers.note("the message of an effect", tx.message_of_effect(new.key).await.unwrap());
    answers.note("begin_attempt", tx.begin_attempt(message.id, NOW).await.unwrap());
    answers.note("close_lost_attempts", tx.close_lost_attempts(message.id, NOW + 1).await.unwrap());
    tx.message_not_sent(message.id, MessageState::Unknown, "lost").await.unwrap();
    tx.forget_lost_attempts(message.id).await.unwrap();
    answers.note("close_lost_attempts", tx.close_lost_attempts(message.id, NOW + 2).await.unwrap());
    let second = tx.begin_attempt(message.id, NOW + 3).await.unwrap();
    tx.end_attempt(message.id, second, "sent", "250", NOW + 4).await.unwrap();
    tx.message_sent(message.id, "250", NOW + 4).await.unwrap();
    tx.commit().await.unwrap();
    answers.note("attempts", store.attempts(message.id).await.unwrap());
    answers.note("message", store.message(message.id).await.unwrap());
    answers.note("messages", store.messages(5).await.unwrap());
    answers.note("messages_of", store.messages_of(REQUEST).await.unwrap());
}

async fn checkouts(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    let id = tx.insert_checkout(REQUEST, "sandbox", 1_001, NOW, EXPIRES).await.unwrap();
    answers.note("open_checkout", tx.open_checkout(id, "co_1", "http://127.0.0.1:1/").await.unwrap());
    answers.note("open_checkout", tx.open_checkout(id, "co_1", "http://127.0.0.1:1/").await.unwrap());
    answers.note("live_checkout", tx.live_checkout(REQUEST).await.unwrap());
    let moved = tx.move_checkout(id, CheckoutState::Open, CheckoutState::Closing).await.unwrap();
    answers.note("move_checkout", moved);
    tx.set_checkout(id, CheckoutState::Done).await.unwrap();
    answers.note("live_checkout", tx.live_checkout(REQUEST).await.unwrap());
    answers.note("checkout", tx.checkout(id).await.unwrap());
    tx.commit().await.unwrap();
    answers.note("checkout", store.checkout(id).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    tx.insert_checkout(REQUEST, "sandbox", 1_001, NOW, EXPIRES).await.unwrap();
    let second = tx.insert_checkout(REQUEST, "sandbox", 1_001, NOW, EXPIRES).await.unwrap_err();
    answers.note("a second payable one", second.is_taken());
    tx.rollback().await.unwrap();
}

async fn payments(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    answers.note("note_event", tx.note_event("sandbox", "ev_1", "payment-succeeded", NOW).await.unwrap());
    answers.note("note_event", tx.note_event("sandbox", "ev_1", "payment-succeeded", NOW).await.unwrap());
    let new = NewPayment {
        request_id: REQUEST,
        checkout_id: 1,
        gateway: "sandbox",
        gateway_ref: "pay_1",
        amount_minor: 1_001,
        currency: "USD",
        method: "card",
        state: Paid::Pending,
        reason: "",
        now_ms: NOW,
    };
    let id = tx.insert_payment(&new).await.unwrap();
    answers.note("has_pending_payment", tx.has_pending_payment(new.request_id).await.unwrap());
    tx.change_payment(id, Paid::Succeeded, 5_000, "sure", NOW + 1).await.unwrap();
    tx.add_returned(id, 300).await.unwrap();
    answers.note("payment_by_ref", tx.payment_by_ref("sandbox", "pay_1").await.unwrap());
    answers.note("payment_by_ref", tx.payment_by_ref("sandbox", "pay_2").await.unwrap());
    for value in ["a", "b"] {
        tx.set_cursor("events:sandbox", value).await.unwrap();
    }
    tx.commit().await.unwrap();
    answers.note("payment", store.payment(id).await.unwrap());
    answers.note("payments_of", store.payments_of(REQUEST).await.unwrap());
    answers.note("cursor", store.cursor("events:sandbox").await.unwrap());
    answers.note("cursor", store.cursor("none").await.unwrap());
}

fn posting(key: &'static str, line: i64, reverses: Option<i64>) -> NewPosting<'static> {
    NewPosting {
        key,
        payment_id: 1,
        request_id: REQUEST,
        line,
        reverses,
        statement: "A-2",
        client: "00124",
        matter: "00124.00001",
        connector: "matters",
        amount_minor: 500,
        currency: "USD",
        state: State::Queued,
        now_ms: NOW,
    }
}

async fn postings(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    let first = tx.insert_posting(&posting("remitd-1", 0, None)).await.unwrap();
    tx.insert_posting(&posting("remitd-2", 1, None)).await.unwrap();
    tx.insert_posting(&posting("remitd-3", 0, Some(first))).await.unwrap();
    answers.note("standing_postings", tx.standing_postings(1).await.unwrap());
    answers.note("posting_by_key", tx.posting_by_key("remitd-2").await.unwrap());
    answers.note("posting_by_key", tx.posting_by_key("none").await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let twice = tx.insert_posting(&posting("remitd-1", 2, None)).await.unwrap_err();
    answers.note("the same key", twice.is_taken());
    tx.rollback().await.unwrap();
}

async fn postings_change(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    answers.note("settling", tx.settling("matters", "operating", &["A-2", "A-9"], NOW).await.unwrap());
    tx.posting_posted(1, Some("17"), NOW + 5).await.unwrap();
    tx.posting_trouble(2, State::Incomplete, "closed-matter", "the matter is closed").await.unwrap();
    answers.note("move_posting", tx.move_posting(3, State::Queued, State::Removed).await.unwrap());
    answers.note("move_posting", tx.move_posting(3, State::Queued, State::Removed).await.unwrap());
    answers.note("posting", tx.posting(1).await.unwrap());
    answers.note("next line", tx.next_posting_line(1).await.unwrap());
    tx.allot_posting(2, "A-3", "M-3", "C-3", 77).await.unwrap();
    tx.lessen_posting(2, 76).await.unwrap();
    answers.note("allotted", tx.posting(2).await.unwrap());
    tx.move_posting(2, State::Pending, State::Removed).await.unwrap();
    for read_ms in [NOW, NOW + 6] {
        answers.note("settling", tx.settling("matters", "operating", &["A-2"], read_ms).await.unwrap());
        answers.note("unwritten", tx.unwritten("matters", "operating", &["A-2"], read_ms).await.unwrap());
    }
    tx.commit().await.unwrap();
    answers.note("posting", store.posting(2).await.unwrap());
    answers.note("all", store.postings(None, 10).await.unwrap());
    answers.note("posted", store.postings(Some(State::Posted), 10).await.unwrap());
}

/// Of three that are ready together one has lost its lease, and one is told twice: the others are noted all the same.
async fn posted(store: &Store, answers: &mut Answers) {
    let mut ready = Vec::new();
    for (key, line) in [("remitd-4", 4), ("remitd-5", 5)] {
        let mut tx = store.begin().await.unwrap();
        let id = tx.insert_posting(&posting(key, line, None)).await.unwrap();
        tx.want(key, "posted", id, "{}", NOW).await.unwrap();
        tx.commit().await.unwrap();
        let lease = store.take_one(key, NOW, 1_000).await.unwrap().unwrap();
        ready.push(Posted {
            effect_id: lease.id,
            fence: lease.fence,
            posting_id: id,
            request_id: REQUEST,
            key: key.to_owned(),
            connector: "matters".to_owned(),
            external_ref: (line == 4).then(|| "18".to_owned()),
            now_ms: NOW + 7,
        });
    }
    let [one, two] = ready.try_into().unwrap();
    let lost = Posted { fence: two.fence - 1, ..two.clone() };
    let note = |posted: &Posted| store.posted(posted.clone());
    let (first, lost, second, twice) = tokio::join!(note(&one), note(&lost), note(&two), note(&one));
    answers.note("posted", [first, lost, second, twice].map(|noted| noted.is_ok()));
    for posted in [one, two] {
        // Without its id: one database counts rows that were refused, the other does not.
        let (posting, behind) = store.posting_in_full(posted.posting_id).await.unwrap().unwrap();
        answers
            .note("posting", (posting.key, posting.state, posting.external_ref, posting.posted_ms, behind));
        answers.note("effect", store.effect(&posted.key).await.unwrap());
    }
    answers.note("no posting", store.posting_in_full(99).await.unwrap());
    answers.note("events", store.events_of_request(REQUEST).await.unwrap());
}
