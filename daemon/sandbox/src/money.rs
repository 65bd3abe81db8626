//! Amounts as people read and type them, in whole minor units. No floats, no rounding: what does not fit is refused.

use iso_currency::Currency;

/// Largest amount of one checkout; so many of the most checkouts still add up in an `i64`.
pub(crate) const MAX_AMOUNT_MINOR: i64 = 1_000_000_000_000;

/// Digits after the decimal point; none for a code that is not a currency.
pub(crate) fn exponent(code: &str) -> Option<u32> {
    Currency::from_code(code)?.exponent().map(u32::from)
}

/// `1234.56 USD`.
pub(crate) fn show(minor: i64, code: &str) -> String {
    format!("{} {code}", plain(minor, code))
}

/// `1234.56`.
pub(crate) fn plain(minor: i64, code: &str) -> String {
    match exponent(code) {
        Some(digits @ 1..=9) => {
            let unit = 10_i64.pow(digits);
            let (whole, rest) =
                (minor.unsigned_abs() / unit.unsigned_abs(), minor.unsigned_abs() % unit.unsigned_abs());
            let sign = if minor < 0 { "-" } else { "" };
            format!("{sign}{whole}.{rest:0width$}", width = digits as usize)
        }
        _ => minor.to_string(),
    }
}

/// `1234.56`, `1,234.56` or `1234` in minor units; none where it is not an amount of this currency.
pub(crate) fn read(text: &str, code: &str) -> Option<i64> {
    let digits = exponent(code)? as usize;
    let text = text.trim().replace(',', "");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || rest.len() > digits || !all_digits(whole) || !all_digits(rest) {
        return None;
    }
    let minor: i64 = format!("{whole}{rest:0<digits$}").parse().ok()?;
    (minor <= MAX_AMOUNT_MINOR).then_some(minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_minor_unit_or_not_at_all() {
        let check = |text, code, expect| assert_eq!(read(text, code), expect, "{text:?} {code}");
        check("1234.56", "USD", Some(123_456));
        check("1,234.5", "USD", Some(123_450));
        check(" 12 ", "USD", Some(1_200));
        check("12", "JPY", Some(12));
        check("1.234", "KWD", Some(1_234));
        for bad in ["", ".", ".5", "1.234", "-1", "1e3", "12 34", "1.2.3", "99999999999999999999"] {
            check(bad, "USD", None);
        }
        check("1.5", "JPY", None);
        check("1", "ABC", None);
    }

    #[test]
    fn amounts_are_shown_with_all_their_digits() {
        assert_eq!(show(123_405, "USD"), "1234.05 USD");
        assert_eq!(show(5, "JPY"), "5 JPY");
        assert_eq!(plain(-7, "USD"), "-0.07");
    }
}
