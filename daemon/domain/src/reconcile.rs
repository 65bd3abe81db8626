//! Gateway, remitd and matter software held against each other, to the cent. Owns what is a difference and what is none; never
//! reads a side itself, and never mends one. A side that was not read is in no list: nothing is said of it here.

mod history;
mod sums;
#[cfg(test)]
mod tests;

pub use history::{History, News};
pub use sums::{Side, Sum, sums};

use crate::payment::State as Paid;
use crate::posting::State;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

/// So begin the keys of receipts that trying a mapping leaves; what takes one back has its key and an end.
pub const TRIAL_KEY: &str = "remitd-test-";
pub const TRIAL_TAKEN_BACK: &str = "-r";

/// A payment as its gateway tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub gateway: String,
    pub reference: String,
    /// As the gateway has it: ours, where it is a number of ours.
    pub checkout: String,
    pub state: Paid,
    pub amount_minor: i64,
    /// Of it, what went back.
    pub returned_minor: i64,
    pub currency: String,
    /// When it last changed, by the gateway's clock.
    pub at_ms: i64,
}

/// A payment as remitd has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: i64,
    pub request: i64,
    pub gateway: String,
    pub reference: String,
    pub state: Paid,
    pub amount_minor: i64,
    pub returned_minor: i64,
    pub currency: String,
    /// When its checkout was begun: the gateway cannot have told of it before.
    pub begun_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    pub id: i64,
    pub key: String,
    pub payment: i64,
    /// The posting that this one takes back.
    pub reverses: Option<i64>,
    /// Empty where nobody writes it.
    pub connector: String,
    pub statement: String,
    /// Above zero, a reversal's too.
    pub amount_minor: i64,
    pub currency: String,
    pub state: State,
    /// It was on no side ever: its money went back first.
    pub never_written: bool,
}

/// What stands in a matter database of a posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub connector: String,
    pub key: String,
    pub statement: String,
    /// Below zero for a reversal.
    pub amount_minor: i64,
    pub currency: String,
    pub external_ref: Option<String>,
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    pub told: Vec<Told>,
    /// The gateways that were read, each with the time of the oldest event that it still tells; none where it tells nothing.
    pub gateways: BTreeMap<String, Option<i64>>,
    pub payments: Vec<Payment>,
    pub postings: Vec<Posting>,
    pub receipts: Vec<Receipt>,
    /// The connectors that were read.
    pub connectors: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The gateway has a payment that remitd has not heard of.
    Unheard(Told),
    /// Both have it, with another state, amount, or part that went back.
    PaymentDiffers(Payment, Told),
    /// The gateway still tells of that time, and knows no such payment.
    Untold(Payment),
    /// A payment whose postings do not sum to it.
    Unsplit { payment: Payment, postings_minor: i64 },
    /// Money went back, and so much less was taken back in the books.
    NotTakenBack { payment: Payment, short_minor: i64 },
    /// So much more was taken back in the books than went back.
    TakenBackTooMuch { payment: Payment, over_minor: i64 },
    /// A posted posting has no receipt.
    ReceiptMissing(Posting),
    /// Its receipt is of another amount or for another statement.
    ReceiptDiffers(Posting, Receipt),
    /// It has several.
    ReceiptTwice(Posting, usize),
    /// The receipt is there, and the posting is not noted as posted.
    ReceiptEarly(Posting, Receipt),
    /// The posting was taken off the road, as handled by hand, and its receipt is there too.
    ReceiptOfRemoved(Posting, Receipt),
    /// No posting has the receipt's key.
    ReceiptUnknown(Receipt),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub differences: Vec<Difference>,
    /// Payments of ours from a time that their gateway tells nothing of any more: not compared with it.
    pub too_old: u64,
}

impl Posting {
    /// As its receipt has it.
    pub fn written_minor(&self) -> i64 {
        if self.reverses.is_some() { self.amount_minor.saturating_neg() } else { self.amount_minor }
    }
}

/// Every difference, by side and then in the order of the lists.
pub fn compare(sides: &Sides) -> Found {
    let mut found = Found::default();
    at_gateways(sides, &mut found);
    within(sides, &mut found.differences);
    in_matters(sides, &mut found.differences);
    found
}

fn at_gateways(sides: &Sides, found: &mut Found) {
    let mut ours: HashMap<(&str, &str), &Payment> = HashMap::new();
    for payment in &sides.payments {
        ours.insert((&payment.gateway, &payment.reference), payment);
    }
    let mut told = HashSet::new();
    for theirs in &sides.told {
        let name = (theirs.gateway.as_str(), theirs.reference.as_str());
        told.insert(name);
        match ours.get(&name) {
            None => found.differences.push(Difference::Unheard(theirs.clone())),
            Some(payment) if !same(payment, theirs) => {
                found.differences.push(Difference::PaymentDiffers((*payment).clone(), theirs.clone()));
            }
            Some(_) => {}
        }
    }
    for payment in &sides.payments {
        let Some(since_ms) = sides.gateways.get(&payment.gateway) else { continue };
        if told.contains(&(payment.gateway.as_str(), payment.reference.as_str())) {
            continue;
        }
        match since_ms {
            Some(since_ms) if *since_ms <= payment.begun_ms => {
                found.differences.push(Difference::Untold(payment.clone()));
            }
            _ => found.too_old += 1,
        }
    }
}

/// Of payments of ours begun at these times, which no gateway can have forgotten: the gateways that were read and tell nothing of that
/// time, each with how many it misses. `compare` counts those as too old.
pub fn silent(sides: &Sides, begun_ms: &Range<i64>) -> BTreeMap<String, u64> {
    let told: HashSet<(&str, &str)> =
        sides.told.iter().map(|told| (told.gateway.as_str(), told.reference.as_str())).collect();
    let mut silent = BTreeMap::new();
    for payment in sides.payments.iter().filter(|payment| begun_ms.contains(&payment.begun_ms)) {
        let Some(since_ms) = sides.gateways.get(&payment.gateway) else { continue };
        let tells = since_ms.is_some_and(|since_ms| since_ms <= payment.begun_ms);
        if !tells && !told.contains(&(payment.gateway.as_str(), payment.reference.as_str())) {
            *silent.entry(payment.gateway.clone()).or_default() += 1;
        }
    }
    silent
}

fn same(ours: &Payment, theirs: &Told) -> bool {
    (ours.state, ours.amount_minor, ours.returned_minor, &ours.currency)
        == (theirs.state, theirs.amount_minor, theirs.returned_minor, &theirs.currency)
}

/// What a payment's postings come to.
#[derive(Default)]
struct Shares {
    count: usize,
    /// On their way, written, or handled by hand.
    came_minor: i64,
    /// By whomever: of what was handled by hand, a person takes it back.
    taken_back_minor: i64,
}

fn within(sides: &Sides, differences: &mut Vec<Difference>) {
    let mut by_payment: HashMap<i64, Shares> = HashMap::new();
    for posting in &sides.postings {
        let shares = by_payment.entry(posting.payment).or_default();
        shares.count += usize::from(posting.reverses.is_none());
        if posting.never_written {
            continue;
        }
        let sum = match posting.reverses {
            Some(_) => &mut shares.taken_back_minor,
            None => &mut shares.came_minor,
        };
        *sum = sum.saturating_add(posting.amount_minor);
    }
    let none = Shares::default();
    for payment in &sides.payments {
        differences.extend(of_payment(payment, by_payment.get(&payment.id).unwrap_or(&none)));
    }
}

fn of_payment(payment: &Payment, shares: &Shares) -> Option<Difference> {
    // Money that is not sure, or that went back before it was, has no postings.
    let whole = match payment.state {
        Paid::Succeeded => payment.amount_minor,
        Paid::Returned if shares.count > 0 => payment.amount_minor,
        Paid::Returned | Paid::Pending | Paid::Failed => 0,
    };
    let stays_minor = whole.saturating_sub(payment.returned_minor).max(0);
    let postings_minor = shares.came_minor.saturating_sub(shares.taken_back_minor);
    let short_minor = postings_minor.saturating_sub(stays_minor);
    let over_minor = stays_minor.saturating_sub(postings_minor);
    let payment = payment.clone();
    if short_minor > 0 && payment.returned_minor > 0 {
        return Some(Difference::NotTakenBack { payment, short_minor });
    }
    if over_minor > 0 && shares.taken_back_minor > 0 {
        return Some(Difference::TakenBackTooMuch { payment, over_minor });
    }
    (short_minor > 0 || over_minor > 0).then_some(Difference::Unsplit { payment, postings_minor })
}

fn in_matters(sides: &Sides, differences: &mut Vec<Difference>) {
    let trials = trials(&sides.receipts);
    let mut by_key: HashMap<(&str, &str), Vec<&Receipt>> = HashMap::new();
    for receipt in &sides.receipts {
        by_key.entry((&receipt.connector, &receipt.key)).or_default().push(receipt);
    }
    for posting in &sides.postings {
        if !sides.connectors.contains(&posting.connector) {
            continue;
        }
        let receipts = by_key.get(&(posting.connector.as_str(), posting.key.as_str()));
        differences.extend(of_posting(posting, receipts.map_or(&[], Vec::as_slice)));
    }
    let known: HashSet<&str> = sides.postings.iter().map(|posting| posting.key.as_str()).collect();
    for receipt in &sides.receipts {
        // One that another connector wrote may stand in the same tables: that one's own window shows it.
        if !known.contains(receipt.key.as_str()) && !trials.contains(receipt.key.as_str()) {
            differences.push(Difference::ReceiptUnknown(receipt.clone()));
        }
    }
}

fn of_posting(posting: &Posting, receipts: &[&Receipt]) -> Option<Difference> {
    let receipt = match (receipts, posting.state) {
        ([], State::Posted) => return Some(Difference::ReceiptMissing(posting.clone())),
        ([], _) => return None,
        ([receipt], _) => (*receipt).clone(),
        (several, _) => return Some(Difference::ReceiptTwice(posting.clone(), several.len())),
    };
    match posting.state {
        State::Removed => Some(Difference::ReceiptOfRemoved(posting.clone(), receipt)),
        State::Pending | State::Incomplete | State::Queued => {
            Some(Difference::ReceiptEarly(posting.clone(), receipt))
        }
        State::Posted => {
            let ours = (posting.written_minor(), &posting.currency, &posting.statement);
            let same = ours == (receipt.amount_minor, &receipt.currency, &receipt.statement);
            (!same).then(|| Difference::ReceiptDiffers(posting.clone(), receipt))
        }
    }
}

/// The keys of receipts by which a mapping was tried and that come to nothing together.
fn trials(receipts: &[Receipt]) -> HashSet<&str> {
    let stem = |key: &str| key.strip_suffix(TRIAL_TAKEN_BACK).unwrap_or(key).to_owned();
    let tried = || receipts.iter().filter(|receipt| receipt.key.starts_with(TRIAL_KEY));
    let mut sums: HashMap<(&str, String), i64> = HashMap::new();
    for receipt in tried() {
        let sum = sums.entry((&receipt.connector, stem(&receipt.key))).or_default();
        *sum = sum.saturating_add(receipt.amount_minor);
    }
    let nothing = |receipt: &&Receipt| sums.get(&(&receipt.connector, stem(&receipt.key))) == Some(&0);
    tried().filter(nothing).map(|receipt| receipt.key.as_str()).collect()
}
