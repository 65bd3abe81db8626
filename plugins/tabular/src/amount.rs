//! Amounts as people write them: `1,234.56`, `$1234.56`, `1234`, `(12.00)`. Owns their reading into whole minor units. Never
//! guesses: what does not fit the firm's decimal mark, or has more decimals than the currency, is no amount.

/// Blanks and marks that stand between thousands beside the comma or the point.
const THOUSANDS: [char; 5] = [' ', '\u{a0}', '\u{202f}', '\'', '’'];

/// Signs of currencies, and the codes that they may stand for.
const SIGNS: [(&str, &[&str]); 6] = [
    ("US$", &["USD"]),
    (
        "$",
        &[
            "USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "BSD", "BBD", "BZD", "JMD", "TTD", "KYD",
            "BMD",
        ],
    ),
    ("€", &["EUR"]),
    ("£", &["GBP", "GIP", "FKP", "SHP"]),
    ("¥", &["JPY", "CNY"]),
    ("C$", &["CAD"]),
];

/// Of so many digits, none is too large.
const USUAL_BYTES: usize = 18;

/// How the firm writes amounts.
pub struct Style {
    /// `.` or `,`.
    pub mark: char,
    pub exponent: u32,
    pub currency: String,
}

impl Style {
    /// The amount in minor units; an error says in words what is wrong.
    #[inline]
    pub fn read(&self, written: &str) -> Result<i64, String> {
        self.parse(written).map_err(|wrong| self.words(written, wrong))
    }

    fn parse(&self, written: &str) -> Result<i64, Wrong> {
        if let Some(minor) = self.usual(written.as_bytes()) {
            return Ok(minor);
        }
        // Digits, perhaps a mark.
        if written.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            match self.digits(written) {
                Err(Wrong::Unreadable) => {}
                sure => return sure,
            }
        }
        let bracketed = written.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let mut rest = bracketed.unwrap_or(written).trim();
        let mut negative = bracketed.is_some();
        // A sign stands before the currency or after it, but only one of them.
        for _ in 0..2 {
            if let Some(after) = rest.strip_prefix(['-', '−', '+']).filter(|_| !negative) {
                negative = !rest.starts_with('+');
                rest = after.trim_start();
            }
            rest = self.without_currency(rest)?;
        }
        let minor = self.digits(rest)?;
        Ok(if negative { -minor } else { minor })
    }

    fn without_currency<'a>(&self, written: &'a str) -> Result<&'a str, Wrong> {
        let code = self.currency.as_str();
        if let Some(rest) = written.strip_prefix(code).or_else(|| written.strip_suffix(code)) {
            return Ok(rest.trim());
        }
        for (sign, codes) in SIGNS {
            if let Some(rest) = written.strip_prefix(sign).or_else(|| written.strip_suffix(sign)) {
                return if codes.contains(&code) { Ok(rest.trim()) } else { Err(Wrong::Currency) };
            }
        }
        Ok(written)
    }

    /// The same as `digits` for nearly every amount of a file: all decimals of the currency, and nothing between thousands or the
    /// comma or point that is not the mark. None for every other.
    #[inline]
    fn usual(&self, written: &[u8]) -> Option<i64> {
        let other = if self.mark == '.' { b',' } else { b'.' };
        let decimals = self.exponent as usize;
        let (whole, fraction) = written.split_at_checked(written.len().checked_sub(decimals + 1)?)?;
        let [mark, fraction @ ..] = fraction else { return None };
        // As long as it can be without being too large.
        if char::from(*mark) != self.mark || decimals == 0 || written.len() > USUAL_BYTES {
            return None;
        }
        let (mut value, mut digits, mut grouped) = (0, 0, false);
        for byte in whole {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                value = value * 10 + i64::from(digit);
                digits += 1;
            } else if *byte == other && (digits == 3 || (!grouped && matches!(digits, 1..=2))) {
                (digits, grouped) = (0, true);
            } else {
                return None;
            }
        }
        for byte in fraction {
            let digit = byte.wrapping_sub(b'0');
            if digit >= 10 {
                return None;
            }
            value = value * 10 + i64::from(digit);
        }
        (!grouped || digits == 3).then_some(value)
    }

    fn digits(&self, written: &str) -> Result<i64, Wrong> {
        // The mark is ASCII: what lies before it and after it is text again.
        let mark = written.bytes().position(|byte| char::from(byte) == self.mark);
        let whole = mark.map_or(Some(written), |at| written.get(..at)).unwrap_or_default();
        let fraction = mark.and_then(|at| written.get(at + 1..)).unwrap_or_default();
        if fraction.is_empty() && (whole.is_empty() || mark.is_some()) {
            return Err(Wrong::Unreadable);
        }
        let mut minor = self.whole(whole)?;
        for byte in fraction.bytes() {
            minor = append(minor, digit(char::from(byte)).ok_or(Wrong::Unreadable)?);
        }
        let minor = minor.ok_or(Wrong::TooLarge)?;
        let decimals = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
        match self.exponent.checked_sub(decimals) {
            None => Err(Wrong::Decimals),
            Some(0) => Ok(minor),
            Some(zeros) => {
                10_i64.checked_pow(zeros).and_then(|scale| minor.checked_mul(scale)).ok_or(Wrong::TooLarge)
            }
        }
    }

    /// `1234`, or the groups of `1,234,567`: one separator throughout, and three digits in each group but the first. None where
    /// it is too large.
    fn whole(&self, written: &str) -> Result<Option<i64>, Wrong> {
        let other = if self.mark == '.' { ',' } else { '.' };
        let (mut value, mut separator, mut digits) = (Some(0), None, 0);
        for c in written.chars() {
            if let Some(digit) = digit(c) {
                value = append(value, digit);
                digits += 1;
                continue;
            }
            let known = separator.map_or(c == other || THOUSANDS.contains(&c), |before| c == before);
            let full = if separator.is_none() { (1..=3).contains(&digits) } else { digits == 3 };
            if !known || !full {
                return Err(Wrong::Unreadable);
            }
            (separator, digits) = (Some(c), 0);
        }
        if separator.is_some() && digits != 3 { Err(Wrong::Unreadable) } else { Ok(value) }
    }

    fn words(&self, written: &str, wrong: Wrong) -> String {
        let (mark, currency, exponent) = (self.mark, &self.currency, self.exponent);
        match wrong {
            Wrong::Unreadable => {
                let example = if mark == ',' { "1234,56 or 1.234,56" } else { "1234.56 or 1,234.56" };
                format!("\"{written}\" is not an amount: write it like {example}")
            }
            Wrong::Decimals => {
                format!(
                    "\"{written}\" has more decimals than {currency} has ({exponent}), with \"{mark}\" as the decimal mark"
                )
            }
            Wrong::Currency => format!("\"{written}\" is in another currency: this account is in {currency}"),
            Wrong::TooLarge => format!("\"{written}\" is more than can be kept"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Unreadable,
    Decimals,
    Currency,
    TooLarge,
}

fn digit(c: char) -> Option<i64> {
    c.is_ascii_digit().then(|| i64::from(u32::from(c) - u32::from('0')))
}

/// None once it is too large. A multiplication that is checked takes 128 bits, which the sandbox does not have.
fn append(value: Option<i64>, digit: i64) -> Option<i64> {
    value.filter(|value| *value <= i64::MAX / 10).and_then(|value| (value * 10).checked_add(digit))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check(style: (char, u32, &str), written: &str, expect: Result<i64, &str>) {
        let style = Style { mark: style.0, exponent: style.1, currency: style.2.into() };
        let got = style.read(written);
        match expect {
            Ok(minor) => assert_eq!(got, Ok(minor), "{written}"),
            Err(part) => assert!(got.clone().unwrap_err().contains(part), "{written}: {got:?}"),
        }
    }

    #[test]
    fn amounts_as_people_write_them() {
        let usd = |written, expect| check(('.', 2, "USD"), written, expect);
        for written in
            ["1234.56", "1,234.56", "$1234.56", "$1,234.56", "US$ 1 234.56", "1'234.56", "1234.56 USD"]
        {
            usd(written, Ok(123_456));
        }
        usd("1234", Ok(123_400));
        usd("1234.5", Ok(123_450));
        usd(".5", Ok(50));
        usd("0", Ok(0));
        usd("1,234,567", Ok(123_456_700));
        for negative in ["(12.00)", "-12", "-$12.00", "$-12.00", "($12.00)", "−12.00"] {
            usd(negative, Ok(-1200));
        }
        check((',', 2, "EUR"), "1.234,56 €", Ok(123_456));
        check((',', 2, "EUR"), "1\u{202f}234,56", Ok(123_456));
        check(('.', 0, "JPY"), "¥1,234", Ok(1234));
        check(('.', 3, "KWD"), "1.234", Ok(1234));
        usd("92233720368547758.07", Ok(i64::MAX));
        usd("999999999999999.99", Ok(99_999_999_999_999_999));
    }

    #[test]
    fn a_usual_amount_is_what_it_is_without_haste() {
        let alphabet = b"7,. ";
        let mut usual = 0;
        for (mark, exponent) in [('.', 2), (',', 2), ('.', 3), ('.', 0)] {
            let style = Style { mark, exponent, currency: "USD".into() };
            for number in 0..alphabet.len().pow(9) {
                let digit = |at: u32| alphabet[number / alphabet.len().pow(at) % alphabet.len()];
                // From the left, and shorter ones by the blanks.
                let written = String::from_utf8((0..9).map(digit).collect()).unwrap();
                let written = written.trim_end();
                let Some(minor) = style.usual(written.as_bytes()) else { continue };
                assert_eq!(style.digits(written).ok(), Some(minor), "{written:?} with {mark}, {exponent}");
                usual += 1;
            }
        }
        assert_eq!(usual, 25, "with and without thousands, of every length");
    }

    #[test]
    fn what_is_no_amount_is_never_guessed() {
        let usd = |written, expect| check(('.', 2, "USD"), written, expect);
        for written in [
            "ten", "1,50", "12,34.56", "1,2345", "1234,567", "1.2.3", "12.", ".", "", "--5", "(-5)", "1e3",
            "0x10", "1 2", "$", "12..5", "٣", "5-",
        ] {
            usd(written, Err("is not an amount"));
        }
        usd("1.234", Err("more decimals than USD has (2)"));
        check(('.', 0, "JPY"), "5.5", Err("more decimals than JPY has (0)"));
        usd("€5.00", Err("another currency"));
        check((',', 2, "EUR"), "$5,00", Err("another currency"));
        usd("92233720368547758.08", Err("more than can be kept"));
    }
}
