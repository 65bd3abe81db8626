//! Rules for clients' money, as data with the days from which they hold (ABA Model Rule 1.15 and the states' versions of it). Owns
//! which rule a configuration or a request breaks; whoever asks refuses it, with the rule's name.

use crate::account::Kind;
use chrono::NaiveDate;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    OneKind,
    Earned,
    Fees,
    Ledger,
    Surcharge,
    Privilege,
    ByHand,
}

/// A rule while it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub rule: Rule,
    /// As people call it.
    pub id: &'static str,
    pub says: &'static str,
    /// Year, month, day.
    since: (i32, u32, u32),
    /// The first day on which it holds no more.
    until: Option<(i32, u32, u32)>,
}

/// When the Model Rules were adopted; a state's stricter version is an entry of its own.
const MODEL_RULES: (i32, u32, u32) = (1983, 8, 2);
const TABLE: [Entry; 7] = [
    entry(Rule::OneKind, "R1", "a link asks for money of one kind: the firm's own, or a client's"),
    entry(
        Rule::Earned,
        "R2",
        "what is earned goes to an operating account, what is not yet earned to a trust account",
    ),
    entry(
        Rule::Fees,
        "R3",
        "fees, refund fees and chargebacks of a provider are never taken from a trust account",
    ),
    entry(
        Rule::Ledger,
        "R4",
        "clients' money is kept apart for each client and matter, and no ledger goes below zero",
    ),
    entry(Rule::Surcharge, "R5", "nothing is added to a payment into a trust account"),
    entry(Rule::Privilege, "R6", "a mail does not tell what a matter is about, unless the firm says so"),
    entry(Rule::ByHand, "R7", "clients' money is posted by itself only where the firm turned that on"),
];

const fn entry(rule: Rule, id: &'static str, says: &'static str) -> Entry {
    Entry { rule, id, says, since: MODEL_RULES, until: None }
}

impl Entry {
    fn holds(&self, on: NaiveDate) -> bool {
        let day = |(year, month, day): (i32, u32, u32)| NaiveDate::from_ymd_opt(year, month, day);
        day(self.since).is_none_or(|since| since <= on)
            && self.until.and_then(day).is_none_or(|until| on < until)
    }
}

/// As it is told to whoever broke it.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trust rule {}: {}", self.id, self.says)
    }
}

/// The rule as it holds on a day.
pub fn rule(rule: Rule, on: NaiveDate) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.rule == rule && entry.holds(on))
}

/// The rule that an account breaks whose provider takes its fees from an account of the kind `fees`, or nobody says from which.
pub fn broken_by_account(kind: Kind, fees: Option<Kind>, on: NaiveDate) -> Option<&'static Entry> {
    rule(Rule::Fees, on).filter(|_| kind == Kind::Trust && fees != Some(Kind::Operating))
}

/// The rule that is broken by asking for open statements, which are earned, into an account of this kind.
pub fn broken_by_push(kind: Kind, on: NaiveDate) -> Option<&'static Entry> {
    rule(Rule::Earned, on).filter(|_| kind == Kind::Trust)
}

/// The rule that a request for this account breaks if it names neither a client nor a matter.
pub fn needs_ledger(kind: Kind, on: NaiveDate) -> Option<&'static Entry> {
    rule(Rule::Ledger, on).filter(|_| kind == Kind::Trust)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: NaiveDate = match NaiveDate::from_ymd_opt(2026, 11, 30) {
        Some(day) => day,
        None => NaiveDate::MIN,
    };

    #[test]
    fn rules_are_broken_by_trust_accounts_alone() {
        let id = |entry: Option<&'static Entry>| entry.map(|entry| entry.id);
        for fees in [None, Some(Kind::Trust), Some(Kind::Operating)] {
            assert_eq!(id(broken_by_account(Kind::Operating, fees, TODAY)), None);
        }
        assert_eq!(id(broken_by_account(Kind::Trust, None, TODAY)), Some("R3"));
        assert_eq!(id(broken_by_account(Kind::Trust, Some(Kind::Trust), TODAY)), Some("R3"));
        assert_eq!(id(broken_by_account(Kind::Trust, Some(Kind::Operating), TODAY)), None);
        assert_eq!(
            (id(broken_by_push(Kind::Trust, TODAY)), broken_by_push(Kind::Operating, TODAY)),
            (Some("R2"), None)
        );
        assert_eq!(
            (id(needs_ledger(Kind::Trust, TODAY)), needs_ledger(Kind::Operating, TODAY)),
            (Some("R4"), None)
        );
    }

    #[test]
    fn a_rule_holds_from_its_day_to_its_end() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        let rule = Entry { since: (2024, 3, 1), until: Some((2025, 1, 1)), ..TABLE[0] };
        let held =
            [day(2024, 2, 29), day(2024, 3, 1), day(2024, 12, 31), day(2025, 1, 1)].map(|on| rule.holds(on));
        assert_eq!(held, [false, true, true, false]);
        assert!(TABLE.iter().all(|entry| entry.holds(TODAY)));
    }
}
