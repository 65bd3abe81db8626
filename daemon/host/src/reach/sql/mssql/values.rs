//! SQL Server's values: ours in the type that says most, its own back without loss. Its MONEY comes through the driver as a float,
//! which is exact enough up to half a billion thousands; beyond that it is refused, not rounded.

use crate::reach::sql::times;
use crate::wit::sql::Value;
use crate::wit::types::Failure;
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound};
use tiberius::numeric::Numeric;
use tiberius::{ColumnData, ColumnType, FromSql, Query};

/// The most digits of a DECIMAL.
const DIGITS_MOST: usize = 38;
/// Of a second, the most that DATETIME2 has.
const DATETIME2_DIGITS: u16 = 7;
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
            let at = of::<NaiveDateTime>(cell).map_err(|error| refuse(&error))?;
            // A DATETIME's three-hundredths of a second, as the server itself turns them into its finer type: cut off instead, a
            // cursor would stand before its own row for ever.
            at.map(|at| times::timestamp(at.round_subsecs(DATETIME2_DIGITS)))
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
    use std::borrow::Cow;
    use tiberius::time::{Date, DateTime2, DateTimeOffset, SmallDateTime, Time};
    use tiberius::xml::XmlData;

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

    fn decimal(digits: &str) -> Value {
        Value::Decimal(digits.into())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn timestamp(iso: &str) -> Value {
        Value::Timestamp(iso.into())
    }

    /// Days since 0001-01-01 of 2026-02-28, and since 1900-01-01.
    const DAY: u32 = 739_674;
    const DAY_OF_1900: u16 = 46_079;

    fn noon(ten_millionths: u64) -> DateTime2 {
        DateTime2::new(Date::new(DAY), Time::new(12 * 3_600 * 10_000_000 + ten_millionths, 7))
    }

    /// Each of the driver's forms, with a value that says what becomes of it.
    fn numbers() -> Vec<(ColumnType, ColumnData<'static>, Value)> {
        let fits = |value, scale| Some(Numeric::new_with_scale(value, scale));
        vec![
            (ColumnType::Bit, ColumnData::Bit(Some(true)), Value::Boolean(true)),
            (ColumnType::Int1, ColumnData::U8(Some(255)), Value::Integer(255)),
            (ColumnType::Int2, ColumnData::I16(Some(i16::MIN)), Value::Integer(-32_768)),
            (ColumnType::Int4, ColumnData::I32(Some(i32::MIN)), Value::Integer(-2_147_483_648)),
            (ColumnType::Int8, ColumnData::I64(Some(i64::MAX)), Value::Integer(i64::MAX)),
            (ColumnType::Float4, ColumnData::F32(Some(0.1)), decimal("0.1")),
            (ColumnType::Float8, ColumnData::F64(Some(-1_234.567)), decimal("-1234.567")),
            (ColumnType::Money, ColumnData::F64(Some(1_250.5)), decimal("1250.5000")),
            (ColumnType::Money4, ColumnData::F64(Some(-0.01)), decimal("-0.0100")),
            (ColumnType::Money, ColumnData::F64(None), Value::Null),
            (ColumnType::Decimaln, ColumnData::Numeric(fits(-5, 4)), decimal("-0.0005")),
            (ColumnType::Numericn, ColumnData::Numeric(fits(125_000, 2)), decimal("1250.00")),
        ]
    }

    fn texts_and_times() -> Vec<(ColumnType, ColumnData<'static>, Value)> {
        let id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        let xml = XmlData::new("<a>ø</a>");
        let at_night = DateTimeOffset::new(noon(5_000_000), -330);
        let (day, minutes) = (DAY_OF_1900, 13 * 60 + 59);
        vec![
            (ColumnType::NVarchar, ColumnData::String(Some("Søn & Счёт".into())), text("Søn & Счёт")),
            (ColumnType::Guid, ColumnData::Guid(Some(id.parse().unwrap())), text(id)),
            (ColumnType::Xml, ColumnData::Xml(Some(Cow::Owned(xml))), text("<a>ø</a>")),
            (
                ColumnType::BigVarBin,
                ColumnData::Binary(Some(vec![0, 255].into())),
                Value::Bytes(vec![0, 255]),
            ),
            (
                ColumnType::Daten,
                ColumnData::Date(Some(Date::new(DAY))),
                times::date("2026-02-28".parse().unwrap()),
            ),
            (ColumnType::Timen, ColumnData::Time(Some(Time::new(45_296_000, 3))), text("12:34:56")),
            (ColumnType::Timen, ColumnData::Time(Some(Time::new(1, 7))), text("00:00:00.000000100")),
            (
                ColumnType::Datetime4,
                ColumnData::SmallDateTime(Some(SmallDateTime::new(day, minutes))),
                timestamp("2026-02-28T13:59:00"),
            ),
            // A third and two thirds of a hundredth.
            (
                ColumnType::Datetime,
                ColumnData::DateTime(Some(tiberius::time::DateTime::new(day.into(), 1))),
                timestamp("2026-02-28T00:00:00.003333300"),
            ),
            (
                ColumnType::Datetime,
                ColumnData::DateTime(Some(tiberius::time::DateTime::new(day.into(), 2))),
                timestamp("2026-02-28T00:00:00.006666700"),
            ),
            (
                ColumnType::Datetime2,
                ColumnData::DateTime2(Some(noon(1))),
                timestamp("2026-02-28T12:00:00.000000100"),
            ),
            // On the wire it is the instant; the zone beside it says how it was written.
            (
                ColumnType::DatetimeOffsetn,
                ColumnData::DateTimeOffset(Some(at_night)),
                timestamp("2026-02-28T12:00:00.500Z"),
            ),
        ]
    }

    /// The same column where it holds nothing. A form that the driver comes to know is missed here, and does not compile.
    fn emptied(cell: &ColumnData<'static>) -> ColumnData<'static> {
        match cell {
            ColumnData::U8(_) => ColumnData::U8(None),
            ColumnData::I16(_) => ColumnData::I16(None),
            ColumnData::I32(_) => ColumnData::I32(None),
            ColumnData::I64(_) => ColumnData::I64(None),
            ColumnData::F32(_) => ColumnData::F32(None),
            ColumnData::F64(_) => ColumnData::F64(None),
            ColumnData::Bit(_) => ColumnData::Bit(None),
            ColumnData::String(_) => ColumnData::String(None),
            ColumnData::Guid(_) => ColumnData::Guid(None),
            ColumnData::Binary(_) => ColumnData::Binary(None),
            ColumnData::Numeric(_) => ColumnData::Numeric(None),
            ColumnData::Xml(_) => ColumnData::Xml(None),
            ColumnData::DateTime(_) => ColumnData::DateTime(None),
            ColumnData::SmallDateTime(_) => ColumnData::SmallDateTime(None),
            ColumnData::Time(_) => ColumnData::Time(None),
            ColumnData::Date(_) => ColumnData::Date(None),
            ColumnData::DateTime2(_) => ColumnData::DateTime2(None),
            ColumnData::DateTimeOffset(_) => ColumnData::DateTimeOffset(None),
        }
    }

    #[test]
    fn each_type_is_read_without_loss() {
        for (kind, cell, expect) in numbers().into_iter().chain(texts_and_times()) {
            let column = tiberius::Column::new("it".into(), kind);
            assert_eq!(read(&column, &cell), Ok(expect), "{kind:?} {cell:?}");
            assert_eq!(read(&column, &emptied(&cell)), Ok(Value::Null), "{kind:?}");
        }
    }
}
