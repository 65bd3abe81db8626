//! What is checked of an invoice when all its line items are known, and its hand-over as a draft or as findings.

use crate::LedesImporter;
use crate::amount::Amount;
use crate::code;
use crate::header;
use crate::invoice::{Fault, Invoice};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::chrono::Days;
use remitd_plugin_sdk::importer::{Out, Row};

/// Stands for an amount that has a finding, in a draft that is checked and never taken.
const UNREAD_MINOR: i64 = 1;

pub struct Closing<'a> {
    pub importer: &'a LedesImporter,
    pub exponent: u32,
}

impl Closing<'_> {
    /// Looks at the whole invoice. A line item that could not be read makes its sums say nothing.
    pub fn check(&self, invoice: &mut Invoice) {
        if !invoice.is_faulty() {
            let found = self.total(invoice).or_else(|| sums(invoice));
            if let Some((column, amount, code, message)) = found {
                invoice.fault(Fault::new(invoice.line, column, &amount.to_string(), code, message));
            }
        }
        let client = &invoice.client;
        if self.importer.payers.payer(client, invoice.one_matter()).is_none() {
            let message = format!(
                "nobody is known who pays for this client: add {{ client = {client:?}, name = \"…\", email = \"…\" }} to `payers` in \
                 the importer's settings"
            );
            let fault = Fault::new(invoice.line, header::CLIENT_ID, client, code::PAYER, message);
            invoice.fault(fault);
        }
    }

    fn total(&self, invoice: &Invoice) -> Option<Found> {
        let total = invoice.total.get()?;
        let column = header::INVOICE_TOTAL;
        if total.minor(self.exponent).is_none() {
            let message = format!(
                "the total has more decimals than its currency has ({}): an invoice is for whole minor units",
                self.exponent
            );
            return Some((column, total, code::AMOUNT, message));
        }
        let nothing = "the invoice's total is not above zero: nobody can be asked for it, take it out";
        (!total.is_above_zero()).then(|| (column, total, code::NOT_ABOVE_ZERO, nothing.to_owned()))
    }

    /// What is wrong with it, all at its row's line.
    pub fn findings(&self, line: u32, invoice: &Invoice, out: &mut Out<'_>) -> Result<(), Failure> {
        for fault in &invoice.faults {
            let message = if fault.line == line {
                fault.message.clone()
            } else {
                format!("line {}: {}", fault.line, fault.message)
            };
            out.reject(line, fault.column, &fault.value, fault.code, message)?;
        }
        if invoice.more_faults > 0 {
            let message = format!(
                "{} more things are wrong with invoice {}: mend these first",
                invoice.more_faults, invoice.number
            );
            out.reject(line, "", "", code::SUMS, message)?;
        }
        Ok(())
    }

    /// The draft; the daemon looks at it also where it is not to be taken. Without a payer there would be only the same to say
    /// again.
    pub fn draft(&self, line: u32, invoice: &Invoice, out: &mut Out<'_>) -> Result<(), Failure> {
        let matter = invoice.one_matter();
        let Some(payer) = self.importer.payers.payer(&invoice.client, matter) else { return Ok(()) };
        let date = invoice.date.get();
        let due = self.importer.due_days.and_then(|days| date?.checked_add_days(Days::new(days.into())));
        let minor = invoice.total.get().and_then(|total| total.minor(self.exponent));
        out.draft(&Row {
            line,
            amount_minor: minor.filter(|minor| *minor > 0).unwrap_or(UNREAD_MINOR),
            invoice_date: date,
            due_date: due,
            invoice: &invoice.number,
            payer_name: &payer.name,
            payer_email: &payer.email,
            message: &invoice.description,
            client: &invoice.client,
            matter: matter.unwrap_or_default(),
        })
    }
}

type Found = (&'static str, Amount, &'static str, String);

/// Whether the line items make the total. Their tax is in LINE_ITEM_TOTAL or beside it; one of both must fit throughout.
fn sums(invoice: &Invoice) -> Option<Found> {
    let total = invoice.total.get()?;
    let (sum, tax) = (invoice.sum, invoice.line_tax);
    let with_tax = sum.plus(tax);
    let column = header::INVOICE_TOTAL;
    let number = &invoice.number;
    if sum != total && with_tax != Some(total) {
        let message = match with_tax.filter(|_| tax != Amount::default()) {
            None => format!("INVOICE_TOTAL of invoice {number} is {total}, its line items add up to {sum}"),
            Some(with_tax) => format!(
                "INVOICE_TOTAL of invoice {number} is {total}, its line items add up to {sum}, and with their tax to {with_tax}"
            ),
        };
        return Some((column, total, code::SUMS, message));
    }
    let net = invoice.net.get()?;
    if let Some(tax_total) = invoice.tax.get()
        && net.plus(tax_total) != Some(total)
    {
        let message = format!(
            "INVOICE_TOTAL of invoice {number} is {total}, INVOICE_NET_TOTAL {net} and INVOICE_TAX_TOTAL {tax_total}: the two make another \
             total"
        );
        return Some((column, total, code::SUMS, message));
    }
    // The net total is without tax: beside it, the line items' tax makes the total, where they have any.
    let itemised = tax != Amount::default() || invoice.tax.get().is_none();
    if itemised && net.plus(tax) != Some(total) {
        let message = format!(
            "INVOICE_NET_TOTAL of invoice {number} is {net}, its line items' tax is {tax}: together they are not INVOICE_TOTAL, {total}"
        );
        return Some((header::NET_TOTAL, net, code::SUMS, message));
    }
    None
}
