//! Which name in a header is which column: the firm's own names, ours, and the usual others, in this order. Never where a header stands or how
//! it is split.

use crate::code;
use crate::columns::{COLUMNS, Column, Columns};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::host::log;
use remitd_plugin_sdk::importer::Out;
use std::collections::BTreeMap;

/// Of what was found instead of a column, so much is shown.
const SHOWN_CHARS: usize = 200;

/// A header as it was read.
pub struct Header<'a> {
    pub line: u32,
    pub names: &'a [String],
    /// How it was split, for who misses a column: ` (split at each comma)`. Empty where there is nothing to say.
    pub how: &'a str,
}

impl Columns {
    /// None where a required column is missing, or one is there twice, which is then said.
    pub fn find(header: &Header<'_>, own: &OwnNames, out: &mut Out<'_>) -> Result<Option<Columns>, Failure> {
        let mut good = true;
        let mut places = [None; COLUMNS.len()];
        let names = own.understand(header.names);
        for (column, place) in COLUMNS.iter().zip(&mut places) {
            let (value, message) = match standing(column, &names) {
                Standing::At(at) => {
                    *place = Some(at);
                    continue;
                }
                Standing::Missing if !column.required => continue,
                Standing::Missing => ("", missing(column.name, header)),
                Standing::Twice(first, second) => {
                    let message = format!(
                        "the column {} is there twice, as column {} and column {}: keep one",
                        column.name,
                        first + 1,
                        second + 1
                    );
                    (header.names.get(second).map_or("", String::as_str), message)
                }
            };
            good = false;
            out.reject(header.line, column.name, value, code::COLUMN, message)?;
        }
        if good {
            log::info(&understood(header, &places));
        }
        Ok(good.then(|| Columns::new(header.names.len(), places)))
    }
}

/// Which column is which, and which are not read: for whoever asks why a file was read so.
fn understood(header: &Header<'_>, places: &[Option<usize>]) -> String {
    let name = |at: usize| header.names.get(at).map_or("", String::as_str);
    let read = COLUMNS.iter().zip(places).filter_map(|(column, place)| {
        place.map(|at| format!("{} is column {} \"{}\"", column.name, at + 1, name(at)))
    });
    let read: Vec<_> = read.collect();
    let rest = (0..header.names.len()).filter(|at| !places.contains(&Some(*at)) && !name(*at).is_empty());
    let rest: Vec<_> = rest.map(|at| format!("\"{}\"", name(at))).collect();
    let rest = if rest.is_empty() { String::new() } else { format!("; not read: {}", rest.join(", ")) };
    format!("header in line {}{}: {}{rest}", header.line, header.how, read.join(", "))
}

/// The firm's own names of columns, from its settings; none unless it has set some.
#[derive(Debug, Default)]
pub struct OwnNames {
    /// From a plain name to the name of one of ours.
    columns: BTreeMap<String, &'static str>,
}

/// How many of the columns a header has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    pub required: usize,
    pub all: usize,
}

/// A name in a header.
struct Understood {
    plain: String,
    /// What the firm has said that it is.
    own: Option<&'static str>,
}

impl OwnNames {
    /// From the firm's header to our name for it.
    pub fn new(columns: &BTreeMap<String, String>) -> Result<OwnNames, Failure> {
        let mut own = OwnNames::default();
        for (theirs, ours) in columns {
            if theirs.trim().is_empty() {
                let message =
                    format!("the setting `columns` has no name for \"{ours}\": write what the header says");
                return Err(Failure::invalid("settings", message));
            }
            let Some(column) = COLUMNS.iter().find(|column| column.name == ours) else {
                let known = COLUMNS.map(|column| column.name).join(", ");
                let message = format!(
                    "the setting `columns` turns \"{theirs}\" into \"{ours}\", which is no column: there are {known}"
                );
                return Err(Failure::invalid("settings", message));
            };
            if let Some(other) = own.columns.insert(plain(theirs), column.name)
                && other != column.name
            {
                let message =
                    format!("the setting `columns` turns \"{theirs}\" into \"{ours}\" and \"{other}\"");
                return Err(Failure::invalid("settings", message));
            }
        }
        Ok(own)
    }

    /// How many of the columns a header has. An importer that is asked whether it knows a file has no settings yet.
    pub fn known(&self, names: &[String]) -> Known {
        let names = self.understand(names);
        let there = |column: &&Column| !matches!(standing(column, &names), Standing::Missing);
        Known {
            required: COLUMNS.iter().filter(|column| column.required).filter(there).count(),
            all: COLUMNS.iter().filter(there).count(),
        }
    }

    fn understand(&self, names: &[String]) -> Vec<Understood> {
        let understood = names.iter().map(|name| {
            let plain = plain(name);
            Understood { own: self.columns.get(&plain).copied(), plain }
        });
        understood.collect()
    }
}

enum Standing {
    Missing,
    At(usize),
    Twice(usize, usize),
}

/// Where the names stand that speak most for the column.
fn standing(column: &Column, names: &[Understood]) -> Standing {
    let claims: Vec<Option<Claim>> = names.iter().map(|name| Claim::of(name, column)).collect();
    let Some(best) = claims.iter().flatten().min() else { return Standing::Missing };
    let mut places = (0..).zip(&claims).filter(|(_, claim)| claim.as_ref() == Some(best)).map(|(at, _)| at);
    match (places.next(), places.next()) {
        (Some(first), Some(second)) => Standing::Twice(first, second),
        (Some(at), None) => Standing::At(at),
        (None, _) => Standing::Missing,
    }
}

/// Why a name is that of a column, the strongest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    TheFirmsOwn,
    Ours,
    Usual,
}

impl Claim {
    fn of(name: &Understood, column: &Column) -> Option<Claim> {
        if let Some(own) = name.own {
            return (own == column.name).then_some(Claim::TheFirmsOwn);
        }
        let at = column.names.iter().position(|known| *known == name.plain)?;
        Some(if at == 0 { Claim::Ours } else { Claim::Usual })
    }
}

/// `E-Mail Address` and `email_address` are one name; one of marks alone (`#`) is itself.
fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if plain.is_empty() { name.trim().to_owned() } else { plain }
}

fn missing(column: &str, header: &Header<'_>) -> String {
    let found: String = header.names.join(", ").chars().take(SHOWN_CHARS).collect();
    let line = if header.line == 1 { "the first line".to_owned() } else { format!("line {}", header.line) };
    format!("there is no column {column} in {line}; found: {found}{}", header.how)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::{AMOUNT, CLIENT, INVOICE, MATTER, NAME};

    fn own(columns: &[(&str, &str)]) -> Result<OwnNames, Failure> {
        OwnNames::new(&columns.iter().map(|(theirs, ours)| (theirs.to_string(), ours.to_string())).collect())
    }

    /// The places that are found, or what is wrong as `column: message`.
    fn find(header: &[&str], columns: &[(&str, &str)]) -> Result<Columns, Vec<String>> {
        let names: Vec<String> = header.iter().map(|name| name.to_string()).collect();
        let mut said = Vec::new();
        let mut out = Out::new(
            |_| Ok(()),
            |found| {
                said.extend(found.iter().map(|found| format!("{}: {}", found.column, found.message)));
                Ok(())
            },
        );
        let header = Header { line: 3, names: &names, how: " (of sheet 1)" };
        let columns = Columns::find(&header, &own(columns).unwrap(), &mut out).unwrap();
        out.finish().unwrap();
        drop(out);
        columns.ok_or(said)
    }

    #[test]
    fn the_firms_own_names_count_before_ours() {
        let german = [("Rg-Nr", INVOICE), ("Betrag", AMOUNT), ("Mandant", NAME), ("#", MATTER)];
        let columns = find(&["RG NR.", "Amount", "betrag ", "Mandant", "E-Mail", " # "], &german).unwrap();
        assert_eq!((columns.invoice, columns.amount, columns.name), (Some(0), Some(2), Some(3)));
        assert_eq!((columns.email, columns.matter, columns.count), (Some(4), Some(5), 6));
        let taken = find(&["Client", "Email", "Amount"], &[("Client", NAME)]).unwrap();
        assert_eq!((taken.name, taken.client), (Some(0), None), "what is a name is no number as well");
        let unused = find(&["Name", "Email", "Amount"], &german).unwrap();
        assert_eq!((unused.name, unused.amount), (Some(0), Some(2)), "a file may have our names too");
    }

    #[test]
    fn what_a_header_lacks_is_said_with_what_it_has() {
        let said = find(&["Name", "Betrag", "Email"], &[]).unwrap_err();
        assert_eq!(
            said,
            ["Amount: there is no column Amount in line 3; found: Name, Betrag, Email (of sheet 1)"]
        );
        let said = find(&["Name", "Soll", "Betrag", "Email"], &[("Soll", AMOUNT), ("Betrag", AMOUNT)]);
        assert_eq!(
            said.unwrap_err(),
            ["Amount: the column Amount is there twice, as column 2 and column 3: keep one"]
        );
    }

    #[test]
    fn what_is_no_column_of_ours_is_refused() {
        let refused = own(&[("Betrag", "Sum")]).unwrap_err();
        for part in ["\"Betrag\"", "\"Sum\"", INVOICE, AMOUNT, MATTER] {
            assert!(refused.message.contains(part), "{part}: {}", refused.message);
        }
        assert!(own(&[(" ", AMOUNT)]).unwrap_err().message.contains("no name for \"Amount\""));
        let refused = own(&[("Betrag", AMOUNT), ("BETRAG.", CLIENT)]).unwrap_err();
        assert!(refused.message.contains("\"Betrag\" into \"Amount\" and \"Client\""), "{refused:?}");
    }
}
