//! Values that people write with a unit or a form: lengths of time, sizes, mailboxes, origins. Owns how they are read and
//! written back; never guesses a unit that is not there.

use remitd_domain::email::{check_address, is_header_safe};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What a value should have been, in words that follow the value itself. After a line break: the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// A length of time, such as `30d`, `12h` or `500ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(Duration);

/// Largest first, so that what is written back is as short as can be.
const PERIODS_MS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// A number of bytes, such as `256MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize(u64);

const SIZES_BYTES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
];

/// Who a mail is from: `Roe & Partners <billing@example.com>`, or the address alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mailbox {
    /// Empty where there is none.
    pub name: String,
    pub address: String,
}

/// An http or https address without a path: `https://pay.example.com`. Kept without the slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Period {
    pub const fn of_ms(ms: u64) -> Period {
        Period(Duration::from_millis(ms))
    }

    pub fn get(self) -> Duration {
        self.0
    }
}

impl ByteSize {
    pub const fn of_bytes(bytes: u64) -> ByteSize {
        ByteSize(bytes)
    }

    pub fn get(self) -> u64 {
        self.0
    }
}

impl Origin {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether only this machine can open it.
    pub fn is_loopback(&self) -> bool {
        let host = url::Url::parse(&self.0).ok().and_then(|url| url.host().map(|host| host.to_owned()));
        match host {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

/// A whole number and its unit, multiplied.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn written(value: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| value > 0 && value.is_multiple_of(*factor);
    match units.iter().find(fits).or(units.last()) {
        Some((unit, factor)) => format!("{}{unit}", value / factor),
        None => value.to_string(),
    }
}

impl FromStr for Period {
    type Err = Unfit;
    fn from_str(text: &str) -> Result<Period, Unfit> {
        with_unit(text, &PERIODS_MS).map(Period::of_ms).ok_or_else(|| {
            Unfit(format!(
                "{text:?} is not a length of time\nwrite a number and ms, s, m, h, d or w, such as \"30d\""
            ))
        })
    }
}

impl FromStr for ByteSize {
    type Err = Unfit;
    fn from_str(text: &str) -> Result<ByteSize, Unfit> {
        with_unit(text, &SIZES_BYTES).map(ByteSize).ok_or_else(|| {
            Unfit(format!(
                "{text:?} is not a size\nwrite a number and B, KiB, MiB or GiB, such as \"256MiB\""
            ))
        })
    }
}

impl FromStr for Mailbox {
    type Err = Unfit;
    fn from_str(text: &str) -> Result<Mailbox, Unfit> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"'), address.trim()),
            None => ("", text),
        };
        check_address(address).map_err(|error| Unfit(format!("the address {address:?} {error}")))?;
        if !is_header_safe(name) {
            return Err(Unfit("the name is longer than 200 bytes or has a line break in it".to_owned()));
        }
        Ok(Mailbox { name: name.to_owned(), address: address.to_owned() })
    }
}

impl FromStr for Origin {
    type Err = Unfit;
    fn from_str(text: &str) -> Result<Origin, Unfit> {
        let unfit = |why: &str| {
            Unfit(format!(
                "{text:?} {why}\nwrite scheme, host and port alone, such as \"https://pay.example.com\""
            ))
        };
        let url = url::Url::parse(text).map_err(|_| unfit("is not a web address"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(unfit("is not an http or https address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unfit("a user or a password stands in the address".to_owned()));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(unfit("goes on after the host"));
        }
        Ok(Origin(url.origin().ascii_serialization()))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), &PERIODS_MS))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(self.0, &SIZES_BYTES))
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => f.write_str(&self.address),
            name => write!(f, "{name} <{}>", self.address),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What serde's `try_from` and `into` ask for, by way of the texts above.
macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = Unfit;
            fn try_from(text: String) -> Result<Self, Unfit> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    )*};
}

as_text!(Period, ByteSize, Mailbox, Origin);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check<T: FromStr<Err = Unfit> + fmt::Display>(text: &str, expect: Result<&str, &str>) {
        let got = text.parse::<T>().map(|value| value.to_string()).map_err(|error| error.to_string());
        match expect {
            Ok(written) => assert_eq!(got.as_deref(), Ok(written), "{text}"),
            Err(part) => assert!(got.clone().unwrap_err().contains(part), "{text}: {got:?}"),
        }
    }

    #[test]
    fn lengths_of_time() {
        check::<Period>("30d", Ok("30d"));
        check::<Period>("48h", Ok("2d"));
        check::<Period>("90 s", Ok("90s"));
        check::<Period>("0s", Ok("0ms"));
        for bad in ["30", "d", "", "1.5h", "-5s", "30 days", "99999999999999999999d", "18446744073709551615w"]
        {
            check::<Period>(bad, Err("not a length of time"));
        }
        assert_eq!("12h".parse::<Period>().unwrap().get(), Duration::from_secs(43_200));
    }

    #[test]
    fn sizes() {
        check::<ByteSize>("256MiB", Ok("256MiB"));
        check::<ByteSize>("1000KB", Ok("1MB"));
        check::<ByteSize>("256mb", Err("not a size"));
        check::<ByteSize>("256", Err("not a size"));
    }

    #[test]
    fn mailboxes() {
        check::<Mailbox>("Roe & Partners <pay@example.com>", Ok("Roe & Partners <pay@example.com>"));
        check::<Mailbox>("pay@example.com", Ok("pay@example.com"));
        check::<Mailbox>("Roe <pay@example>", Err("domain without a dot"));
        check::<Mailbox>("Roe\r\nBcc: <pay@example.com>", Err("line break"));
    }

    #[test]
    fn origins() {
        check::<Origin>("https://pay.example.com/", Ok("https://pay.example.com"));
        check::<Origin>("http://127.0.0.1:8787", Ok("http://127.0.0.1:8787"));
        check::<Origin>("https://pay.example.com/x", Err("goes on after the host"));
        check::<Origin>("ftp://pay.example.com", Err("not an http"));
        check::<Origin>("pay.example.com", Err("not a web address"));
        check::<Origin>("https://a:hunter2@b.example", Err("a password stands"));
        assert!("http://[::1]:1".parse::<Origin>().unwrap().is_loopback());
        assert!(!"http://pay.example.com".parse::<Origin>().unwrap().is_loopback());
    }
}
