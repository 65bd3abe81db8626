//! What is told of a batch: the report beside the file, the same as JSON, and the file of links.

use super::gate::Outcome;
use crate::error::FlowError;
use crate::road::{Road, money};
use remitd_domain::draft::Finding;
use remitd_store::{Batch, Counts, Filter};
use serde::Serialize;
use std::fmt::Write as _;

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
    pub errors: Vec<Finding>,
    /// What was noticed and let through.
    pub warnings: Vec<Finding>,
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
            errors: outcome.findings.clone(),
            warnings: outcome.notes.clone(),
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

    /// For the person who made the file.
    pub fn text(&self) -> String {
        let mut text = format!("{} for account {}: {}\n", self.file, self.account, self.sentence());
        let Report { rows, ok, rejected, duplicate, .. } = self;
        let _ = writeln!(text, "{rows} rows: {ok} good, {rejected} rejected, {duplicate} asked for already");
        if let (1.., Some(batch)) = (self.held, self.batch) {
            let held = self.held;
            let _ = writeln!(
                text,
                "{held} of the rejected rows wait to be mended: remitd batch edit {batch} --line N --set COLUMN=VALUE"
            );
        }
        for error in &self.errors {
            let _ = writeln!(text, "  {}", told(error));
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "  look: {}", told(warning));
        }
        text
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

fn told(finding: &Finding) -> String {
    let line = if finding.line > 0 { format!("line {}", finding.line) } else { "file".to_owned() };
    let column = if finding.column.is_empty() { String::new() } else { format!(", {}", finding.column) };
    let value = if finding.value.is_empty() { String::new() } else { format!(" \"{}\"", finding.value) };
    format!("{line}{column}{value}: {} [{}]", finding.message, finding.code)
}

/// The links of a batch as CSV, to hand on by hand.
pub async fn links(road: &Road, batch: i64) -> Result<String, FlowError> {
    let requests = road.store.requests(&Filter { batch: Some(batch), ..Filter::default() }).await?;
    let mut text =
        String::from("Line,Invoice Number,Recipient Name,Recipient Email,Amount,Currency,Number,Link\r\n");
    for request in &requests {
        let amount = money(request.amount_minor, &request.currency)?.to_string();
        let link = road.link(request.nonce)?;
        let (line, number) = (request.line.to_string(), request.id.to_string());
        let cells = [
            line.as_str(),
            request.invoices(),
            &request.payer_name,
            &request.payer_email,
            &amount,
            &request.currency,
            &number,
            &link,
        ];
        let cells: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    Ok(text)
}

/// A cell that a spreadsheet shows as it is: what looks like a formula is defused by a quote in front.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\n', '\r', ';']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        assert_eq!(quoted("Roe, \"Jane\""), "\"Roe, \"\"Jane\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(quoted("0012"), "0012");
    }

    #[test]
    fn a_report_names_every_place() {
        let finding = Finding {
            line: 3,
            column: "Amount".into(),
            value: "ten".into(),
            code: "REMIT-0202".into(),
            message: "is no amount".into(),
        };
        let outcome = Outcome {
            batch: Some(1),
            state: remitd_store::BatchState::Rejected,
            counts: Counts { ok: 1, rejected: 1, duplicate: 0 },
            held: 0,
            findings: vec![finding.clone()],
            notes: vec![Finding { line: 2, message: "looks odd".into(), ..finding }],
        };
        let text = Report::of_outcome(&outcome, "june.csv", "operating").text();
        assert!(text.contains("2 rows: 1 good, 1 rejected"), "{text}");
        assert!(text.contains("\n  line 3, Amount \"ten\": is no amount [REMIT-0202]"), "{text}");
        assert!(text.contains("\n  look: line 2, Amount \"ten\": looks odd"), "{text}");
    }
}
