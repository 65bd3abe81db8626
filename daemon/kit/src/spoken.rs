//! What a request says, in whatever form its API has: JSON, a form, plain text, or any of these as base64. Only looks for
//! words and numbers; knows no field of any API.

use crate::peers::http::Seen;
use crate::world::World;
use serde_json::Value;

/// Texts that are looked into as base64 are at least so long.
const BASE64_MIN: usize = 8;

/// Requests that change something at a world's servers, in the order in which they came.
pub(crate) fn changing(world: &World) -> Vec<Seen> {
    let seen = world.servers.iter().flat_map(|server| server.seen());
    seen.filter(|seen| !matches!(seen.method.as_str(), "GET" | "HEAD" | "OPTIONS")).collect()
}

/// Everything that it says: its path, and each text and number of its body.
pub(crate) fn words(seen: &Seen) -> Vec<String> {
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    let mut words = vec![unescaped(&seen.path), seen.path.clone()];
    match serde_json::from_str::<Value>(&body) {
        Ok(json) => gather(&json, &mut words),
        Err(_) => {
            words.extend(
                body.split('&').map(|pair| unescaped(pair.split_once('=').map_or(pair, |(_, value)| value))),
            );
            words.push(body);
        }
    }
    let decoded: Vec<String> = words.iter().filter_map(|word| base64(word)).collect();
    words.extend(decoded);
    words
}

/// As it is, or as it stands in the quotes of a mailbox.
pub(crate) fn says(seen: &Seen, text: &str) -> bool {
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    words(seen).iter().any(|word| word.contains(text) || word.contains(&quoted))
}

/// The idempotency key that it carries, wherever.
pub(crate) fn carries(seen: &Seen, key: &str) -> bool {
    seen.headers.iter().any(|(_, value)| value.contains(key)) || says(seen, key)
}

/// The same request for a provider: all but what the connection itself makes.
pub(crate) fn same(one: &Seen, other: &Seen) -> bool {
    let told = |seen: &Seen| {
        let own = |(name, _): &(String, String)| {
            !matches!(name.as_str(), "date" | "host" | "connection" | "accept")
        };
        let mut headers: Vec<_> = seen.headers.iter().filter(|header| own(header)).cloned().collect();
        headers.sort();
        (seen.method.clone(), seen.path.clone(), headers, seen.body.clone())
    };
    told(one) == told(other)
}

/// Whether an amount of minor units stands in it, whole or as decimals; a number is not a part of a longer one.
pub(crate) fn says_amount(seen: &Seen, minor: i64, exponent: usize) -> bool {
    let whole = minor.to_string();
    let decimal = decimal(minor, exponent);
    words(seen).iter().any(|word| {
        let numbers =
            word.split(|c: char| !c.is_ascii_digit() && c != '.').map(|number| number.trim_end_matches('.'));
        let mut numbers = numbers.filter(|number| !number.is_empty());
        numbers.any(|number| number == whole || without_zeros(number) == decimal)
    })
}

/// `123.45`, its last zeros left out.
fn decimal(minor: i64, exponent: usize) -> String {
    let digits = format!("{minor:0>width$}", width = exponent + 1);
    let (units, parts) = digits.split_at(digits.len() - exponent);
    without_zeros(&format!("{units}.{parts}")).to_owned()
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

fn gather(json: &Value, words: &mut Vec<String>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| gather(item, words)),
        Value::Object(fields) => fields.values().for_each(|field| gather(field, words)),
        Value::String(text) => words.push(text.clone()),
        Value::Null => {}
        other => words.push(other.to_string()),
    }
}

/// Percent signs and plus signs undone.
fn unescaped(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                if let (Some(high), Some(low)) = (hex(bytes.next()), hex(bytes.next())) {
                    out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What a text means as base64, of either alphabet; none where it is none.
fn base64(text: &str) -> Option<String> {
    let text = text.trim_end_matches('=');
    if text.len() < BASE64_MIN {
        return None;
    }
    let (mut out, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'\r' | b'\n' => continue,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).unwrap_or_default());
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn request(body: &str) -> Seen {
        Seen { method: "POST".into(), path: "/v1/a%20b?c=d".into(), headers: Vec::new(), body: body.into() }
    }

    #[test]
    fn texts_in_any_form() {
        for body in [
            r#"{"a":{"b":["J\u00fcrg & Co"]}}"#,
            "x=1&name=J%C3%BCrg+%26+Co",
            "Jürg & Co",
            r#"{"raw":"SsO8cmcgJiBDbw=="}"#,
        ] {
            assert!(says(&request(body), "Jürg & Co"), "{body}");
            assert!(says(&request(body), "a b") && !says(&request(body), "Jane"), "{body}");
        }
    }

    #[test]
    fn amounts_are_not_parts_of_others() {
        let check = |body: &str, minor, exponent, expect| {
            assert_eq!(says_amount(&request(body), minor, exponent), expect, "{body} {minor}");
        };
        check(r#"{"amount":12345}"#, 12_345, 2, true);
        check(r#"{"amount":"123.45"}"#, 12_345, 2, true);
        check(r#"{"amount":"123.40"}"#, 12_340, 2, true);
        check(r#"{"amount":"JPY 500.00"}"#, 500, 0, true);
        check("amount=1.234&x=y", 1_234, 3, true);
        check(r#"{"amount":1234500}"#, 12_345, 2, false);
        check(r#"{"amount":"12.34"}"#, 1_234, 3, false);
        check(r#"{"amount":5}"#, 5, 2, true);
        check(r#"{"amount":0.05}"#, 5, 2, true);
    }
}
