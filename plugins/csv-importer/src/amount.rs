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
        // Nearly every amount of a file: digits, perhaps a mark.
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

    fn digits(&self, written: &str) -> Result<i64, Wrong> {
        let (whole, fraction) = match written.split_once(self.mark) {
            Some((_, "")) => return Err(Wrong::Unreadable),
            Some((whole, fraction)) => (whole, fraction),
            None => (written, ""),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(Wrong::Unreadable);
        }
        let mut minor = 0;
        if whole.bytes().all(|byte| byte.is_ascii_digit()) {
            minor = append(minor, whole)?;
        } else {
            for group in self.groups(whole)? {
                minor = append(minor, group)?;
            }
        }
        let decimals = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
        minor = append(minor, fraction)?;
        if decimals > self.exponent {
            return Err(Wrong::Decimals);
        }
        10_i64
            .checked_pow(self.exponent - decimals)
            .and_then(|scale| minor.checked_mul(scale))
            .ok_or(Wrong::TooLarge)
    }

    /// The groups of `1,234,567`: one separator throughout, and three digits in each group but the first.
    fn groups<'a>(&self, whole: &'a str) -> Result<impl Iterator<Item = &'a str>, Wrong> {
        let other = if self.mark == '.' { ',' } else { '.' };
        let separator = whole
            .chars()
            .find(|c| !c.is_ascii_digit())
            .filter(|c| *c == other || THOUSANDS.contains(c))
            .ok_or(Wrong::Unreadable)?;
        let mut groups = whole.split(separator);
        let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()));
        if !first || groups.any(|group| group.len() != 3) {
            return Err(Wrong::Unreadable);
        }
        Ok(whole.split(separator))
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

fn append(mut value: i64, digits: &str) -> Result<i64, Wrong> {
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return Err(Wrong::Unreadable);
        }
        let digit = i64::from(byte - b'0');
        value = value.checked_mul(10).and_then(|tens| tens.checked_add(digit)).ok_or(Wrong::TooLarge)?;
    }
    Ok(value)
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
