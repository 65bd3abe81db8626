//! A payment request's states, as one table. Every change of state anywhere goes through [`next`]; what is not in the table
//! cannot happen.

use std::fmt;
use std::str::FromStr;

/// Where a request stands. `Draft` is before the road's five, `Discarded` is a draft that staff threw away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Draft,
    Discarded,
    Outstanding,
    Processing,
    PaymentReceived,
    PartiallyPaid,
    Cancelled,
    Expired,
    /// Another request asks for it too: one link for the rows of one payer.
    Gathered,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    Release,
    Discard,
    Gather,
    /// Money is on its way, not sure yet (ACH).
    PaymentBegun,
    /// The whole amount is sure.
    PaidInFull,
    /// Less than the whole is sure: the link is used up.
    PaidInPart,
    /// The money on its way did not arrive.
    PaymentFailed,
    Cancel,
    Expire,
}

use Change::*;
use State::*;

/// The whole life of a request. Refunds and returns make reversal postings; they never reopen a link.
const TABLE: [(State, Change, State); 15] = [
    (Draft, Release, Outstanding),
    (Draft, Discard, Discarded),
    (Draft, Gather, Gathered),
    (Outstanding, PaymentBegun, Processing),
    (Outstanding, PaidInFull, PaymentReceived),
    (Outstanding, PaidInPart, PartiallyPaid),
    (Outstanding, Cancel, Cancelled),
    (Outstanding, Expire, Expired),
    (Processing, PaidInFull, PaymentReceived),
    (Processing, PaidInPart, PartiallyPaid),
    (Processing, PaymentFailed, Outstanding),
    // Money that arrives although the link was closed meanwhile is still money: it is taken in and posted.
    (Cancelled, PaidInFull, PaymentReceived),
    (Cancelled, PaidInPart, PartiallyPaid),
    (Expired, PaidInFull, PaymentReceived),
    (Expired, PaidInPart, PartiallyPaid),
];

/// The state after `change`, or none where it cannot happen.
pub fn next(state: State, change: Change) -> Option<State> {
    TABLE.iter().find(|(from, by, _)| (*from, *by) == (state, change)).map(|(_, _, to)| *to)
}

/// Every state that `change` can leave, for a conditional update.
pub fn sources(change: Change) -> impl Iterator<Item = (State, State)> {
    TABLE.iter().filter(move |(_, by, _)| *by == change).map(|(from, _, to)| (*from, *to))
}

const NAMES: [(State, &str, &str); 9] = [
    (Draft, "draft", "Draft"),
    (Discarded, "discarded", "Discarded"),
    (Outstanding, "outstanding", "Outstanding"),
    (Processing, "processing", "Processing"),
    (PaymentReceived, "payment_received", "Payment Received"),
    (PartiallyPaid, "partially_paid", "Partially Paid"),
    (Cancelled, "cancelled", "Cancelled"),
    (Expired, "expired", "Expired"),
    (Gathered, "gathered", "Asked for with others"),
];

impl State {
    /// As stored, and as JSON carries it.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(state, ..)| *state == self).map_or("", |(_, name, _)| name)
    }

    /// As screens show it.
    pub fn title(self) -> &'static str {
        NAMES.iter().find(|(state, ..)| *state == self).map_or("", |(.., title)| title)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a state: use outstanding, processing, payment_received, partially_paid, cancelled or expired"
)]
pub struct UnknownState(pub String);

impl FromStr for State {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<State, UnknownState> {
        let found = NAMES.iter().find(|(_, name, title)| *name == text || title.eq_ignore_ascii_case(text));
        found.map(|(state, ..)| *state).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_change_of_a_state_once() {
        for (at, (from, by, _)) in TABLE.iter().enumerate() {
            let twin = TABLE.iter().skip(at + 1).find(|row| (row.0, row.1) == (*from, *by));
            assert!(twin.is_none(), "{from:?} {by:?} stands twice");
        }
    }

    #[test]
    fn a_link_that_is_used_up_stays_so() {
        for used in [PaymentReceived, PartiallyPaid, Discarded] {
            for change in [Release, PaymentBegun, PaidInFull, PaidInPart, PaymentFailed, Cancel, Expire] {
                assert_eq!(next(used, change), None, "{used:?} {change:?}");
            }
        }
        assert_eq!(next(Processing, Cancel), None, "money is on its way");
        assert_eq!(next(Processing, Expire), None, "money is on its way");
    }

    #[test]
    fn names_go_both_ways() {
        for (state, name, title) in NAMES {
            assert_eq!(name.parse(), Ok(state));
            assert_eq!(title.parse(), Ok(state));
        }
        assert!("paid".parse::<State>().is_err());
    }
}
