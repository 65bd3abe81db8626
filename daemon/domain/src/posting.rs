//! Postings: one payment's share for one statement. Owns the split; its parts always sum to the payment, to the cent.

use sha2::{Digest, Sha256};
use std::fmt;

/// Short enough for the columns that matter software has for a reference: 39 characters with our name in front.
const KEY_BYTES: usize = 16;

/// One line's share of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The line's place, from 0.
    pub line: usize,
    pub amount_minor: i64,
}

/// Splits a payment over the amounts that its lines ask for, in their order (the asker's; else oldest first, which is how drafts
/// keep them). What is beyond all lines goes to the last, where staff can see and move it. Nothing for lines that get nothing.
pub fn split(amount_minor: i64, asked_minor: &[i64]) -> Vec<Share> {
    let mut left_minor = amount_minor;
    let mut shares = Vec::new();
    for (line, asked) in asked_minor.iter().enumerate() {
        let last = line + 1 == asked_minor.len();
        let amount_minor = if last { left_minor } else { left_minor.min(*asked) };
        if amount_minor > 0 {
            shares.push(Share { line, amount_minor });
            left_minor -= amount_minor;
        }
    }
    shares
}

/// A payment spread over amounts by their parts of the whole, to the cent: what is lost by rounding down goes to the largest
/// remainders, the first of equals first. None gets more than its amount where the payment is not more than all of them.
pub fn prorated(amount_minor: i64, open_minor: &[i64]) -> Vec<Share> {
    let whole: i128 = open_minor.iter().map(|open| i128::from(*open)).sum();
    if whole <= 0 {
        return Vec::new();
    }
    let exact = |open: i64| i128::from(amount_minor) * i128::from(open);
    let down = |open: i64| i64::try_from(exact(open) / whole).unwrap_or_default();
    let mut shares: Vec<Share> =
        open_minor.iter().enumerate().map(|(line, open)| Share { line, amount_minor: down(*open) }).collect();
    let given: i64 = shares.iter().map(|share| share.amount_minor).sum();
    let mut by_remainder: Vec<_> = open_minor.iter().map(|open| exact(*open) % whole).enumerate().collect();
    by_remainder.sort_by_key(|(line, remainder)| (std::cmp::Reverse(*remainder), *line));
    let short = usize::try_from(amount_minor - given).unwrap_or_default();
    for (line, _) in by_remainder.into_iter().take(short) {
        if let Some(share) = shares.get_mut(line) {
            share.amount_minor += 1;
        }
    }
    shares.retain(|share| share.amount_minor > 0);
    shares
}

/// The key of a posting, the same whenever it is made from the same parts; for what no two postings share.
pub fn key(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let hash: String = digest.finalize().iter().take(KEY_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("remitd-{hash}")
}

/// Why the rest of a posting waits of which a part went back: the whole is taken back first, and the rest written anew, since no
/// matter software takes back a part.
pub const AFTER_REVERSAL: &str = "after-reversal";

/// Why a posting waits that may be written: its attempt has no known end, and the matter software no place for its key. A person says.
pub const NOBODY_KNOWS: &str = "nobody-knows";

/// Why a reversal waits of what was written on somebody's click: it is written on a click too.
pub const WENT_BACK: &str = "went-back";

/// Why a reversal waits of what a person has handled by hand: remitd cannot take back what it has not written.
pub const BY_HAND: &str = "by-hand";
pub const WAS_BY_HAND: &str = "money went back of what was handled by hand";

/// Why a posting is on the road no more that nobody has handled: its money went back before it was written.
pub const NEVER_WRITTEN: &str = "never-written";

/// The key of what stays of a posting, by the key of the reversal that takes back the whole of it.
pub fn rest_key(reversal: &str) -> String {
    key(&[reversal, "rest"])
}

/// Where a posting stands: the views of Manage Postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for a person, or for a matter database to be named.
    Pending,
    /// The matter software refused it, and said why.
    Incomplete,
    /// On its way.
    Queued,
    Posted,
    /// Handled by hand, or never written since the money had gone back.
    Removed,
}

impl State {
    pub const ALL: [State; 5] =
        [State::Pending, State::Incomplete, State::Queued, State::Posted, State::Removed];

    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Incomplete => "incomplete",
            State::Queued => "queued",
            State::Posted => "posted",
            State::Removed => "removed",
        }
    }

    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(amount: i64, amounts: &[i64], expect: &[(usize, i64)]) {
        let got: Vec<_> = split(amount, amounts).iter().map(|s| (s.line, s.amount_minor)).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn oldest_first_and_nothing_lost() {
        check(300, &[100, 200], &[(0, 100), (1, 200)]);
        check(150, &[100, 200], &[(0, 100), (1, 50)]);
        check(50, &[100, 200], &[(0, 50)]);
        check(400, &[100, 200], &[(0, 100), (1, 300)]);
    }

    #[test]
    fn prorated_to_the_cent() {
        let got =
            |amount, open: &[i64]| prorated(amount, open).iter().map(|s| s.amount_minor).collect::<Vec<_>>();
        assert_eq!(got(100, &[100, 100, 100]), [34, 33, 33]);
        assert_eq!(got(50, &[200, 100]), [33, 17]);
        assert_eq!(got(300, &[200, 100]), [200, 100]);
        assert_eq!(got(1, &[5, 10]), [1]);
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_payment(
            amount in 1i64..1_000_000_000,
            amounts in proptest::collection::vec(1i64..100_000_000, 1..40),
        ) {
            let shares = split(amount, &amounts);
            prop_assert_eq!(shares.iter().map(|s| s.amount_minor).sum::<i64>(), amount);
            prop_assert!(shares.iter().all(|s| s.amount_minor > 0));
        }

        #[test]
        fn prorated_shares_sum_and_fit(
            amounts in proptest::collection::vec(1i64..100_000_000, 1..40),
            part in 1i64..1_000_000,
        ) {
            let whole: i64 = amounts.iter().sum();
            let amount = (whole / 1_000_000 * part).clamp(1, whole);
            let shares = prorated(amount, &amounts);
            prop_assert_eq!(shares.iter().map(|s| s.amount_minor).sum::<i64>(), amount);
            prop_assert!(shares.iter().all(|s| (1..=amounts[s.line]).contains(&s.amount_minor)));
        }
    }
}
