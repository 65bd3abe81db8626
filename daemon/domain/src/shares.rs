//! A statement that several payers share. Owns what each of them owes: their parts always sum to what is open, to the cent, and
//! whoever has paid a part is not asked for that of another.

use crate::posting::prorated;
use serde::{Deserialize, Serialize};

/// One payer's part, by the matter software's own id of the payer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub payer: String,
    pub parts: u32,
}

/// That a draft or a link asks one payer for a part of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub payer: String,
    /// The parts of all its payers.
    pub of: Vec<Part>,
}

impl Share {
    /// What this payer owes of `open_minor`, where the payers have paid `paid_minor` of it; in the order of `of`.
    pub fn owed_minor(&self, open_minor: i64, paid_minor: impl Fn(&str) -> i64) -> i64 {
        let paid: Vec<i64> = self.of.iter().map(|part| paid_minor(&part.payer)).collect();
        let owed = owed(open_minor, &self.of, &paid);
        let at = self.of.iter().position(|part| part.payer == self.payer);
        at.and_then(|at| owed.get(at).copied()).unwrap_or_default()
    }
}

/// What each payer owes of `open_minor`: the part of what there was, before any of them paid, less what that payer has paid. Who has
/// paid more than that owes nothing, and the others share what is left, each by their part.
pub fn owed(open_minor: i64, of: &[Part], paid_minor: &[i64]) -> Vec<i64> {
    let mut parts: Vec<i64> = of.iter().map(|part| i64::from(part.parts)).collect();
    let paid = |at: usize| paid_minor.get(at).copied().unwrap_or_default();
    if open_minor <= 0 {
        return vec![0; of.len()];
    }
    // Each round takes out at least one payer.
    for _ in 0..of.len() {
        let sharing = (0..of.len()).filter(|at| parts.get(*at).is_some_and(|part| *part > 0));
        let before_minor = sharing.map(paid).fold(open_minor, i64::saturating_add);
        let due = spread(before_minor, &parts);
        let too_much: Vec<usize> = due
            .iter()
            .enumerate()
            .filter(|(at, due)| parts.get(*at) != Some(&0) && paid(*at) > **due)
            .map(|(at, _)| at)
            .collect();
        if too_much.is_empty() {
            let left = |(at, due): (usize, &i64)| if parts.get(at) == Some(&0) { 0 } else { due - paid(at) };
            return due.iter().enumerate().map(left).collect();
        }
        for at in too_much {
            if let Some(part) = parts.get_mut(at) {
                *part = 0;
            }
        }
    }
    vec![0; of.len()]
}

/// An amount by weights, one place each.
fn spread(amount_minor: i64, weights: &[i64]) -> Vec<i64> {
    let mut spread = vec![0; weights.len()];
    for share in prorated(amount_minor, weights) {
        if let Some(place) = spread.get_mut(share.line) {
            *place = share.amount_minor;
        }
    }
    spread
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(parts: &[u32]) -> Vec<Part> {
        parts.iter().enumerate().map(|(at, parts)| Part { payer: format!("p{at}"), parts: *parts }).collect()
    }

    #[test]
    fn each_owes_their_part_and_nobody_that_of_another() {
        let check = |open, parts: &[u32], paid: &[i64], expect: &[i64]| {
            assert_eq!(owed(open, &of(parts), paid), expect, "{open} {parts:?} {paid:?}");
        };
        check(1000, &[6000, 4000], &[0, 0], &[600, 400]);
        check(400, &[6000, 4000], &[600, 0], &[0, 400]);
        check(0, &[6000, 4000], &[600, 400], &[0, 0]);
        // A hundred were paid by hand, before and after a payer's own payment.
        check(900, &[6000, 4000], &[0, 0], &[540, 360]);
        check(300, &[6000, 4000], &[600, 0], &[0, 300]);
        // The last paid too much, as was found later; the first then paid what they owed.
        check(77_500, &[6000, 1000, 3000], &[0, 0, 37_500], &[66_429, 11_071, 0]);
        check(11_071, &[6000, 1000, 3000], &[66_429, 0, 37_500], &[0, 11_071, 0]);
        // Part of a part.
        check(800, &[6000, 4000], &[200, 0], &[400, 400]);
        check(100, &[3334, 3333, 3333], &[0, 0, 0], &[34, 33, 33]);
        check(-5, &[6000, 4000], &[0, 0], &[0, 0]);
    }

    #[test]
    fn a_share_knows_its_own() {
        let share = Share { payer: "p1".into(), of: of(&[6000, 4000]) };
        assert_eq!(share.owed_minor(400, |payer| if payer == "p0" { 600 } else { 0 }), 400);
        let gone = Share { payer: "p9".into(), ..share };
        assert_eq!(gone.owed_minor(400, |_| 0), 0);
    }

    proptest! {
        #[test]
        fn shares_sum_to_what_is_open(
            open in 1i64..1_000_000_000,
            payers in proptest::collection::vec((1u32..10_000, 0i64..1_000_000_000), 1..12),
        ) {
            let (parts, paid): (Vec<u32>, Vec<i64>) = payers.into_iter().unzip();
            let owed = owed(open, &of(&parts), &paid);
            prop_assert_eq!(owed.iter().sum::<i64>(), open);
            prop_assert!(owed.iter().all(|owed| (0..=open).contains(owed)));
        }

        /// Whoever pays what they owe owes nothing, and what the others owe stays as it was.
        #[test]
        fn a_payment_changes_nobody_elses_share(
            open in 1i64..1_000_000_000,
            payers in proptest::collection::vec((1u32..10_000, 0i64..1_000_000_000), 2..12),
            who in 0usize..12,
        ) {
            let (parts, mut paid): (Vec<u32>, Vec<i64>) = payers.into_iter().unzip();
            let who = who % parts.len();
            let before = owed(open, &of(&parts), &paid);
            paid[who] += before[who];
            let after = owed(open - before[who], &of(&parts), &paid);
            for at in 0..parts.len() {
                let expect = if at == who { 0 } else { before[at] };
                // A cent that rounding gave to one goes to another.
                prop_assert!((after[at] - expect).abs() <= 1, "{at}: {after:?} after {before:?}");
            }
        }
    }
}
