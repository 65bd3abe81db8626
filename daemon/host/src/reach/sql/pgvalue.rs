//! PostgreSQL's values on the wire: ours into the type that the server asked for, and its own back without loss.

use super::times::{self, instant, local};
use crate::wit::sql::Value;
use crate::wit::types::Failure;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use rust_decimal::Decimal;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, PgTypeKind, PgValueRef};
use sqlx::{Arguments, Decode, Encode, Postgres, Type, TypeInfo, ValueRef};

/// Bytes in the server's binary form, of a type that only the server names (enum, uuid, json).
struct Wire(Vec<u8>, PgTypeInfo);

impl Type<Postgres> for Wire {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Wire {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.1.clone())
    }
}

/// Adds one value in the wanted type.
pub(super) fn write(
    arguments: &mut PgArguments,
    name: &str,
    value: &Value,
    wanted: &PgTypeInfo,
) -> Result<(), Failure> {
    if let PgTypeKind::Domain(base) = wanted.kind() {
        return write(arguments, name, value, base);
    }
    let refuse = |why: String| Failure::invalid("parameter", format!("parameter \"{name}\": {why}"));
    let text = text_of(value);
    let misfit = || refuse(format!("{text:?} does not fit the database's type {wanted}"));
    let added = match (value, wanted.name()) {
        (Value::Null, _) => arguments.add(None::<String>),
        (_, "INT2") => arguments.add(text.parse::<i16>().map_err(|_| misfit())?),
        (_, "INT4") => arguments.add(text.parse::<i32>().map_err(|_| misfit())?),
        (_, "INT8") => arguments.add(text.parse::<i64>().map_err(|_| misfit())?),
        (_, "NUMERIC") => arguments.add(Decimal::from_str_exact(&text).map_err(|_| misfit())?),
        (_, "FLOAT4") => arguments.add(text.parse::<f32>().map_err(|_| misfit())?),
        (_, "FLOAT8") => arguments.add(text.parse::<f64>().map_err(|_| misfit())?),
        (_, "BOOL") => arguments.add(truth(value).ok_or_else(misfit)?),
        (_, "DATE") => arguments.add(text.parse::<NaiveDate>().map_err(|_| misfit())?),
        (_, "TIMESTAMP") => arguments.add(local(&text).ok_or_else(misfit)?),
        // Its midnight would be UTC's, and its day another one where the firm is.
        (Value::Date(_), "TIMESTAMPTZ") => {
            return Err(refuse(format!(
                "{text:?} is a day, and the database wants an instant: write CAST(:{name} AS timestamp) AT TIME ZONE 'Europe/Berlin', with \
                 the zone of the firm"
            )));
        }
        (_, "TIMESTAMPTZ") => arguments.add(instant(&text).ok_or_else(misfit)?),
        (Value::Bytes(bytes), "BYTEA") => arguments.add(bytes.clone()),
        (Value::Bytes(_), _) | (_, "BYTEA") => return Err(misfit()),
        (_, "UUID") => arguments.add(Wire(uuid_bytes(&text).ok_or_else(misfit)?, wanted.clone())),
        // JSONB's binary form has a version in front.
        (_, "JSONB") => arguments.add(Wire([&[1], text.as_bytes()].concat(), wanted.clone())),
        (_, "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN") => arguments.add(text.clone()),
        // What is left is binary in its own way unless its wire form is its text.
        (_, "JSON" | "CITEXT" | "citext") => arguments.add(Wire(text.clone().into_bytes(), wanted.clone())),
        _ if matches!(wanted.kind(), PgTypeKind::Enum(_)) => {
            arguments.add(Wire(text.clone().into_bytes(), wanted.clone()))
        }
        _ => {
            return Err(refuse(format!(
                "the database wants {wanted}: write :{name}::{} and cast it there",
                passable(wanted)
            )));
        }
    };
    added.map_err(|error| refuse(error.to_string()))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null | Value::Bytes(_) => String::new(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(text) | Value::Text(text) | Value::Timestamp(text) => text.clone(),
        Value::Date(date) => times::iso(date),
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(truth) => Some(*truth),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn uuid_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    hex::decode(digits).ok().filter(|bytes| bytes.len() == 16)
}

/// One column's value, exactly.
pub(super) fn read(column: &str, raw: PgValueRef<'_>) -> Result<Value, Failure> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().into_owned();
    let unread = |error: BoxDynError| Failure::invalid("column", format!("column \"{column}\": {error}"));
    read_as(&kind, raw).map_err(unread)?.ok_or_else(|| {
        let message =
            format!("column \"{column}\" has the type {kind}: select it as {column}::{}", passable(&kind));
        Failure::invalid("column", message)
    })
}

/// What a type that is not carried is cast to on its way. Money's text is as its server's place writes it, with signs and commas.
fn passable(kind: &PgTypeInfo) -> &'static str {
    match kind.kind() {
        PgTypeKind::Domain(base) => passable(base),
        _ if kind.name() == "MONEY" => "numeric",
        _ => "text",
    }
}

fn read_as(kind: &PgTypeInfo, raw: PgValueRef<'_>) -> Result<Option<Value>, BoxDynError> {
    if let PgTypeKind::Domain(base) = kind.kind() {
        return read_as(base, raw);
    }
    Ok(Some(match kind.name() {
        "BOOL" => Value::Boolean(Decode::<Postgres>::decode(raw)?),
        "INT2" => Value::Integer(<i16 as Decode<Postgres>>::decode(raw)?.into()),
        "INT4" => Value::Integer(<i32 as Decode<Postgres>>::decode(raw)?.into()),
        "INT8" => Value::Integer(Decode::<Postgres>::decode(raw)?),
        "OID" => Value::Integer(<sqlx::postgres::types::Oid as Decode<Postgres>>::decode(raw)?.0.into()),
        "NUMERIC" => numeric(raw.as_bytes()?)?,
        "FLOAT4" => float(<f32 as Decode<Postgres>>::decode(raw)?.to_string()),
        "FLOAT8" => float(<f64 as Decode<Postgres>>::decode(raw)?.to_string()),
        "DATE" => date(Decode::<Postgres>::decode(raw)?)?,
        "TIMESTAMP" => moment(raw.as_bytes()?, times::timestamp)?,
        "TIMESTAMPTZ" => moment(raw.as_bytes()?, times::timestamp_utc)?,
        "BYTEA" => Value::Bytes(Decode::<Postgres>::decode(raw)?),
        "UUID" => Value::Text(uuid_text(raw.as_bytes()?)),
        "JSONB" => {
            let bytes = raw.as_bytes()?;
            Value::Text(std::str::from_utf8(bytes.get(1..).unwrap_or_default())?.to_owned())
        }
        "VOID" => Value::Null,
        "TEXT" | "VARCHAR" | "CHAR" | "\"CHAR\"" | "NAME" | "UNKNOWN" | "JSON" | "CITEXT" | "citext" => {
            Value::Text(std::str::from_utf8(raw.as_bytes()?)?.to_owned())
        }
        _ if matches!(kind.kind(), PgTypeKind::Enum(_)) => {
            Value::Text(std::str::from_utf8(raw.as_bytes()?)?.to_owned())
        }
        _ => return Ok(None),
    }))
}

/// PostgreSQL's days and microseconds are counted from here, and its calendar is longer than ours.
const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(2000, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

fn date(days: i32) -> Result<Value, BoxDynError> {
    if let Some(never) = infinite(days == i32::MAX, days == i32::MIN) {
        return Ok(never);
    }
    let day = EPOCH.checked_add_signed(TimeDelta::days(days.into()));
    Ok(times::date(day.ok_or("the date lies beyond the calendar")?))
}

fn moment(bytes: &[u8], shown: fn(NaiveDateTime) -> Value) -> Result<Value, BoxDynError> {
    let us = i64::from_be_bytes(bytes.try_into()?);
    if let Some(never) = infinite(us == i64::MAX, us == i64::MIN) {
        return Ok(never);
    }
    let at = EPOCH.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::microseconds(us));
    Ok(shown(at.ok_or("the time lies beyond the calendar")?))
}

/// No date, but as PostgreSQL writes it.
fn infinite(after_all: bool, before_all: bool) -> Option<Value> {
    let text = if after_all { "infinity" } else { "-infinity" };
    (after_all || before_all).then(|| Value::Text(text.to_owned()))
}

fn float(digits: String) -> Value {
    // NaN and the infinities are no decimal digits.
    let number = digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    if number { Value::Decimal(digits) } else { Value::Text(digits) }
}

fn uuid_text(bytes: &[u8]) -> String {
    let digits = hex::encode(bytes);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

const NUMERIC_NEGATIVE: u16 = 0x4000;
const NUMERIC_POSITIVE: u16 = 0;
/// Decimal digits in one group of the wire form.
const GROUP_DIGITS: usize = 4;

/// NUMERIC in full: a count of groups, the weight of the first, the sign, the digits after the point, then the groups of four
/// decimal digits each (numeric_send in PostgreSQL's source).
fn numeric(bytes: &[u8]) -> Result<Value, BoxDynError> {
    let words: Vec<u16> = bytes.as_chunks().0.iter().copied().map(u16::from_be_bytes).collect();
    let [_, weight, sign, scale, groups @ ..] = words.as_slice() else {
        return Err("a numeric value is too short".into());
    };
    let weight = i32::from(i16::from_be_bytes(weight.to_be_bytes()));
    let text = match *sign {
        NUMERIC_POSITIVE => String::new(),
        NUMERIC_NEGATIVE => "-".to_owned(),
        0xC000 => return Ok(Value::Text("NaN".to_owned())),
        0xD000 => return Ok(Value::Text("Infinity".to_owned())),
        _ => return Ok(Value::Text("-Infinity".to_owned())),
    };
    let group = |at: i32| usize::try_from(at).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0);
    let whole: String = (0..=weight).map(|at| format!("{:04}", group(at))).collect();
    let whole = whole.trim_start_matches('0');
    let scale = usize::from(*scale);
    let after = i32::try_from(scale.div_ceil(GROUP_DIGITS))?;
    let mut fraction: String = (1..=after).map(|at| format!("{:04}", group(weight + at))).collect();
    fraction.truncate(scale);
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if scale > 0 { "." } else { "" };
    Ok(Value::Decimal(format!("{text}{whole}{point}{fraction}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn wire(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn days_that_our_calendar_has_not_are_told() {
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(date(i32::MAX).unwrap(), text("infinity"));
        assert_eq!(date(i32::MIN).unwrap(), text("-infinity"));
        assert_eq!(date(-1).unwrap(), times::date("1999-12-31".parse().unwrap()));
        assert!(date(i32::MAX - 1).is_err());
        let moment = |us: i64| moment(&us.to_be_bytes(), times::timestamp);
        assert_eq!(
            (moment(i64::MAX).unwrap(), moment(i64::MIN).unwrap()),
            (text("infinity"), text("-infinity"))
        );
        assert!(moment(i64::MAX - 1).is_err());
        assert_eq!(moment(1_500_000).unwrap(), times::timestamp("2000-01-01T00:00:01.500".parse().unwrap()));
    }

    #[test]
    fn numerics_keep_every_digit() {
        for (words, expect) in [
            (&[0_u16, 0, 0, 0][..], "0"),
            (&[0, 0, 0, 2], "0.00"),
            (&[2, 0, 0x4000, 2, 12, 5000], "-12.50"),
            (&[1, 1, 0, 0, 5], "50000"),
            (&[1, 0xFFFF, 0, 4, 1], "0.0001"),
            (&[1, 0xFFFE, 0, 8, 1], "0.00000001"),
            (&[3, 1, 0, 3, 1, 2345, 6780], "12345.678"),
        ] {
            assert_eq!(numeric(&wire(words)).unwrap(), Value::Decimal(expect.into()));
        }
        assert_eq!(numeric(&wire(&[0, 0, 0xC000, 0])).unwrap(), Value::Text("NaN".into()));
        assert!(numeric(&[0, 0]).is_err());
    }

    #[test]
    fn ids_as_people_write_them() {
        let id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        assert_eq!(uuid_text(&uuid_bytes(id).unwrap()), id);
        assert_eq!(uuid_bytes("a0eebc99"), None);
    }
}
