//! Days and times between the contract's forms, chrono's and ISO 8601, which the engines share.

use crate::wit::sql::Value;
use crate::wit::types::Date;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, Utc};

pub(super) fn iso(date: &Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

pub(super) fn date(date: NaiveDate) -> Value {
    Value::Date(Date {
        year: date.year(),
        month: u8::try_from(date.month()).unwrap_or_default(),
        day: u8::try_from(date.day()).unwrap_or_default(),
    })
}

/// Of a column without a zone.
pub(super) fn timestamp(local: NaiveDateTime) -> Value {
    Value::Timestamp(local.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
}

/// Of a column that holds instants.
pub(super) fn timestamp_utc(utc: NaiveDateTime) -> Value {
    Value::Timestamp(utc.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
}

/// A date alone is its midnight.
pub(super) fn local(text: &str) -> Option<NaiveDateTime> {
    let spaced = text.replacen('T', " ", 1);
    let parsed = NaiveDateTime::parse_from_str(&spaced, "%Y-%m-%d %H:%M:%S%.f").ok();
    parsed.or_else(|| text.parse::<NaiveDate>().ok().and_then(|date| date.and_hms_opt(0, 0, 0)))
}

/// With a zone, or in UTC where it names none.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let zoned = text.parse::<DateTime<FixedOffset>>().ok().map(|zoned| zoned.to_utc());
    zoned.or_else(|| local(text).map(|local| local.and_utc()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        assert_eq!(local("2026-02-03").unwrap().to_string(), "2026-02-03 00:00:00");
        assert_eq!(local("2026-02-03T04:05:06.5").unwrap().to_string(), "2026-02-03 04:05:06.500");
        assert_eq!(instant("2026-02-03T04:05:06+02:00").unwrap().to_string(), "2026-02-03 02:05:06 UTC");
        assert_eq!(local("yesterday"), None);
    }
}
