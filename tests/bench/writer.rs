//! The store alone: the rows of a file that nobody reads, checked and written as intake does, with no plugin beside it.

use crate::now;
use crate::sandbox::runtime;
use remitd_domain::draft::{Delivery, Draft, Drafts, Terms, check};
use remitd_domain::link::{NONCE_BYTES, stamp};
use remitd_domain::policy::{Duplicates, OneLink};
use remitd_domain::request::State;
use remitd_plugin_sdk::importer::BATCH_ROWS;
use remitd_store::{BatchState, Bulk, Closed, Counts, NewBatch, Store, Stretch};

const OWNER: u32 = 1;
/// The rest of a batch's mails are wanted after it is kept.
const MAILS_AT_ONCE: i64 = 1_000;
const TERMS: Terms = Terms { delivery: Delivery::Mail, ledger: None };

pub fn make_tables(url: &str) {
    runtime().block_on(async { Store::open(url, OWNER).await.unwrap().close().await });
}

/// Seconds from opening the store to closing it.
pub fn write(url: &str, rows: usize) -> f64 {
    make_tables(url);
    let pieces: Vec<Drafts> =
        (0..rows).step_by(BATCH_ROWS).map(|first| piece(first..rows.min(first + BATCH_ROWS))).collect();
    runtime().block_on(async {
        let began = now();
        let store = Store::open(url, OWNER).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let (one_link, duplicates) = (OneLink::Row, Duplicates::Live);
        let new = NewBatch {
            source: "file",
            name: "alone",
            source_key: None,
            sha256: None,
            account: "operating",
            one_link,
            duplicates,
            now_ms: 0,
        };
        let batch = tx.insert_batch(&new).await.unwrap();
        let state = State::Outstanding;
        let bulk = Bulk {
            batch,
            state,
            account: "operating",
            connector: "",
            currency: "USD",
            created_ms: 0,
            expires_ms: 1,
            remainder_of: None,
        };
        for (now_ms, piece) in (0..).zip(&pieces) {
            let mut findings = Vec::new();
            let keep: Vec<usize> =
                (0..piece.len()).filter(|at| check(piece.row(*at), TERMS, &mut findings)).collect();
            let mut nonces = vec![0; keep.len() * NONCE_BYTES];
            getrandom::fill(&mut nonces).unwrap();
            stamp(&mut nonces, now_ms);
            let taken = tx.insert_requests(&bulk, piece, &keep, &nonces).await.unwrap();
            assert_eq!(taken.kept, i64::try_from(piece.len()).unwrap());
        }
        let counts = Counts { ok: i64::try_from(rows).unwrap(), ..Counts::default() };
        let closed = Closed { state: BatchState::Released, counts, findings: &[], notes: &[] };
        tx.close_batch(batch, &closed).await.unwrap();
        let whole = tx.stretch_of_batch(batch).await.unwrap().unwrap();
        let first = Stretch { last: whole.after + MAILS_AT_ONCE, ..whole };
        tx.want_batch_mails(batch, state, first, 0).await.unwrap();
        tx.several_addresses(batch, state, first).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;
        began.elapsed().as_secs_f64()
    })
}

/// The rows of [`crate::files::csv`].
fn piece(rows: std::ops::Range<usize>) -> Drafts {
    let mut drafts = Drafts::default();
    for row in rows {
        let (day, month, thousands) = (1 + row % 28, 1 + row % 12, 1 + row % 9);
        let minor = (thousands * 1000 + row % 1000) * 100 + row % 100;
        drafts.push(&Draft {
            line: u32::try_from(row + 2).unwrap(),
            amount_minor: i64::try_from(minor).unwrap(),
            invoice_date: format!("2026-{month:02}-{day:02}").parse().ok(),
            due_date: format!("2026-12-{day:02}").parse().ok(),
            invoice: format!("INV-{row:07}"),
            payer_name: format!("Payer Number {row}"),
            payer_email: format!("payer{row}@example.com"),
            message: format!("Thank you for your business in matter {}", row % 5000),
            client: String::new(),
            matter: String::new(),
            share: None,
        });
    }
    drafts
}
