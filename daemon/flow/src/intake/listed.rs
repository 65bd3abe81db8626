//! What a matter database lists as open, and what links ask for: a push holds all of it, until links that are out of date have
//! ended. So it holds no number of a statement but a print of it, whose keys are of chance: that two numbers have the same print
//! does not happen, and nobody can bring it about.

use remitd_domain::stale::Open;
use remitd_host::Money;
use remitd_store::Payable;
use std::hash::{BuildHasher, RandomState};

/// Of a number: two keyed hashes of 64 bits.
type Print = (u64, u64);

/// Stands for an amount in another currency than the account's.
const OTHER_CURRENCY: i64 = i64::MIN;

#[derive(Clone, Default)]
pub(super) struct Keys(RandomState, RandomState);

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
    left_out: Vec<(Print, Out)>,
}

/// Whether a statement that the rules leave out is on hold, for whoever asks, or for this push alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Out {
    OnHold,
    ByPush,
}

impl Listing {
    pub(super) fn of(currency: &'static str, keys: Keys) -> Listing {
        Listing { currency, keys, rows: Vec::new(), left_out: Vec::new() }
    }

    pub(super) fn note(&mut self, statement: &str, open: &Money, left_out: Option<Out>) {
        let minor = if open.currency == self.currency { open.amount_minor } else { OTHER_CURRENCY };
        let print = self.keys.print(statement);
        self.rows.push((print, minor));
        self.left_out.extend(left_out.map(|why| (print, why)));
    }

    /// Once it is read to its end.
    pub(super) fn read(self) -> Listed {
        let Listing { currency, keys, mut rows, mut left_out } = self;
        rows.sort_unstable();
        left_out.sort_unstable();
        let mut twice: Vec<Print> = Vec::new();
        for same in rows.chunk_by(|(one, _), (next, _)| one == next).filter(|same| same.len() > 1) {
            twice.extend(same.first().map(|(print, _)| *print));
        }
        Listed { currency, rows, left_out, twice: Prints { keys, prints: twice } }
    }
}

/// What is open of each statement.
pub(super) struct Listed {
    currency: &'static str,
    rows: Vec<(Print, i64)>,
    left_out: Vec<(Print, Out)>,
    twice: Prints,
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

    /// None where the rules let it be asked for.
    pub(super) fn left_out(&self, statement: &str) -> Option<Out> {
        let print = self.twice.keys.print(statement);
        let at = self.left_out.binary_search_by_key(&print, |(out, _)| *out).ok()?;
        self.left_out.get(at).map(|(_, why)| *why)
    }

    /// What is listed more than once, so that nobody knows which is right; the amounts are let go.
    pub(super) fn twice(self) -> Prints {
        self.twice
    }
}

/// Links that can be paid, and what they ask for.
pub(super) struct Linked {
    currency: &'static str,
    keys: Keys,
    /// Of those that ask for all of one statement: its print, the amount, the link's id.
    whole: Vec<(Print, i64, i64)>,
    others: Vec<i64>,
}

impl Linked {
    pub(super) fn of(currency: &'static str, keys: Keys) -> Linked {
        Linked { currency, keys, whole: Vec::new(), others: Vec::new() }
    }

    pub(super) fn note(&mut self, link: &Payable) {
        if link.is_whole && link.currency == self.currency {
            self.whole.push((self.keys.print(&link.invoice), link.amount_minor, link.id));
        } else {
            self.others.push(link.id);
        }
    }

    /// Those that ask for something else than what is listed as open, as nearly none do, by their ids in their order; and the
    /// statements of all others. In the order of their prints both lists are gone through once.
    pub(super) fn compared(self, listed: &Listed) -> (Vec<i64>, Prints) {
        let Linked { mut whole, others: mut unlike, keys, .. } = self;
        whole.sort_unstable();
        let mut rows = listed.rows.iter().peekable();
        let mut asked = Vec::with_capacity(whole.len());
        for (print, minor, id) in whole {
            while rows.next_if(|(row, _)| *row < print).is_some() {}
            let same = rows.peek().is_some_and(|(row, open)| *row == print && *open == minor);
            if same && !listed.twice.has(print) {
                asked.push(print);
            } else {
                unlike.push(id);
            }
        }
        unlike.sort_unstable();
        (unlike, Prints { keys, prints: asked })
    }
}

/// Statements of which something is known.
pub(super) struct Prints {
    keys: Keys,
    /// In their order.
    prints: Vec<Print>,
}

impl Prints {
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
        let keys = Keys::default();
        let mut listing = Listing::of("USD", keys.clone());
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
            listing.note(statement, &open, (statement == "B-2").then_some(Out::OnHold));
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
        assert_eq!(["B-1", "B-2"].map(|one| listed.left_out(one)), [None, Some(Out::OnHold)]);
        let mut linked = Linked::of("USD", keys);
        let link = |id, invoice: &str, amount_minor, currency: &str| Payable {
            id,
            invoice: invoice.to_owned(),
            amount_minor,
            currency: currency.to_owned(),
            is_whole: id != 7,
            is_own: true,
        };
        for link in [
            link(1, "B-1", 100, "USD"),
            link(2, "B-1", 101, "USD"),
            link(3, "B-1", 100, "EUR"),
            link(4, "B-2", 200, "USD"),
            link(5, "B-4", 400, "USD"),
            link(6, "B-6", 600, "USD"),
            link(7, "B-5", 500, "USD"),
            link(8, "B-5", 500, "USD"),
            link(9, "B-3", 300, "USD"),
        ] {
            linked.note(&link);
        }
        let (unlike, asked) = linked.compared(&listed);
        assert_eq!(unlike, [2, 3, 4, 5, 6, 7]);
        let is_asked = ["B-1", "B-2", "B-3", "B-4", "B-5", "B-6"].map(|one| asked.contains(one));
        assert_eq!(is_asked, [true, false, true, false, true, false]);
        let twice = listed.twice();
        assert_eq!(["B-1", "B-4", "B-6"].map(|one| twice.contains(one)), [false, true, false]);
    }
}
