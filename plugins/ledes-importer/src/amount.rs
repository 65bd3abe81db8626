//! Amounts as LEDES has them: `1234.56`, `-12.00`, at most four decimals. Owns their reading into whole ten-thousandths, in which
//! line items are added up, and from there into minor units. Never a float, never rounded.

use std::fmt;

/// Decimals that the standard allows.
const DECIMALS: u32 = 4;

/// Ten-thousandths of the currency's major unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Missing,
    Unreadable,
    Decimals,
    TooLarge,
}

impl Wrong {
    pub fn words(self) -> &'static str {
        match self {
            Wrong::Missing => "there is no amount: write it like 1234.56",
            Wrong::Unreadable => "this is no amount: write it like 1234.56 or -12.00, with nothing else",
            Wrong::Decimals => "the amount has more than four decimals, and is never rounded",
            Wrong::TooLarge => "the amount is more than can be kept",
        }
    }
}

impl Amount {
    pub fn read(written: &str) -> Result<Amount, Wrong> {
        if written.is_empty() {
            return Err(Wrong::Missing);
        }
        let unsigned = written.strip_prefix(['-', '+']).unwrap_or(written);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return Err(Wrong::Unreadable),
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        if whole.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(Wrong::Unreadable);
        }
        if fraction.contains('.') {
            return Err(Wrong::Unreadable);
        }
        let fraction = fraction.trim_end_matches('0');
        let decimals = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
        let missing = DECIMALS.checked_sub(decimals).ok_or(Wrong::Decimals)?;
        let mut value = 0_i64;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = i64::from(byte - b'0');
            value = value.checked_mul(10).and_then(|tens| tens.checked_add(digit)).ok_or(Wrong::TooLarge)?;
        }
        let value = value.checked_mul(10_i64.pow(missing)).ok_or(Wrong::TooLarge)?;
        Ok(Amount(if written.starts_with('-') { -value } else { value }))
    }

    pub fn plus(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    pub fn is_above_zero(self) -> bool {
        self.0 > 0
    }

    /// In the minor units of a currency with so many decimals; none where it is not whole.
    pub fn minor(self, exponent: u32) -> Option<i64> {
        let unit = 10_i64.checked_pow(DECIMALS.checked_sub(exponent)?)?;
        (self.0 % unit == 0).then_some(self.0 / unit)
    }
}

/// With two decimals, or as many as it needs.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 10_000, self.0.unsigned_abs() % 10_000);
        match (rest % 100, rest % 10) {
            (0, _) => write!(f, "{sign}{whole}.{:02}", rest / 100),
            (_, 0) => write!(f, "{sign}{whole}.{:03}", rest / 10),
            _ => write!(f, "{sign}{whole}.{rest:04}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(written: &str, expect: Result<i64, Wrong>) {
        assert_eq!(Amount::read(written), expect.map(Amount), "{written}");
    }

    #[test]
    fn amounts_of_the_standard() {
        check("1234.56", Ok(12_345_600));
        check("-12.00", Ok(-120_000));
        check("+3", Ok(30_000));
        check("0.0001", Ok(1));
        check("1.500000", Ok(15_000));
        check("", Err(Wrong::Missing));
        for written in
            ["1,234.56", "$5", "(12.00)", ".5", "5.", "1.2.3", "--5", "-", "1 2", "1e3", "٣", "1.5-"]
        {
            check(written, Err(Wrong::Unreadable));
        }
        check("1.00001", Err(Wrong::Decimals));
        check("922337203685477.5808", Err(Wrong::TooLarge));
        check("99999999999999999999", Err(Wrong::TooLarge));
    }

    #[test]
    fn minor_units_are_whole_or_none() {
        let minor = |written: &str, exponent| Amount::read(written).unwrap().minor(exponent);
        assert_eq!(minor("12.34", 2), Some(1234));
        assert_eq!(minor("12.345", 2), None);
        assert_eq!(minor("12.345", 3), Some(12_345));
        assert_eq!(minor("-12.00", 0), Some(-12));
        assert_eq!(minor("1", 5), None);
    }

    proptest! {
        #[test]
        fn shown_as_it_is_read(value in any::<i64>()) {
            let shown = Amount(value).to_string();
            prop_assume!(value != i64::MIN);
            prop_assert_eq!(Amount::read(&shown), Ok(Amount(value)));
        }

        #[test]
        fn nothing_written_breaks_it(written in ".{0,40}") {
            let _ = Amount::read(&written).map(|amount| amount.to_string());
        }
    }
}
