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
    /// Kept by form: nothing that a mail is made of has a place for a matter's description.
    Privilege,
    /// Kept by a default: an account of clients' money has `post = "manual"` unless the firm writes otherwise. What takes a posting
    /// back waits for a click as well; what stays of it goes with that.
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

/// The rule that one link over lines of these kinds breaks.
pub fn broken_by_link(kinds: &[Kind], on: NaiveDate) -> Option<&'static Entry> {
    rule(Rule::OneKind, on)
        .filter(|_| kinds.windows(2).any(|pair| matches!(pair, [one, other] if one != other)))
}

/// The rule that is broken by asking for a statement of one kind of money into an account of another.
pub fn broken_by_statement(account: Kind, statement: Kind, on: NaiveDate) -> Option<&'static Entry> {
    rule(Rule::Earned, on).filter(|_| account != statement)
}

/// The rule that is broken where money that was paid for one client's matter is written to another's.
pub fn broken_by_move(account: Kind, same_ledger: bool, on: NaiveDate) -> Option<&'static Entry> {
    rule(Rule::Ledger, on).filter(|_| account == Kind::Trust && !same_ledger)
}

/// The rule that is broken by a push into an account of this kind: what a matter database lists as open is earned, unless a
/// statement says otherwise.
pub fn broken_by_push(account: Kind, on: NaiveDate) -> Option<&'static Entry> {
    broken_by_statement(account, Kind::Operating, on)
}

/// The rule that a provider breaks that takes more for this account than it was asked to.
pub fn broken_by_charge(
    account: Kind,
    asked_minor: i64,
    taken_minor: i64,
    on: NaiveDate,
) -> Option<&'static Entry> {
    rule(Rule::Surcharge, on).filter(|_| account == Kind::Trust && taken_minor > asked_minor)
}

/// The rule that a request for this account breaks if it names neither a client nor a matter.
pub fn needs_ledger(kind: Kind, on: NaiveDate) -> Option<&'static Entry> {
    rule(Rule::Ledger, on).filter(|_| kind == Kind::Trust)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day() -> impl Strategy<Value = NaiveDate> {
        // 1950 to 2099.
        (-7_305_i64..47_482).prop_map(|days| NaiveDate::default() + chrono::TimeDelta::days(days))
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Operating), Just(Kind::Trust)]
    }

    fn id(entry: Option<&'static Entry>) -> Option<&'static str> {
        entry.map(|entry| entry.id)
    }

    /// The rule's name, where it is broken and holds on that day.
    fn if_broken(name: Rule, broken: bool, on: NaiveDate) -> Option<&'static str> {
        id(rule(name, on)).filter(|_| broken)
    }

    proptest! {
        /// On each day a rule holds at most once, under one name, from its first day to its last.
        #[test]
        fn the_table_says_one_thing_a_day(on in day()) {
            for entry in &TABLE {
                let held: Vec<_> = TABLE.iter().filter(|other| other.rule == entry.rule && other.holds(on)).collect();
                prop_assert!(held.len() <= 1, "{held:?}");
                let (year, month, first) = entry.since;
                prop_assert!(!entry.holds(on) || NaiveDate::from_ymd_opt(year, month, first) <= Some(on));
                prop_assert!(entry.holds(on) || entry.until.is_some() || NaiveDate::from_ymd_opt(year, month, first) > Some(on));
            }
        }

        /// Whoever asks is told the rule that is broken, by its name, while it holds; and an operating account breaks none by itself.
        #[test]
        fn each_rule_is_broken_by_what_it_forbids(
            on in day(), account in kind(), other in kind(), fees in proptest::option::of(kind()),
            kinds in proptest::collection::vec(kind(), 0..6), asked in 0_i64..1_000_000, taken in 0_i64..1_000_000,
        ) {
            let trust = account == Kind::Trust;
            let mixed = kinds.contains(&Kind::Operating) && kinds.contains(&Kind::Trust);
            prop_assert_eq!(id(broken_by_link(&kinds, on)), if_broken(Rule::OneKind, mixed, on));
            prop_assert_eq!(id(broken_by_statement(account, other, on)), if_broken(Rule::Earned, account != other, on));
            prop_assert_eq!(id(broken_by_push(account, on)), if_broken(Rule::Earned, trust, on));
            let from_trust = trust && fees != Some(Kind::Operating);
            prop_assert_eq!(id(broken_by_account(account, fees, on)), if_broken(Rule::Fees, from_trust, on));
            prop_assert_eq!(id(needs_ledger(account, on)), if_broken(Rule::Ledger, trust, on));
            for same in [true, false] {
                prop_assert_eq!(id(broken_by_move(account, same, on)), if_broken(Rule::Ledger, trust && !same, on));
            }
            let added = trust && taken > asked;
            prop_assert_eq!(id(broken_by_charge(account, asked, taken, on)), if_broken(Rule::Surcharge, added, on));
        }
    }

    #[test]
    fn every_rule_holds_today_and_has_its_own_name() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
        let ids: Vec<_> = TABLE.iter().filter(|entry| entry.holds(today)).map(|entry| entry.id).collect();
        assert_eq!(ids, ["R1", "R2", "R3", "R4", "R5", "R6", "R7"]);
    }

    #[test]
    fn a_rule_holds_from_its_day_to_its_end() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        let rule = Entry { since: (2024, 3, 1), until: Some((2025, 1, 1)), ..TABLE[0] };
        let held =
            [day(2024, 2, 29), day(2024, 3, 1), day(2024, 12, 31), day(2025, 1, 1)].map(|on| rule.holds(on));
        assert_eq!(held, [false, true, true, false]);
    }
}
