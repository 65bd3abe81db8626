//! SQL Server's values: ours in the type that says most, its own back without loss. Its MONEY comes through the driver as a float,
//! which is exact enough up to half a billion thousands; beyond that it is refused, not rounded.

use crate::reach::sql::times;
use crate::wit::sql::Value;
use crate::wit::types::Failure;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use tiberius::numeric::Numeric;
use tiberius::{ColumnData, ColumnType, FromSql, Query};

/// The most digits of a DECIMAL.
const DIGITS_MOST: usize = 38;
/// Two to the 39th: below it, half of a float's last place is less than half of MONEY's.
const MONEY_EXACT_BELOW: f64 = 549_755_813_888.0;

pub(super) fn bind(query: &mut Query<'_>, name: &str, value: &Value) -> Result<(), Failure> {
    let misfit = |text: &str, wanted: &str| {
        Failure::invalid("parameter", format!("parameter \"{name}\": {text:?} is not {wanted}"))
    };
    match value {
        Value::Null => query.bind(None::<String>),
        Value::Boolean(truth) => query.bind(*truth),
        Value::Integer(number) => query.bind(*number),
        Value::Decimal(digits) => {
            query.bind(numeric(digits).ok_or_else(|| misfit(digits, "a decimal that SQL Server can keep"))?);
        }
        Value::Text(text) => query.bind(text.clone()),
        Value::Bytes(bytes) => query.bind(bytes.clone()),
        Value::Date(date) => {
            let day = NaiveDate::from_ymd_opt(date.year, date.month.into(), date.day.into());
            query.bind(day.ok_or_else(|| misfit(&times::iso(date), "a day"))?);
        }
        // Its instant in UTC, as in a column without a zone.
        Value::Timestamp(text) => {
            let instant = times::instant(text).ok_or_else(|| misfit(text, "a time"))?;
            query.bind(instant.naive_utc());
        }
    }
    Ok(())
}

fn numeric(text: &str) -> Option<Numeric> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = [whole, fraction].concat();
    let plain = (1..=DIGITS_MOST).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let value: i128 = plain.then(|| digits.parse().ok())??;
    let signed = if text.starts_with('-') { value.checked_neg()? } else { value };
    Some(Numeric::new_with_scale(signed, u8::try_from(fraction.len()).ok()?))
}

/// One column's value, exactly.
pub(super) fn read(column: &tiberius::Column, cell: &ColumnData<'static>) -> Result<Value, Failure> {
    let money = matches!(column.column_type(), ColumnType::Money | ColumnType::Money4);
    let refuse = |why: &str| Failure::invalid("column", format!("column \"{}\" {why}", column.name()));
    let value = match cell {
        ColumnData::U8(number) => number.map(|number| Value::Integer(number.into())),
        ColumnData::I16(number) => number.map(|number| Value::Integer(number.into())),
        ColumnData::I32(number) => number.map(|number| Value::Integer(number.into())),
        ColumnData::I64(number) => number.map(Value::Integer),
        ColumnData::F64(Some(amount)) if money => {
            if amount.abs() >= MONEY_EXACT_BELOW {
                return Err(refuse(
                    "holds more MONEY than is read exactly: select CAST(… AS DECIMAL(19, 4))",
                ));
            }
            Some(Value::Decimal(format!("{amount:.4}")))
        }
        ColumnData::F32(ratio) => ratio.map(|ratio| Value::Decimal(ratio.to_string())),
        ColumnData::F64(ratio) => ratio.map(|ratio| Value::Decimal(ratio.to_string())),
        ColumnData::Bit(truth) => truth.map(Value::Boolean),
        ColumnData::String(text) => text.as_ref().map(|text| Value::Text(text.clone().into_owned())),
        ColumnData::Guid(id) => id.map(|id| Value::Text(id.to_string())),
        ColumnData::Binary(bytes) => bytes.as_ref().map(|bytes| Value::Bytes(bytes.clone().into_owned())),
        ColumnData::Numeric(number) => number.map(digits),
        ColumnData::Xml(xml) => xml.as_ref().map(|xml| Value::Text(xml.as_ref().as_ref().to_owned())),
        ColumnData::DateTime(_) | ColumnData::SmallDateTime(_) | ColumnData::DateTime2(_) => {
            of::<NaiveDateTime>(cell).map_err(|error| refuse(&error))?.map(times::timestamp)
        }
        ColumnData::Date(_) => of::<NaiveDate>(cell).map_err(|error| refuse(&error))?.map(times::date),
        ColumnData::Time(_) => {
            let time = of::<NaiveTime>(cell).map_err(|error| refuse(&error))?;
            time.map(|time| Value::Text(time.format("%H:%M:%S%.f").to_string()))
        }
        ColumnData::DateTimeOffset(_) => {
            let at = of::<DateTime<FixedOffset>>(cell).map_err(|error| refuse(&error))?;
            at.map(|at| times::timestamp_utc(at.naive_utc()))
        }
    };
    Ok(value.unwrap_or(Value::Null))
}

fn of<'a, T: FromSql<'a>>(cell: &'a ColumnData<'static>) -> Result<Option<T>, String> {
    T::from_sql(cell).map_err(|error| format!("has a value that is none: {error}"))
}

/// The number's own digits, with as many after the point as its column has.
fn digits(number: Numeric) -> Value {
    let scale = usize::from(number.scale());
    let all = format!("{:0>width$}", number.value().unsigned_abs(), width = scale.saturating_add(1));
    let (whole, fraction) = all.split_at_checked(all.len().saturating_sub(scale)).unwrap_or((&all, ""));
    let sign = if number.value() < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    Value::Decimal(format!("{sign}{whole}{point}{fraction}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn decimals_come_and_go() {
        for text in ["0", "12.50", "-0.01", "0.0000", "-99999999999999999999999999999999999999", "0.5"] {
            assert_eq!(digits(numeric(text).unwrap()), Value::Decimal(text.into()));
        }
        for text in ["", "-", ".", "1e5", "+1", "1.2.3", "999999999999999999999999999999999999999"] {
            assert!(numeric(text).is_none(), "{text}");
        }
    }

    /// As the driver does: the wire's ten-thousandths, divided as floats.
    #[test]
    #[allow(
        clippy::float_arithmetic,
        clippy::cast_precision_loss,
        reason = "this is what is shown to be harmless"
    )]
    fn money_is_exact_as_far_as_it_is_read() {
        let column = tiberius::Column::new("amount".into(), ColumnType::Money);
        let read = |scaled: i64| read(&column, &ColumnData::F64(Some(scaled as f64 / 1e4)));
        let edge = 5_497_558_138_879_999_i64;
        for scaled in (0..2_000).flat_map(|n| [n, edge - n, 123_456_789_012_345 + n, -edge + n]) {
            let sign = if scaled < 0 { "-" } else { "" };
            let expect = format!("{sign}{}.{:04}", scaled.abs() / 10_000, scaled.abs() % 10_000);
            assert_eq!(read(scaled), Ok(Value::Decimal(expect)));
        }
        assert!(read(edge + 1).unwrap_err().message.contains("DECIMAL(19, 4)"));
    }
}
