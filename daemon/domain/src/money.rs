//! Money: whole minor units and an ISO 4217 currency. Owns reading and writing of amounts. Never uses a float; a sum that
//! does not fit is an error, never a wrap.

use iso_currency::Currency as Iso;
use rust_decimal::Decimal;
use std::fmt;
use std::str::FromStr;

/// An ISO 4217 currency that has minor units (metals and test codes have none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(Iso);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("\"{0}\" is not an ISO 4217 currency code, such as USD")]
    UnknownCurrency(String),
    #[error("\"{0}\" is not an amount, such as 1234.56")]
    NotAnAmount(String),
    #[error("{amount} has more decimals than {currency} has ({exponent})")]
    TooManyDecimals { amount: Decimal, currency: Currency, exponent: u32 },
    #[error("the amount is beyond what can be kept (9,223,372,036,854,775,807 minor units)")]
    TooLarge,
    #[error("{0} and {1} cannot be added")]
    Mixed(Currency, Currency),
}

impl Currency {
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// As people call it: `US Dollar`.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Decimals of the minor unit: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Iso::from_code(code)
            .filter(|iso| iso.exponent().is_some())
            .map(Currency)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    pub fn from_minor(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// From decimal digits as JSON and the command line carry them: `1234.5`, no grouping, no sign of a currency.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        let amount =
            Decimal::from_str_exact(text.trim()).map_err(|_| MoneyError::NotAnAmount(text.to_owned()))?;
        Money::from_decimal(amount, currency)
    }

    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        let exponent = currency.exponent();
        let normal = amount.normalize();
        if normal.scale() > exponent {
            return Err(MoneyError::TooManyDecimals { amount, currency, exponent });
        }
        let mut scaled = normal;
        scaled.rescale(exponent);
        let minor = i64::try_from(scaled.mantissa()).map_err(|_| MoneyError::TooLarge)?;
        if scaled.scale() != exponent {
            return Err(MoneyError::TooLarge);
        }
        Ok(Money { minor, currency })
    }

    pub fn minor(self) -> i64 {
        self.minor
    }

    pub fn currency(self) -> Currency {
        self.currency
    }

    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    pub fn is_positive(self) -> bool {
        self.minor > 0
    }

    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    pub fn minus(self, other: Money) -> Result<Money, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Money, sum: fn(i64, i64) -> Option<i64>) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        let minor = sum(self.minor, other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Money { minor, currency: self.currency })
    }

    /// For people: `1,234.56 USD`.
    pub fn grouped(self) -> String {
        let digits = self.decimal().to_string();
        let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut grouped = String::with_capacity(whole.len() * 2);
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{grouped}{point}{fraction} {}", self.currency)
    }
}

/// The decimal digits alone, `1234.56`, as JSON carries them.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.decimal().fmt(f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check(text: &str, currency: &str, expect: Result<i64, &str>) {
        let currency: Currency = currency.parse().unwrap();
        let got = Money::parse(text, currency).map(Money::minor).map_err(|e| e.to_string());
        match expect {
            Ok(minor) => assert_eq!(got, Ok(minor), "{text}"),
            Err(part) => assert!(got.clone().unwrap_err().contains(part), "{text}: {got:?}"),
        }
    }

    #[test]
    fn reads_amounts_by_the_currencys_exponent() {
        check("1234.56", "USD", Ok(123_456));
        check("0.1", "USD", Ok(10));
        check("1.980", "USD", Ok(198));
        check("5", "JPY", Ok(5));
        check("1.234", "KWD", Ok(1234));
        check("5.5", "JPY", Err("more decimals than JPY has (0)"));
        check("1.001", "USD", Err("more decimals"));
        check("ten", "USD", Err("not an amount"));
        check("1e3", "USD", Err("not an amount"));
        check("92233720368547758.08", "USD", Err("beyond"));
        check("92233720368547758.07", "USD", Ok(i64::MAX));
    }

    #[test]
    fn writes_amounts_for_people_and_programs() {
        let usd: Currency = "USD".parse().unwrap();
        assert_eq!(Money::from_minor(123_456_789, usd).grouped(), "1,234,567.89 USD");
        assert_eq!(Money::from_minor(-5, usd).grouped(), "-0.05 USD");
        assert_eq!(Money::from_minor(100_000, usd).to_string(), "1000.00");
        assert_eq!(Money::from_minor(12_345, "JPY".parse().unwrap()).grouped(), "12,345 JPY");
    }

    #[test]
    fn sums_that_do_not_fit_are_errors() {
        let usd: Currency = "USD".parse().unwrap();
        let most = Money::from_minor(i64::MAX, usd);
        assert_eq!(most.plus(Money::from_minor(1, usd)), Err(MoneyError::TooLarge));
        assert!(most.plus(Money::from_minor(1, "EUR".parse().unwrap())).is_err());
        assert!("XAU".parse::<Currency>().is_err());
    }
}
