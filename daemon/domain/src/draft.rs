//! Drafts: payments asked for, not released yet. Owns the one set of checks that every door shares, and its words.

use crate::email::{AddressError, check_addresses, is_header_safe};
use crate::shares::Share;
use crate::trust::Entry;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use std::fmt;

pub const INVOICE_MAX_BYTES: usize = 100;
pub const MESSAGE_MAX_BYTES: usize = 4000;

/// Marks "no date" in a column of days.
pub const NO_DAY: i32 = i32::MIN;

/// A column of texts in one buffer: row i is `text[ends[i-1]..ends[i]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    pub text: String,
    pub ends: Vec<u32>,
}

impl Texts {
    pub fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// Row `at`; empty beyond the end.
    pub fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or("")
    }
}

/// Drafts by column, one currency and account for all: how they come out of an importer and go into the store, so that a
/// file of a million rows is never a million small objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drafts {
    /// Line in the file; 0 where there is none.
    pub lines: Vec<u32>,
    pub amounts_minor: Vec<i64>,
    /// Days since 1970-01-01, or [`NO_DAY`].
    pub invoice_days: Vec<i32>,
    pub due_days: Vec<i32>,
    pub invoices: Texts,
    pub payer_names: Texts,
    pub payer_emails: Texts,
    pub messages: Texts,
    pub clients: Texts,
    pub matters: Texts,
    /// Which rows ask for a payer's part of a statement; empty where none does.
    pub shares: Vec<Option<Share>>,
}

/// One asked-for payment as a door of one row has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub line: u32,
    pub amount_minor: i64,
    pub invoice_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub invoice: String,
    pub payer_name: String,
    pub payer_email: String,
    pub message: String,
    pub client: String,
    pub matter: String,
    /// None asks for the whole of the invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
}

impl Draft {
    /// What is checked of it.
    pub fn checked(&self) -> Checked<'_> {
        Checked {
            line: self.line,
            invoice: &self.invoice,
            payer_name: &self.payer_name,
            payer_email: &self.payer_email,
            amount_minor: self.amount_minor,
            message: &self.message,
            client: &self.client,
            matter: &self.matter,
        }
    }
}

impl Drafts {
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn push(&mut self, draft: &Draft) {
        self.lines.push(draft.line);
        self.amounts_minor.push(draft.amount_minor);
        self.invoice_days.push(draft.invoice_date.map_or(NO_DAY, day_of));
        self.due_days.push(draft.due_date.map_or(NO_DAY, day_of));
        self.invoices.push(&draft.invoice);
        self.payer_names.push(&draft.payer_name);
        self.payer_emails.push(&draft.payer_email);
        self.messages.push(&draft.message);
        self.clients.push(&draft.client);
        self.matters.push(&draft.matter);
        if draft.share.is_some() {
            self.shares.resize(self.lines.len() - 1, None);
            self.shares.push(draft.share.clone());
        }
    }

    /// Row `at` by itself.
    pub fn draft(&self, at: usize) -> Draft {
        let day = |days: &Vec<i32>| days.get(at).copied().and_then(date_of);
        Draft {
            line: self.lines.get(at).copied().unwrap_or(0),
            amount_minor: self.amounts_minor.get(at).copied().unwrap_or(0),
            invoice_date: day(&self.invoice_days),
            due_date: day(&self.due_days),
            invoice: self.invoices.get(at).to_owned(),
            payer_name: self.payer_names.get(at).to_owned(),
            payer_email: self.payer_emails.get(at).to_owned(),
            message: self.messages.get(at).to_owned(),
            client: self.clients.get(at).to_owned(),
            matter: self.matters.get(at).to_owned(),
            share: self.share(at).cloned(),
        }
    }

    /// Which part of its invoice row `at` asks for, where it does not ask for the whole.
    pub fn share(&self, at: usize) -> Option<&Share> {
        self.shares.get(at).and_then(Option::as_ref)
    }

    /// The payer whose part of its invoice row `at` asks for.
    pub fn payer(&self, at: usize) -> Option<&str> {
        self.share(at).map(|share| share.payer.as_str())
    }

    /// What is checked of row `at`.
    pub fn row(&self, at: usize) -> Checked<'_> {
        Checked {
            line: self.lines.get(at).copied().unwrap_or(0),
            invoice: self.invoices.get(at),
            payer_name: self.payer_names.get(at),
            payer_email: self.payer_emails.get(at),
            amount_minor: self.amounts_minor.get(at).copied().unwrap_or(0),
            message: self.messages.get(at),
            client: self.clients.get(at),
            matter: self.matters.get(at),
        }
    }
}

impl From<Draft> for Drafts {
    fn from(draft: Draft) -> Drafts {
        let mut drafts = Drafts::default();
        drafts.push(&draft);
        drafts
    }
}

/// Days since 1970-01-01.
pub fn day_of(date: NaiveDate) -> i32 {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or(NO_DAY)
}

/// The date of a column's day; none for [`NO_DAY`] and for days that no calendar has.
pub fn date_of(day: i32) -> Option<NaiveDate> {
    if day == NO_DAY {
        return None;
    }
    let days = Days::new(u64::from(day.unsigned_abs()));
    let epoch = NaiveDate::default();
    if day < 0 { epoch.checked_sub_days(days) } else { epoch.checked_add_days(days) }
}

/// One thing that is wrong with one row, in words that the person who made the file understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub line: u32,
    pub column: String,
    pub value: String,
    pub code: String,
    pub message: String,
}

/// Without its line and its code: for whoever waits for the answer and has the row before their eyes.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} \"{}\": {}", self.column, self.value, self.message)
    }
}

/// Whether a draft will be mailed; without a mail the address may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Mail,
    ByHand,
}

/// What a draft is checked for.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub delivery: Delivery,
    /// The rule by which it must name a client or a matter.
    pub ledger: Option<&'static Entry>,
}

/// Everything that is wrong with the draft; none when it can be released. Borrowed fields, so that a file's columns are
/// checked without a copy of each row.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    pub line: u32,
    pub invoice: &'a str,
    pub payer_name: &'a str,
    pub payer_email: &'a str,
    pub amount_minor: i64,
    pub message: &'a str,
    pub client: &'a str,
    pub matter: &'a str,
}

pub fn check(draft: Checked<'_>, terms: Terms, findings: &mut Vec<Finding>) -> bool {
    let before = findings.len();
    let mut note = |column: &str, value: &str, code: &str, message: String| {
        let value = value.chars().take(200).collect();
        let (column, code) = (column.to_owned(), code.to_owned());
        findings.push(Finding { line: draft.line, column, value, code, message });
    };
    if draft.amount_minor <= 0 {
        let message = "the amount is not above zero: ask for at least one cent, or delete the row".to_owned();
        note("Amount", &draft.amount_minor.to_string(), "REMIT-0204", message);
    }
    match check_addresses(draft.payer_email) {
        Ok(()) => {}
        Err(AddressError::Empty) if terms.delivery == Delivery::ByHand => {}
        Err(error) => {
            note("Recipient Email", draft.payer_email, "REMIT-0208", format!("the address {error}"));
        }
    }
    if draft.payer_name.trim().is_empty() {
        note("Recipient Name", "", "REMIT-0207", "there is no name: write who is to pay".to_owned());
    }
    if !is_header_safe(draft.payer_name) {
        let message = "the name is longer than 200 bytes or has a line break in it".to_owned();
        note("Recipient Name", draft.payer_name, "REMIT-0211", message);
    }
    if draft.invoice.len() > INVOICE_MAX_BYTES || draft.invoice.chars().any(char::is_control) {
        let message =
            format!("the invoice number is longer than {INVOICE_MAX_BYTES} bytes or has a line break");
        note("Invoice Number", draft.invoice, "REMIT-0211", message);
    }
    for (column, text) in [("Client", draft.client), ("Matter", draft.matter)] {
        if text.len() > INVOICE_MAX_BYTES || text.chars().any(char::is_control) {
            let message = format!("the number is longer than {INVOICE_MAX_BYTES} bytes or has a line break");
            note(column, text, "REMIT-0211", message);
        }
    }
    if let Some(rule) = terms.ledger.filter(|_| draft.client.is_empty() && draft.matter.is_empty()) {
        note("Matter", "", "REMIT-0260", format!("{rule}: name the client or the matter that it is for"));
    }
    if draft.message.contains('\0') {
        let message = "the message has a NUL character in it: remove it".to_owned();
        note("Custom Message", "", "REMIT-0211", message);
    }
    if draft.message.len() > MESSAGE_MAX_BYTES {
        let message = format!("the message is longer than {MESSAGE_MAX_BYTES} bytes: shorten it");
        note("Custom Message", draft.message, "REMIT-0211", message);
    }
    findings.len() == before
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const GOOD: Checked<'_> = Checked {
        line: 2,
        invoice: "1001",
        payer_name: "Jane Roe",
        payer_email: "jane@example.com",
        amount_minor: 1,
        message: "",
        client: "00124",
        matter: "00124.00001",
    };

    fn codes(draft: Checked<'_>, delivery: Delivery) -> Vec<String> {
        let mut findings = Vec::new();
        let good = check(draft, Terms { delivery, ledger: None }, &mut findings);
        assert_eq!(good, findings.is_empty());
        findings.into_iter().map(|f| format!("{}:{}", f.column, f.code)).collect()
    }

    #[test]
    fn every_fault_of_a_row_is_named_at_once() {
        assert!(codes(GOOD, Delivery::Mail).is_empty());
        let bad = Checked { amount_minor: 0, payer_email: "jane@", payer_name: " ", ..GOOD };
        assert_eq!(
            codes(bad, Delivery::Mail),
            ["Amount:REMIT-0204", "Recipient Email:REMIT-0208", "Recipient Name:REMIT-0207"]
        );
        let long = "x".repeat(MESSAGE_MAX_BYTES + 1);
        assert_eq!(codes(Checked { message: &long, ..GOOD }, Delivery::Mail), ["Custom Message:REMIT-0211"]);
    }

    #[test]
    fn columns_give_back_their_rows() {
        let date = NaiveDate::from_ymd_opt(2026, 2, 28);
        let draft =
            Draft { invoice: "é1".into(), payer_name: "Jane".into(), due_date: date, ..Draft::default() };
        let mut drafts = Drafts::from(draft.clone());
        drafts.push(&Draft { line: 7, amount_minor: 5, ..draft.clone() });
        assert_eq!((drafts.row(1).invoice, drafts.row(1).payer_name, drafts.row(1).line), ("é1", "Jane", 7));
        assert_eq!(drafts.row(2).invoice, "", "beyond the end");
        assert_eq!(drafts.draft(0), draft);
        assert_eq!((date_of(drafts.due_days[0]), date_of(drafts.invoice_days[0])), (date, None));
        assert_eq!(date_of(-1), NaiveDate::from_ymd_opt(1969, 12, 31));
    }

    #[test]
    fn an_address_may_be_left_out_where_nothing_is_mailed() {
        let by_hand = Checked { payer_email: "", ..GOOD };
        assert!(codes(by_hand, Delivery::ByHand).is_empty());
        assert_eq!(codes(by_hand, Delivery::Mail), ["Recipient Email:REMIT-0208"]);
    }
}
