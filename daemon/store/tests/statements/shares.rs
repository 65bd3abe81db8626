//! Parts of an invoice, asked of several payers.

use crate::Answers;
use crate::asked::{bulk, new};
use remitd_domain::draft::{Draft, Drafts};
use remitd_domain::link::NONCE_BYTES;
use remitd_domain::policy::Duplicates;
use remitd_domain::request::State;
use remitd_domain::shares::{Part, Share};
use remitd_store::Store;

fn rows(parts: &[(&str, Option<&str>)]) -> Drafts {
    let part = |payer: &str| Part { payer: payer.to_owned(), parts: 5_000 };
    let mut rows = Drafts::default();
    for (invoice, payer) in parts {
        rows.push(&Draft {
            amount_minor: 700,
            invoice: (*invoice).to_owned(),
            payer_name: payer.unwrap_or("all").to_owned(),
            payer_email: "payer@example.com".into(),
            share: payer.map(|payer| Share { payer: payer.to_owned(), of: vec![part("p1"), part("p2")] }),
            ..Draft::default()
        });
    }
    rows
}

pub async fn walk(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    let batch = tx.insert_batch(&new("shares")).await.unwrap();
    let rows = rows(&[
        ("S-1", Some("p1")),
        ("S-1", Some("p2")),
        ("S-2", None),
        ("S-3", None),
        ("S-1", Some("p1")),
        ("S-4", Some("p1")),
    ]);
    let nonces: Vec<u8> = (0..u8::try_from(6 * NONCE_BYTES).unwrap()).map(|at| 200 - at).collect();
    let keep = [0, 1, 2, 3, 4, 5];
    let taken = tx.insert_requests(&bulk(batch, State::Draft), &rows, &keep, &nonces).await.unwrap();
    assert_eq!((taken.kept, taken.duplicates), (5, vec![4]), "one part of an invoice is asked for once");
    let first = tx.request(taken.first_id).await.unwrap().unwrap();
    assert_eq!(first.share.as_ref(), rows.share(0));
    answers.note("has_gathered", tx.has_gathered("operating").await.unwrap());
    let live = tx.asked_already("operating", &["S-1", "S-2", "S-9"], Duplicates::Live).await.unwrap();
    for (invoice, share, expect) in [
        ("S-1", None, true),
        ("S-1", Some("p1"), true),
        ("S-1", Some("p3"), false),
        ("S-2", Some("p1"), true),
        ("S-9", None, false),
    ] {
        assert_eq!(live.has(invoice, share), expect, "{invoice} {share:?}");
    }
    let ever = tx.asked_already("operating", &["S-1", "S-2"], Duplicates::Ever).await.unwrap();
    assert_eq!(ever, live, "there is no earlier one");
    for (connector, expect) in [("matters", true), ("others", false)] {
        let of = tx.asked_as_statements("operating", connector, &["S-2"]).await.unwrap();
        assert_eq!(of.has("S-2", None), expect, "{connector}");
    }
    answers.note("paid_shares", tx.paid_shares("matters", &["S-1"]).await.unwrap());
    answers.note("gather", tx.gather(batch).await.unwrap());
    tx.commit().await.unwrap();
    answers.note("paid_shares", store.paid_shares("matters", &["S-1", "A-2"]).await.unwrap());
}
