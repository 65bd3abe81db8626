//! Parameters of a statement: which names stand in it, outside of texts, quoted names, comments and casts. Only those are
//! passed, since the daemon refuses what a statement does not name. Never puts a value into the text.
//!
//! Knows no dialect: the daemon has MySQL read as the standard does, and refuses what MySQL alone would take for a comment.

use crate::place::place;
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::host::sql::{Param, Statement, Value};

pub type Named = (&'static str, Value);

pub fn bind(
    setting: &str,
    text: &str,
    expect_rows: Option<u64>,
    values: &[Named],
) -> Result<Statement, Failure> {
    let params = names(text)
        .into_iter()
        .map(|name| match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Ok(Param { name: name.to_owned(), value: value.clone() }),
            None => {
                let message = format!("{} cannot have the parameter :{name}", place(setting));
                Err(Failure::invalid("settings", message))
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Statement { text: text.to_owned(), params, expect_rows })
}

/// Each name once, in the order of the text.
pub fn names(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '\'' | '"' | '`' => quoted(rest, next),
            // At a carriage return too, as PostgreSQL has it. Where it ends none, the daemon refuses a name that stands after it.
            '-' if rest.starts_with("--") => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '$' => dollar_quoted(rest),
            ':' if rest.starts_with("::") => 2,
            ':' => {
                let after = rest.get(1..).unwrap_or("");
                let name = after.get(..name_length(after)).unwrap_or("");
                if !name.is_empty() && !found.contains(&name) {
                    found.push(name);
                }
                1 + name.len()
            }
            // A dollar within a name begins no quote.
            _ if is_name(next) => rest.find(|c| !is_name(c) && c != '$').unwrap_or(rest.len()),
            _ => next.len_utf8(),
        };
        rest = rest.get(length..).unwrap_or("");
    }
    found
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// A doubled quote ends one text and begins the next, which comes to the same.
fn quoted(text: &str, quote: char) -> usize {
    text.get(1..).and_then(|after| after.find(quote)).map_or(text.len(), |end| end + 2)
}

/// Comments nest, as the standard has it.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth.saturating_sub(1), at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// `$tag$ … $tag$`, or the dollar alone.
fn dollar_quoted(text: &str) -> usize {
    let tag_end = text.get(1..).and_then(|after| {
        after.find(|c| !is_name(c)).filter(|end| after.get(*end..).is_some_and(|rest| rest.starts_with('$')))
    });
    let Some(tag) = tag_end.and_then(|end| text.get(..end + 2)) else { return 1 };
    let body = text.get(tag.len()..).unwrap_or("");
    body.find(tag).map_or(text.len(), |end| end + tag.len() * 2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_outside_of_texts_and_comments() {
        for (text, expect) in [
            ("SELECT :a, :b_2, :a", &["a", "b_2"][..]),
            ("SELECT ':no', \":no\", `:no`, 'it''s :no', :yes", &["yes"]),
            ("SELECT 1 -- :no\n, :yes", &["yes"]),
            ("SELECT 1 -- :no\r, :yes", &["yes"]),
            ("SELECT /* :no /* :no */ :no */ :yes", &["yes"]),
            ("SELECT :a::numeric(12,2), b::date", &["a"]),
            ("SELECT $$ :no $$, $t$ :no $$ :no $t$, :yes, $1, a$b$:yes2", &["yes", "yes2"]),
            ("SELECT '12:30', x[1:2], : a", &[]),
            ("SELECT 'open :no", &[]),
            ("größe = :größe", &["gr"]),
            // MySQL's too: a backslash is one, and a row of dashes a comment.
            ("SELECT 'a\\', :yes, `no:` -- :no '", &["yes"]),
        ] {
            assert_eq!(names(text), expect, "{text}");
        }
    }

    #[test]
    fn only_what_is_named_is_passed() {
        let values: [Named; 2] = [("a", Value::Integer(1)), ("b", Value::Null)];
        let statement = bind("find", "SELECT :b", Some(1), &values).unwrap();
        assert_eq!(statement.params, [Param { name: "b".into(), value: Value::Null }]);
        assert_eq!(statement.expect_rows, Some(1));
        assert!(
            bind("find", "SELECT :c", None, &values)
                .unwrap_err()
                .message
                .contains("find cannot have the parameter :c")
        );
    }
}
