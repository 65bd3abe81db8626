//! Write-back of 10,000 postings, each in a transaction of its own with its key, from the daemon's start to the last one's end: against
//! the same INSERTs by the database's own client, one transaction each.

use crate::sandbox::runtime;
use crate::{BIN, now, ratio};
use remitd_domain::draft::{Draft, Drafts};
use remitd_domain::link::{NONCE_BYTES, stamp};
use remitd_domain::payment::State as Paid;
use remitd_domain::policy::{Duplicates, OneLink};
use remitd_domain::posting::State;
use remitd_domain::request;
use remitd_store::{BatchState, Bulk, Closed, Counts, NewBatch, NewPayment, NewPosting, Store};
use remitd_tests::firm::Firm;
use remitd_tests::matters::Matters;
use remitd_tests::postgres::{Fsync, Server};
use std::fmt::Write as _;
use std::process::{Command, Stdio};

const POSTINGS: usize = 10_000;
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(20);
const OWNER: u32 = 1;
const MINOR: i64 = 12_500;
/// Requests that one statement takes in.
const PIECE: usize = 1_000;

pub fn run() {
    let server = Matters::Postgres(Server::start(Fsync::On));
    for (matters, client) in [(&server, "psql"), (&Matters::Sqlite, "sqlite3")] {
        // Long enough that one run tells.
        let ours = written_back(&mut firm(matters));
        let opponent = written_by_client(&firm(matters), matters);
        let what = format!("10,000 postings, {} / {client}", matters.name());
        ratio(&what, ours, opponent, 0.7);
    }
}

/// With a bill for each posting, and an index by which matter software finds a bill's receipts.
fn firm(matters: &Matters) -> Firm {
    let mut firm = Firm::new(BIN, None);
    matters.connect(&mut firm);
    matters.ask(&firm, &crate::matters::bills(POSTINGS));
    matters.ask(&firm, "CREATE INDEX receipt_bill ON receipt (bill)");
    firm
}

#[allow(clippy::disallowed_methods, reason = "another process's rows send no event")]
fn written_back(firm: &mut Firm) -> f64 {
    let url = format!("sqlite:{}", firm.path("data/remitd.sqlite").display());
    let runtime = runtime();
    let store = runtime.block_on(async {
        let store = Store::open(&url, OWNER).await.unwrap();
        queue(&store).await;
        store
    });
    let began = now();
    firm.start();
    // The books are summed up only once the last posting is written: sooner, each look would take the daemon's time.
    while !runtime.block_on(is_posted(&store, POSTINGS))
        || runtime.block_on(store.books()).unwrap().unposted > 0
    {
        std::thread::sleep(LOOK_AGAIN);
    }
    let seconds = began.elapsed().as_secs_f64();
    let books = runtime.block_on(store.books()).unwrap();
    assert_eq!(books.postings, i64::try_from(POSTINGS).unwrap());
    firm.stop();
    runtime.block_on(store.close());
    seconds
}

async fn is_posted(store: &Store, id: usize) -> bool {
    let posting = store.posting(i64::try_from(id).unwrap()).await.unwrap();
    posting.is_some_and(|posting| posting.state == State::Posted)
}

fn written_by_client(firm: &Firm, matters: &Matters) -> f64 {
    let mut script = String::new();
    for n in 1..=POSTINGS {
        writeln!(
            script,
            "BEGIN;\nINSERT INTO receipt (key, bill, amount, received, method, reference) VALUES ('remitd-{n:032x}', '{}', 125.00, '2026-11-30', 'card', 'pay_{n:032x}');\nCOMMIT;",
            crate::matters::number(n)
        )
        .unwrap();
    }
    let file = firm.path("opponent.sql");
    fs_err::write(&file, script).unwrap();
    let began = now();
    match matters {
        Matters::Postgres(server) => {
            server.script(&firm.matters_url(), &format!("\\i {}", file.display()), &firm.path(""))
        }
        _ => {
            let mut sqlite = Command::new("sqlite3");
            sqlite
                .arg(firm.path("matters.sqlite"))
                .stdin(Stdio::from(fs_err::File::open(&file).unwrap().into_parts().0));
            assert!(sqlite.status().unwrap().success());
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(matters.ask(firm, "SELECT count(*) FROM receipt"), POSTINGS.to_string());
    seconds
}

/// Payments that have come in, each with its posting queued, as a gateway's events leave them.
async fn queue(store: &Store) {
    let mut tx = store.begin().await.unwrap();
    let new = NewBatch {
        source: "file",
        name: "bench",
        source_key: None,
        sha256: None,
        account: "operating",
        one_link: OneLink::Row,
        duplicates: Duplicates::Live,
        now_ms: 0,
    };
    let batch = tx.insert_batch(&new).await.unwrap();
    let bulk = Bulk {
        batch,
        state: request::State::PaymentReceived,
        account: "operating",
        connector: "matters",
        currency: "USD",
        created_ms: 0,
        expires_ms: 1,
        remainder_of: None,
    };
    for first in (1..=POSTINGS).step_by(PIECE) {
        let mut drafts = Drafts::default();
        (first..first + PIECE).for_each(|n| drafts.push(&draft(n)));
        let keep: Vec<usize> = (0..PIECE).collect();
        let mut nonces = vec![0; PIECE * NONCE_BYTES];
        getrandom::fill(&mut nonces).unwrap();
        stamp(&mut nonces, i64::try_from(first).unwrap());
        tx.insert_requests(&bulk, &drafts, &keep, &nonces).await.unwrap();
    }
    let counts = Counts { ok: i64::try_from(POSTINGS).unwrap(), ..Counts::default() };
    let closed = Closed { state: BatchState::Released, counts, findings: &[], notes: &[] };
    tx.close_batch(batch, &closed).await.unwrap();
    for n in 1..=POSTINGS {
        pay(&mut tx, n).await;
    }
    tx.commit().await.unwrap();
}

fn draft(n: usize) -> Draft {
    Draft {
        line: u32::try_from(n).unwrap(),
        amount_minor: MINOR,
        invoice_date: None,
        due_date: None,
        invoice: crate::matters::number(n),
        payer_name: format!("Payer Number {n}"),
        payer_email: String::new(),
        message: String::new(),
        client: "C".to_owned(),
        matter: "M".to_owned(),
        share: None,
    }
}

async fn pay(tx: &mut remitd_store::Tx, n: usize) {
    // The first request's number is 1001.
    let request = i64::try_from(1_000 + n).unwrap();
    let checkout = tx.insert_checkout(request, "sandbox", MINOR, 0, 1).await.unwrap();
    let reference = format!("pay_{n:032x}");
    let payment = NewPayment {
        request_id: request,
        checkout_id: checkout,
        gateway: "sandbox",
        gateway_ref: &reference,
        amount_minor: MINOR,
        currency: "USD",
        method: "card",
        state: Paid::Succeeded,
        reason: "",
        now_ms: 0,
    };
    let payment = tx.insert_payment(&payment).await.unwrap();
    let (key, statement) = (format!("remitd-{n:032x}"), crate::matters::number(n));
    let posting = NewPosting {
        key: &key,
        payment_id: payment,
        request_id: request,
        line: 0,
        reverses: None,
        statement: &statement,
        client: "C",
        matter: "M",
        connector: "matters",
        amount_minor: MINOR,
        currency: "USD",
        state: State::Queued,
        now_ms: 0,
    };
    let posting = tx.insert_posting(&posting).await.unwrap();
    tx.want(&format!("post:{posting}"), "post", posting, "{}", 0).await.unwrap();
}
