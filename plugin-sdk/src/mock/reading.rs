//! A file as an importer's own test reads it: in pieces of any size, with what came out of it. Never part of a component.

use crate::importer::{Conventions, Drafts, Finding, Importer, NO_DAY, Out, Row, Source, Texts};
use crate::{Context, Failure};
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// What came out of a file.
#[derive(Debug, Clone)]
pub struct Reading {
    /// As the importer has counted them.
    pub rows: u64,
    /// As they were pushed.
    pub batches: Vec<Drafts>,
    pub findings: Vec<Finding>,
}

/// A firm in dollars that writes `12/31/2026` and `1,234.56`.
pub fn conventions(file_name: &str) -> Conventions {
    Conventions {
        currency: "USD".to_owned(),
        exponent: 2,
        date_order: "mdy".to_owned(),
        decimal_mark: ".".to_owned(),
        file_name: file_name.to_owned(),
    }
}

/// Reads `file` to its end, in pieces of at most `piece_bytes`.
pub fn read<I: Importer>(
    importer: &I,
    file: &[u8],
    piece_bytes: usize,
    conventions: &Conventions,
) -> Result<Reading, Failure> {
    let mut rest = file;
    let mut source = Source::new(|max| {
        let most = usize::try_from(max).unwrap_or(usize::MAX).min(piece_bytes).min(rest.len());
        let (now, later) = rest.split_at(most);
        rest = later;
        Ok(now.to_vec())
    });
    let (mut batches, mut findings) = (Vec::new(), Vec::new());
    let mut out = Out::new(
        |drafts| {
            batches.push(drafts.clone());
            Ok(())
        },
        |found| {
            findings.extend_from_slice(found);
            Ok(())
        },
    );
    let context = Context { job: "test".to_owned(), idempotency_key: "test".to_owned(), deadline_ms: 0 };
    let rows = importer.read(&context, &mut source, &mut out, conventions)?;
    out.finish()?;
    drop(out);
    Ok(Reading { rows, batches, findings })
}

impl Reading {
    /// Every row that was handed over.
    pub fn drafts(&self) -> impl Iterator<Item = Row<'_>> {
        self.batches.iter().flat_map(|batch| (0..batch.lines.len()).filter_map(|at| row(batch, at)))
    }

    /// The rows that the daemon would take: those without a finding.
    pub fn taken(&self) -> impl Iterator<Item = Row<'_>> {
        let bad = self.bad_lines();
        self.drafts().filter(move |row| !bad.contains(&row.line))
    }

    /// The lines with findings; each is one rejected row.
    pub fn bad_lines(&self) -> BTreeSet<u32> {
        self.findings.iter().map(|found| found.line).collect()
    }

    /// The findings as `line:column:code`.
    pub fn codes(&self) -> Vec<String> {
        let codes =
            self.findings.iter().map(|found| format!("{}:{}:{}", found.line, found.column, found.code));
        codes.collect()
    }

    /// Whether each row that the importer has counted ended as a draft or as a finding: else the daemon takes nothing.
    pub fn adds_up(&self) -> bool {
        usize::try_from(self.rows).is_ok_and(|rows| rows == self.taken().count() + self.bad_lines().len())
    }
}

fn row(batch: &Drafts, at: usize) -> Option<Row<'_>> {
    let day = |days: &[i32]| {
        days.get(at).filter(|day| **day != NO_DAY).and_then(|day| NaiveDate::from_epoch_days(*day))
    };
    Some(Row {
        line: *batch.lines.get(at)?,
        amount_minor: *batch.amounts_minor.get(at)?,
        invoice_date: day(&batch.invoice_days),
        due_date: day(&batch.due_days),
        invoice: text(&batch.invoices, at)?,
        payer_name: text(&batch.payer_names, at)?,
        payer_email: text(&batch.payer_emails, at)?,
        message: text(&batch.messages, at)?,
        client: text(&batch.clients, at)?,
        matter: text(&batch.matters, at)?,
    })
}

fn text(column: &Texts, at: usize) -> Option<&str> {
    let end = |at: usize| column.ends.get(at).map(|end| *end as usize);
    let begin = at.checked_sub(1).map_or(Some(0), end)?;
    column.text.get(begin..end(at)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::About;

    /// A name a line, due on the first of a month.
    struct Names;

    impl Importer for Names {
        const ABOUT: About = About { name: "Names", version: "0.1.0", settings_schema: "{}" };

        fn open() -> Result<Names, Failure> {
            Ok(Names)
        }

        fn recognise(_: &str, _: &[u8]) -> u8 {
            0
        }

        fn read(
            &self,
            _: &Context,
            source: &mut Source<'_>,
            out: &mut Out<'_>,
            _: &Conventions,
        ) -> Result<u64, Failure> {
            let (mut text, mut rows) = (Vec::new(), 0);
            while let piece = source.read(9)?
                && !piece.is_empty()
            {
                text.extend(piece);
            }
            for (line, payer_name) in (1..).zip(String::from_utf8(text).unwrap().lines()) {
                rows += 1;
                if payer_name.is_empty() {
                    out.reject(line, "name", "", "REMIT-0207", "who is to pay?")?;
                }
                let due_date = NaiveDate::from_ymd_opt(2026, line, 1);
                out.draft(&Row { line, amount_minor: 5, due_date, payer_name, ..Row::default() })?;
            }
            Ok(rows)
        }
    }

    #[test]
    fn every_row_comes_out_as_it_was_handed_over() {
        for piece_bytes in [1, 3, usize::MAX] {
            let file = "Jané\n\nJoe Roe, Junior".as_bytes();
            let read = read(&Names, file, piece_bytes, &conventions("names.txt")).unwrap();
            let names: Vec<&str> = read.drafts().map(|row| row.payer_name).collect();
            assert_eq!(names, ["Jané", "", "Joe Roe, Junior"]);
            let taken: Vec<u32> = read.taken().map(|row| row.line).collect();
            assert_eq!((taken, read.codes()), (vec![1, 3], vec!["2:name:REMIT-0207".to_owned()]));
            let last = read.drafts().last().unwrap();
            assert_eq!((last.due_date, last.invoice_date), (NaiveDate::from_ymd_opt(2026, 3, 1), None));
            assert_eq!((read.adds_up(), Reading { rows: 4, ..read }.adds_up()), (true, false));
        }
    }
}
