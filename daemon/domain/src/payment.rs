//! A payment: what the gateway reports for a link. Owns how one report changes a payment, whatever order reports come in.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Begun, not sure yet.
    Pending,
    Succeeded,
    Failed,
    /// It came back after it had succeeded.
    Returned,
}

/// What a gateway's event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Report {
    Pending,
    Succeeded,
    Failed,
    Returned,
}

/// The state after a report; none where it changes nothing (a repeat, or news that is older than what is known).
pub fn next(state: Option<State>, report: Report) -> Option<State> {
    match (state, report) {
        (None, Report::Pending) => Some(State::Pending),
        (None | Some(State::Pending | State::Failed), Report::Succeeded) => Some(State::Succeeded),
        (None | Some(State::Pending), Report::Failed) => Some(State::Failed),
        // A return says that the money had been there, even when we never heard so.
        (None | Some(State::Pending | State::Succeeded), Report::Returned) => Some(State::Returned),
        _ => None,
    }
}

/// A payment as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub state: State,
    pub amount_minor: i64,
    /// What of it went back.
    pub returned_minor: i64,
}

/// What it means for a payment that money of it went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// All that was left of it.
    Whole,
    /// It stands, for less.
    Part,
    /// Heard of before the payment itself was sure: kept until it is.
    Early,
    /// More than there was.
    TooMuch,
    /// Nothing is left that could go back.
    Nothing,
}

/// `asked_minor` is what the checkout asked for: the best guess of a payment that nobody has heard of.
pub fn back(known: Option<Known>, told_minor: i64, asked_minor: i64) -> Back {
    let Some(Known { state, amount_minor, returned_minor }) = known else {
        return if told_minor < asked_minor { Back::Early } else { Back::Whole };
    };
    let left_minor = amount_minor - returned_minor;
    match state {
        State::Failed | State::Returned => Back::Nothing,
        State::Pending | State::Succeeded if told_minor > left_minor => Back::TooMuch,
        State::Pending | State::Succeeded if told_minor == left_minor => Back::Whole,
        State::Pending => Back::Early,
        State::Succeeded => Back::Part,
    }
}

impl Report {
    /// By the contract's vocabulary of `event.what`; others are noted and left alone.
    pub fn from_event(what: &str) -> Option<Report> {
        match what {
            "payment-pending" => Some(Report::Pending),
            "payment-succeeded" => Some(Report::Succeeded),
            "payment-failed" => Some(Report::Failed),
            // Given back by the firm, or taken back by the payer's bank: the money is gone either way.
            "payment-returned" | "refunded" => Some(Report::Returned),
            _ => None,
        }
    }
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Returned => "returned",
        }
    }

    pub fn from_name(name: &str) -> Option<State> {
        [State::Pending, State::Succeeded, State::Failed, State::Returned]
            .into_iter()
            .find(|s| s.name() == name)
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

    #[test]
    fn reports_out_of_order_end_in_the_same_state() {
        let run =
            |reports: &[Report]| reports.iter().fold(None, |state, report| next(state, *report).or(state));
        assert_eq!(run(&[Report::Pending, Report::Succeeded]), Some(State::Succeeded));
        assert_eq!(run(&[Report::Succeeded, Report::Pending]), Some(State::Succeeded));
        assert_eq!(run(&[Report::Pending, Report::Succeeded, Report::Returned]), Some(State::Returned));
        assert_eq!(run(&[Report::Returned, Report::Succeeded, Report::Pending]), Some(State::Returned));
        assert_eq!(run(&[Report::Succeeded, Report::Succeeded]), Some(State::Succeeded));
        assert_eq!(run(&[Report::Pending, Report::Failed, Report::Failed]), Some(State::Failed));
    }

    #[test]
    fn what_goes_back_is_the_whole_or_a_part() {
        let known = |state, returned_minor| Some(Known { state, amount_minor: 100, returned_minor });
        for (known, told, expect) in [
            (None, 100, Back::Whole),
            (None, 30, Back::Early),
            (known(State::Pending, 0), 100, Back::Whole),
            (known(State::Pending, 0), 30, Back::Early),
            (known(State::Succeeded, 0), 30, Back::Part),
            (known(State::Succeeded, 0), 100, Back::Whole),
            (known(State::Succeeded, 30), 70, Back::Whole),
            (known(State::Succeeded, 30), 71, Back::TooMuch),
            (known(State::Returned, 100), 100, Back::Nothing),
            (known(State::Failed, 0), 100, Back::Nothing),
        ] {
            assert_eq!(back(known, told, 100), expect, "{known:?} {told}");
        }
    }
}
