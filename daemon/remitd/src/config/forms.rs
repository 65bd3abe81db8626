//! Values whose types come from elsewhere and whose own errors say too little: dates, addresses, time zones. Owns the words
//! for them; never changes what such a type takes.

use super::problem::nearest;
use chrono::NaiveDate;
use chrono_tz::{TZ_VARIANTS, Tz};
use remitd_flow::intake::pattern::Pattern;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A type that is read from a text.
pub trait Form: FromStr {
    /// What to say of a text that does not fit; after the line break, the mend.
    fn unfit(text: &str) -> String;
}

impl Form for NaiveDate {
    fn unfit(text: &str) -> String {
        format!("{text:?} is not a date\nwrite year, month and day, such as \"2026-12-25\"")
    }
}

impl Form for IpAddr {
    fn unfit(text: &str) -> String {
        format!("{text:?} is not an IP address\nwrite one address, such as \"127.0.0.1\" or \"::1\"")
    }
}

impl Form for SocketAddr {
    fn unfit(text: &str) -> String {
        format!("{text:?} is not an IP address with a port\nwrite both, such as \"127.0.0.1:8787\"")
    }
}

impl Form for Tz {
    fn unfit(text: &str) -> String {
        let hint = match nearest(text, TZ_VARIANTS.iter().map(|zone| zone.name())) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => "write a name of the IANA database, such as \"America/New_York\"".to_owned(),
        };
        format!("{text:?} is not a time zone\n{hint}")
    }
}

impl Form for Pattern {
    fn unfit(text: &str) -> String {
        format!(
            "{text:?} is not a pattern for a file's name\nwrite a name without folders, such as \"LEDES*.txt\": * is any text, ? any character"
        )
    }
}

struct Read<T>(T);

impl<'de, T: Form> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Read<T>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Read).map_err(|_| D::Error::custom(T::unfit(&text)))
    }
}

pub fn one<'de, D: Deserializer<'de>, T: Form>(deserializer: D) -> Result<T, D::Error> {
    Read::deserialize(deserializer).map(|Read(value)| value)
}

pub fn optional<'de, D: Deserializer<'de>, T: Form>(deserializer: D) -> Result<Option<T>, D::Error> {
    one(deserializer).map(Some)
}

pub fn list<'de, D: Deserializer<'de>, T: Form>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let values = Vec::<Read<T>>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|Read(value)| value).collect())
}

pub fn zone_name<S: serde::Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.name())
}

pub fn shown<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
