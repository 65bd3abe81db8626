//! Leading zeros count in client, matter and invoice numbers, and spreadsheets eat them. Owns the noticing: in a column whose
//! numbers with leading zeros are all of one length, a shorter number has probably lost its own. Nothing is rejected for it,
//! nothing is put back: a person decides.

/// Longer runs of digits are no numbers of clients, matters or invoices.
const DIGITS_MAX: usize = 20;

/// What was seen of one column.
#[derive(Debug, Clone, Default)]
pub struct Zeros {
    /// Digits of the numbers that begin with a zero; none yet, or one length.
    led: Option<usize>,
    /// They are of several lengths: this column has no rule.
    uneven: bool,
    /// Numbers that begin with another digit, by their digits: how many, and the first.
    plain: [Seen; DIGITS_MAX],
}

#[derive(Debug, Clone, Default)]
struct Seen {
    many: u64,
    line: u32,
    number: String,
}

/// Numbers of one column that are shorter than they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eaten {
    pub many: u64,
    /// Of the first one.
    pub line: u32,
    pub number: String,
    /// Digits that the others of the column have.
    pub digits: usize,
}

impl Zeros {
    #[inline]
    pub fn see(&mut self, line: u32, number: &str) {
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        // `00124` and `00124.00001` are numbers; `124 Main St`, `7B` and `` are not.
        let ends = matches!(number.as_bytes().get(digits), None | Some(b'.' | b'-' | b'/'));
        if digits == 0 || !ends {
            return;
        }
        if number.starts_with('0') {
            self.uneven |= self.led.is_some_and(|led| led != digits);
            self.led = Some(digits);
        } else if let Some(seen) = self.plain.get_mut(digits) {
            if seen.many == 0 {
                (seen.line, seen.number) = (line, number.to_owned());
            }
            seen.many += 1;
        }
    }

    /// The shorter ones, where the column has a rule.
    pub fn eaten(&self) -> Option<Eaten> {
        let digits = self.led.filter(|digits| !self.uneven && *digits > 1)?;
        let short = self.plain.get(..digits.min(DIGITS_MAX))?.iter().filter(|seen| seen.many > 0);
        let first = short.clone().min_by_key(|seen| seen.line)?;
        let many = short.map(|seen| seen.many).sum();
        Some(Eaten { many, line: first.line, number: first.number.clone(), digits })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check(numbers: &[&str], expect: Option<(u64, u32, &str)>) {
        let mut zeros = Zeros::default();
        for (line, number) in (2..).zip(numbers) {
            zeros.see(line, number);
        }
        let eaten = zeros.eaten();
        let got = eaten.as_ref().map(|eaten| (eaten.many, eaten.line, eaten.number.as_str()));
        assert_eq!(got, expect, "{numbers:?}");
    }

    #[test]
    fn eaten_zeros_are_noticed() {
        check(&["124", "00125", "7", "00126"], Some((2, 2, "124")));
        check(&["00124.00001", "124.00002", "00124-1"], Some((1, 3, "124.00002")));
    }

    #[test]
    fn a_column_without_a_rule_is_left_alone() {
        check(&["124", "7", "12345"], None);
        check(&["00124", "0125", "7"], None);
        check(&["00124", "99124", "123456", "A7", "12 Main St", "7B", "", "é"], None);
        check(&["0", "7"], None);
        check(&["00", &"9".repeat(30)], None);
    }
}
