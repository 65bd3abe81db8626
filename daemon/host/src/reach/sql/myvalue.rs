//! MySQL's values on the wire, in the binary form of prepared statements: ours in the type that says most, its own back without
//! loss. Dates that are none (`0000-00-00`) arrive as texts.

use super::times;
use crate::wit::sql::Value;
use crate::wit::types::Failure;
use chrono::{NaiveDate, NaiveDateTime};
use rust_decimal::Decimal;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlArguments, MySqlTypeInfo, MySqlValueRef};
use sqlx::{Arguments, Decode, Encode, MySql, Type, TypeInfo, ValueRef};

/// The most digits of a DECIMAL, and the most of them after its point: the server would change a longer one silently.
const DIGITS_MOST: usize = 65;
const SCALE_MOST: usize = 30;

/// Digits that the server takes as a DECIMAL; as a text it would compare them as a float.
struct Digits<'a>(&'a str);

impl Type<MySql> for Digits<'_> {
    fn type_info() -> MySqlTypeInfo {
        <Decimal as Type<MySql>>::type_info()
    }
}

impl Encode<'_, MySql> for Digits<'_> {
    fn encode_by_ref(&self, buffer: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        <&str as Encode<MySql>>::encode_by_ref(&self.0, buffer)
    }
}

/// Adds one value. The server makes it fit the column, or refuses it: its sessions are strict.
pub(super) fn write(arguments: &mut MySqlArguments, name: &str, value: &Value) -> Result<(), Failure> {
    let refuse = |why: String| Failure::invalid("parameter", format!("parameter \"{name}\": {why}"));
    let misfit = |text: &str, wanted: &str| refuse(format!("{text:?} is not {wanted}"));
    let added = match value {
        Value::Null => arguments.add(None::<String>),
        Value::Boolean(truth) => arguments.add(*truth),
        Value::Integer(number) => arguments.add(*number),
        Value::Decimal(digits) if is_decimal(digits) => arguments.add(Digits(digits)),
        Value::Decimal(digits) => return Err(misfit(digits, "a decimal that MySQL can keep")),
        Value::Text(text) => arguments.add(text.as_str()),
        Value::Bytes(bytes) => arguments.add(bytes.as_slice()),
        Value::Date(date) => {
            let day = NaiveDate::from_ymd_opt(date.year, date.month.into(), date.day.into());
            arguments.add(day.ok_or_else(|| misfit(&times::iso(date), "a day"))?)
        }
        // The session is in UTC, so that an instant is the same in a column with a zone and without.
        Value::Timestamp(text) => {
            let instant = times::instant(text).ok_or_else(|| misfit(text, "a time"))?;
            arguments.add(instant.naive_utc())
        }
    };
    added.map_err(|error| refuse(error.to_string()))
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let count = whole.len() + fraction.len();
    (1..=DIGITS_MOST).contains(&count)
        && fraction.len() <= SCALE_MOST
        && [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// One column's value, exactly.
pub(super) fn read(column: &str, raw: MySqlValueRef<'_>) -> Result<Value, Failure> {
    let kind = raw.type_info().into_owned();
    // Not `is_null`, which takes a zero date for NULL.
    let Ok(bytes) = <&[u8] as Decode<MySql>>::decode(raw) else { return Ok(Value::Null) };
    let refuse = |why: &str| Failure::invalid("column", format!("column \"{column}\" {why}"));
    if kind.name() == "GEOMETRY" {
        return Err(refuse(&format!("has the type GEOMETRY: select it as ST_AsText({column})")));
    }
    read_as(&kind, bytes).ok_or_else(|| refuse(&format!("has a value that is no {kind}")))
}

fn read_as(kind: &MySqlTypeInfo, bytes: &[u8]) -> Option<Value> {
    let text = || std::str::from_utf8(bytes).ok().map(str::to_owned);
    Some(match kind.name() {
        "BOOLEAN" => match bytes {
            [truth @ (0 | 1)] => Value::Boolean(*truth == 1),
            _ => integer(bytes, kind)?,
        },
        "FLOAT" => Value::Decimal(f32::from_le_bytes(bytes.try_into().ok()?).to_string()),
        "DOUBLE" => Value::Decimal(f64::from_le_bytes(bytes.try_into().ok()?).to_string()),
        "DECIMAL" => Value::Decimal(text()?),
        "BIT" => {
            whole(bytes.iter().try_fold(0_u64, |bits, byte| Some(bits.checked_mul(256)? | u64::from(*byte)))?)
        }
        "DATE" => {
            let at = Moment::of(bytes)?;
            at.date().map_or_else(|| Value::Text(at.day()), times::date)
        }
        "DATETIME" => Moment::of(bytes)?.value(times::timestamp),
        "TIMESTAMP" => Moment::of(bytes)?.value(times::timestamp_utc),
        "TIME" => Value::Text(span(bytes)?),
        "JSON" => Value::Text(text()?),
        name if name.contains("INT") || name == "YEAR" => integer(bytes, kind)?,
        // Whether a column holds texts is said by its character set; names and flags say "binary" of a mere collation too.
        _ if <str as Type<MySql>>::compatible(kind) || matches!(kind.name(), "ENUM" | "SET") => {
            Value::Text(text()?)
        }
        _ => Value::Bytes(bytes.to_owned()),
    })
}

/// Little-endian, as wide as its type.
fn integer(bytes: &[u8], kind: &MySqlTypeInfo) -> Option<Value> {
    let unsigned = <u64 as Type<MySql>>::compatible(kind);
    let negative = !unsigned && bytes.last()? & 0x80 != 0;
    let mut wide = [if negative { 0xff } else { 0 }; size_of::<u64>()];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(if unsigned { whole(u64::from_le_bytes(wide)) } else { Value::Integer(i64::from_le_bytes(wide)) })
}

/// What is beyond the contract's integers is a decimal.
fn whole(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::Decimal(number.to_string()), Value::Integer)
}

/// A day and its time as the wire has them, whether or not there was such a day: a count of bytes, the year in two, month, day,
/// hour, minute, second, then microseconds in four; what is zero at the end is left out.
struct Moment {
    year: u16,
    /// Month, day, hour, minute, second.
    parts: [u8; 5],
    micros: u32,
}

impl Moment {
    fn of(bytes: &[u8]) -> Option<Moment> {
        let (_count, sent) = bytes.split_first()?;
        let mut full = [0; 11];
        full.get_mut(..sent.len())?.copy_from_slice(sent);
        let [y0, y1, month, day, hour, minute, second, m0, m1, m2, m3] = full;
        Some(Moment {
            year: u16::from_le_bytes([y0, y1]),
            parts: [month, day, hour, minute, second],
            micros: u32::from_le_bytes([m0, m1, m2, m3]),
        })
    }

    fn date(&self) -> Option<NaiveDate> {
        let [month, day, ..] = self.parts;
        NaiveDate::from_ymd_opt(self.year.into(), month.into(), day.into())
    }

    fn day(&self) -> String {
        let [month, day, ..] = self.parts;
        format!("{:04}-{month:02}-{day:02}", self.year)
    }

    fn value(&self, timestamp: fn(NaiveDateTime) -> Value) -> Value {
        let [_, _, hour, minute, second] = self.parts;
        let time =
            |day: NaiveDate| day.and_hms_micro_opt(hour.into(), minute.into(), second.into(), self.micros);
        let none = || Value::Text(format!("{} {hour:02}:{minute:02}:{second:02}", self.day()));
        self.date().and_then(time).map_or_else(none, timestamp)
    }
}

/// TIME, which may be longer than a day and less than nothing: a count of bytes, the sign, days in four, hour, minute, second,
/// then microseconds in four; nothing at all is zero.
fn span(bytes: &[u8]) -> Option<String> {
    let (_count, sent) = bytes.split_first()?;
    let mut full = [0; 12];
    full.get_mut(..sent.len())?.copy_from_slice(sent);
    let [negative, d0, d1, d2, d3, hour, minute, second, m0, m1, m2, m3] = full;
    let hours = u32::from_le_bytes([d0, d1, d2, d3]).checked_mul(24)?.checked_add(hour.into())?;
    let sign = if negative == 1 { "-" } else { "" };
    let fraction = match u32::from_le_bytes([m0, m1, m2, m3]) {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    Some(format!("{sign}{hours:02}:{minute:02}:{second:02}{fraction}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn decimals_that_the_server_would_change_are_no_decimals() {
        for (text, expect) in [
            ("0", true),
            ("-12.50", true),
            (".5", true),
            ("", false),
            ("-", false),
            (".", false),
            ("1e5", false),
            ("+1", false),
            ("1.2.3", false),
            (&"9".repeat(65), true),
            (&"9".repeat(66), false),
            (&format!("0.{}", "1".repeat(30)), true),
            (&format!("0.{}", "1".repeat(31)), false),
        ] {
            assert_eq!(is_decimal(text), expect, "{text}");
        }
    }

    #[test]
    fn moments_and_spans_as_they_are_sent() {
        let timestamp = |bytes: &[u8]| Moment::of(bytes).unwrap().value(times::timestamp);
        let text = |text: &str| Value::Text(text.into());
        let at = |text: &str| Value::Timestamp(text.into());
        assert_eq!(timestamp(&[4, 0xea, 7, 2, 3]), at("2026-02-03T00:00:00"));
        assert_eq!(timestamp(&[7, 0xea, 7, 2, 3, 4, 5, 6]), at("2026-02-03T04:05:06"));
        assert_eq!(timestamp(&[11, 0xea, 7, 2, 3, 4, 5, 6, 0x20, 0xa1, 7, 0]), at("2026-02-03T04:05:06.500"));
        assert_eq!(timestamp(&[0]), text("0000-00-00 00:00:00"));
        assert_eq!(Moment::of(&[4, 0xea, 7, 2, 0]).unwrap().date(), None);
        assert_eq!(Moment::of(&[4, 0xea, 7, 2, 0]).unwrap().day(), "2026-02-00");
        assert!(Moment::of(&[]).is_none() && Moment::of(&[0; 13]).is_none());
        assert_eq!(span(&[0]).unwrap(), "00:00:00");
        assert_eq!(span(&[8, 1, 34, 0, 0, 0, 22, 59, 59]).unwrap(), "-838:59:59");
        assert_eq!(span(&[12, 0, 0, 0, 0, 0, 1, 2, 3, 1, 0, 0, 0]).unwrap(), "01:02:03.000001");
    }
}
