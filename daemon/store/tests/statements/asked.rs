//! Batches, requests and their events: what comes in at the doors.

use crate::{Answers, NOW};
use remitd_domain::draft::{Draft, Drafts, Finding};
use remitd_domain::link::NONCE_BYTES;
use remitd_domain::request::{Change, State};
use remitd_store::{BatchState, Bulk, Counts, Filter, NewBatch, Sort, Store};

pub const EXPIRES: i64 = NOW + 1_000_000;

fn new(name: &'static str) -> NewBatch<'static> {
    NewBatch {
        source: "file",
        name,
        source_key: Some(name),
        sha256: Some(name),
        account: "operating",
        now_ms: NOW,
    }
}

fn bulk(batch: i64, state: State) -> Bulk<'static> {
    Bulk {
        batch,
        state,
        account: "operating",
        connector: "matters",
        currency: "USD",
        created_ms: NOW,
        expires_ms: EXPIRES,
        remainder_of: None,
    }
}

fn drafts(invoices: &[&str]) -> Drafts {
    let mut drafts = Drafts::default();
    for (at, invoice) in invoices.iter().enumerate() {
        drafts.push(&Draft {
            line: 2 + u32::try_from(at).unwrap(),
            amount_minor: 1_000 + i64::try_from(at).unwrap(),
            invoice_date: "2026-01-02".parse().ok(),
            due_date: if at == 0 { None } else { "2026-02-28".parse().ok() },
            invoice: (*invoice).into(),
            payer_name: format!("Müller \"{at}\" \\ Søn"),
            payer_email: "payer@example.com".into(),
            message: "two\nlines".into(),
            client: "00124".into(),
            matter: "00124.00001".into(),
        });
    }
    drafts
}

pub async fn walk(store: &Store, answers: &mut Answers) {
    batches(store, answers).await;
    changes(store, answers).await;
    lists(store, answers).await;
}

async fn batches(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    let batch = tx.insert_batch(&new("first.csv")).await.unwrap();
    let nonces: Vec<u8> = (0..u8::try_from(4 * NONCE_BYTES).unwrap()).collect();
    let rows = drafts(&["A-1", "A-2", "A-1", ""]);
    let taken = tx.insert_requests(&bulk(batch, State::Draft), &rows, &[0, 1, 2, 3], &nonces).await.unwrap();
    answers.note("insert_requests", &taken);
    answers.note("live_request", tx.live_request("operating", "A-1").await.unwrap());
    answers.note("live_request", tx.live_request("operating", "A-9").await.unwrap());
    answers.note("remainder", tx.remainder(taken.first_id).await.unwrap());
    let live = tx.live_invoices("operating", &["A-2", "A-9", "", "it's"]).await.unwrap();
    answers.note("live_invoices", live);
    let counts = Counts { ok: 3, rejected: 0, duplicate: 1 };
    let finding = Finding {
        line: 4,
        column: "Invoice Number".into(),
        value: "A-1".into(),
        code: "REMIT-0212".into(),
        message: "twice".into(),
    };
    tx.close_batch(batch, BatchState::Review, counts, &[finding]).await.unwrap();
    tx.event_of_batch(batch, "review", "test", "3 rows", NOW).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let again = tx.insert_batch(&new("first.csv")).await.unwrap_err();
    answers.note("a key that is taken", (again.is_taken(), again.may_pass()));
    tx.rollback().await.unwrap();
    answers.note("batch", store.batch(batch).await.unwrap());
    answers.note("batch", store.batch(99).await.unwrap().is_none());
    answers.note("by key", store.batch_by_source_key("first.csv").await.unwrap());
    answers.note("by content", store.batch_of_content("first.csv", "operating").await.unwrap());
    answers.note("by content", store.batch_of_content("first.csv", "trust").await.unwrap());
    answers.note("batches", store.batches(5).await.unwrap());
}

async fn changes(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    tx.set_batch_expiry(1, EXPIRES + 5).await.unwrap();
    answers.note("leave_review", tx.leave_review(1, BatchState::Released).await.unwrap());
    answers.note("leave_review", tx.leave_review(1, BatchState::Discarded).await.unwrap());
    answers.note("change_batch", tx.change_batch(1, Change::Release).await.unwrap());
    answers.note("want_batch_mails", tx.want_batch_mails(1, NOW).await.unwrap());
    answers.note("request", tx.request(1_001).await.unwrap());
    for change in [Change::PaymentBegun, Change::PaymentBegun, Change::PaidInPart, Change::Cancel] {
        answers.note("change_request", tx.change_request(1_001, change).await.unwrap());
    }
    tx.add_paid(1_001, 400).await.unwrap();
    tx.event_of_request(1_001, "changed", "test", "", NOW + 1).await.unwrap();
    answers.note("expire_requests", tx.expire_requests(EXPIRES, 10).await.unwrap());
    answers.note("expire_requests", tx.expire_requests(EXPIRES + 5, 1).await.unwrap());
    tx.commit().await.unwrap();
}

async fn lists(store: &Store, answers: &mut Answers) {
    let request = store.request(1_001).await.unwrap();
    let nonce = request.as_ref().unwrap().nonce;
    answers.note("request", request);
    answers.note("by nonce", store.request_by_nonce(nonce).await.unwrap().map(|request| request.id));
    for (sort, name) in Sort::NAMES {
        let filter = Filter { sort, ..Filter::default() };
        let ids: Vec<i64> = store.requests(&filter).await.unwrap().iter().map(|request| request.id).collect();
        answers.note(name, ids);
    }
    let filter =
        Filter { state: Some(State::Outstanding), batch: Some(1), limit: Some(1), ..Filter::default() };
    answers.note("filtered", store.requests(&filter).await.unwrap());
    answers.note("counts", store.request_counts().await.unwrap());
    answers.note("events", store.events_of_request(1_001).await.unwrap());
}
