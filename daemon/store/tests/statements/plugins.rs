//! What plugins remember, the trail, how comparisons went, and by which field people search.

use crate::{Answers, NOW};
use remitd_store::{AuditRow, NewReconciliation, Store};

pub async fn walk(store: &Store, answers: &mut Answers) {
    answers.note("no field yet", store.search_field("acme").await.unwrap());
    let mut tx = store.begin().await.unwrap();
    for (connector, field) in [("acme", "name"), ("other", "größe"), ("acme", "number")] {
        tx.keep_search_field(connector, field).await.unwrap();
    }
    tx.commit().await.unwrap();
    answers.note(
        "fields",
        (store.search_field("acme").await.unwrap(), store.search_field("other").await.unwrap()),
    );
    let mut tx = store.begin().await.unwrap();
    for (key, value, version) in [
        (&b"a/1"[..], Some(&b"one"[..]), 0),
        (b"a/2", Some(b"two"), 0),
        (b"B", Some(b"\0\xff"), 0),
        (b"a/1", Some(b"again"), 0),
        (b"a/1", Some(b"uno"), 1),
        (b"a/1", Some(b"old"), 1),
        (b"gone", None, 0),
        (b"a/2", None, 0),
        (b"a/2", None, 7),
    ] {
        let changed = tx.remember("acme", key, value, version).await.unwrap();
        answers.note("remember", (key, value, version, changed));
    }
    answers.note("size", tx.remembered_size("acme").await.unwrap());
    answers.note("size of another", tx.remembered_size("other").await.unwrap());
    tx.commit().await.unwrap();
    answers.note("get", store.remembered("acme", b"a/1").await.unwrap());
    answers.note("another's", store.remembered("other", b"a/1").await.unwrap());
    answers.note("all", store.remembered_from("acme", b"", b"", 10).await.unwrap());
    answers.note("prefix", store.remembered_from("acme", b"a/", b"a/1", 10).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    answers.note("remove", tx.remember("acme", b"a/2", None, 1).await.unwrap());
    for what in ["refused", "set-aside"] {
        let text = |text: &str| text.to_owned();
        let row = AuditRow {
            at_ms: NOW,
            actor: text("plugin:acme"),
            what: text(what),
            code: text("grant-missing"),
            message: text("no grant"),
            sha256: text("00ff"),
            job: text("mail:1 attempt 1"),
        };
        tx.audit(&row).await.unwrap();
    }
    tx.commit().await.unwrap();
    answers.note("after", store.remembered_from("acme", b"", b"", 1).await.unwrap());
    answers.note("trail", store.audits(10).await.unwrap());
    let mut tx = store.begin().await.unwrap();
    answers.note("forget another", tx.forget("other").await.unwrap());
    answers.note("forget", tx.forget("acme").await.unwrap());
    answers.note("size then", tx.remembered_size("acme").await.unwrap());
    tx.commit().await.unwrap();
}

pub async fn reconciliations(store: &Store, answers: &mut Answers) {
    answers.note("payments_after", store.payments_after(0, 10).await.unwrap());
    answers.note("payments_after the last", store.payments_after(1, 10).await.unwrap());
    answers.note("postings_after", store.postings_after(1, 2).await.unwrap());
    answers.note("none yet", store.last_reconciliation().await.unwrap());
    let mut tx = store.begin().await.unwrap();
    for (actor, differences) in [("daemon", "[]"), ("cli", "[\"a receipt is missing\"]")] {
        let new = NewReconciliation { at_ms: NOW, actor, differences, unread: "[]" };
        tx.keep_reconciliation(&new).await.unwrap();
    }
    tx.commit().await.unwrap();
    answers.note("the newest", store.last_reconciliation().await.unwrap());
}
