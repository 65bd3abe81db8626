//! Calendar dates between chrono and the contract. Never an instant, never a time zone.

use crate::{Date, Failure};
use chrono::{Datelike, NaiveDate};

/// Days since 1970-01-01.
pub fn day_of(date: NaiveDate) -> i32 {
    date.to_epoch_days()
}

/// The date as chrono has it; `invalid` for a day that no calendar has.
pub fn naive(date: &Date) -> Result<NaiveDate, Failure> {
    let Date { year, month, day } = *date;
    NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day)).ok_or_else(|| {
        Failure::invalid("date", format!("{year:04}-{month:02}-{day:02} is no day of the calendar"))
    })
}

impl From<NaiveDate> for Date {
    fn from(date: NaiveDate) -> Date {
        let part = |value: u32| u8::try_from(value).unwrap_or_default();
        Date { year: date.year(), month: part(date.month()), day: part(date.day()) }
    }
}
