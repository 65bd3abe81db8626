//! Money between decimal amounts and whole minor units. Never uses a float, never rounds: what does not fit is an error.

use crate::{Failure, Money};
use iso_currency::Currency;
use rust_decimal::Decimal;

/// Decimals of the currency's minor unit: 2 for USD, 0 for JPY, 3 for KWD. `invalid` for a code that is not ISO 4217.
pub fn exponent(currency: &str) -> Result<u32, Failure> {
    Currency::from_code(currency).and_then(|iso| iso.exponent()).map(u32::from).ok_or_else(|| {
        Failure::invalid("currency", format!("\"{currency}\" is not an ISO 4217 currency code, such as USD"))
    })
}

/// The amount in whole minor units of a currency with so many decimals.
///
/// ```
/// use remitd_plugin_sdk::{money, rust_decimal::Decimal};
/// let amount: Decimal = "12.50".parse().unwrap();
/// assert_eq!(money::to_minor(amount, 2).unwrap(), 1250);
/// assert!(money::to_minor(amount, 0).is_err(), "never rounded");
/// ```
pub fn to_minor(amount: Decimal, exponent: u32) -> Result<i64, Failure> {
    let mut scaled = amount.normalize();
    if scaled.scale() > exponent {
        return Err(Failure::invalid("amount", format!("{amount} has more than {exponent} decimals")));
    }
    scaled.rescale(exponent);
    match i64::try_from(scaled.mantissa()) {
        Ok(minor) if scaled.scale() == exponent => Ok(minor),
        _ => Err(Failure::invalid("amount", format!("{amount} is beyond what can be kept"))),
    }
}

impl Money {
    /// From a decimal amount.
    pub fn of(amount: Decimal, currency: &str) -> Result<Money, Failure> {
        let amount_minor = to_minor(amount, exponent(currency)?)?;
        Ok(Money { amount_minor, currency: currency.to_owned() })
    }

    /// As a decimal amount.
    pub fn decimal(&self) -> Result<Decimal, Failure> {
        Ok(Decimal::new(self.amount_minor, exponent(&self.currency)?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check(amount: &str, currency: &str, expect: Option<i64>) {
        let got = Money::of(amount.parse().unwrap(), currency);
        assert_eq!(got.as_ref().ok().map(|m| m.amount_minor), expect, "{amount} {currency}: {got:?}");
        if let Ok(money) = got {
            assert_eq!(money.decimal().unwrap(), amount.parse::<Decimal>().unwrap());
        }
    }

    #[test]
    fn amounts_are_exact_or_refused() {
        check("12.5", "USD", Some(1250));
        check("-0.010", "USD", Some(-1));
        check("5", "JPY", Some(5));
        check("1.234", "KWD", Some(1234));
        check("1.005", "USD", None);
        check("92233720368547758.08", "USD", None);
        check("1", "XXY", None);
    }
}
