//! The findings, and the links, as CSV for spreadsheets. Owns how a cell is written: never as a formula.

use super::Report;
use crate::error::FlowError;
use crate::road::{Road, money};
use remitd_store::Filter;

/// Without it Excel takes UTF-8 for the system's own encoding.
const BOM: char = '\u{feff}';

/// One line a finding, the warnings last.
pub(super) fn findings(report: &Report) -> String {
    let mut text = format!("{BOM}Line,Column,Value,Code,Reason,Mend\r\n");
    for told in report.errors.iter().chain(&report.warnings) {
        let line = if told.line > 0 { told.line.to_string() } else { String::new() };
        row(&mut text, &[&line, &told.column, &told.value, &told.code, &told.message, told.mend]);
    }
    text
}

/// The links of a batch, to hand on by hand.
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
        row(&mut text, &cells);
    }
    Ok(text)
}

fn row(text: &mut String, cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
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
    use super::super::tests::report_of;
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        assert_eq!(quoted("Roe, \"Jane\""), "\"Roe, \"\"Jane\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(quoted("0012"), "0012");
    }

    #[test]
    fn a_line_a_finding() {
        let report = report_of(&[(3, "Amount", "=1+1"), (0, "", "june.csv")]);
        let expect = "\u{feff}Line,Column,Value,Code,Reason,Mend\r\n3,Amount,'=1+1,REMIT-0202,\"is no amount, nor \
                      \"\"near\"\" one\",Write it as 1.00.\r\n,,june.csv,REMIT-0202,\"is no amount, nor \"\"near\"\" \
                      one\",Write it as 1.00.\r\n2,Client,7,REMIT-0202,looks odd,Write it as 1.00.\r\n";
        assert_eq!(findings(&report), expect);
    }
}
