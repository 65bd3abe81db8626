//! Whether something is as a test expects it: what is named must be equal, what is not named may be anything.

use serde_json::Value;

/// Stands for any text within a text; alone at the end of a list, for any rest.
pub const ANY: char = '…';

/// Where `got` first differs from what `expected` names.
pub fn json(expected: &Value, got: &Value) -> Result<(), String> {
    below("", expected, got)
}

fn below(place: &str, expected: &Value, got: &Value) -> Result<(), String> {
    match (expected, got) {
        (Value::Object(named), Value::Object(has)) => named.iter().try_for_each(|(key, expected)| {
            let place = format!("{place}.{key}");
            below(&place, expected, has.get(key).ok_or_else(|| format!("{place} is missing"))?)
        }),
        (Value::Array(expected), Value::Array(got)) => list(place, expected, got),
        (Value::String(pattern), Value::String(is)) if text(pattern, ANY, is) => Ok(()),
        (expected, got) if expected == got => Ok(()),
        _ => Err(format!("{place} is {got}, not {expected}")),
    }
}

fn list(place: &str, expected: &[Value], got: &[Value]) -> Result<(), String> {
    let (expected, open) = match expected.split_last() {
        Some((Value::String(last), first)) if last.chars().eq([ANY]) => (first, true),
        _ => (expected, false),
    };
    if got.len() < expected.len() || (got.len() > expected.len() && !open) {
        return Err(format!("{place} has {} elements, not {}: {got:?}", got.len(), expected.len()));
    }
    let mut pairs = expected.iter().zip(got).enumerate();
    pairs.try_for_each(|(at, (expected, got))| below(&format!("{place}[{at}]"), expected, got))
}

/// Whether `text` is `pattern`, in which `any` stands for any text.
pub fn text(pattern: &str, any: char, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(any) else { return pattern == text };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once(any).map_or((None, rest), |(middle, end)| (Some(middle), end));
    for part in middle.into_iter().flat_map(|middle| middle.split(any)) {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_named_must_be_equal() {
        let got = json!({"rows": 3, "errors": [{"line": 2, "message": "is no amount at all"}, {"line": 4}]});
        let fits = |expected: Value| json(&expected, &got);
        assert_eq!(fits(json!({"rows": 3})), Ok(()));
        assert_eq!(fits(json!({"errors": [{"line": 2, "message": "is no …"}, "…"]})), Ok(()));
        assert_eq!(fits(json!({"errors": ["…"]})), Ok(()));
        assert_eq!(fits(json!({"rows": 4})), Err(".rows is 3, not 4".to_owned()));
        assert_eq!(fits(json!({"ok": 3})), Err(".ok is missing".to_owned()));
        assert!(fits(json!({"errors": [{"line": 2}]})).unwrap_err().contains("has 2 elements, not 1"));
        assert!(fits(json!({"errors": [{"line": 5}, "…"]})).unwrap_err().contains(".errors[0].line"));
    }

    #[test]
    fn a_wildcard_stands_for_any_text() {
        for (pattern, is, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a*b*d", "a-b-c-d", true),
            ("a*b*d", "a-c-d", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(text(pattern, '*', is), fits, "{pattern} {is}");
        }
    }
}
