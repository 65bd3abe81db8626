//! The findings, and the links, as CSV for spreadsheets. Owns their columns.

use super::Report;
use crate::error::FlowError;
use crate::road::{Road, money};
use crate::sheet::{BOM, row};
use remitd_store::Request;

const LINKS: [&str; 8] =
    ["Line", "Invoice Number", "Recipient Name", "Recipient Email", "Amount", "Currency", "Number", "Link"];

/// One line a finding, the warnings last.
pub(super) fn findings(report: &Report) -> String {
    let mut text = format!("{BOM}Line,Column,Value,Code,Reason,Mend\r\n");
    for told in report.errors.iter().chain(&report.warnings) {
        let line = if told.line > 0 { told.line.to_string() } else { String::new() };
        row(&mut text, &[&line, &told.column, &told.value, &told.code, &told.message, told.mend]);
    }
    text
}

/// Requests that are read at once: a file of links may have a million.
const PAGE: i64 = 5_000;

/// The links of a batch, to hand on by hand; in pages, so that no batch is too long for the memory.
pub struct Links<'a> {
    road: &'a Road,
    batch: i64,
    after: Option<i64>,
}

impl<'a> Links<'a> {
    pub fn of(road: &'a Road, batch: i64) -> Links<'a> {
        Links { road, batch, after: None }
    }

    /// The next page, the first with the names of the columns; none after the last.
    pub async fn next(&mut self) -> Result<Option<String>, FlowError> {
        let after = self.after.unwrap_or_default();
        let requests = self.road.store.batch_page(self.batch, after, PAGE).await?;
        let mut text = String::new();
        if self.after.is_none() {
            row(&mut text, &LINKS);
        }
        self.after = Some(requests.last().map_or(after, |request| request.id));
        for request in &requests {
            self.link(&mut text, request)?;
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn link(&self, text: &mut String, request: &Request) -> Result<(), FlowError> {
        let amount = money(request.amount_minor, &request.currency)?.to_string();
        let link = self.road.link(request.nonce)?;
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
        row(text, &cells);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::super::tests::report_of;
    use super::*;

    #[test]
    fn a_line_a_finding() {
        let report = report_of(&[(3, "Amount", "=1+1"), (0, "", "june.csv")]);
        let expect = "\u{feff}Line,Column,Value,Code,Reason,Mend\r\n3,Amount,'=1+1,REMIT-0202,\"is no amount, nor \
                      \"\"near\"\" one\",Write it as 1.00.\r\n,,june.csv,REMIT-0202,\"is no amount, nor \"\"near\"\" \
                      one\",Write it as 1.00.\r\n2,Client,7,REMIT-0202,looks odd,Write it as 1.00.\r\n";
        assert_eq!(findings(&report), expect);
    }
}
