//! Batches, requests and their events: what comes in at the doors.

use crate::{Answers, NOW};
use remitd_domain::draft::{Draft, Drafts, Finding};
use remitd_domain::link::NONCE_BYTES;
use remitd_domain::policy::{Duplicates, OneLink};
use remitd_domain::request::{Change, State};
use remitd_store::{BatchState, Bulk, Closed, Counts, Filter, HeldRow, NewBatch, Sort, Store, Stretch};

const WHOLE: Stretch = Stretch { after: 0, last: i64::MAX };
pub const EXPIRES: i64 = NOW + 1_000_000;

pub fn new(name: &'static str) -> NewBatch<'static> {
    NewBatch {
        source: "file",
        name,
        source_key: Some(name),
        sha256: Some(name),
        account: "operating",
        one_link: OneLink::Row,
        duplicates: Duplicates::Live,
        now_ms: NOW,
    }
}

pub fn bulk(batch: i64, state: State) -> Bulk<'static> {
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

pub fn drafts(invoices: &[&str]) -> Drafts {
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
            share: None,
        });
    }
    drafts
}

pub async fn walk(store: &Store, answers: &mut Answers) {
    batches(store, answers).await;
    changes(store, answers).await;
    lists(store, answers).await;
    gathered(store, answers).await;
    held(store, answers).await;
}

async fn batches(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    let batch = tx.insert_batch(&new("first.csv")).await.unwrap();
    let nonces: Vec<u8> = (0..u8::try_from(4 * NONCE_BYTES).unwrap()).collect();
    let rows = drafts(&["A-1", "A-2", "A-1", ""]);
    tx.with_room().await.unwrap();
    let taken = tx.insert_requests(&bulk(batch, State::Draft), &rows, &[0, 1, 2, 3], &nonces).await.unwrap();
    answers.note("insert_requests", &taken);
    answers.note("asked_by", tx.asked_by("operating", "A-1").await.unwrap());
    answers.note("asked_by", tx.asked_by("operating", "A-9").await.unwrap());
    answers.note("remainder", tx.remainder(taken.first_id).await.unwrap());
    let live = tx.asked_already("operating", &["A-2", "A-9", "", "it's"], Duplicates::Live).await.unwrap();
    answers.note("asked_already", live);
    let counts = Counts { ok: 3, rejected: 0, duplicate: 1 };
    let finding = Finding {
        line: 4,
        column: "Invoice Number".into(),
        value: "A-1".into(),
        code: "REMIT-0212".into(),
        message: "twice".into(),
    };
    let findings = [finding];
    let closed = Closed { state: BatchState::Review, counts, findings: &findings, notes: &findings };
    tx.close_batch(batch, &closed).await.unwrap();
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
    let stretch = tx.stretch_of_batch(1).await.unwrap().unwrap();
    answers.note("stretch_of_batch", stretch);
    answers.note("stretch_of_batch", tx.stretch_of_batch(9_999).await.unwrap());
    for stretch in [Stretch { last: stretch.after + 1, ..stretch }, stretch, stretch] {
        let wanted = tx.want_batch_mails(1, State::Outstanding, stretch, NOW).await.unwrap();
        answers.note("want_batch_mails", wanted);
        let several = tx.several_addresses(1, State::Outstanding, stretch).await.unwrap();
        answers.note("several_addresses", several);
    }
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

/// Rows of one payer become one link; an invoice on a line of it is asked for like any other.
async fn gathered(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    tx.take_turn().await.unwrap();
    answers.note("has_gathered", tx.has_gathered("operating").await.unwrap());
    let by_payer = NewBatch { one_link: OneLink::Payer, duplicates: Duplicates::Ever, ..new("payer.csv") };
    let batch = tx.insert_batch(&by_payer).await.unwrap();
    let mut rows = Drafts::default();
    for (line, invoice, name, email, message) in [
        (2, "G-1", "Jane", "Jane@example.com", "first"),
        (3, "G-2", "Jane", "jane@example.com; roe@example.com", ""),
        (4, "G-3", "Jane", "jane@example.com", "second"),
        (5, "G-4", "John", "jane@example.com", ""),
        (6, "G-5", "Jane", "jane@example.com", "first"),
    ] {
        rows.push(&Draft {
            line,
            amount_minor: i64::from(line) * 100,
            invoice_date: (line != 3).then(|| "2026-01-02".parse().unwrap()),
            due_date: format!("2026-03-0{line}").parse().ok(),
            invoice: invoice.into(),
            payer_name: name.into(),
            payer_email: email.into(),
            message: message.into(),
            client: String::new(),
            matter: format!("M-{line}"),
            share: None,
        });
    }
    let nonces: Vec<u8> = (100..100 + u8::try_from(5 * NONCE_BYTES).unwrap()).collect();
    let taken =
        tx.insert_requests(&bulk(batch, State::Draft), &rows, &[0, 1, 2, 3, 4], &nonces).await.unwrap();
    answers.note("several_addresses", tx.several_addresses(batch, State::Draft, WHOLE).await.unwrap());
    answers.note("gather", tx.gather(batch).await.unwrap());
    answers.note("gather", tx.gather(batch).await.unwrap());
    answers.note("has_gathered", tx.has_gathered("operating").await.unwrap());
    for id in taken.first_id..taken.first_id + 5 {
        let mut request = tx.request(id).await.unwrap().unwrap();
        // A number that was used up by a batch that never was, on one of the two.
        request.batch_id = 0;
        answers.note("gathered", (request.invoices().to_owned(), &request));
        answers.note("asked_lines", tx.asked_lines(&request).await.unwrap());
    }
    let asked = ["G-2", "G-3", "G-4", "A-1", "A-2"];
    for duplicates in [Duplicates::Live, Duplicates::Paid, Duplicates::Ever] {
        let found = tx.asked_already("operating", &asked, duplicates).await.unwrap();
        answers.note("asked_already", (duplicates, found));
    }
    for invoice in asked {
        answers.note("asked_by", tx.asked_by("operating", invoice).await.unwrap());
    }
    let live = tx.asked_already("operating", &["G-3"], Duplicates::Live).await.unwrap();
    assert!(live.has("G-3", None), "an invoice on a line is live");
    answers.note("change_batch", tx.change_batch(batch, Change::Release).await.unwrap());
    tx.commit().await.unwrap();
    let lead = store.request(taken.first_id).await.unwrap().unwrap();
    assert_eq!(store.request_lines(&lead).await.unwrap().len(), 3);
    let ids = |filter: Filter| async move {
        store.requests(&filter).await.unwrap().iter().map(|request| request.id).collect::<Vec<_>>()
    };
    answers.note("all", ids(Filter { batch: Some(batch), ..Filter::default() }).await);
    pages(store, answers, batch).await;
    let state = Some(State::Gathered);
    answers.note("gathered", ids(Filter { batch: Some(batch), state, ..Filter::default() }).await);
}

/// Of a batch, and of the links that can be paid.
async fn pages(store: &Store, answers: &mut Answers, batch: i64) {
    let mut tx = store.begin().await.unwrap();
    tx.set_replaces(batch, 1_001).await.unwrap();
    tx.commit().await.unwrap();
    for account in ["operating", "trust"] {
        answers.note("payable_page", store.payable_page("matters", account, 0, 100).await.unwrap());
    }
    let page = store.batch_page(batch, 0, 1).await.unwrap();
    let rest = store.batch_page(batch, page[0].id, 100).await.unwrap();
    let facts = page.iter().chain(&rest).map(|request| (request.id, request.replaces));
    answers.note("batch_page", facts.collect::<Vec<_>>());
    answers.note("waiting", store.waiting().await.unwrap());
}

/// Bad rows wait, and drafts are written anew.
async fn held(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    let batch = tx.insert_batch(&new("held.csv")).await.unwrap();
    let row = |line| HeldRow {
        draft: Draft {
            line,
            payer_name: "Søn \"x\"".into(),
            due_date: "2026-02-28".parse().ok(),
            ..Draft::default()
        },
        findings: vec![Finding {
            line,
            column: "Amount".into(),
            value: "ten".into(),
            code: "REMIT-0202".into(),
            message: "is no amount".into(),
        }],
    };
    tx.hold_rows(batch, &[row(7), row(3), row(5)]).await.unwrap();
    tx.hold_rows(batch, &[]).await.unwrap();
    answers.note("last_line", tx.last_line(batch).await.unwrap());
    answers.note("release_row", tx.release_row(batch, 3).await.unwrap());
    answers.note("release_row", tx.release_row(batch, 3).await.unwrap());
    let nonces = [77; NONCE_BYTES];
    tx.insert_requests(&bulk(batch, State::Draft), &drafts(&["H-1"]), &[0], &nonces).await.unwrap();
    let draft = tx.draft_of_line(batch, 2).await.unwrap().unwrap();
    answers.note("draft_of_line", (draft.id, &draft.invoice));
    answers.note("draft_of_line", tx.draft_of_line(batch, 5).await.unwrap());
    let mended = Draft { amount_minor: 5, invoice: "H-2".into(), ..row(2).draft };
    answers.note("rewrite_draft", tx.rewrite_draft(draft.id, &mended).await.unwrap());
    answers.note("rewrite_draft", tx.rewrite_draft(1_001, &mended).await.unwrap());
    let rewritten = tx.request(draft.id).await.unwrap().unwrap();
    answers.note(
        "rewritten",
        (rewritten.amount_minor, rewritten.invoice, rewritten.payer_name, rewritten.due_date),
    );
    let found = tx.batch(batch).await.unwrap().unwrap();
    answers.note("batch", (found.state, found.counts, found.held, found.one_link, found.duplicates));
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let taken = Draft { invoice: "G-4".into(), ..mended };
    let refused = tx.rewrite_draft(draft.id, &taken).await.unwrap_err();
    answers.note("an invoice that is asked for", refused.is_taken());
    tx.rollback().await.unwrap();
    answers.note("held_rows", store.held_rows(batch).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    answers.note("drop_held", tx.drop_held(batch).await.unwrap());
    tx.commit().await.unwrap();
}
