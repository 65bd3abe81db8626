//! Odd texts by the thousand: whatever a file may hold comes out again as it went in, by COPY and by the statement that goes around
//! duplicates.

use crate::Answers;
use crate::asked::{bulk, new};
use remitd_domain::draft::{Draft, Drafts};
use remitd_domain::link::NONCE_BYTES;
use remitd_domain::request::State;
use remitd_store::{Filter, Store};

/// Many enough for COPY.
const ROWS: usize = 200;
const ODD: [&str; 22] = [
    "",
    " ",
    "\\",
    "\\N",
    "\\.",
    "\\\\x41",
    "\\x41",
    "\\101",
    "\\t",
    "a\tb",
    "two\nlines",
    "two\r\nlines\r",
    "\n\\.\n",
    "NULL",
    "null",
    "\"quoted\"",
    "'; --",
    "{\"a\":[1]}",
    "Müller & Søn 日本 🦀",
    "\u{1}\u{8}\u{b}\u{c}\u{1b}\u{7f}\u{85}\u{2028}",
    "\u{feff}e\u{301}\u{200f}\u{fffd}",
    "$1 %s ${x}",
];

fn odd(at: usize) -> String {
    ODD[at % ODD.len()].to_owned()
}

fn draft(at: usize) -> Draft {
    Draft {
        line: u32::try_from(at).unwrap(),
        amount_minor: 1 + i64::try_from(at).unwrap(),
        invoice_date: if at.is_multiple_of(3) {
            None
        } else {
            format!("{:04}-02-28", 1 + at * 40).parse().ok()
        },
        due_date: "2026-02-28".parse().ok(),
        invoice: format!("{}-O-{at}", odd(at)),
        payer_name: odd(at + 1),
        payer_email: odd(at + 2),
        message: odd(at + 3),
        client: odd(at + 4),
        matter: odd(at + 5),
        share: None,
    }
}

fn drafts(of: impl Iterator<Item = usize>) -> Drafts {
    let mut drafts = Drafts::default();
    of.for_each(|at| drafts.push(&draft(at)));
    drafts
}

pub async fn walk(store: &Store, answers: &mut Answers) {
    insert(store, answers, "odd.csv", 0, drafts(0..ROWS)).await;
    // Every other one is there already.
    insert(store, answers, "odd-again.csv", 1, drafts((0..ROWS).map(|at| at * 2))).await;
    refused(store, answers).await;
}

async fn insert(store: &Store, answers: &mut Answers, name: &'static str, mark: u8, rows: Drafts) {
    let mut tx = store.begin().await.unwrap();
    let batch = tx.insert_batch(&new(name)).await.unwrap();
    let keep: Vec<usize> = (0..rows.len()).collect();
    let taken = tx
        .insert_requests(&bulk(batch, State::Draft), &rows, &keep, &nonces(mark, keep.len()))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    answers.note("insert_requests", &taken);
    let mut there = store.requests(&Filter { batch: Some(batch), ..Filter::default() }).await.unwrap();
    there.sort_by_key(|request| request.id);
    assert_eq!(i64::try_from(there.len()).unwrap(), taken.kept, "{name}");
    for mut request in there {
        let at = usize::try_from(request.id - taken.first_id).unwrap();
        assert!(!taken.duplicates.contains(&at));
        assert_eq!(request.nonce.0[..2], [0xfe, mark]);
        let expect = rows.draft(at);
        assert_eq!(
            (
                &request.invoice,
                &request.payer_name,
                &request.payer_email,
                &request.message,
                &request.client,
                &request.matter
            ),
            (
                &expect.invoice,
                &expect.payer_name,
                &expect.payer_email,
                &expect.message,
                &expect.client,
                &expect.matter
            )
        );
        assert_eq!(
            (request.amount_minor, request.invoice_date, request.due_date, request.line),
            (expect.amount_minor, expect.invoice_date, expect.due_date, expect.line.into())
        );
        // Numbers that a batch used up that never was, on one of the two.
        request.batch_id = 0;
        answers.note("odd", request);
    }
}

/// What PostgreSQL cannot hold and what the table forbids is refused on both, and is no invoice that is taken.
async fn refused(store: &Store, answers: &mut Answers) {
    for change in [Draft { message: "a\0b".into(), ..draft(0) }, Draft { amount_minor: 0, ..draft(0) }] {
        let mut rows = drafts(ROWS * 2..ROWS * 3);
        rows.push(&Draft { invoice: "O-refused".into(), ..change });
        let mut tx = store.begin().await.unwrap();
        let batch = tx.insert_batch(&new("odd-refused.csv")).await.unwrap();
        let keep: Vec<usize> = (0..rows.len()).collect();
        let refused = tx
            .insert_requests(&bulk(batch, State::Draft), &rows, &keep, &nonces(2, rows.len()))
            .await
            .unwrap_err();
        answers.note("refused", (refused.is_taken(), refused.may_pass()));
        tx.rollback().await.unwrap();
    }
}

fn nonces(mark: u8, rows: usize) -> Vec<u8> {
    let nonce = |at| [&[0xfe, mark], &[u8::try_from(at).unwrap(); NONCE_BYTES - 2][..]].concat();
    (0..rows).flat_map(nonce).collect()
}
