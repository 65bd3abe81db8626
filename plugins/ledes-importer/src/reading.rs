//! From a file to its rows: marks and headers, which record is a line item of which invoice, and which is none. Owns the count of
//! rows, and what the log says of the file.

use crate::checks::Closing;
use crate::code;
use crate::header::{Columns, Standard};
use crate::invoice::{Fault, Invoice, day};
use crate::invoices::{Full, Invoices, Whose};
use crate::records::{FIELDS_MAX, Fault as Broken, RECORD_MAX_BYTES, Records};
use crate::text::{Fields, Text};
use crate::{LedesImporter, header};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::host::log;
use remitd_plugin_sdk::importer::{Conventions, Out, Source};
use std::collections::BTreeSet;

/// Records that belong to no invoice; a file of more is none.
const STRAYS_MAX: usize = 100_000;
/// The most decimals that amounts have, in the standard as among currencies.
const EXPONENT_MAX: u8 = 4;

pub struct Reading<'a> {
    importer: &'a LedesImporter,
    conventions: &'a Conventions,
    invoices: Invoices,
    /// Lines with a finding.
    rejected: BTreeSet<u32>,
    items: u64,
    /// Headers read so far: files may have been joined to one.
    joined: usize,
    /// The first one.
    columns: Option<Columns>,
}

/// Whether to read on.
enum Then {
    On,
    Stop,
}

impl<'a> Reading<'a> {
    pub fn new(importer: &'a LedesImporter, conventions: &'a Conventions) -> Result<Reading<'a>, Failure> {
        if conventions.exponent > EXPONENT_MAX {
            let message = format!("LEDES has no amounts of {} decimals", conventions.exponent);
            return Err(Failure::invalid("exponent", message));
        }
        Ok(Reading {
            importer,
            conventions,
            invoices: Invoices::default(),
            rejected: BTreeSet::new(),
            items: 0,
            joined: 0,
            columns: None,
        })
    }

    /// Reads to the end; gives the number of rows, and what was seen in one line for the log.
    pub fn read(mut self, source: &mut Source<'_>, out: &mut Out<'_>) -> Result<(u64, String), Failure> {
        let mut records = Records::open(source)?;
        let mut text = Text::new();
        if records.is_utf16() {
            let message = "the file is UTF-16: LEDES is plain text, save it as such or as UTF-8";
            self.reject(1, "", "", code::ENCODING, message, out)?;
            return self.close(out);
        }
        let Some((line, fault)) = records.next()? else {
            self.reject(1, "", "", code::COLUMN, "the file is empty", out)?;
            return self.close(out);
        };
        let mut columns = match self.mark(line, fault, &records, &mut text, out)? {
            Some(standard) => self.open(standard, &mut records, &mut text, out)?,
            None => None,
        };
        while let Some(of) = columns {
            let Some((line, fault)) = records.next()? else { break };
            if self.rejected.len() >= STRAYS_MAX {
                let message = format!("more than {STRAYS_MAX} records are wrong: what follows is not read");
                self.reject(line, "", "", code::TOO_LONG, message, out)?;
                break;
            }
            if let Some(fault) = fault {
                self.broken(line, fault, of.count, out)?;
                continue;
            }
            let fields = match text.decode(records.text(), records.ends()) {
                Ok(fields) => fields,
                Err(why) => {
                    self.reject(line, "", "", code::ENCODING, why, out)?;
                    continue;
                }
            };
            if fields.len() == 1
                && let Some(standard) = Standard::read(fields.get(0))
            {
                columns = self.open(standard, &mut records, &mut text, out)?;
            } else if of.are_in(fields) {
                columns = self.header(of.standard, line, fields, out)?;
                records.expect_fields(columns.map_or(1, |columns| columns.count));
            } else if let Then::Stop = self.item(line, fields, &of, out)? {
                break;
            }
        }
        self.close(out)
    }

    /// The first record: which standard it is.
    fn mark(
        &mut self,
        line: u32,
        fault: Option<Broken>,
        records: &Records<'_, '_>,
        text: &mut Text,
        out: &mut Out<'_>,
    ) -> Result<Option<Standard>, Failure> {
        if fault == Some(Broken::TooLong) {
            let message = "this is no LEDES file, or its first record does not end: it begins with LEDES1998B[] or LEDES98BI V2[]";
            self.reject(line, "", "", code::COLUMN, message, out)?;
            return Ok(None);
        }
        match text.decode(records.text(), records.ends()) {
            Err(why) => self.reject(line, "", "", code::ENCODING, why, out)?,
            Ok(fields) => {
                let standard = Standard::read(fields.get(0));
                if standard.is_some() && fields.len() == 1 && fault.is_none() {
                    return Ok(standard);
                }
                let message = "the first line is LEDES1998B[] or LEDES98BI V2[], with nothing else: other files are not read";
                self.reject(line, "", fields.get(0), code::COLUMN, message, out)?;
            }
        }
        Ok(None)
    }

    /// The header after a mark.
    fn open(
        &mut self,
        standard: Standard,
        records: &mut Records<'_, '_>,
        text: &mut Text,
        out: &mut Out<'_>,
    ) -> Result<Option<Columns>, Failure> {
        records.expect_fields(1);
        let line = records.line();
        let Some((line, fault)) = records.next()? else {
            let message = "the file ends before its header, which names the columns on line 2";
            self.reject(line.saturating_sub(1).max(1), "", "", code::COLUMN, message, out)?;
            return Ok(None);
        };
        let columns = match (fault, text.decode(records.text(), records.ends())) {
            (None, Ok(fields)) => self.header(standard, line, fields, out)?,
            (_, Err(why)) => {
                self.reject(line, "", "", code::ENCODING, why, out)?;
                None
            }
            (Some(_), _) => {
                let message = "the header is not ended by []: write it after the last column's name";
                self.reject(line, "", "", code::COLUMN, message, out)?;
                None
            }
        };
        records.expect_fields(columns.map_or(1, |columns| columns.count));
        Ok(columns)
    }

    fn header(
        &mut self,
        standard: Standard,
        line: u32,
        fields: Fields<'_>,
        out: &mut Out<'_>,
    ) -> Result<Option<Columns>, Failure> {
        match Columns::read(standard, fields) {
            Ok(columns) => {
                self.joined += 1;
                if self.columns.is_none() {
                    log::info(&format!("{}, header in line {line}", standard.name()));
                }
                self.columns.get_or_insert(columns);
                Ok(Some(columns))
            }
            Err(wrong) => {
                for misnamed in wrong {
                    self.reject(line, misnamed.column, &misnamed.found, code::COLUMN, misnamed.message, out)?;
                }
                Ok(None)
            }
        }
    }

    fn item(
        &mut self,
        line: u32,
        fields: Fields<'_>,
        columns: &Columns,
        out: &mut Out<'_>,
    ) -> Result<Then, Failure> {
        let (number, client) = (fields.get(columns.invoice_number), fields.get(columns.client));
        let whole = fields.len() == columns.count;
        let miscounted = || {
            format!(
                "the record has {} fields, the header has {}: is there a | in a text, or a [] missing?",
                fields.len(),
                columns.count
            )
        };
        let surely_its = columns.sure_of_invoice && day(fields.get(columns.invoice_date)).is_some();
        let belongs = whole || (surely_its && !number.is_empty() && !client.is_empty());
        if !belongs {
            self.reject(line, "", fields.get(0), code::FIELDS, miscounted(), out)?;
            return Ok(Then::On);
        }
        for (column, written) in [(header::INVOICE_NUMBER, number), (header::CLIENT_ID, client)] {
            if written.is_empty() {
                let message = format!("{column} is empty: this line item belongs to no invoice");
                self.reject(line, column, "", code::NO_INVOICE, message, out)?;
                return Ok(Then::On);
            }
        }
        let description = if self.importer.describe && whole { fields.get(columns.description) } else { "" };
        let matter = fields.get(columns.matter);
        let whose = Whose { joined: self.joined, number, client, matter, description };
        match self.invoices.of(line, whose) {
            Ok(invoice) if whole => invoice.add(line, fields, columns, &self.conventions.currency),
            Ok(invoice) => invoice.fault(Fault::new(line, "", fields.get(0), code::FIELDS, miscounted())),
            Err(Full(why)) => {
                self.reject(line, "", "", code::TOO_LONG, why, out)?;
                return Ok(Then::Stop);
            }
        }
        self.items += 1;
        Ok(Then::On)
    }

    fn broken(&mut self, line: u32, fault: Broken, columns: usize, out: &mut Out<'_>) -> Result<(), Failure> {
        let (code, message) = match fault {
            Broken::TooLong => (
                code::TOO_LONG,
                format!("the record is longer than {RECORD_MAX_BYTES} bytes: is a [] missing at its end?"),
            ),
            Broken::TooManyFields => (
                code::FIELDS,
                format!(
                    "the record has more than {FIELDS_MAX} fields, the header has {columns}: is a [] missing at its end?"
                ),
            ),
            Broken::Unended => {
                (code::FIELDS, "the record is not ended by []: is the file cut off?".to_owned())
            }
        };
        self.reject(line, "", "", code, message, out)
    }

    fn reject(
        &mut self,
        line: u32,
        column: &str,
        value: &str,
        code: &str,
        message: impl Into<String>,
        out: &mut Out<'_>,
    ) -> Result<(), Failure> {
        self.rejected.insert(line);
        out.reject(line, column, value, code, message)
    }

    /// Every invoice is known: checks them and hands them over, in the order of their rows' lines.
    fn close(self, out: &mut Out<'_>) -> Result<(u64, String), Failure> {
        let seen = self.seen();
        let closing = Closing { importer: self.importer, exponent: u32::from(self.conventions.exponent) };
        let mut rejected = self.rejected;
        let mut invoices = self.invoices.into_all();
        for invoice in &mut invoices {
            closing.check(invoice);
        }
        // A rejected invoice is a row at the line of the first thing that is wrong with it.
        let line_of =
            |invoice: &Invoice| invoice.faults.iter().map(|fault| fault.line).min().unwrap_or(invoice.line);
        invoices.sort_by_key(line_of);
        rejected.extend(invoices.iter().filter(|invoice| invoice.is_faulty()).map(line_of));
        let mut rows = rejected.len();
        // Findings first, also of other invoices: the daemon must know which rows are not to be taken.
        for invoice in &invoices {
            closing.findings(line_of(invoice), invoice, out)?;
        }
        for invoice in &invoices {
            let line = line_of(invoice);
            // Records may share a line; a row with a finding takes all of its line with it.
            rows += usize::from(!rejected.contains(&line));
            closing.draft(line, invoice, out)?;
        }
        Ok((u64::try_from(rows).unwrap_or(u64::MAX), seen))
    }

    fn seen(&self) -> String {
        let Some(columns) = &self.columns else { return "no LEDES file that could be read".to_owned() };
        let joined = if self.joined > 1 { format!(", {} files in one", self.joined) } else { String::new() };
        let moved =
            columns.moved.map(|name| format!(" (not in the usual order from {name} on)")).unwrap_or_default();
        format!(
            "{}, {} columns{moved}{joined}, {} invoices, {} line items",
            columns.standard.name(),
            columns.count,
            self.invoices.len(),
            self.items
        )
    }
}
