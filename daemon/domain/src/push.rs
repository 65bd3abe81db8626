//! Which open statements a push asks for: the firm's rules, each by the name that its key or its column has. Owns the order in
//! which they are asked and the words of each no. What a rule cannot tell, since the matter software does not say it, is a no.

use crate::account::Kind;
use crate::money::Money;
use crate::trust;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;

/// The rules of one push. Empty lists are no rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    pub minimum_minor: i64,
    /// Not before so many days ahead of the due date.
    pub days_before_due: Option<u32>,
    /// Only those; so for the next two.
    pub practices: Vec<String>,
    pub offices: Vec<String>,
    pub responsible: Vec<String>,
    /// Never these clients and matters, by their numbers.
    pub clients_out: Vec<String>,
    pub matters_out: Vec<String>,
}

/// What the rules are asked about.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub statement: &'a str,
    pub client: &'a str,
    pub matter: &'a str,
    pub open: Money,
    pub due: Option<NaiveDate>,
    pub practice: &'a str,
    pub office: &'a str,
    pub responsible: &'a str,
    /// Why the matter software has it on hold; empty where it has not.
    pub hold: &'a str,
    /// Whose money it asks for.
    pub kind: Kind,
}

/// The rule of the matter software itself.
pub const HOLD: &str = "hold";

/// A rule's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct No {
    pub rule: &'static str,
    pub why: Cow<'static, str>,
}

fn no(rule: &'static str, why: impl Into<Cow<'static, str>>) -> Result<(), No> {
    Err(No { rule, why: why.into() })
}

/// Numbers of clients, matters and statements that staff keep in a file, one a line; what stands after `#`, where a line or a word
/// begins, says why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldList {
    /// The line, from 1, and the reason.
    entries: HashMap<String, (usize, String)>,
}

impl HoldList {
    pub fn read(text: &str) -> HoldList {
        let mut entries = HashMap::new();
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let comment = line.match_indices('#').find(|(at, _)| {
                line.get(..*at)
                    .is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
            });
            let (number, reason) =
                comment.and_then(|(at, _)| line.split_at_checked(at)).unwrap_or((line, ""));
            let reason = reason.trim_start_matches('#');
            if !number.trim().is_empty() {
                let entry = (at + 1, reason.trim().to_owned());
                entries.entry(number.trim().to_owned()).or_insert(entry);
            }
        }
        HoldList { entries }
    }

    fn asked(&self, numbers: [(&str, &str); 3]) -> Result<(), No> {
        for (what, number) in numbers {
            if let Some((line, reason)) = self.entries.get(number) {
                let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                return no("hold_list", format!("its {what} {number} is in line {line} of the list{reason}"));
            }
        }
        Ok(())
    }
}

impl Rules {
    /// The names of those that are set.
    pub fn names(&self, held: Option<&HoldList>) -> Vec<&'static str> {
        let set = [
            ("hold_list", held.is_some()),
            ("clients_out", !self.clients_out.is_empty()),
            ("matters_out", !self.matters_out.is_empty()),
            ("practices", !self.practices.is_empty()),
            ("offices", !self.offices.is_empty()),
            ("responsible", !self.responsible.is_empty()),
            ("minimum", self.minimum_minor > 0),
            ("days_before_due", self.days_before_due.is_some()),
        ];
        set.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect()
    }

    /// Of whom nothing is asked, whatever is open, as far as the numbers are known.
    pub fn left_out(
        &self,
        client: &str,
        matter: &str,
        statement: &str,
        held: Option<&HoldList>,
    ) -> Result<(), No> {
        if let Some(held) = held {
            held.asked([("client", client), ("matter", matter), ("statement", statement)])?;
        }
        for (rule, numbers, what, number) in [
            ("clients_out", &self.clients_out, "client", client),
            ("matters_out", &self.matters_out, "matter", matter),
        ] {
            if numbers.iter().any(|one| one == number) {
                no(rule, format!("its {what} {number} is left out"))?;
            }
        }
        Ok(())
    }

    /// The first rule that says no.
    pub fn ask(
        &self,
        facts: &Facts<'_>,
        account: Kind,
        held: Option<&HoldList>,
        today: NaiveDate,
    ) -> Result<(), No> {
        if facts.open.minor() <= 0 {
            no("open", "nothing of it is open")?;
        }
        if let Some(rule) = trust::broken_by_statement(account, facts.kind, today) {
            no(rule.id, rule.to_string())?;
        }
        if !facts.hold.is_empty() {
            no(HOLD, format!("it is on hold: {}", facts.hold))?;
        }
        self.left_out(facts.client, facts.matter, facts.statement, held)?;
        told("clients_out", &self.clients_out, "client", facts.client)?;
        told("matters_out", &self.matters_out, "matter", facts.matter)?;
        only("practices", &self.practices, "practice", facts.practice)?;
        only("offices", &self.offices, "office", facts.office)?;
        only("responsible", &self.responsible, "responsible", facts.responsible)?;
        self.minimum(facts)?;
        self.due(facts, today)
    }

    fn minimum(&self, facts: &Facts<'_>) -> Result<(), No> {
        if facts.open.minor() >= self.minimum_minor {
            return Ok(());
        }
        let minimum = Money::from_minor(self.minimum_minor, facts.open.currency()).grouped();
        no("minimum", format!("less is open than the push's minimum: {} of {minimum}", facts.open.grouped()))
    }

    fn due(&self, facts: &Facts<'_>, today: NaiveDate) -> Result<(), No> {
        let (Some(days), Some(due)) = (self.days_before_due, facts.due) else { return Ok(()) };
        match due.checked_sub_days(Days::new(u64::from(days))) {
            Some(first) if today < first => {
                no("days_before_due", format!("it is due on {due}, more than {days} days ahead"))
            }
            _ => Ok(()),
        }
    }
}

/// What a rule is asked by must be known.
fn told(rule: &'static str, asked: &[String], what: &str, word: &str) -> Result<(), No> {
    if !asked.is_empty() && word.is_empty() {
        return no(rule, format!("its {what} is not told: has the mapping a column {what}?"));
    }
    Ok(())
}

/// Words of which one must be the statement's, in whatever case.
fn only(rule: &'static str, words: &[String], what: &str, word: &str) -> Result<(), No> {
    told(rule, words, what, word)?;
    match words.is_empty() || words.iter().any(|one| one.to_lowercase() == word.to_lowercase()) {
        true => Ok(()),
        false => no(rule, format!("its {what} is {word}, not {}", words.join(" or "))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn facts<'a>() -> Facts<'a> {
        Facts {
            statement: "B-1",
            client: "00124",
            matter: "00124.00001",
            open: Money::parse("480.51", "USD".parse().unwrap()).unwrap(),
            due: Some(day("2026-12-15")),
            practice: "Litigation",
            office: "Boston",
            responsible: "AB",
            hold: "",
            kind: Kind::Operating,
        }
    }

    /// What a push with these rules says: the rule of the no, or the names of those that said yes.
    fn check(rules: &Rules, facts: &Facts<'_>, expect: &str) {
        let list = HoldList::read("\u{feff}# held\n\n 00300 \nB-9 # in dispute\r\nINV#7\n");
        let said = rules.ask(facts, Kind::Operating, Some(&list), day("2026-11-30"));
        let names = || rules.names(Some(&list)).join(" ");
        let said = said.map_or_else(|no| format!("{}: {}", no.rule, no.why), |()| names());
        assert_eq!(said, expect);
    }

    fn words(word: &str) -> Vec<String> {
        vec!["Tax".to_owned(), word.to_owned()]
    }

    #[test]
    fn what_stands_against_a_statement_itself() {
        let none = Rules::default();
        check(&none, &facts(), "hold_list");
        check(
            &none,
            &Facts { statement: "B-9", ..facts() },
            "hold_list: its statement B-9 is in line 4 of the list: in dispute",
        );
        check(
            &none,
            &Facts { client: "00300", ..facts() },
            "hold_list: its client 00300 is in line 3 of the list",
        );
        check(
            &none,
            &Facts { matter: "INV#7", ..facts() },
            "hold_list: its matter INV#7 is in line 5 of the list",
        );
        check(&none, &Facts { matter: "INV", ..facts() }, "hold_list");
        check(&none, &Facts { hold: "asked by AB", ..facts() }, "hold: it is on hold: asked by AB");
        check(
            &none,
            &Facts { open: Money::from_minor(-5, facts().open.currency()), ..facts() },
            "open: nothing of it is open",
        );
        check(
            &none,
            &Facts { kind: Kind::Trust, ..facts() },
            "R2: trust rule R2: what is earned goes to an operating account, what is not yet earned to a trust account",
        );
    }

    #[test]
    fn what_a_push_leaves_out_and_what_it_keeps_to() {
        let all = Rules {
            minimum_minor: 48_051,
            days_before_due: Some(15),
            practices: words("LITIGATION"),
            offices: words("Boston"),
            responsible: words("AB"),
            clients_out: words("124"),
            matters_out: words("00124.00002"),
        };
        check(
            &all,
            &facts(),
            "hold_list clients_out matters_out practices offices responsible minimum days_before_due",
        );
        check(&all, &Facts { client: "124", ..facts() }, "clients_out: its client 124 is left out");
        check(
            &all,
            &Facts { client: "", ..facts() },
            "clients_out: its client is not told: has the mapping a column client?",
        );
        check(
            &all,
            &Facts { matter: "00124.00002", ..facts() },
            "matters_out: its matter 00124.00002 is left out",
        );
        check(
            &all,
            &Facts { practice: "Family", ..facts() },
            "practices: its practice is Family, not Tax or LITIGATION",
        );
        check(
            &all,
            &Facts { office: "", ..facts() },
            "offices: its office is not told: has the mapping a column office?",
        );
        check(
            &all,
            &Facts { responsible: "CD", ..facts() },
            "responsible: its responsible is CD, not Tax or AB",
        );
        check(
            &all,
            &Facts { open: Money::from_minor(48_050, facts().open.currency()), ..facts() },
            "minimum: less is open than the push's minimum: 480.50 USD of 480.51 USD",
        );
        check(
            &all,
            &Facts { due: Some(day("2026-12-16")), ..facts() },
            "days_before_due: it is due on 2026-12-16, more than 15 days ahead",
        );
        check(
            &all,
            &Facts { due: None, ..facts() },
            "hold_list clients_out matters_out practices offices responsible minimum days_before_due",
        );
    }
}
