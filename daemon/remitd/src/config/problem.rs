//! What is wrong with a configuration, where, and how to mend it: as text for people and as JSON for programs. Owns the
//! look of a finding; never decides what is one. A line that may hold a password is shown with its quoted texts hidden.

use serde::Serialize;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warning,
}

/// The line a finding points into, for the caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    /// Characters under the caret, at least one.
    pub width: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub level: Level,
    /// The file, or `environment variable REMITD__…`.
    pub file: String,
    /// Both from 1, in characters; none where nothing is written yet, or for the environment.
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub code: &'static str,
    /// The key, such as `account[0].currency`; empty for a file as a whole.
    pub path: String,
    pub message: String,
    /// The mend.
    pub hint: Option<String>,
    #[serde(skip)]
    pub excerpt: Option<Excerpt>,
}

impl Problem {
    /// Whether it is that a plugin's file is not there.
    pub fn is_missing_component(&self) -> bool {
        self.code == "REMIT-0118" && self.path.starts_with("plugin[")
    }
}

/// Findings in the order of their places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.level == Level::Error)
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        writeln!(f, ": {level}[{}]: {}", self.code, self.message)?;
        if let (Some(excerpt), Some(line), Some(column)) = (&self.excerpt, self.line, self.column) {
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            // Tabs stay tabs under the line, so that the caret stands where the fault is.
            let lead: String =
                excerpt.text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            writeln!(f, "  {margin} |")?;
            writeln!(f, "  {number} | {}", excerpt.text)?;
            writeln!(f, "  {margin} | {lead}{}", "^".repeat(excerpt.width.max(1)))?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {hint}")?;
        }
        Ok(())
    }
}

/// The line as it may be shown: where a secret may stand in it, the texts in quotes are blanked at their width.
pub fn showable(line: &str, hide: bool) -> String {
    let line = line.trim_end_matches(['\r', '\n']);
    let risky = line.contains("password") || (line.contains("://") && line.contains('@'));
    if !hide && !risky {
        return line.to_owned();
    }
    let mut open = None;
    let blank = |c: char| {
        if open == Some(c) {
            open = None;
            c
        } else if open.is_some() {
            '*'
        } else {
            open = matches!(c, '"' | '\'').then_some(c);
            c
        }
    };
    line.chars().map(blank).collect()
}

/// The name in `known` that was most likely meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn reads_well_without_colour() {
        let problem = Problem {
            level: Level::Error,
            file: "remitd.toml".into(),
            line: Some(12),
            column: Some(2),
            code: "REMIT-0102",
            path: "account[0].curency".into(),
            message: "there is no key `curency` here".into(),
            hint: Some("did you mean `currency`?".into()),
            excerpt: Some(Excerpt { text: "\tcurency = \"USD\"".into(), width: 7 }),
        };
        let expect = "remitd.toml:12:2: error[REMIT-0102]: there is no key `curency` here\n     |\n  12 | \tcurency = \
                      \"USD\"\n     | \t^^^^^^^\n  hint: did you mean `currency`?\n";
        assert_eq!(problem.to_string(), expect);
        let json = serde_json::to_value(Problems(vec![problem])).unwrap();
        assert_eq!((&json[0]["line"], &json[0]["level"]), (&12.into(), &"error".into()));
        assert!(json[0].get("excerpt").is_none());
    }

    #[test]
    fn passwords_are_never_shown() {
        assert_eq!(showable("port = \"587\"", false), "port = \"587\"");
        assert_eq!(
            showable("x = { password = \"hunter2\", port = 1 }", false),
            "x = { password = \"*******\", port = 1 }"
        );
        assert_eq!(showable("url = 'postgres://a:b@c'\r", false), "url = '****************'");
        assert_eq!(showable("link-key = \"abc", true), "link-key = \"***");
    }

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(nearest("curency", ["id", "currency"]), Some("currency"));
        assert_eq!(nearest("gatewya", ["gateway", "narrative"]), Some("gateway"));
        assert_eq!(nearest("reminders", ["firm", "mail"]), None);
    }
}
