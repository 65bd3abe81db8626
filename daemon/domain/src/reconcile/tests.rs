//! Whatever is consistent has no difference, and each single change of one side is named by exactly its case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;
use proptest::sample::Index;

const GATEWAYS: [&str; 2] = ["cards", "bank"];
const CONNECTORS: [&str; 2] = ["matters", "archive"];
const STATES: [State; 5] = State::ALL;

/// How one payment came to stand as it does.
#[derive(Debug, Clone)]
struct Plan {
    state: Paid,
    /// Where it went back before it was sure, nothing was posted.
    was_sure: bool,
    /// Each share with how far it came; a part of the first one went back that was posted or handled by hand.
    shares: Vec<(i64, State)>,
    part_back: bool,
    reversal: State,
    gateway: usize,
    connector: usize,
}

fn plan() -> impl Strategy<Value = Plan> {
    let paid =
        prop_oneof![Just(Paid::Pending), Just(Paid::Succeeded), Just(Paid::Failed), Just(Paid::Returned)];
    let share = (2i64..1_000_000, (0usize..5).prop_map(|at| STATES[at]));
    let shares = proptest::collection::vec(share, 1..4);
    let reversal = prop_oneof![Just(State::Queued), Just(State::Posted)];
    (paid, any::<bool>(), shares, any::<bool>(), reversal, 0usize..2, 0usize..2).prop_map(
        |(state, was_sure, shares, part_back, reversal, gateway, connector)| Plan {
            state,
            was_sure,
            shares,
            part_back,
            reversal,
            gateway,
            connector,
        },
    )
}

fn receipt(posting: &Posting) -> Receipt {
    Receipt {
        connector: posting.connector.clone(),
        key: posting.key.clone(),
        statement: posting.statement.clone(),
        amount_minor: posting.written_minor(),
        currency: posting.currency.clone(),
        external_ref: None,
    }
}

/// All sides as they stand when everything went as planned.
fn sides(plans: &[Plan]) -> Sides {
    let mut sides = Sides {
        gateways: GATEWAYS.iter().map(|name| ((*name).to_owned(), Some(0))).collect(),
        connectors: CONNECTORS.iter().map(|name| (*name).to_owned()).collect(),
        ..Sides::default()
    };
    for (at, plan) in plans.iter().enumerate() {
        add(&mut sides, i64::try_from(at).unwrap(), plan);
    }
    for posting in sides.postings.iter().filter(|posting| posting.state == State::Posted) {
        sides.receipts.push(receipt(posting));
    }
    sides
}

fn posting(
    sides: &mut Sides,
    (payment, plan): (i64, &Plan),
    reverses: Option<i64>,
    (amount_minor, state): (i64, State),
) -> i64 {
    let id = i64::try_from(sides.postings.len()).unwrap();
    sides.postings.push(Posting {
        id,
        key: format!("remitd-{id}"),
        payment,
        reverses,
        connector: CONNECTORS[plan.connector].into(),
        statement: format!("B-{id}"),
        amount_minor,
        currency: "USD".into(),
        state,
        never_written: false,
    });
    id
}

/// A share with what became of it; gives how much of it went back in part.
fn share(sides: &mut Sides, of: (i64, &Plan), (share_minor, state): (i64, State), may_part: bool) -> i64 {
    let (_, plan) = of;
    let went_back = plan.state == Paid::Returned;
    let back_minor = share_minor - 1;
    // What a person takes back where they had handled the share by hand, and whether they have.
    let by_hand = if plan.reversal == State::Posted { State::Removed } else { State::Pending };
    match state {
        // What was not on its way yet is not written any more.
        State::Pending | State::Incomplete if went_back => {
            posting(sides, of, None, (share_minor, State::Removed));
            sides.postings.last_mut().unwrap().never_written = true;
        }
        State::Removed | State::Queued | State::Posted if went_back => {
            let original = posting(sides, of, None, (share_minor, state));
            let after = match state {
                State::Removed => by_hand,
                State::Posted => plan.reversal,
                _ => State::Queued,
            };
            posting(sides, of, Some(original), (share_minor, after));
        }
        State::Removed if may_part => {
            posting(sides, of, None, (1, state));
            let original = posting(sides, of, None, (back_minor, state));
            posting(sides, of, Some(original), (back_minor, by_hand));
            return back_minor;
        }
        // The whole is taken back, and what stays of it is written anew.
        State::Posted if may_part => {
            let original = posting(sides, of, None, (share_minor, state));
            posting(sides, of, Some(original), (share_minor, plan.reversal));
            let rest = if plan.reversal == State::Posted { State::Queued } else { State::Pending };
            posting(sides, of, None, (1, rest));
            return back_minor;
        }
        _ => {
            posting(sides, of, None, (share_minor, state));
        }
    }
    0
}

fn add(sides: &mut Sides, id: i64, plan: &Plan) {
    let amount_minor = plan.shares.iter().map(|(amount, _)| amount).sum();
    let posted = matches!(plan.state, Paid::Succeeded) || (plan.state == Paid::Returned && plan.was_sure);
    let mut back_minor = if plan.state == Paid::Returned { amount_minor } else { 0 };
    for of_it in plan.shares.iter().filter(|_| posted) {
        let may_part = plan.state == Paid::Succeeded && plan.part_back && back_minor == 0;
        back_minor += share(sides, (id, plan), *of_it, may_part);
    }
    let (gateway, reference) = (GATEWAYS[plan.gateway].to_owned(), format!("pay_{id}"));
    sides.payments.push(Payment {
        id,
        request: 1_000 + id,
        gateway: gateway.clone(),
        reference: reference.clone(),
        state: plan.state,
        amount_minor,
        returned_minor: back_minor,
        currency: "USD".into(),
        begun_ms: 1,
    });
    sides.told.push(Told {
        gateway,
        reference,
        checkout: id.to_string(),
        state: plan.state,
        amount_minor,
        returned_minor: back_minor,
        currency: "USD".into(),
        at_ms: 2,
    });
}

fn name(difference: &Difference) -> &'static str {
    match difference {
        Difference::Unheard(_) => "unheard",
        Difference::PaymentDiffers(..) => "payment differs",
        Difference::Untold(_) => "untold",
        Difference::Unsplit { .. } => "unsplit",
        Difference::NotTakenBack { .. } => "not taken back",
        Difference::TakenBackTooMuch { .. } => "taken back too much",
        Difference::ReceiptMissing(_) => "receipt missing",
        Difference::ReceiptDiffers(..) => "receipt differs",
        Difference::ReceiptTwice(..) => "receipt twice",
        Difference::ReceiptEarly(..) => "receipt early",
        Difference::ReceiptOfRemoved(..) => "receipt of removed",
        Difference::ReceiptUnknown(_) => "receipt unknown",
    }
}

/// One of those that fit; none where none does.
fn pick<T>(list: &mut [T], at: Index, fits: impl Fn(&T) -> bool) -> Option<&mut T> {
    let mut fitting: Vec<&mut T> = list.iter_mut().filter(|one| fits(one)).collect();
    if fitting.is_empty() { None } else { Some(fitting.swap_remove(at.index(fitting.len()))) }
}

fn remove<T>(list: &mut Vec<T>, at: Index, fits: impl Fn(&T) -> bool) -> Option<T> {
    let places: Vec<usize> = (0..list.len()).filter(|place| fits(&list[*place])).collect();
    if places.is_empty() { None } else { Some(list.remove(places[at.index(places.len())])) }
}

/// Payments of which nothing went back.
fn whole_payments(sides: &Sides) -> Vec<i64> {
    let whole = |paid: &&Payment| paid.state == Paid::Succeeded && paid.returned_minor == 0;
    sides.payments.iter().filter(whole).map(|paid| paid.id).collect()
}

const CHANGES: usize = 15;

/// Changes one side in one place; gives what that must be called. None where there is nothing to change.
fn change(sides: &mut Sides, which: usize, at: Index) -> Option<&'static str> {
    let unposted = |posting: &Posting| !matches!(posting.state, State::Posted | State::Queued);
    match which {
        0 => remove(&mut sides.told, at, |_| true).map(|_| "untold"),
        1 => remove(&mut sides.payments, at, |_| true).map(|_| "unheard"),
        2 => {
            pick(&mut sides.told, at, |_| true).map(|told| told.amount_minor += 1).map(|()| "payment differs")
        }
        3 => {
            let told = pick(&mut sides.told, at, |told| told.state != Paid::Failed)?;
            told.state = Paid::Failed;
            Some("payment differs")
        }
        4 => pick(&mut sides.told, at, |_| true)
            .map(|told| told.returned_minor += 1)
            .map(|()| "payment differs"),
        5 => {
            let whole = whole_payments(sides);
            pick(&mut sides.postings, at, |posting| unposted(posting) && whole.contains(&posting.payment))
                .map(|posting| posting.amount_minor -= 1)
                .map(|()| "unsplit")
        }
        6 => {
            let reversal = |posting: &Posting| posting.reverses.is_some() && posting.state != State::Posted;
            remove(&mut sides.postings, at, reversal).map(|_| "not taken back")
        }
        7 => {
            let paid: Vec<i64> =
                sides.payments.iter().filter(|paid| paid.returned_minor == 0).map(|paid| paid.id).collect();
            let original = pick(&mut sides.postings, at, |posting| {
                paid.contains(&posting.payment) && posting.state == State::Posted
            })?;
            let (key, reverses) = ("remitd-more".to_owned(), Some(original.id));
            let more = Posting { id: 10_000, key, reverses, state: State::Queued, ..original.clone() };
            sides.postings.push(more);
            Some("taken back too much")
        }
        8 => remove(&mut sides.receipts, at, |_| true).map(|_| "receipt missing"),
        9 => {
            pick(&mut sides.receipts, at, |_| true).map(|it| it.amount_minor -= 1).map(|()| "receipt differs")
        }
        10 => pick(&mut sides.receipts, at, |_| true)
            .map(|it| it.statement.push('x'))
            .map(|()| "receipt differs"),
        11 => {
            let twice = pick(&mut sides.receipts, at, |_| true)?.clone();
            sides.receipts.push(twice);
            Some("receipt twice")
        }
        12 => {
            let early = |posting: &Posting| !matches!(posting.state, State::Posted | State::Removed);
            let early = receipt(pick(&mut sides.postings, at, early)?);
            sides.receipts.push(early);
            Some("receipt early")
        }
        13 => {
            let removed = receipt(pick(&mut sides.postings, at, |posting| posting.state == State::Removed)?);
            sides.receipts.push(removed);
            Some("receipt of removed")
        }
        _ => {
            let mut foreign = pick(&mut sides.receipts, at, |_| true)?.clone();
            foreign.key = "by-hand".to_owned();
            sides.receipts.push(foreign);
            Some("receipt unknown")
        }
    }
}

proptest! {
    #[test]
    fn what_is_consistent_has_no_difference(plans in proptest::collection::vec(plan(), 0..20)) {
        prop_assert_eq!(compare(&sides(&plans)), Found::default());
    }

    #[test]
    fn a_single_change_is_named_by_its_case(
        plans in proptest::collection::vec(plan(), 1..20),
        which in 0..CHANGES,
        at in any::<Index>(),
    ) {
        let mut sides = sides(&plans);
        let Some(expected) = change(&mut sides, which, at) else { return Ok(()) };
        let found = compare(&sides);
        let names: Vec<_> = found.differences.iter().map(name).collect();
        prop_assert_eq!(names, [expected], "{:?}", found);
    }

    #[test]
    fn the_order_of_events_does_not_matter(
        order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(),
        parts in 1i64..99,
    ) {
        let events = [("pending", 100), ("payment-succeeded", 100), ("refunded", parts), ("payment-returned", 100 - parts)];
        let mut history = History::default();
        for at in order {
            let (what, amount_minor) = events[at];
            let what = if what == "pending" { "payment-pending" } else { what };
            history.take(news(&at.to_string(), what, amount_minor));
        }
        let told = history.told("cards");
        prop_assert_eq!((told[0].state, told[0].amount_minor, told[0].returned_minor), (Paid::Returned, 100, 100));
    }
}

fn news<'a>(id: &'a str, what: &'a str, amount_minor: i64) -> News<'a> {
    News { id, what, checkout: "1", payment: "pay_1", amount_minor, currency: "USD", at_ms: 5 }
}

#[test]
fn a_part_that_went_back_leaves_the_rest() {
    let mut history = History::default();
    history.take(news("1", "payment-succeeded", 100));
    history.take(news("2", "refunded", 30));
    history.take(news("2", "refunded", 30));
    history.take(news("3", "something-new", 7));
    assert_eq!((history.since_ms(), history.len()), (Some(5), 3));
    let told = history.told("cards");
    assert_eq!((told[0].state, told[0].amount_minor, told[0].returned_minor), (Paid::Succeeded, 100, 30));
}

fn succeeded() -> Plan {
    let shares = vec![(500, State::Posted)];
    let (was_sure, part_back, reversal) = (true, false, State::Posted);
    Plan { state: Paid::Succeeded, was_sure, shares, part_back, reversal, gateway: 0, connector: 0 }
}

/// A gateway that forgets is not held to what it cannot know any more.
#[test]
fn what_a_gateway_tells_no_more_is_no_difference() {
    let mut sides = sides(&[succeeded()]);
    sides.told.clear();
    for since_ms in [None, Some(2)] {
        sides.gateways.insert("cards".to_owned(), since_ms);
        assert_eq!(compare(&sides), Found { differences: Vec::new(), too_old: 1 });
    }
    sides.gateways.remove("cards");
    assert_eq!(compare(&sides), Found::default(), "it was not read at all");
}

/// One that tells nothing of what it cannot have forgotten is another account's, perhaps.
#[test]
fn a_gateway_that_tells_nothing_of_what_is_new_is_silent() {
    let mut sides = sides(&[succeeded(), succeeded()]);
    let one = BTreeMap::from([("cards".to_owned(), 1)]);
    assert_eq!(silent(&sides, &(0..9)), BTreeMap::new(), "it tells of both");
    sides.told.pop();
    assert_eq!(silent(&sides, &(0..9)), BTreeMap::new(), "it tells of that time: `compare` misses it");
    for since_ms in [None, Some(2)] {
        sides.gateways.insert("cards".to_owned(), since_ms);
        assert_eq!(silent(&sides, &(0..9)), one);
        assert_eq!(silent(&sides, &(2..9)), BTreeMap::new(), "it may have forgotten");
        assert_eq!(silent(&sides, &(0..1)), BTreeMap::new(), "it may not know yet");
    }
    sides.gateways.remove("cards");
    assert_eq!(silent(&sides, &(0..9)), BTreeMap::new(), "it was not read at all");
}

#[test]
fn a_connector_that_was_not_read_is_not_missed() {
    let mut sides = sides(&[succeeded()]);
    sides.receipts.clear();
    sides.connectors.clear();
    assert_eq!(compare(&sides), Found::default());
}

#[test]
fn trials_that_come_to_nothing_are_left_alone() {
    let mut sides = sides(&[succeeded()]);
    let trial = |key: &str, amount_minor| Receipt {
        key: key.to_owned(),
        amount_minor,
        ..receipt(&sides.postings[0])
    };
    let both = [trial("remitd-test-ab", 1), trial("remitd-test-ab-r", -1)];
    sides.receipts.extend(both);
    assert_eq!(compare(&sides), Found::default());
    sides.receipts.pop();
    assert_eq!(compare(&sides).differences.iter().map(name).collect::<Vec<_>>(), ["receipt unknown"]);
}

#[test]
fn sides_are_summed_side_by_side() {
    let returned = Plan { state: Paid::Returned, ..succeeded() };
    let sums = sums(&sides(&[succeeded(), returned]));
    let lines: Vec<_> =
        sums.iter().map(|sum| (sum.side.clone(), sum.count, sum.came_minor, sum.back_minor)).collect();
    let name = |name: &str| name.to_owned();
    assert_eq!(
        lines,
        [
            (Side::Gateway(name("bank")), 0, 0, 0),
            (Side::Gateway(name("cards")), 2, 1_000, 500),
            (Side::Payments(name("cards")), 2, 1_000, 500),
            (Side::Posted(name("matters")), 3, 1_000, 500),
            (Side::Matter(name("archive")), 0, 0, 0),
            (Side::Matter(name("matters")), 3, 1_000, 500),
        ]
    );
}
