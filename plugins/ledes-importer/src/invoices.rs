//! The invoices of a file by their number, until its end. Owns which record belongs to which invoice, and how much is kept.

use crate::invoice::Invoice;
use std::collections::BTreeMap;

/// One file; more is better split.
pub const INVOICES_MAX: usize = 100_000;
/// All that is kept of a file's invoices together.
pub const KEPT_MAX_BYTES: usize = 64 << 20;

/// The file has more than can be kept, said in words.
pub struct Full(pub String);

#[derive(Default)]
pub struct Invoices {
    by_key: BTreeMap<Box<str>, usize>,
    all: Vec<Invoice>,
    /// The invoice of the line item before: usually the next one's too.
    last: usize,
    last_joined: usize,
    key: String,
    kept_bytes: usize,
}

/// Whose a line item is. Files that were joined to one have their invoices apart.
#[derive(Clone, Copy)]
pub struct Whose<'a> {
    pub joined: usize,
    pub number: &'a str,
    pub client: &'a str,
    pub matter: &'a str,
    pub description: &'a str,
}

impl Invoices {
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The line item's invoice, made where this is its first one.
    pub fn of(&mut self, line: u32, whose: Whose<'_>) -> Result<&mut Invoice, Full> {
        let place = self.place(line, whose)?;
        self.last = place;
        self.last_joined = whose.joined;
        let known = self.all.len();
        self.all.get_mut(place).ok_or_else(|| Full(format!("invoice {place} of {known} is lost")))
    }

    fn place(&mut self, line: u32, whose: Whose<'_>) -> Result<usize, Full> {
        let same = |last: &Invoice| *last.number == *whose.number && *last.client == *whose.client;
        if self.last_joined == whose.joined && self.all.get(self.last).is_some_and(same) {
            return Ok(self.last);
        }
        self.key.clear();
        let joined = whose.joined.to_string();
        for part in [joined.as_str(), "\0", whose.client, "\0", whose.number] {
            self.key.push_str(part);
        }
        if let Some(place) = self.by_key.get(self.key.as_str()) {
            return Ok(*place);
        }
        let invoice = Invoice {
            line,
            number: whose.number.into(),
            client: whose.client.into(),
            matter: whose.matter.into(),
            description: whose.description.into(),
            ..Invoice::default()
        };
        self.kept_bytes = self.kept_bytes.saturating_add(invoice.kept_bytes());
        if self.all.len() >= INVOICES_MAX {
            return Err(Full(format!("there are more than {INVOICES_MAX} invoices in the file: split it")));
        }
        if self.kept_bytes > KEPT_MAX_BYTES {
            return Err(Full(format!("the invoices take more than {KEPT_MAX_BYTES} bytes: split the file")));
        }
        self.by_key.insert(self.key.as_str().into(), self.all.len());
        self.all.push(invoice);
        Ok(self.all.len() - 1)
    }

    pub fn into_all(self) -> Vec<Invoice> {
        self.all
    }
}
