//! The trials that every case goes through. Each compares the evidence with that of a run in which nothing went wrong.

use crate::case::Case;
use crate::faults::{At, CrashAt, Recorder};
use crate::firm::{Books, Firm, MailBy, Outside};
use crate::road::{Granted, LEASE_MS, Running};
use remitd_flow::effect::{KINDS, POLL, PUSH, RECONCILE};
use remitd_flow::{Faults, NoFaults, Road, run};
use remitd_store::{EffectRow, Lease};
use std::sync::Arc;

/// Steps of one effect until it rests, and rounds until all do.
const STEPS_MOST: usize = 10;
const ROUNDS_MOST: usize = 50;
/// Longer than any back-off.
const LATER_MS: i64 = 10 * 60_000;
const AT_ONCE: i64 = 100;
const COME_AGAIN: [&str; 3] = [POLL, PUSH, RECONCILE];

pub async fn all(case: Case, books: Books) {
    let (expected, passed) = undisturbed(case, books).await;
    assert!(!passed.is_empty(), "{case:?} passes no fail point: a crash in its midst cannot be tried");
    twice(case, books, &expected).await;
    overtaken(case, books, &expected).await;
    for at in passed {
        crashed(case, books, at, &expected).await;
    }
    if let Some(outside) = case.outside() {
        away(case, outside, books, &expected).await;
        denied(case, books, &expected).await;
    }
}

impl Firm {
    /// A process ends, and the system knows it.
    pub async fn end(&self, running: Running) {
        let owner = running.owner;
        drop(running);
        self.bury(owner).await;
    }

    pub async fn perform(&self, road: &Road, lease: &Lease) {
        run::perform(road, lease).await;
        // Nothing is done in no time.
        self.clock.pass(1);
    }

    /// Performs one effect until it rests: done, held, to be tried again later, or cut off by a crash.
    pub async fn drive(&self, road: &Road, key: &str) -> EffectRow {
        for _ in 0..STEPS_MOST {
            let lease = road.store.take_one(key, self.now_ms(), LEASE_MS).await.unwrap();
            self.perform(road, &lease.unwrap_or_else(|| panic!("{key} is not ready"))).await;
            let row = road.store.effect(key).await.unwrap().unwrap();
            let comes_again = COME_AGAIN.contains(&row.kind.as_str());
            if row.state != "ready" || row.error_code.is_some() || comes_again {
                return row;
            }
        }
        panic!("{key} does not come to rest");
    }

    /// Lets time pass and performs whatever is due, until nothing is left to be done.
    pub async fn settle(&self, road: &Road) {
        for _ in 0..ROUNDS_MOST {
            let mut took = false;
            for kind in KINDS {
                for lease in self.take(road, kind).await {
                    took = true;
                    self.perform(road, &lease).await;
                }
            }
            let summary = road.store.effect_summary().await.unwrap();
            let open = summary.iter().any(|of| {
                ["ready", "running"].contains(&of.state.as_str()) && !COME_AGAIN.contains(&of.kind.as_str())
            });
            if !took && !open {
                return;
            }
            if !took {
                self.clock.pass(LATER_MS);
            }
        }
        panic!("the road does not come to rest: {:?}", road.store.effect_summary().await);
    }

    async fn take(&self, road: &Road, kind: &str) -> Vec<Lease> {
        road.store.take(kind, self.now_ms(), LEASE_MS, AT_ONCE).await.unwrap()
    }

    pub fn now_ms(&self) -> i64 {
        remitd_domain::time::Clock::now_ms(&*self.clock)
    }
}

async fn prepared(case: Case, books: Books) -> (Firm, String) {
    let firm = Firm::new(books, MailBy::Folder).await;
    let key = case.prepare(&firm).await;
    (firm, key)
}

async fn start(case: Case, firm: &Firm, faults: Arc<dyn Faults>, granted: Granted) -> Running {
    firm.start(faults, granted, &case.pushes()).await
}

/// What the effect leaves when nothing goes wrong, and the points that it passes on its way.
async fn undisturbed(case: Case, books: Books) -> (Vec<String>, Vec<At>) {
    let (firm, key) = prepared(case, books).await;
    let recorder = Arc::new(Recorder::default());
    let running = start(case, &firm, recorder.clone(), Granted::All).await;
    let row = firm.drive(&running.road, &key).await;
    assert_eq!(row.error_code, None, "{row:?}");
    let passed = recorder.passed();
    firm.settle(&running.road).await;
    (firm.evidence(&running.road).await, passed)
}

/// The same effect leased twice: first to a worker that is then too slow, and again when that lease has run out.
async fn leased_twice(case: Case, firm: &Firm, road: &Road, key: &str) -> [Lease; 2] {
    let slow = road.store.take_one(key, firm.now_ms(), LEASE_MS).await.unwrap().expect("it is ready");
    assert!(firm.take(road, case.kind()).await.iter().all(|lease| lease.key != key), "it is leased");
    firm.clock.pass(LEASE_MS);
    let taken = firm.take(road, case.kind()).await;
    let new = taken.into_iter().find(|lease| lease.key == key).expect("its lease ran out");
    assert!(new.fence > slow.fence);
    [slow, new]
}

/// Performed again by the same lease and by one that is lost: nothing more happens.
async fn twice(case: Case, books: Books, expected: &[String]) {
    let (firm, key) = prepared(case, books).await;
    let running = start(case, &firm, Arc::new(NoFaults), Granted::All).await;
    let road = &running.road;
    let [slow, new] = leased_twice(case, &firm, road, &key).await;
    firm.perform(road, &new).await;
    firm.settle(road).await;
    let row = road.store.effect(&key).await.unwrap();
    for again in [&new, &slow] {
        firm.perform(road, again).await;
        assert_eq!(format!("{:?}", road.store.effect(&key).await.unwrap()), format!("{row:?}"), "{case:?}");
        assert_eq!(firm.evidence(road).await, expected, "{case:?} again by fence {}", again.fence);
    }
    firm.settle(road).await;
    assert_eq!(firm.evidence(road).await, expected, "{case:?} twice");
}

/// A worker whose lease is lost comes first: it cannot finish, and who holds the lease can.
async fn overtaken(case: Case, books: Books, expected: &[String]) {
    let (firm, key) = prepared(case, books).await;
    let running = start(case, &firm, Arc::new(NoFaults), Granted::All).await;
    let road = &running.road;
    let [slow, new] = leased_twice(case, &firm, road, &key).await;
    firm.perform(road, &slow).await;
    let row = road.store.effect(&key).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.attempt), ("running", new.attempt), "a lost lease finishes nothing");
    firm.perform(road, &new).await;
    assert_ne!(road.store.effect(&key).await.unwrap().unwrap().state, "running");
    firm.settle(road).await;
    assert_eq!(firm.evidence(road).await, expected, "{case:?} overtaken");
}

/// The process dies at a point; the next one frees what it held and goes on.
async fn crashed(case: Case, books: Books, at: At, expected: &[String]) {
    let (firm, key) = prepared(case, books).await;
    let crash = Arc::new(CrashAt::new(at));
    let doomed = start(case, &firm, crash.clone(), Granted::All).await;
    firm.drive(&doomed.road, &key).await;
    assert!(crash.fired(), "{case:?} never came to {at:?}");
    firm.end(doomed).await;
    let running = start(case, &firm, Arc::new(NoFaults), Granted::All).await;
    let state = running.road.store.effect(&key).await.unwrap().unwrap().state;
    assert!(
        ["ready", "done"].contains(&state.as_str()),
        "{case:?} at {at:?}: it is freed at once, not {state}"
    );
    firm.settle(&running.road).await;
    assert_eq!(firm.evidence(&running.road).await, expected, "{case:?} crashed at {at:?}");
}

/// The outside is away: the effect says why, waits, and goes on by itself when the outside is back.
async fn away(case: Case, outside: Outside, books: Books, expected: &[String]) {
    let (mut firm, key) = prepared(case, books).await;
    let running = start(case, &firm, Arc::new(NoFaults), Granted::All).await;
    let road = &running.road;
    firm.take_away(outside).await;
    let row = firm.drive(road, &key).await;
    assert!(row.state == "ready" && row.error_code.is_some(), "{case:?} away: {row:?}");
    let taken = firm.take(road, case.kind()).await;
    assert!(taken.iter().all(|lease| lease.key != key), "{case:?} is not tried again at once");
    firm.bring_back(outside).await;
    firm.clock.pass(LATER_MS);
    firm.settle(road).await;
    assert_eq!(firm.evidence(road).await, expected, "{case:?} with the outside away");
}

/// A grant is missing: the effect waits for the operator, also through time, and goes on after a start with the grant.
async fn denied(case: Case, books: Books, expected: &[String]) {
    let (firm, key) = prepared(case, books).await;
    let denied = start(case, &firm, Arc::new(NoFaults), Granted::Nothing).await;
    let row = firm.drive(&denied.road, &key).await;
    assert_eq!(
        (row.state.as_str(), row.error_code.as_deref()),
        ("waiting", Some("grant-missing")),
        "{case:?}"
    );
    firm.clock.pass(LATER_MS);
    assert!(firm.take(&denied.road, case.kind()).await.iter().all(|lease| lease.key != key));
    firm.end(denied).await;
    let running = start(case, &firm, Arc::new(NoFaults), Granted::All).await;
    firm.settle(&running.road).await;
    assert_eq!(firm.evidence(&running.road).await, expected, "{case:?} after a grant was missing");
}
