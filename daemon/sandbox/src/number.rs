//! The test numbers: which card or bank account brings which end. Owns the table that the checkout page shows as well.

use crate::book::Step;

/// What a number does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pays,
    /// Half of the amount, rounded down to the minor unit, as some banks do.
    PaysHalf,
    Declined(&'static str),
    /// A bank payment: pending first, then this.
    Pending(Step),
}

pub(crate) struct TestNumber {
    pub number: &'static str,
    pub method: &'static str,
    pub outcome: Outcome,
    /// For the page.
    pub story: &'static str,
}

const fn card(number: &'static str, outcome: Outcome, story: &'static str) -> TestNumber {
    TestNumber { number, method: "card", outcome, story }
}

const fn ach(number: &'static str, step: Step, story: &'static str) -> TestNumber {
    TestNumber { number, method: "ach", outcome: Outcome::Pending(step), story }
}

pub(crate) const NUMBERS: [TestNumber; 7] = [
    card("4242424242424242", Outcome::Pays, "pays"),
    card("4000000000000002", Outcome::Declined("The card was declined."), "is declined"),
    card("4000000000009995", Outcome::Declined("The card has insufficient funds."), "has insufficient funds"),
    card("4000000000000077", Outcome::PaysHalf, "pays half of the amount"),
    ach("000123456789", Step::Succeed, "bank account: pending, then succeeds"),
    ach("000111111113", Step::Fail, "bank account: pending, then fails"),
    ach("000111111116", Step::SucceedThenReturn, "bank account: succeeds, then is returned"),
];

/// As people type it: spaces and dashes do not count.
pub(crate) fn find(typed: &str) -> Option<&'static TestNumber> {
    let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    NUMBERS.iter().find(|known| known.number == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_as_people_type_them() {
        assert_eq!(find("4242 4242-4242 4242").map(|n| n.outcome), Some(Outcome::Pays));
        assert_eq!(find("000111111113").map(|n| n.method), Some("ach"));
        assert!(find("4242").is_none() && find("").is_none());
    }
}
