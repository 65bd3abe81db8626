//! Rows as commands show them: amounts as decimal strings with their currency beside them, instants as RFC 3339 in UTC.

use crate::fault::Fault;
use chrono::{DateTime, SecondsFormat, Utc};
use remitd_domain::draft::Finding;
use remitd_domain::money::{Currency, Money};
use remitd_flow::Road;
use remitd_store::{
    Attempt, Books, EffectRow, Event, HeldRow, MessageRow, Payment, Posting, Request, RequestLine, Sums,
};
use serde::Serialize;

pub fn instant(at_ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(at_ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Decimal digits of minor units.
pub fn amount(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(currency) => Money::from_minor(minor, currency).to_string(),
        // Only we write currencies, after a check; whatever else stands there is shown as it is.
        Err(_) => minor.to_string(),
    }
}

/// Money that is summed: each currency apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SumView {
    pub amount: String,
    pub currency: String,
}

pub fn sums(sums: &Sums) -> Vec<SumView> {
    let view = |(currency, minor): (&String, &i64)| SumView {
        amount: amount(*minor, currency),
        currency: currency.clone(),
    };
    sums.iter().map(view).collect()
}

#[derive(Serialize)]
pub struct BooksView {
    pub files: i64,
    pub rows: i64,
    pub requests: i64,
    pub mails: i64,
    pub payments: i64,
    pub paid: Vec<SumView>,
    pub postings: i64,
    pub posted: Vec<SumView>,
    pub unposted: i64,
    pub unmailed: i64,
}

impl From<Books> for BooksView {
    fn from(books: Books) -> BooksView {
        let Books { files, rows, requests, mails, payments, paid, postings, posted, unposted, unmailed } =
            books;
        let (paid, posted) = (sums(&paid), sums(&posted));
        BooksView { files, rows, requests, mails, payments, paid, postings, posted, unposted, unmailed }
    }
}

#[derive(Serialize)]
pub struct PayerView {
    pub name: String,
    pub email: String,
}

#[derive(Serialize)]
pub struct RequestView {
    pub id: i64,
    pub number: String,
    pub state: &'static str,
    pub amount: String,
    pub paid: String,
    pub currency: String,
    pub payer: PayerView,
    pub account: String,
    pub invoice: String,
    pub matter: String,
    pub client: String,
    pub due: Option<String>,
    pub expires: String,
    pub link: String,
    pub source: String,
    pub created: String,
    /// Of the file that it came in by; 0 where there is none.
    pub line: i64,
}

impl RequestView {
    pub fn of(road: &Road, request: &Request) -> Result<RequestView, Fault> {
        Ok(RequestView {
            id: request.id,
            number: request.id.to_string(),
            state: request.state.name(),
            amount: amount(request.amount_minor, &request.currency),
            paid: amount(request.paid_minor, &request.currency),
            currency: request.currency.clone(),
            payer: PayerView { name: request.payer_name.clone(), email: request.payer_email.clone() },
            account: request.account.clone(),
            invoice: request.invoices().to_owned(),
            matter: request.matter.clone(),
            client: request.client.clone(),
            due: request.due_date.map(|date| date.to_string()),
            expires: instant(request.expires_ms),
            link: road.link(request.nonce)?,
            source: request.source.clone(),
            created: instant(request.created_ms),
            line: request.line,
        })
    }

    pub fn row(&self) -> Vec<String> {
        vec![
            self.number.clone(),
            self.state.to_owned(),
            self.amount.clone(),
            self.paid.clone(),
            self.currency.clone(),
            self.payer.name.clone(),
            self.payer.email.clone(),
            self.invoice.clone(),
            self.due.clone().unwrap_or_default(),
        ]
    }

    pub const HEADS: [&str; 9] =
        ["number", "state", "amount", "paid", "currency", "payer", "e-mail", "invoice", "due"];
}

/// One row of a link that gathers several.
#[derive(Serialize)]
pub struct LineView {
    pub invoice: String,
    pub amount: String,
    pub matter: String,
    pub due: Option<String>,
    /// Of the file.
    pub line: i64,
}

impl LineView {
    pub fn of(line: &RequestLine, currency: &str) -> LineView {
        LineView {
            invoice: line.invoice.clone(),
            amount: amount(line.amount_minor, currency),
            matter: line.matter.clone(),
            due: line.due_date.map(|date| date.to_string()),
            line: line.line,
        }
    }

    pub fn row(&self) -> Vec<String> {
        let due = self.due.clone().unwrap_or_default();
        vec![self.invoice.clone(), self.amount.clone(), self.matter.clone(), due]
    }

    pub const HEADS: [&str; 4] = ["for invoice", "amount", "matter", "due"];
}

/// A bad row that waits to be mended.
#[derive(Serialize)]
pub struct HeldRowView {
    pub line: u32,
    pub invoice: String,
    pub payer: PayerView,
    /// Empty where it could not be read.
    pub amount: String,
    pub currency: String,
    pub due: Option<String>,
    pub wrong: Vec<Finding>,
}

impl HeldRowView {
    pub fn of(row: &HeldRow, currency: &str) -> HeldRowView {
        let draft = &row.draft;
        let unread =
            row.findings.iter().any(|finding| finding.column.is_empty() || finding.column == "Amount");
        HeldRowView {
            line: draft.line,
            invoice: draft.invoice.clone(),
            payer: PayerView { name: draft.payer_name.clone(), email: draft.payer_email.clone() },
            amount: if unread { String::new() } else { amount(draft.amount_minor, currency) },
            currency: currency.to_owned(),
            due: draft.due_date.map(|date| date.to_string()),
            wrong: row.findings.clone(),
        }
    }

    pub fn row(&self) -> Vec<String> {
        let wrong: Vec<_> = self
            .wrong
            .iter()
            .map(|finding| if finding.column.is_empty() { "the row" } else { finding.column.as_str() })
            .collect();
        vec![
            self.line.to_string(),
            self.invoice.clone(),
            self.payer.name.clone(),
            self.payer.email.clone(),
            self.amount.clone(),
            wrong.join(", "),
        ]
    }

    pub const HEADS: [&str; 6] = ["held line", "invoice", "payer", "e-mail", "amount", "wrong"];
}

#[derive(Serialize)]
pub struct EventView {
    pub at: String,
    pub what: String,
    pub actor: String,
    pub detail: String,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> EventView {
        EventView {
            at: instant(event.at_ms),
            what: event.what.clone(),
            actor: event.actor.clone(),
            detail: event.detail.clone(),
        }
    }
}

#[derive(Serialize)]
pub struct PaymentView {
    pub id: i64,
    pub state: &'static str,
    pub amount: String,
    /// What of it went back.
    pub returned: String,
    pub currency: String,
    pub method: String,
    pub gateway: String,
    pub reference: String,
    pub reason: String,
    pub created: String,
}

impl From<&Payment> for PaymentView {
    fn from(payment: &Payment) -> PaymentView {
        PaymentView {
            id: payment.id,
            state: payment.state.name(),
            amount: amount(payment.amount_minor, &payment.currency),
            returned: amount(payment.returned_minor, &payment.currency),
            currency: payment.currency.clone(),
            method: payment.method.clone(),
            gateway: payment.gateway.clone(),
            reference: payment.gateway_ref.clone(),
            reason: payment.reason.clone(),
            created: instant(payment.created_ms),
        }
    }
}

#[derive(Serialize)]
pub struct PostingView {
    pub id: i64,
    pub key: String,
    pub state: &'static str,
    pub kind: &'static str,
    pub amount: String,
    pub currency: String,
    pub statement: String,
    pub matter: String,
    pub client: String,
    pub connector: String,
    pub request: i64,
    pub payment: i64,
    pub reference: Option<String>,
    pub code: Option<String>,
    pub error: Option<String>,
    /// Where the statement of the mapping stands that the error names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<&'static str>,
    pub created: String,
    pub posted: Option<String>,
}

impl From<&Posting> for PostingView {
    fn from(posting: &Posting) -> PostingView {
        PostingView {
            id: posting.id,
            key: posting.key.clone(),
            state: posting.state.name(),
            kind: if posting.reverses.is_some() { "reversal" } else { "payment" },
            amount: amount(posting.amount_minor, &posting.currency),
            currency: posting.currency.clone(),
            statement: posting.statement.clone(),
            matter: posting.matter.clone(),
            client: posting.client.clone(),
            connector: posting.connector.clone(),
            request: posting.request_id,
            payment: posting.payment_id,
            reference: posting.external_ref.clone(),
            code: posting.error_code.clone(),
            error: posting.error.clone(),
            place: None,
            mend: posting.error_code.as_deref().and_then(remitd_flow::post::mend),
            created: instant(posting.created_ms),
            posted: posting.posted_ms.map(instant),
        }
    }
}

impl PostingView {
    pub const HEADS: [&str; 8] =
        ["id", "state", "kind", "amount", "currency", "statement", "request", "what stands in its way"];

    pub fn row(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.state.to_owned(),
            self.kind.to_owned(),
            self.amount.clone(),
            self.currency.clone(),
            self.statement.clone(),
            self.request.to_string(),
            match (&self.error, &self.place) {
                (Some(error), Some(place)) => format!("{error} ({place})"),
                (error, _) => error.clone().unwrap_or_default(),
            },
        ]
    }
}

#[derive(Serialize)]
pub struct MessageView {
    pub id: i64,
    pub request: i64,
    pub purpose: String,
    pub state: String,
    pub recipient: String,
    pub subject: String,
    pub message_id: String,
    pub provider: String,
    pub provider_ref: Option<String>,
    pub error: Option<String>,
    pub created: String,
    pub sent: Option<String>,
    pub attempts: i64,
}

impl From<&MessageRow> for MessageView {
    fn from(message: &MessageRow) -> MessageView {
        MessageView {
            id: message.id,
            request: message.request_id,
            purpose: message.purpose.clone(),
            state: message.state.clone(),
            recipient: message.recipient.clone(),
            subject: message.subject.clone(),
            message_id: message.message_id.clone(),
            provider: message.provider.clone(),
            provider_ref: message.provider_ref.clone(),
            error: message.error.clone(),
            created: instant(message.created_ms),
            sent: message.sent_ms.map(instant),
            attempts: message.attempts,
        }
    }
}

impl MessageView {
    pub const HEADS: [&str; 7] = ["id", "state", "purpose", "recipient", "attempts", "subject", "error"];

    pub fn row(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.state.clone(),
            self.purpose.clone(),
            self.recipient.clone(),
            self.attempts.to_string(),
            self.subject.clone(),
            self.error.clone().unwrap_or_default(),
        ]
    }
}

#[derive(Serialize)]
pub struct AttemptView {
    pub attempt: i64,
    pub started: String,
    pub ended: Option<String>,
    pub outcome: Option<String>,
    pub detail: Option<String>,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> AttemptView {
        AttemptView {
            attempt: attempt.attempt,
            started: instant(attempt.started_ms),
            ended: attempt.ended_ms.map(instant),
            outcome: attempt.outcome.clone(),
            detail: attempt.detail.clone(),
        }
    }
}

#[derive(Serialize)]
pub struct HeldView {
    pub effect: String,
    pub state: String,
    pub attempts: i64,
    pub code: Option<String>,
    pub error: Option<String>,
}

impl From<&EffectRow> for HeldView {
    fn from(effect: &EffectRow) -> HeldView {
        HeldView {
            effect: effect.key.clone(),
            state: effect.state.clone(),
            attempts: effect.attempt,
            code: effect.error_code.clone(),
            error: effect.error.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_is_summed_apart_in_its_own_units() {
        let shown = sums(&Sums::from([("USD".to_owned(), 173_051), ("JPY".to_owned(), 500)]));
        let expect = [("500", "JPY"), ("1730.51", "USD")];
        let expect = expect.map(|(amount, code)| SumView { amount: amount.into(), currency: code.into() });
        assert_eq!(shown, expect);
    }
}
