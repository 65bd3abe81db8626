//! The sides side by side: how many, how much came, how much went back. Owns the sums; the differences are found row by row, so
//! that two that make up for each other do not hide behind an equal sum.

use super::Sides;
use crate::payment::State as Paid;
use crate::posting::State;
use std::collections::BTreeMap;

/// One line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Gateway(String),
    /// Payments of ours at a gateway.
    Payments(String),
    /// Postings of ours that a connector has written; the empty one writes none.
    Posted(String),
    /// Of ours, what is not written yet or was not written by remitd.
    Waiting,
    ByHand,
    Matter(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub side: Side,
    pub currency: String,
    pub count: u64,
    pub came_minor: i64,
    pub back_minor: i64,
}

/// In the order of the road, each currency by itself.
pub fn sums(sides: &Sides) -> Vec<Sum> {
    let mut sums = Sums::default();
    for gateway in sides.gateways.keys() {
        sums.know(&Side::Gateway(gateway.clone()));
    }
    for told in sides.told.iter().filter(|told| is_money(told.state)) {
        let side = Side::Gateway(told.gateway.clone());
        sums.add(side, &told.currency, told.amount_minor, told.returned_minor);
    }
    for payment in sides.payments.iter().filter(|payment| is_money(payment.state)) {
        let side = Side::Payments(payment.gateway.clone());
        sums.add(side, &payment.currency, payment.amount_minor, payment.returned_minor);
    }
    for posting in &sides.postings {
        let side = match posting.state {
            State::Posted => Side::Posted(posting.connector.clone()),
            State::Pending | State::Incomplete | State::Queued => Side::Waiting,
            State::Removed => Side::ByHand,
        };
        let (came_minor, back_minor) = there_and_back(posting.written_minor());
        sums.add(side, &posting.currency, came_minor, back_minor);
    }
    for connector in &sides.connectors {
        sums.know(&Side::Matter(connector.clone()));
    }
    for receipt in &sides.receipts {
        let (came_minor, back_minor) = there_and_back(receipt.amount_minor);
        sums.add(Side::Matter(receipt.connector.clone()), &receipt.currency, came_minor, back_minor);
    }
    sums.done()
}

/// Money that was sure once.
fn is_money(state: Paid) -> bool {
    matches!(state, Paid::Succeeded | Paid::Returned)
}

fn there_and_back(minor: i64) -> (i64, i64) {
    if minor < 0 { (0, minor.saturating_neg()) } else { (minor, 0) }
}

#[derive(Default)]
struct Sums {
    lines: BTreeMap<(String, Side), (u64, i64, i64)>,
    /// Sides that were read: one without a line stands there with nothing.
    read: Vec<Side>,
}

impl Sums {
    fn know(&mut self, side: &Side) {
        self.read.push(side.clone());
    }

    fn add(&mut self, side: Side, currency: &str, came_minor: i64, back_minor: i64) {
        let (count, came, back) = self.lines.entry((currency.to_owned(), side)).or_default();
        *count += 1;
        *came = came.saturating_add(came_minor);
        *back = back.saturating_add(back_minor);
    }

    fn done(mut self) -> Vec<Sum> {
        let currencies: Vec<String> = self.lines.keys().map(|(currency, _)| currency.clone()).collect();
        for side in &self.read {
            if let (Some(first), false) = (currencies.first(), self.lines.keys().any(|(_, of)| of == side)) {
                self.lines.entry((first.clone(), side.clone())).or_default();
            }
        }
        let sum = |((currency, side), (count, came_minor, back_minor))| Sum {
            side,
            currency,
            count,
            came_minor,
            back_minor,
        };
        self.lines.into_iter().map(sum).collect()
    }
}
