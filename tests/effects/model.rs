//! A small model checker: every order of what a gateway tells, what the firm does and what somebody does by hand in the matter
//! software, to a depth. It walks the real road; after each step the books must hold, and after each state is reached, what is
//! on its way must come to its end. States that were seen before are not walked again.

use crate::firm::{Books, Firm, MailBy};
use crate::road::{Granted, LEASE_MS, Running, push};
use crate::{case, judge};
use remitd_domain::account::Kind;
use remitd_flow::effect::POST;
use remitd_flow::intake::push as intake_push;
use remitd_flow::{NoFaults, Posting, Release, Road, post, request, run};
use sqlx::{Connection, Executor, SqliteConnection};
use std::collections::HashSet;
use std::sync::Arc;

pub const BILL: &str = "B-2001";
pub const BILL_MINOR: i64 = 125_000;
const PART_MINOR: i64 = 50_000;
const BACK_MINOR: i64 = 30_000;
/// Longer than a reversal waits for its original, shorter than a signature lives.
const STEP_MS: i64 = 20_000;
const ROUNDS_MOST: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The gateway tells, each at most once, in whatever order.
    Begun,
    Paid(i64),
    Failed,
    /// Another payment by the same checkout.
    PaidTwice,
    Refunded(i64),
    Returned(i64),
    /// In the matter software, by hand: a receipt is entered, and deleted again; the bill comes to more, or to less.
    PaidByHand,
    VoidedByHand,
    Raised,
    WrittenDown,
    /// The firm.
    Cancelled,
    Pushed,
    Posted,
    Retried,
    Removed,
}

use Step::*;

/// What may happen more than once.
const FIRM: [Step; 4] = [Pushed, Posted, Retried, Removed];

/// Only hands in the matter software bring a bill below zero.
const BY_HAND: [Step; 4] = [PaidByHand, VoidedByHand, Raised, WrittenDown];

/// What a gateway has to tell of one payment.
const HISTORIES: [&[Step]; 4] = [
    &[Paid(BILL_MINOR), Refunded(BACK_MINOR), Refunded(BILL_MINOR - BACK_MINOR), PaidTwice],
    &[Paid(PART_MINOR), Refunded(BACK_MINOR), Refunded(PART_MINOR - BACK_MINOR)],
    &[Begun, Paid(BILL_MINOR), Returned(BILL_MINOR)],
    &[Begun, Failed, PaidTwice],
];
/// What came before, and then: the bill changes while it is paid, or while a push's link asks for what a part payment left open.
const BILL_CHANGES: [(&[Step], &[Step]); 2] = [
    (&[], &[Paid(BILL_MINOR), Refunded(BACK_MINOR), Raised, WrittenDown]),
    (&[Paid(PART_MINOR), Posted, Pushed], &[Refunded(BACK_MINOR), Raised, WrittenDown]),
];

const EARNED: (Kind, Posting) = (Kind::Operating, Posting::Auto);
/// A client's money is posted by a person (R7).
const TRUST: (Kind, Posting) = (Kind::Trust, Posting::Manual);

/// A state and how it was reached.
struct Node {
    path: Vec<Step>,
    store: Vec<u8>,
    receipts: Vec<(String, String, String)>,
    /// What the bill comes to.
    total_minor: i64,
    at_ms: i64,
}

impl Node {
    fn open_minor(&self) -> i64 {
        judge::open_minor(self.total_minor, &self.receipts)
    }
}

struct World {
    firm: Firm,
    first: Running,
    account: (Kind, Posting),
}

impl World {
    async fn new(account: (Kind, Posting)) -> World {
        let firm = Firm::new(Books::Sqlite, MailBy::Folder).await;
        let first = firm.start(Arc::new(NoFaults), Granted::All, &[]).await;
        World { firm, first, account }
    }

    /// One link for one bill, whose checkout is open at the gateway.
    async fn begin(&self) -> Node {
        let request = case::link(&self.first.road, Release::Links).await;
        case::opened(&self.first.road, &request).await;
        self.first.road.store.close().await;
        self.node(Vec::new()).await
    }

    async fn node(&self, path: Vec<Step>) -> Node {
        let (receipts, total_minor) = judge::bill(&self.firm).await;
        let store = fs_err::read(self.store_path()).unwrap();
        Node { path, store, receipts, total_minor, at_ms: self.firm.now_ms() }
    }

    fn store_path(&self) -> &str {
        self.firm.url.trim_start_matches("sqlite:")
    }

    /// A process that starts where a node stands.
    async fn at(&self, node: &Node) -> Arc<Road> {
        fs_err::write(self.store_path(), &node.store).unwrap();
        let mut matters = SqliteConnection::connect(&self.firm.matters_url()).await.unwrap();
        matters.execute("DELETE FROM receipt WHERE bill = 'B-2001'").await.unwrap();
        for (key, amount, method) in &node.receipts {
            entered(&mut matters, key, amount, method).await;
        }
        let total = sqlx::query("UPDATE bill SET total = $1 / 100.0 WHERE number = 'B-2001'");
        total.bind(node.total_minor).execute(&mut matters).await.unwrap();
        matters.close().await.unwrap();
        self.firm.clock.pass(node.at_ms + STEP_MS - self.firm.now_ms());
        let (kind, posting) = self.account;
        let mut road = Arc::into_inner(self.firm.again(&self.first.road, posting).await).unwrap();
        road.accounts.iter_mut().for_each(|account| account.kind = kind);
        Arc::new(road)
    }

    async fn take(&self, road: &Arc<Road>, path: &[Step], step: Step) {
        let (what, payment, amount_minor) = match step {
            Begun => ("payment-pending", "pay_1", BILL_MINOR),
            Paid(minor) => ("payment-succeeded", "pay_1", minor),
            Failed => ("payment-failed", "pay_1", BILL_MINOR),
            PaidTwice => ("payment-succeeded", "pay_2", BILL_MINOR),
            Refunded(minor) => ("refunded", "pay_1", minor),
            Returned(minor) => ("payment-returned", "pay_1", minor),
            PaidByHand | VoidedByHand | Raised | WrittenDown => return self.by_hand(step).await,
            // A link that is used up or ended is not cancelled: that is a refusal, and changes nothing.
            Cancelled => return drop(request::cancel(road, judge::LINK, "test", "a mistake").await),
            Pushed => {
                return drop(
                    intake_push::push(road, &push().push, intake_push::Telling::Nothing).await.unwrap(),
                );
            }
            Posted => return self.post_all(road).await,
            Retried | Removed => {
                let ids = judge::waiting(road, step).await;
                let done = match step {
                    Retried => post::queue(road, &ids, "test").await,
                    _ => post::remove(road, &ids, "test").await,
                };
                return done.unwrap_or_else(|error| panic!("{path:?} {step:?}: {error}"));
            }
        };
        let event = format!("ev_{step:?}");
        let taken = self.firm.hears(road, (&event, what), payment, amount_minor).await;
        assert_eq!(taken.unwrap_or_else(|error| panic!("{path:?} {step:?}: {error}")), 1);
    }

    async fn by_hand(&self, step: Step) {
        let mut matters = SqliteConnection::connect(&self.firm.matters_url()).await.unwrap();
        let changed = match step {
            PaidByHand => {
                entered(&mut matters, "by hand", "200.00", "cheque").await;
                return matters.close().await.unwrap();
            }
            VoidedByHand => "DELETE FROM receipt WHERE key = 'by hand'",
            Raised => "UPDATE bill SET total = total + 100 WHERE number = 'B-2001'",
            _ => "UPDATE bill SET total = total - 300 WHERE number = 'B-2001'",
        };
        assert_eq!(matters.execute(changed).await.unwrap().rows_affected(), 1, "{step:?}");
        matters.close().await.unwrap();
    }

    /// Performs what is due, and what that makes due.
    async fn post_all(&self, road: &Road) {
        for _ in 0..ROUNDS_MOST {
            let due = road.store.take(POST, self.firm.now_ms(), LEASE_MS, 100).await.unwrap();
            if due.is_empty() {
                return;
            }
            for lease in due {
                run::perform(road, &lease).await;
            }
            // As long as a reversal waits for what it takes back.
            self.firm.clock.pass(STEP_MS);
        }
        panic!("postings do not come to rest: {:?}", road.store.effect_summary().await);
    }
}

async fn entered(matters: &mut SqliteConnection, key: &str, amount: &str, method: &str) {
    sqlx::query("INSERT INTO receipt (key, bill, amount, received, method, reference, drawn_by, narrative) VALUES ($1, 'B-2001', $2, '2026-01-15', $3, '', '', '')")
        .bind(key)
        .bind(amount)
        .bind(method)
        .execute(matters)
        .await
        .unwrap();
}

fn steps(history: &[Step], path: &[Step]) -> Vec<Step> {
    let voided: &[Step] = if path.contains(&PaidByHand) { &[VoidedByHand] } else { &[] };
    let once = history.iter().chain(&[PaidByHand, Cancelled]).chain(voided);
    let once = once.filter(|step| !path.contains(step));
    // Twice in a row is once.
    once.chain(FIRM.iter().filter(|step| path.last() != Some(*step))).copied().collect()
}

async fn every_order(before: &[Step], history: &[Step], account: (Kind, Posting), depth: usize) -> usize {
    let world = World::new(account).await;
    let mut seen = HashSet::new();
    let mut first = world.begin().await;
    for step in before {
        let road = world.at(&first).await;
        world.take(&road, &first.path, *step).await;
        road.store.close().await;
        first = world.node([first.path.as_slice(), &[*step]].concat()).await;
    }
    let mut frontier = vec![first];
    for _ in 0..depth {
        let mut next = Vec::new();
        for node in &frontier {
            for step in steps(history, &node.path) {
                let road = world.at(node).await;
                world.take(&road, &node.path, step).await;
                let path = [node.path.as_slice(), &[step]].concat();
                judge::holds(&world.firm, &road, &path).await;
                if account == TRUST {
                    judge::by_a_click(&world.firm, &path).await;
                }
                if !BY_HAND.contains(&step) {
                    judge::not_over_paid(&world.firm, &path, node.open_minor()).await;
                }
                let told: Vec<_> = path.iter().filter(|step| !FIRM.contains(step)).collect();
                if !seen.insert(judge::digest(&world.firm, &road, &told).await) {
                    road.store.close().await;
                    continue;
                }
                road.store.close().await;
                let reached = world.node(path).await;
                let road = world.at(&reached).await;
                world.post_all(&road).await;
                judge::holds(&world.firm, &road, &reached.path).await;
                judge::not_over_paid(&world.firm, &reached.path, reached.open_minor()).await;
                judge::at_rest(&road, &reached.path).await;
                road.store.close().await;
                next.push(reached);
            }
        }
        frontier = next;
    }
    seen.len()
}

/// The depth in which a change is tried; `make model` goes to 7.
fn depth() -> usize {
    std::env::var("REMITD_MODEL_DEPTH").map_or(3, |depth| depth.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_of_events_breaks_the_books() {
    for (at, history) in HISTORIES.into_iter().enumerate() {
        let states = every_order(&[], history, EARNED, depth()).await;
        println!("history {at}, posted at once: {states} states to depth {}", depth());
        assert!(states > 10, "few states: {states}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_of_events_breaks_the_books_or_a_trust_rule_where_a_person_posts() {
    let states = every_order(&[], HISTORIES[0], TRUST, depth()).await;
    println!("a client's money, posted by hand: {states} states to depth {}", depth());
    assert!(states > 10, "few states: {states}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_of_events_breaks_the_books_where_the_bill_changes() {
    for (before, history) in BILL_CHANGES {
        let states = every_order(before, history, EARNED, depth()).await;
        println!("the bill changes after {before:?}: {states} states to depth {}", depth());
        assert!(states > 10, "few states: {states}");
    }
}
