//! Dates as people write them. ISO order is always read; anything else only in the order that the firm has set, and only with
//! four digits for the year. Never guesses.

use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::chrono::NaiveDate;

/// How the firm orders dates that are not ISO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    MonthDayYear,
    DayMonthYear,
    YearMonthDay,
}

impl Order {
    pub fn named(name: &str) -> Result<Order, Failure> {
        match name {
            "mdy" => Ok(Order::MonthDayYear),
            "dmy" => Ok(Order::DayMonthYear),
            "ymd" => Ok(Order::YearMonthDay),
            _ => Err(Failure::invalid(
                "date-order",
                format!("\"{name}\" is no order of dates: mdy, dmy or ymd"),
            )),
        }
    }

    /// An error says in words what is wrong.
    #[inline]
    pub fn read(self, written: &str) -> Result<NaiveDate, String> {
        self.parse(written).ok_or_else(|| self.words(written))
    }

    #[cold]
    fn words(self, written: &str) -> String {
        let also = match self {
            Order::MonthDayYear => ", or as 12/31/2026 (month, day, year)",
            Order::DayMonthYear => ", or as 31/12/2026 (day, month, year)",
            Order::YearMonthDay => "",
        };
        format!("\"{written}\" is not a date: write it as 2026-12-31{also}")
    }

    #[inline]
    fn parse(self, written: &str) -> Option<NaiveDate> {
        // Nearly every date of a file, and without a loop: in the sandbox, each turn of one looks at the clock.
        if let &[a, b, c, d, mark, e, f, again, g, h] = written.as_bytes()
            && mark == again
            && matches!(mark, b'-' | b'/' | b'.')
            && let Some(date) = day(&[a, b, c, d], &[e, f], &[g, h])
        {
            return Some(date);
        }
        let date = without_midnight(written.as_bytes());
        if date.len() == 8 && date.iter().all(u8::is_ascii_digit) {
            return day(date.get(..4)?, date.get(4..6)?, date.get(6..)?);
        }
        let separator = date.iter().find(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
        let mut parts = date.split(|byte| byte == separator);
        let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        match self {
            _ if first.len() == 4 => day(first, second, third),
            Order::MonthDayYear => day(third, first, second),
            Order::DayMonthYear => day(third, second, first),
            Order::YearMonthDay => None,
        }
    }
}

#[inline(always)]
fn day(year: &[u8], month: &[u8], day: &[u8]) -> Option<NaiveDate> {
    if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(number(year)?).ok()?, number(month)?, number(day)?)
}

/// Of four digits at most.
#[inline(always)]
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + u32::from(byte.wrapping_sub(b'0')))
    })
}

/// Databases write a date as an instant at midnight.
fn without_midnight(written: &[u8]) -> &[u8] {
    let Some(at) = written.iter().position(|byte| matches!(byte, b'T' | b' ')) else { return written };
    let (date, time) = written.split_at(at);
    let time = time.get(1..).unwrap_or_default();
    let midnight = time.len() >= 5 && time.iter().all(|byte| matches!(byte, b'0' | b':' | b'.'));
    if midnight { date } else { written }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check(order: &str, written: &str, expect: Option<(i32, u32, u32)>) {
        let got = Order::named(order).unwrap().read(written);
        let expect = expect.map(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d).unwrap());
        assert_eq!(got.as_ref().ok().copied(), expect, "{order} {written}: {got:?}");
    }

    #[test]
    fn iso_always_else_as_set() {
        for order in ["mdy", "dmy", "ymd"] {
            for written in
                ["2026-03-04", "2026/3/4", "20260304", "2026-03-04T00:00:00", "2026-03-04 00:00:00.000"]
            {
                check(order, written, Some((2026, 3, 4)));
            }
        }
        for separator in ["/", ".", "-"] {
            check("mdy", &format!("3{separator}04{separator}2026"), Some((2026, 3, 4)));
            check("dmy", &format!("3{separator}04{separator}2026"), Some((2026, 4, 3)));
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for order in ["mdy", "dmy", "ymd"] {
            for written in [
                "3/4/26",
                "2026-13-01",
                "2026-02-30",
                "soon",
                "3/4",
                "3/4/2026/1",
                "3.4/2026",
                "2026-03-04 12:00:00",
                "-1/2/2026",
                "+3/4/2026",
                "३/4/2026",
            ] {
                check(order, written, None);
            }
        }
        check("mdy", "31/12/2026", None);
        check("dmy", "12/31/2026", None);
        check("ymd", "12/31/2026", None);
        assert!(Order::named("myd").is_err());
    }
}
