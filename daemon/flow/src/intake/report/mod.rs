//! What is told of a batch: the report beside the file, as text, JSON, CSV and a page.

mod csv;
mod page;

pub use csv::Links;

use super::gate::{FINDINGS_MAX, Outcome};
use crate::error::FlowError;
use remitd_domain::draft::Finding;
use remitd_store::{Batch, Counts};
use serde::Serialize;
use std::fmt::Write as _;
use std::ops::Deref;

/// What a code's mend is; none for a code that only a plugin's author knows.
pub type Mends = fn(&str) -> Option<&'static str>;

/// A finding with its mend.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    #[serde(flatten)]
    pub finding: Finding,
    /// Empty where nobody has said how such a thing is mended.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub mend: &'static str,
}

impl Deref for Told {
    type Target = Finding;

    fn deref(&self) -> &Finding {
        &self.finding
    }
}

impl Told {
    fn line(&self) -> String {
        let line = if self.line > 0 { format!("line {}", self.line) } else { "file".to_owned() };
        let column = if self.column.is_empty() { String::new() } else { format!(", {}", self.column) };
        let value = if self.value.is_empty() { String::new() } else { format!(" \"{}\"", self.value) };
        format!("{line}{column}{value}: {} [{}]", self.message, self.code)
    }
}

fn told(findings: &[Finding]) -> Vec<Told> {
    findings.iter().cloned().map(|finding| Told { finding, mend: "" }).collect()
}

/// As JSON carries it: `rows = ok + rejected + duplicate`, always.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub batch: Option<i64>,
    pub file: String,
    pub account: String,
    pub state: &'static str,
    pub rows: i64,
    pub ok: i64,
    pub rejected: i64,
    pub duplicate: i64,
    /// Of the rejected ones, those that wait to be mended.
    pub held: i64,
    pub errors: Vec<Told>,
    /// What was noticed and let through.
    pub warnings: Vec<Told>,
}

impl Report {
    pub fn of_outcome(outcome: &Outcome, file: &str, account: &str) -> Report {
        let Counts { ok, rejected, duplicate } = outcome.counts;
        Report {
            batch: outcome.batch,
            file: file.to_owned(),
            account: account.to_owned(),
            state: outcome.state.name(),
            rows: outcome.counts.rows(),
            ok,
            rejected,
            duplicate,
            held: outcome.held,
            errors: told(&outcome.findings),
            warnings: told(&outcome.notes),
        }
    }

    pub fn of_batch(batch: &Batch) -> Report {
        let outcome = Outcome {
            batch: Some(batch.id),
            state: batch.state,
            counts: batch.counts,
            held: batch.held,
            findings: batch.findings.clone(),
            notes: batch.notes.clone(),
        };
        Report::of_outcome(&outcome, &batch.name, &batch.account)
    }

    /// The same, with the mend of every finding whose code is known.
    pub fn with_mends(mut self, mends: Mends) -> Report {
        for told in self.errors.iter_mut().chain(&mut self.warnings) {
            told.mend = mends(&told.finding.code).unwrap_or_default();
        }
        self
    }

    /// Every form of it, by the end of its file's name.
    pub fn forms(&self) -> Result<[(&'static str, String); 4], FlowError> {
        let json = serde_json::to_string_pretty(self).map_err(std::io::Error::from)?;
        Ok([
            ("report.txt", self.text()),
            ("report.json", json),
            ("report.csv", csv::findings(self)),
            ("report.html", page::page(self)?),
        ])
    }

    /// For the person who made the file.
    pub fn text(&self) -> String {
        let mut text = format!("{} for account {}: {}\n", self.file, self.account, self.sentence());
        let Report { rows, ok, rejected, duplicate, .. } = self;
        let _ = writeln!(text, "{rows} rows: {ok} good, {rejected} rejected, {duplicate} asked for already");
        if let Some(held) = self.held_hint() {
            let _ = writeln!(text, "{held}");
        }
        for error in &self.errors {
            let _ = writeln!(text, "  {}", error.line());
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "  look: {}", warning.line());
        }
        text
    }

    /// What to do about held rows, where there are some.
    fn held_hint(&self) -> Option<String> {
        let batch = self.batch.filter(|_| self.held > 0)?;
        let held = self.held;
        Some(format!(
            "{held} of the rejected rows wait to be mended: remitd batch edit {batch} --line N --set COLUMN=VALUE"
        ))
    }

    fn sentence(&self) -> &'static str {
        match self.state {
            "released" | "review" if self.batch.is_none() => "checked only, nothing of it was kept",
            "released" => "released",
            "review" => "waits for review",
            "rejected" => "rejected, nothing of it was sent; mend the lines below and drop it again",
            _ => "discarded",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// A rejected file with a finding at each of these lines, columns and values.
    pub(super) fn report_of(places: &[(u32, &str, &str)]) -> Report {
        let finding = |&(line, column, value): &(u32, &str, &str)| Finding {
            line,
            column: column.into(),
            value: value.into(),
            code: "REMIT-0202".into(),
            message: "is no amount, nor \"near\" one".into(),
        };
        let outcome = Outcome {
            batch: Some(1),
            state: remitd_store::BatchState::Rejected,
            counts: Counts { ok: 1, rejected: 1, duplicate: 0 },
            held: 0,
            findings: places.iter().map(finding).collect(),
            notes: vec![Finding { line: 2, message: "looks odd".into(), ..finding(&(2, "Client", "7")) }],
        };
        let mends: Mends = |code| (code == "REMIT-0202").then_some("Write it as 1.00.");
        Report::of_outcome(&outcome, "june.csv", "operating").with_mends(mends)
    }

    #[test]
    fn a_report_names_every_place() {
        let report = report_of(&[(3, "Amount", "ten")]);
        let text = report.text();
        assert!(text.contains("2 rows: 1 good, 1 rejected"), "{text}");
        assert!(
            text.contains("line 3, Amount \"ten\": is no amount, nor \"near\" one [REMIT-0202]"),
            "{text}"
        );
        assert!(text.contains("\n  look: line 2, Client \"7\": looks odd"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["errors"][0]["mend"], "Write it as 1.00.");
        assert_eq!((&json["errors"][0]["line"], &json["errors"][0]["value"]), (&3.into(), &"ten".into()));
    }
}
