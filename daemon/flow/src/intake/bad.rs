//! The bad rows of a batch while it comes in. Where they are held, owns what is kept of each, and when a file is too broken for
//! it: a fault that may hide other rows, no good row at all, or more bad rows than anybody mends one by one.

use super::gate::FINDINGS_MAX;
use remitd_domain::draft::{Draft, Finding};
use remitd_domain::policy::OnError;
use remitd_store::HeldRow;
use std::collections::{HashMap, HashSet};

/// One file's held rows; also what a person can be expected to go through.
const HELD_MAX: usize = FINDINGS_MAX;
/// An open quote: the rows below it are inside it.
const OPEN_QUOTE: &str = "REMIT-0216";
/// A record or a file beyond its limit, where no column is named: rows of it were not read.
const TOO_LONG: &str = "REMIT-0210";

/// Of a workbook: what is below the damage, or beyond the limit, was not read.
const WORKBOOK: [&str; 2] = ["REMIT-0241", "REMIT-0242"];

pub(super) struct BadRows {
    on_error: OnError,
    /// Lines that the reader of the file rejected: their rows are looked at, never taken.
    said: HashSet<u32>,
    /// What is held, by line; a row that could not be split has findings alone.
    rows: HashMap<u32, HeldRow>,
    /// The finding that may hide rows.
    hides: Option<Finding>,
    too_many: bool,
}

impl BadRows {
    pub fn new(on_error: OnError) -> BadRows {
        BadRows { on_error, said: HashSet::new(), rows: HashMap::new(), hides: None, too_many: false }
    }

    /// What the reader of the file found.
    pub fn said(&mut self, findings: &[Finding]) {
        for finding in findings {
            let code = finding.code.as_str();
            let hides = code == OPEN_QUOTE
                || WORKBOOK.contains(&code)
                || (code == TOO_LONG && finding.column.is_empty());
            if hides && self.hides.is_none() {
                self.hides = Some(finding.clone());
            }
            self.said.insert(finding.line);
            self.hold(finding);
        }
    }

    /// Whether the reader has found something wrong with this line.
    pub fn has(&self, line: u32) -> bool {
        self.said.contains(&line)
    }

    /// A bad row, with what the gate found.
    pub fn keep(&mut self, findings: &[Finding], draft: impl FnOnce() -> Draft) {
        if self.on_error == OnError::Reject {
            return;
        }
        let draft = draft();
        findings.iter().for_each(|finding| self.hold(finding));
        if let Some(row) = self.rows.get_mut(&draft.line) {
            row.draft = draft;
        }
    }

    fn hold(&mut self, finding: &Finding) {
        if self.on_error == OnError::Reject {
            return;
        }
        if self.rows.len() >= HELD_MAX && !self.rows.contains_key(&finding.line) {
            self.too_many = true;
            return;
        }
        let empty =
            || HeldRow { draft: Draft { line: finding.line, ..Draft::default() }, findings: Vec::new() };
        self.rows.entry(finding.line).or_insert_with(empty).findings.push(finding.clone());
    }

    /// Why a batch with `good` rows is rejected although bad rows are held; findings to add, where there is more to say.
    pub fn why_not_held(&self, good: i64) -> Option<Vec<Finding>> {
        let told = |line: u32, message: String| {
            let (column, value, code) = (String::new(), String::new(), "REMIT-0226".to_owned());
            vec![Finding { line, column, value, code, message }]
        };
        if let Some(finding) = &self.hides {
            let message = "what is wrong here may hide other rows: mend the file and drop it again, nothing of it was taken";
            return Some(told(finding.line, message.to_owned()));
        }
        if self.too_many {
            let message = format!("more than {HELD_MAX} rows are bad: nothing of the file was taken");
            return Some(told(0, message));
        }
        (good == 0).then(Vec::new)
    }

    /// In the order of the file.
    pub fn rows(&mut self) -> Vec<HeldRow> {
        let mut rows: Vec<_> = self.rows.drain().map(|(_, row)| row).collect();
        rows.sort_by_key(|row| row.draft.line);
        rows
    }
}
