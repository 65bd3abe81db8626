//! Whether a link still asks for what is owed, held against what the matter software says now. Owns the rule; reads no balance.

/// Where a link's amounts came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// They were the balances themselves: any other balance takes their place.
    Balance,
    /// A person or a file gave them: they may ask for less than is owed, never for more.
    Given,
}

/// What the matter software says of one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    Minor(i64),
    /// It knows no such statement.
    Unknown,
    /// It cannot be told just now, or money for it is on its way.
    Unsure,
}

/// One line of a link: what it asks for, and what is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub asked_minor: i64,
    pub open: Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As it is, or nobody can tell.
    Owed,
    /// Nothing of it is owed any more.
    Settled,
    Changed,
}

impl Line {
    /// What is to be asked for instead; zero where nothing is owed.
    pub fn owed_minor(self, origin: Origin) -> i64 {
        match (self.open, origin) {
            (Open::Unsure, _) | (Open::Unknown, Origin::Given) => self.asked_minor,
            (Open::Unknown, Origin::Balance) => 0,
            (Open::Minor(open), Origin::Balance) => open.max(0),
            (Open::Minor(open), Origin::Given) => open.clamp(0, self.asked_minor),
        }
    }
}

pub fn standing(origin: Origin, lines: &[Line]) -> Standing {
    if lines.iter().all(|line| line.owed_minor(origin) == line.asked_minor) {
        return Standing::Owed;
    }
    // One line that nobody can tell keeps the whole link: it is looked at again.
    if lines.iter().any(|line| line.open == Open::Unsure) {
        return Standing::Owed;
    }
    match lines.iter().any(|line| line.owed_minor(origin) > 0) {
        true => Standing::Changed,
        false => Standing::Settled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_asks_for_what_is_owed_and_no_more() {
        use Open::{Minor, Unknown, Unsure};
        use Origin::{Balance, Given};
        use Standing::{Changed, Owed, Settled};
        let check = |origin, lines: &[(i64, Open)], expect| {
            let lines: Vec<_> = lines.iter().map(|&(asked_minor, open)| Line { asked_minor, open }).collect();
            assert_eq!(standing(origin, &lines), expect, "{origin:?} {lines:?}");
        };
        for origin in [Balance, Given] {
            check(origin, &[(100, Minor(100))], Owed);
            check(origin, &[(100, Minor(0))], Settled);
            check(origin, &[(100, Minor(-20))], Settled);
            check(origin, &[(100, Minor(80))], Changed);
            check(origin, &[(100, Unsure)], Owed);
            check(origin, &[(100, Minor(0)), (50, Minor(50))], Changed);
            check(origin, &[(100, Minor(0)), (50, Minor(0))], Settled);
            check(origin, &[(100, Minor(0)), (50, Unsure)], Owed);
        }
        check(Balance, &[(100, Minor(120))], Changed);
        check(Given, &[(100, Minor(120))], Owed);
        check(Balance, &[(100, Unknown)], Settled);
        check(Given, &[(100, Unknown)], Owed);
    }

    #[test]
    fn what_is_asked_for_instead() {
        let owed = |origin, open| Line { asked_minor: 100, open }.owed_minor(origin);
        assert_eq!(owed(Origin::Balance, Open::Minor(120)), 120);
        assert_eq!(owed(Origin::Given, Open::Minor(120)), 100);
        assert_eq!(owed(Origin::Given, Open::Minor(80)), 80);
        assert_eq!(owed(Origin::Balance, Open::Minor(-5)), 0);
        assert_eq!(owed(Origin::Given, Open::Unknown), 100);
    }
}
