//! What a matter database lists as open: a push holds all of it, until links that are out of date have ended. So it holds no
//! number of a statement but a print of it, whose keys are of chance: that two numbers have the same print does not happen, and
//! nobody can bring it about.

use remitd_domain::stale::Open;
use remitd_host::Money;
use std::hash::{BuildHasher, RandomState};

/// Of a number: two keyed hashes of 64 bits.
type Print = (u64, u64);

/// Stands for an amount in another currency than the account's.
const OTHER_CURRENCY: i64 = i64::MIN;

#[derive(Default)]
struct Keys(RandomState, RandomState);

impl Keys {
    fn print(&self, statement: &str) -> Print {
        (self.0.hash_one(statement), self.1.hash_one(statement))
    }
}

/// A list that is being read.
pub(super) struct Listing {
    currency: &'static str,
    keys: Keys,
    rows: Vec<(Print, i64)>,
}

impl Listing {
    pub(super) fn of(currency: &'static str) -> Listing {
        Listing { currency, keys: Keys::default(), rows: Vec::new() }
    }

    pub(super) fn note(&mut self, statement: &str, open: &Money) {
        let minor = if open.currency == self.currency { open.amount_minor } else { OTHER_CURRENCY };
        self.rows.push((self.keys.print(statement), minor));
    }

    /// Once it is read to its end.
    pub(super) fn read(self) -> Listed {
        let Listing { currency, keys, mut rows } = self;
        rows.sort_unstable();
        let mut twice: Vec<Print> = Vec::new();
        for same in rows.chunk_by(|(one, _), (next, _)| one == next).filter(|same| same.len() > 1) {
            twice.extend(same.first().map(|(print, _)| *print));
        }
        Listed { currency, rows, twice: Twice { keys, prints: twice } }
    }
}

/// What is open of each statement.
pub(super) struct Listed {
    currency: &'static str,
    rows: Vec<(Print, i64)>,
    twice: Twice,
}

impl Listed {
    /// None where the statement is not listed, or not once.
    pub(super) fn open(&self, statement: &str, currency: &str) -> Option<Open> {
        let print = self.twice.keys.print(statement);
        let at = self.rows.binary_search_by_key(&print, |(listed, _)| *listed).ok()?;
        let (_, minor) = self.rows.get(at).filter(|_| !self.twice.has(print))?;
        let ours = currency == self.currency && *minor != OTHER_CURRENCY;
        Some(if ours { Open::Minor(*minor) } else { Open::Unsure })
    }

    /// What is listed more than once; the amounts are let go.
    pub(super) fn twice(self) -> Twice {
        self.twice
    }
}

/// Statements with several rows: nobody knows which is right.
pub(super) struct Twice {
    keys: Keys,
    /// In their order.
    prints: Vec<Print>,
}

impl Twice {
    pub(super) fn contains(&self, statement: &str) -> bool {
        !self.prints.is_empty() && self.has(self.keys.print(statement))
    }

    fn has(&self, print: Print) -> bool {
        self.prints.binary_search(&print).is_ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_found_by_the_number() {
        let mut listing = Listing::of("USD");
        let money = |amount_minor, currency: &str| Money { amount_minor, currency: currency.to_owned() };
        for (statement, open) in [
            ("B-3", money(300, "USD")),
            ("B-1", money(100, "USD")),
            ("B-2", money(200, "EUR")),
            ("B-4", money(400, "USD")),
            ("B-4", money(401, "USD")),
            ("B-5", money(500, "USD")),
            ("B-4", money(402, "USD")),
        ] {
            listing.note(statement, &open);
        }
        let listed = listing.read();
        for (statement, expect) in [
            ("B-1", Some(Open::Minor(100))),
            ("B-2", Some(Open::Unsure)),
            ("B-3", Some(Open::Minor(300))),
            ("B-4", None),
            ("B-5", Some(Open::Minor(500))),
            ("B-6", None),
        ] {
            assert_eq!(listed.open(statement, "USD"), expect, "{statement}");
        }
        assert_eq!(listed.open("B-1", "EUR"), Some(Open::Unsure), "the link is in another currency");
        let twice = listed.twice();
        assert_eq!(["B-1", "B-4", "B-6"].map(|one| twice.contains(one)), [false, true, false]);
    }
}
