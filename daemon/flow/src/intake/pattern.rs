//! Names of files as people write patterns for them: `*` is any text, `?` any one character, and capitals do not count. All
//! else stands for itself.

use std::fmt;
use std::str::FromStr;

/// Stands for a character that no pattern has.
const ANY: &str = "\0";
/// More than anybody writes question marks.
const LONG: usize = 100;

/// The default fits no file: none has an empty name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a pattern for a file's name")]
pub struct NoPattern;

impl FromStr for Pattern {
    type Err = NoPattern;

    fn from_str(text: &str) -> Result<Pattern, NoPattern> {
        let name = !text.is_empty() && !text.contains(['/', '\0']);
        name.then(|| Pattern(text.to_owned())).ok_or(NoPattern)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pattern {
    /// Whether it fits every name that the other does; true is sure, false may be a near miss.
    pub fn covers(&self, other: &Pattern) -> bool {
        let with = |any: &str| other.0.replace('?', ANY).replace('*', any);
        self.fits(&with("")) && self.fits(&with(&ANY.repeat(LONG)))
    }

    pub fn fits(&self, name: &str) -> bool {
        let small = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
        let (pattern, name) = (small(&self.0), small(name));
        let (mut at, mut of) = (0, 0);
        // Where the last star stands, and how much of the name it has taken so far.
        let mut star = None;
        while let Some(is) = name.get(at) {
            match pattern.get(of) {
                Some('*') => {
                    star = Some((of, at));
                    of += 1;
                }
                Some(wanted) if *wanted == '?' || wanted == is => (at, of) = (at + 1, of + 1),
                // It must have taken one more.
                _ => match star {
                    Some((back, taken)) => {
                        star = Some((back, taken + 1));
                        (at, of) = (taken + 1, back + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern.get(of..).is_some_and(|rest| rest.iter().all(|left| *left == '*'))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check(pattern: &str, fit: &[&str], others: &[&str]) {
        let pattern: Pattern = pattern.parse().unwrap();
        assert!(fit.iter().all(|name| pattern.fits(name)), "{pattern}: {fit:?}");
        assert!(!others.iter().any(|name| pattern.fits(name)), "{pattern}: {others:?}");
    }

    #[test]
    fn stars_and_question_marks() {
        check("*.csv", &["june.csv", "JUNE.CSV", ".csv"], &["june.csv.txt", "csv", ""]);
        check("LEDES*.txt", &["ledes 1998b.txt", "LEDES.txt"], &["my ledes.txt", "ledes.txt.old"]);
        check("m?ller-*", &["Müller-1.csv", "MULLER-"], &["mller-1.csv", "müüller-1"]);
        check("*a*b*c", &["abc", "xxaabbcc", "acbbabc"], &["abcb", "ab", "cba"]);
        check("[draft].csv", &["[draft].csv"], &["d.csv"]);
        check("*", &["anything", ""], &[]);
    }

    #[test]
    fn what_comes_to_its_turn() {
        let covers = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| text.parse::<Pattern>().unwrap());
            one.covers(&other)
        };
        assert!(covers("*", "june.csv") && covers("*.CSV", "june*.csv") && covers("a?.txt", "ab.txt"));
        assert!(!covers("june*.csv", "*.csv") && !covers("a?c", "a*c") && !covers("a??c", "a*c"));
    }

    /// What is quadratic at worst stays so.
    #[test]
    fn many_stars_take_no_time() {
        let pattern: Pattern = "*a".repeat(100).parse().unwrap();
        assert!(!pattern.fits(&format!("{}b", "a".repeat(250))));
    }

    #[test]
    fn a_folder_is_no_name() {
        assert_eq!(["", "june/*.csv"].map(str::parse::<Pattern>), [Err(NoPattern), Err(NoPattern)]);
    }
}
