//! What came out of a file, in one form for both ways of reading it.

use remitd_flow::plugin::Delivered;
use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::mock::Reading;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// A failure by its code and its words; else everything that was handed over.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    Failed { class: String, code: String, message: String },
    Read { rows: u64, drafts: Vec<Draft>, findings: Vec<Finding> },
}

#[derive(Debug, PartialEq, Eq)]
pub struct Draft {
    line: u32,
    amount_minor: i64,
    /// Of the invoice, and when it is due.
    dates: [Option<NaiveDate>; 2],
    texts: [String; 6],
}

#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    line: u32,
    texts: [String; 4],
}

impl Seen {
    /// No row vanishes, and what went wrong is the file's fault, never the importer's.
    pub fn check(&self) {
        match self {
            Seen::Failed { class, .. } => assert_eq!(class, "Invalid", "{self:?}"),
            Seen::Read { rows, drafts, findings } => {
                let (good, bad) = (self.good(), self.bad_lines().len());
                assert_eq!(*rows, (good + bad) as u64, "rows are {good} good and {bad} bad ones");
                let lines: Vec<u32> = drafts.iter().map(|draft| draft.line).collect();
                assert!(lines.is_sorted(), "lines rise: {lines:?}");
                assert!(findings.iter().all(|finding| finding.line > 0), "{findings:?}");
            }
        }
    }

    /// Lines with a finding.
    pub fn bad_lines(&self) -> BTreeSet<u32> {
        match self {
            Seen::Failed { .. } => BTreeSet::new(),
            Seen::Read { findings, .. } => findings.iter().map(|finding| finding.line).collect(),
        }
    }

    /// Rows without one.
    pub fn good(&self) -> usize {
        let bad = self.bad_lines();
        match self {
            Seen::Failed { .. } => 0,
            Seen::Read { drafts, .. } => drafts.iter().filter(|draft| !bad.contains(&draft.line)).count(),
        }
    }

    /// What the importer said on this machine.
    pub fn native(read: Result<Reading, remitd_plugin_sdk::Failure>) -> Seen {
        let read = match read {
            Ok(read) => read,
            Err(failure) => return Seen::failed(&failure.class, failure.code, failure.message),
        };
        let drafts = read.drafts().map(|row| Draft {
            line: row.line,
            amount_minor: row.amount_minor,
            dates: [row.invoice_date, row.due_date],
            texts: [row.invoice, row.payer_name, row.payer_email, row.message, row.client, row.matter]
                .map(str::to_owned),
        });
        let findings = read.findings.iter().cloned();
        let findings = findings.map(|found| Finding {
            line: found.line,
            texts: [found.column, found.value, found.code, found.message],
        });
        Seen::Read { rows: read.rows, drafts: drafts.collect(), findings: findings.collect() }
    }

    /// What the component's call gave.
    pub fn sandboxed(rows: Result<u64, remitd_host::Failure>, delivered: Vec<Delivered>) -> Seen {
        let rows = match rows {
            Ok(rows) => rows,
            Err(failure) => return Seen::failed(&failure.class, failure.code, failure.message),
        };
        let (mut drafts, mut findings) = (Vec::new(), Vec::new());
        for delivered in delivered {
            match delivered {
                Delivered::Drafts(batch) => {
                    drafts.extend((0..batch.len()).map(|at| batch.draft(at)).map(|row| Draft {
                        line: row.line,
                        amount_minor: row.amount_minor,
                        dates: [row.invoice_date, row.due_date],
                        texts: [
                            row.invoice,
                            row.payer_name,
                            row.payer_email,
                            row.message,
                            row.client,
                            row.matter,
                        ],
                    }))
                }
                Delivered::Findings(batch) => findings.extend(batch.into_iter().map(|found| Finding {
                    line: found.line,
                    texts: [found.column, found.value, found.code, found.message],
                })),
            }
        }
        Seen::Read { rows, drafts, findings }
    }

    /// The class of either side's type, by its name alone.
    fn failed(class: &dyn Debug, code: String, message: String) -> Seen {
        Seen::Failed { class: format!("{class:?}").replace("FailureClass::", ""), code, message }
    }
}
