//! Postings: one payment's share for one statement. Owns the split; its parts always sum to the payment, to the cent.

use std::fmt;

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
    /// Handled by hand.
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
    }
}
