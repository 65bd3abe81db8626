//! Numbers of cells. A spreadsheet computes in binary fractions and writes up to 17 digits of them, of which it shows 15: the number that
//! was meant is the one of 15. Owns the reading of it with whole numbers alone, so that no binary fraction ever is money here.

/// What a spreadsheet keeps of a number.
const DIGITS_MAX: u32 = 15;
/// What is read of one; more is below all rounding.
const READ_MAX: u64 = 100_000_000_000_000_000;
/// A sum of many binary fractions is off by so little at most: a millionth of a minor unit is 10^-6 of it. Where people write decimals, they are
/// larger.
const NOISE_DECIMALS: u32 = 6;
/// Zeros behind the mark that are written out.
const SMALL_MAX: u32 = 20;

/// `digits` times ten to the power of minus `scale`, without zeros at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    pub negative: bool,
    digits: u64,
    scale: i32,
}

impl Decimal {
    /// As it stands in a file: `15030.1`, `0.28999999999999998`, `1.5E+3`.
    #[inline]
    pub fn read(written: &str) -> Option<Decimal> {
        let written = written.trim();
        let unsigned = written.strip_prefix('-');
        let (mantissa, power) = match unsigned.unwrap_or(written).split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i16>().ok()?),
            None => (unsigned.unwrap_or(written), 0),
        };
        let (mut digits, mut scale, mut seen, mut fraction) = (0_u64, -i32::from(power), false, false);
        for byte in mantissa.bytes() {
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    let fits = digits < READ_MAX;
                    if fits {
                        digits = digits * 10 + u64::from(byte.wrapping_sub(b'0'));
                    }
                    scale += match (fits, fraction) {
                        (true, true) => 1,
                        // It is left away, and what stands before it is ten times as much.
                        (false, false) => -1,
                        _ => 0,
                    };
                }
                b'.' if !fraction => fraction = true,
                _ => return None,
            }
        }
        seen.then(|| Decimal { negative: unsigned.is_some(), digits, scale }.meant())
    }

    /// Rounded to what a spreadsheet shows.
    fn meant(mut self) -> Decimal {
        let surplus = self.digits.checked_ilog10().map_or(0, |log| (log + 1).saturating_sub(DIGITS_MAX));
        if surplus > 0 {
            let unit = 10_u64.pow(surplus);
            self.digits = self.digits / unit + u64::from(self.digits % unit >= unit / 2);
            self.scale -= i32::try_from(surplus).unwrap_or_default();
        }
        if self.digits == 0 {
            return Decimal { negative: false, digits: 0, scale: 0 };
        }
        while self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }

    /// In minor units; none where it has more decimals than the currency, or is too large.
    #[inline]
    pub fn minor(self, exponent: u32) -> Option<i64> {
        let zeros = i32::try_from(exponent).ok()? - self.scale;
        let minor = match u32::try_from(zeros) {
            Ok(zeros) => self.digits.checked_mul(10_u64.checked_pow(zeros)?)?,
            Err(_) => without_noise(self.digits, zeros.unsigned_abs())?,
        };
        let minor = i64::try_from(minor).ok()?;
        Some(if self.negative { -minor } else { minor })
    }

    /// The whole number that it is.
    pub fn whole(self) -> Option<u64> {
        let zeros = u32::try_from(-self.scale).ok()?;
        self.digits.checked_mul(10_u64.checked_pow(zeros)?).filter(|_| !self.negative)
    }

    /// The days of a date that is kept as a number, and the second of that day.
    pub fn days_and_seconds(self) -> Option<(u64, u64)> {
        const DAY_SECONDS: u64 = 24 * 60 * 60;
        /// Finer than a second by far, and the product below fits.
        const DECIMALS: u32 = 12;
        if self.negative {
            return None;
        }
        let Ok(scale) = u32::try_from(self.scale) else { return Some((self.whole()?, 0)) };
        let Some(unit) = 10_u64.checked_pow(scale) else { return Some((0, 0)) };
        let (mut fraction, mut unit, days) = (self.digits % unit, unit, self.digits / unit);
        if scale > DECIMALS {
            let surplus = 10_u64.pow(scale - DECIMALS);
            (fraction, unit) = (fraction / surplus, unit / surplus);
        }
        let seconds = (fraction * DAY_SECONDS + unit / 2) / unit;
        Some((days + seconds / DAY_SECONDS, seconds % DAY_SECONDS))
    }

    /// As a person would write it, with the firm's decimal mark. One of more digits than a spreadsheet keeps is shown cut short, as it is.
    pub fn write(self, mark: char, to: &mut String) {
        let digits = self.digits.to_string();
        let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
        if self.negative {
            to.push('-');
        }
        let before = length.saturating_sub(self.scale);
        if before > i32::try_from(DIGITS_MAX).unwrap_or_default()
            || self.scale > i32::try_from(SMALL_MAX).unwrap_or_default()
        {
            let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
            to.push_str(first);
            if !rest.is_empty() {
                to.push(mark);
                to.push_str(rest);
            }
            let power = before.saturating_sub(1);
            to.push_str(if power < 0 { "E-" } else { "E+" });
            to.push_str(&power.unsigned_abs().to_string());
            return;
        }
        let (whole, fraction) =
            digits.split_at_checked(usize::try_from(before).unwrap_or(0)).unwrap_or((&digits, ""));
        to.push_str(if whole.is_empty() { "0" } else { whole });
        to.extend((length..before).map(|_| '0'));
        if !fraction.is_empty() {
            to.push(mark);
            to.extend((before..0).map(|_| '0'));
            to.push_str(fraction);
        }
    }
}

/// The number without its last `decimals`, where these are the noise of binary fractions.
fn without_noise(digits: u64, decimals: u32) -> Option<u64> {
    let noise = decimals.checked_sub(NOISE_DECIMALS).filter(|noise| *noise > 0)?;
    let Some(unit) = 10_u64.checked_pow(decimals) else { return Some(0) };
    let below = digits % unit;
    let up = below >= unit / 2;
    let off = if up { unit - below } else { below };
    (off <= 10_u64.pow(noise)).then_some(digits / unit + u64::from(up))
}
