//! Values on their way through a driver: ours bound in the type that says most, its own taken as text and read by the column's
//! type, so that no decimal ever goes through a float. Where a text does not fit its column's type (SQLite lets it stand), it
//! stays a text.

use super::frame::Cell;
use crate::reach::sql::times;
use crate::wit::sql::Value;
use crate::wit::types::Failure;
use chrono::{Datelike, NaiveDate, Timelike};
use odbc_api::parameter::{InputParameter, VarBinaryBox, VarCharBox, VarWCharBox, WithDataType};
use odbc_api::sys::{Date, SqlDataType, Timestamp};
use odbc_api::{Bit, CursorRow, DataType, Error};

/// The most digits of a decimal, in every database that remitd has met.
const DIGITS_MOST: usize = 65;
/// A larger exponent is no amount of anything.
const EXPONENT_MOST: i32 = 400;
/// SQL Server's `datetimeoffset`.
const SQL_SS_TIMESTAMPOFFSET: SqlDataType = SqlDataType(-155);

type Params = Vec<Box<dyn InputParameter>>;

pub(super) fn params(values: Vec<Cell>) -> Result<Params, Failure> {
    values.into_iter().map(param).collect()
}

fn param(value: Cell) -> Result<Box<dyn InputParameter>, Failure> {
    let misfit =
        |text: &str, wanted: &str| Failure::invalid("parameter", format!("{text:?} is not {wanted}"));
    Ok(match value {
        Cell::Null => Box::new(VarWCharBox::null()),
        Cell::Boolean(truth) => Box::new(Bit::from_bool(truth)),
        Cell::Integer(number) => Box::new(WithDataType::new(number, DataType::BigInt)),
        Cell::Decimal(digits) => {
            let data_type = decimal(&digits).ok_or_else(|| misfit(&digits, "a decimal"))?;
            Box::new(WithDataType::new(VarCharBox::from_string(digits), data_type))
        }
        Cell::Text(text) => Box::new(VarWCharBox::from_str_slice(&text)),
        Cell::Bytes(bytes) => Box::new(VarBinaryBox::from_vec(bytes)),
        Cell::Date(year, month, day) => {
            let text = format!("{year:04}-{month:02}-{day:02}");
            let date = NaiveDate::from_ymd_opt(year, month.into(), day.into()).and_then(wire_date);
            Box::new(WithDataType::new(date.ok_or_else(|| misfit(&text, "a day"))?, DataType::Date))
        }
        Cell::Timestamp(text) => {
            let (moment, precision) = moment(&text).ok_or_else(|| misfit(&text, "a time"))?;
            Box::new(WithDataType::new(moment, DataType::Timestamp { precision }))
        }
    })
}

/// The type of a decimal with these digits.
fn decimal(text: &str) -> Option<DataType> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let precision = whole.len() + fraction.len();
    let plain = [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let scale = i16::try_from(fraction.len()).ok()?;
    (plain && (1..=DIGITS_MOST).contains(&precision)).then_some(DataType::Decimal { precision, scale })
}

fn wire_date(day: NaiveDate) -> Option<Date> {
    let small = |number: u32| u16::try_from(number).ok();
    Some(Date { year: i16::try_from(day.year()).ok()?, month: small(day.month())?, day: small(day.day())? })
}

/// In UTC, and with how many digits of its second: no more than it has, since a database may refuse them.
fn moment(text: &str) -> Option<(Timestamp, i16)> {
    let instant = times::instant(text)?;
    let Date { year, month, day } = wire_date(instant.date_naive())?;
    let small = |number: u32| u16::try_from(number).ok();
    let fraction = instant.nanosecond().checked_rem(1_000_000_000)?;
    let precision = match fraction {
        0 => 0,
        whole if whole.is_multiple_of(1_000_000) => 3,
        whole if whole.is_multiple_of(1_000) => 6,
        _ => 7,
    };
    let (hour, minute) = (small(instant.hour())?, small(instant.minute())?);
    Some((
        Timestamp { year, month, day, hour, minute, second: small(instant.second())?, fraction },
        precision,
    ))
}

/// One column's value.
pub(super) fn read(
    row: &mut CursorRow<'_>,
    at: u16,
    kind: DataType,
) -> Result<Result<Value, Failure>, Error> {
    if matches!(kind, DataType::Binary { .. } | DataType::Varbinary { .. } | DataType::LongVarbinary { .. }) {
        let mut bytes = Vec::new();
        let there = row.get_binary(at, &mut bytes)?;
        return Ok(Ok(if there { Value::Bytes(bytes) } else { Value::Null }));
    }
    let mut units = Vec::new();
    if !row.get_wide_text(at, &mut units)? {
        return Ok(Ok(Value::Null));
    }
    let misfit = |_| Failure::invalid("column", format!("column {at} has a text that is no Unicode"));
    Ok(String::from_utf16(&units).map_err(misfit).map(|text| value(text, kind)))
}

fn value(text: String, kind: DataType) -> Value {
    let meant = match kind {
        DataType::TinyInt | DataType::SmallInt | DataType::Integer | DataType::BigInt => whole(&text),
        DataType::Bit => match text.as_str() {
            "0" => Some(Value::Boolean(false)),
            "1" => Some(Value::Boolean(true)),
            _ => None,
        },
        DataType::Numeric { .. }
        | DataType::Decimal { .. }
        | DataType::Float { .. }
        | DataType::Real
        | DataType::Double => plain(&text).map(Value::Decimal),
        DataType::Date => text.parse().ok().map(times::date),
        DataType::Timestamp { .. } => times::local(&text).map(times::timestamp),
        DataType::Other { data_type: SQL_SS_TIMESTAMPOFFSET, .. } => {
            times::instant(&text).map(|instant| times::timestamp_utc(instant.naive_utc()))
        }
        // Some drivers write it in capitals, and a database compares it as text.
        DataType::Other { data_type: SqlDataType::EXT_GUID, .. } => {
            Some(Value::Text(text.to_ascii_lowercase()))
        }
        _ => None,
    };
    meant.unwrap_or(Value::Text(text))
}

/// What is beyond the contract's integers is a decimal.
fn whole(text: &str) -> Option<Value> {
    text.parse().ok().map(Value::Integer).or_else(|| plain(text).map(Value::Decimal))
}

/// Digits as the contract has them: no exponent, no bare point.
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let unsigned = digits.trim_start_matches(['-', '+']);
    let sign = if digits.starts_with('-') { "-" } else { "" };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = [whole, fraction].concat();
    let digital = !all.is_empty() && all.bytes().all(|byte| byte.is_ascii_digit());
    if !digital || digits.len() > unsigned.len() + 1 || exponent.abs() > EXPONENT_MOST {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let before = usize::try_from(point.max(0)).ok()?;
    let zeros = usize::try_from(point.min(0).unsigned_abs()).ok()?;
    let padded = format!("{}{all}", "0".repeat(zeros));
    let (whole, fraction) = match padded.split_at_checked(before) {
        Some((whole, fraction)) => (whole.to_owned(), fraction.to_owned()),
        None => (format!("{padded:0<before$}"), String::new()),
    };
    let whole = Some(whole.trim_start_matches('0')).filter(|whole| !whole.is_empty()).unwrap_or("0");
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn digits_as_drivers_write_them() {
        for (text, expect) in [
            ("12.50", Some("12.50")),
            (".50", Some("0.50")),
            ("-.5", Some("-0.5")),
            ("-0.0001", Some("-0.0001")),
            ("007", Some("7")),
            ("0", Some("0")),
            ("1e+21", Some("1000000000000000000000")),
            ("1.25E2", Some("125")),
            ("1.255e2", Some("125.5")),
            ("12.5e-3", Some("0.0125")),
            ("922337203685477.5807", Some("922337203685477.5807")),
            ("", None),
            (".", None),
            ("--1", None),
            ("soon", None),
            ("1,5", None),
            ("nan", None),
            ("1e999", None),
        ] {
            assert_eq!(plain(text).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn a_text_is_read_by_its_column() {
        let moment = DataType::Timestamp { precision: 7 };
        let offset =
            DataType::Other { data_type: SQL_SS_TIMESTAMPOFFSET, column_size: None, decimal_digits: 7 };
        let check = |text: &str, kind, expect| assert_eq!(value(text.to_owned(), kind), expect);
        let text = |text: &str| Value::Text(text.to_owned());
        let at = |text: &str| Value::Timestamp(text.to_owned());
        check("7", DataType::Integer, Value::Integer(7));
        check("18446744073709551615", DataType::BigInt, Value::Decimal("18446744073709551615".into()));
        check("1", DataType::Bit, Value::Boolean(true));
        check("1", DataType::Varchar { length: None }, text("1"));
        check("soon", DataType::Date, text("soon"));
        check("2026-02-28", DataType::Date, times::date(NaiveDate::from_ymd_opt(2026, 2, 28).unwrap()));
        check("2026-02-28 01:02:03.5000000", moment, at("2026-02-28T01:02:03.500"));
        check("2026-02-28 01:02:03.0000000 +02:00", offset, at("2026-02-27T23:02:03Z"));
    }

    #[test]
    fn a_moment_has_the_digits_that_it_has() {
        let digits =
            |text: &str| moment(text).map(|(moment, precision)| (moment.hour, moment.fraction, precision));
        assert_eq!(digits("2026-02-28T01:02:03+02:00"), Some((23, 0, 0)));
        assert_eq!(digits("2026-02-28T01:02:03.5Z"), Some((1, 500_000_000, 3)));
        assert_eq!(digits("2026-02-28T01:02:03.000004Z"), Some((1, 4_000, 6)));
        assert_eq!(digits("yesterday"), None);
    }
}
