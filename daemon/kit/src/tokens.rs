//! Things in a text that look as if they came from a clock or a random source: dates, and long words of letters and digits.
//! Never says whether they did.

use std::collections::BTreeSet;

/// As in `2026-01-31`.
pub(crate) fn dates(text: &str) -> BTreeSet<&str> {
    words(text, |c| c.is_ascii_digit() || c == '-').filter(|word| is_date(word)).collect()
}

fn is_date(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| (*byte == b'-') == matches!(at, 4 | 7))
        && matches!(word.get(..2), Some("19" | "20" | "21"))
}

const RANDOM_MIN_BYTES: usize = 16;
const HEX_MIN_BYTES: usize = 12;

/// Words that are long and mix letters with digits, or are long hexadecimal numbers.
pub(crate) fn randoms(text: &str) -> BTreeSet<&str> {
    let random = |word: &&str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let letters = word.chars().filter(char::is_ascii_alphabetic).count();
        let hex = word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        digits >= 3
            && letters >= 3
            && (word.len() >= RANDOM_MIN_BYTES || (hex && word.len() >= HEX_MIN_BYTES))
    };
    words(text, |c| c.is_ascii_alphanumeric() || c == '-').filter(random).collect()
}

fn words(text: &str, inside: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(move |c: char| !inside(c)).filter(|word| !word.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_made() {
        let text = "on 2026-01-31, not 2026-1-31: id 6f1c9a0e-77aa-4b1c-8ad0-1f9be7f0a711 of kit-jobs-of-old";
        assert_eq!(dates(text).into_iter().collect::<Vec<_>>(), ["2026-01-31"]);
        assert_eq!(randoms(text).into_iter().collect::<Vec<_>>(), ["6f1c9a0e-77aa-4b1c-8ad0-1f9be7f0a711"]);
    }
}
