//! One message from its rows: the same rows give the same bytes, whenever it is composed.

use crate::effect::Purpose;
use crate::error::FlowError;
use crate::plugin::mail::{Mailbox as WireMailbox, Message as WireMessage};
use crate::road::{Mailbox, Road, left_minor, money};
use chrono::{DateTime, NaiveDate, Utc};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Message, MultiPart, SinglePart};
use minijinja::context;
use remitd_domain::email::addresses;
use remitd_host::Header;
use remitd_store::{Lease, Payment, Request, RequestLine};
use sha2::{Digest, Sha256};
use std::time::SystemTime;

/// Marks mail that no person wrote, so that no answering machine answers it (RFC 3834).
const AUTO_SUBMITTED: (&str, &str) = ("Auto-Submitted", "auto-generated");

pub(super) struct Composed {
    /// Without angle brackets.
    pub message_id: String,
    pub subject: String,
    text: String,
    html: String,
    sender: Mailbox,
    pub recipient: Mailbox,
    reply_to: Option<Mailbox>,
    wire: Vec<u8>,
}

impl Composed {
    /// As a mail plugin takes it.
    pub fn wire_message(&self) -> WireMessage {
        WireMessage {
            message_id: self.message_id.clone(),
            sender: mailbox(&self.sender),
            recipient: mailbox(&self.recipient),
            reply_to: self.reply_to.as_ref().map(mailbox),
            subject: self.subject.clone(),
            text: self.text.clone(),
            html: self.html.clone(),
            headers: vec![Header { name: AUTO_SUBMITTED.0.to_owned(), value: AUTO_SUBMITTED.1.to_owned() }],
            wire: self.wire.clone(),
        }
    }
}

fn mailbox(mailbox: &Mailbox) -> WireMailbox {
    WireMailbox { name: mailbox.name.clone(), address: mailbox.address.clone() }
}

/// `to` is the place of the address among the payer's.
pub(super) async fn compose(
    road: &Road,
    lease: &Lease,
    request: &Request,
    payment: Option<&Payment>,
    (purpose, to): (Purpose, usize),
) -> Result<Composed, FlowError> {
    let lines = road.store.request_lines(request).await?;
    let replaced = match request.replaces {
        Some(old) => road.store.request(old).await?,
        None => None,
    };
    let replaced = replaced.map(|old| money(old.amount_minor, &old.currency)).transpose()?;
    let values = values(road, request, &lines, payment)?;
    let values = context! { replaced => replaced.map(|old| old.grouped()).unwrap_or_default(), ..values };
    let render = |part: &str| {
        let name = format!("{}.{part}", purpose.name());
        let template = road.mail.templates.get_template(&name);
        let text = template.and_then(|template| template.render(&values));
        text.map_err(|error| FlowError::Template { name, error })
    };
    // A subject is one line, whatever stands in the names that it is made of.
    let subject = render("subject")?.split_whitespace().collect::<Vec<_>>().join(" ");
    let (text, html) = (render("txt")?, render("html")?);
    let message_id = message_id(&lease.key, request, &road.mail.from.address);
    let address = addresses(&request.payer_email).get(to).copied().unwrap_or_default().to_owned();
    let recipient = Mailbox { name: request.payer_name.clone(), address };
    let (sender, reply_to) = (road.mail.from.clone(), road.mail.reply_to.clone());
    let wire = Vec::new();
    let mut composed = Composed { message_id, subject, text, html, sender, recipient, reply_to, wire };
    composed.wire = wire_form(&composed, lease.created_ms)?;
    Ok(composed)
}

/// What templates may name.
fn values(
    road: &Road,
    request: &Request,
    lines: &[RequestLine],
    payment: Option<&Payment>,
) -> Result<minijinja::Value, FlowError> {
    let left = left_minor(request);
    let left = if left > 0 { money(left, &request.currency)?.grouped() } else { String::new() };
    let paid = payment.map(|payment| money(payment.amount_minor, &payment.currency)).transpose()?;
    let day = |at_ms: i64| {
        let at = DateTime::<Utc>::from_timestamp_millis(at_ms).unwrap_or_default();
        long_date(at.with_timezone(&road.firm.time_zone).date_naive())
    };
    let lines = lines.iter().map(|line| {
        Ok(context! {
            invoice => &line.invoice, matter => &line.matter,
            due => line.due_date.map(long_date).unwrap_or_default(),
            amount => money(line.amount_minor, &request.currency)?.grouped(),
        })
    });
    let lines = lines.collect::<Result<Vec<_>, FlowError>>()?;
    let firm = context! {
        name => &road.firm.name, colour => &road.firm.colour, disclaimer => &road.firm.disclaimer,
    };
    Ok(context! {
        firm,
        payer => &request.payer_name,
        amount => money(request.amount_minor, &request.currency)?.grouped(),
        invoice => request.invoices(),
        lines,
        matter => &request.matter,
        client => &request.client,
        due => request.due_date.map(long_date).unwrap_or_default(),
        message => &request.message,
        link => road.link(request.nonce)?,
        expires => day(request.expires_ms),
        left,
        paid => paid.map(|paid| paid.grouped()).unwrap_or_default(),
        method => payment.map(|payment| payment.method.clone()).unwrap_or_default(),
        reference => payment.map(|payment| payment.gateway_ref.clone()).unwrap_or_default(),
        paid_on => payment.map(|payment| day(payment.created_ms)).unwrap_or_default(),
    })
}

fn long_date(date: NaiveDate) -> String {
    date.format("%B %-d, %Y").to_string()
}

/// From the message's own key and its request's random bits: the same for every attempt, and not to be guessed.
fn message_id(key: &str, request: &Request, sender: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(request.nonce.0);
    digest.update(key.as_bytes());
    let hash = hex::encode(digest.finalize());
    let domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    format!("remitd.{}.{}@{domain}", request.id, hash.get(..24).unwrap_or_default())
}

fn wire_form(composed: &Composed, created_ms: i64) -> Result<Vec<u8>, FlowError> {
    let fault = |error: &dyn std::fmt::Display| FlowError::Compose(error.to_string());
    let address = |mailbox: &Mailbox| -> Result<lettre::message::Mailbox, FlowError> {
        let name = Some(mailbox.name.clone()).filter(|name| !name.is_empty());
        let address = mailbox.address.parse::<lettre::Address>();
        Ok(lettre::message::Mailbox::new(name, address.map_err(|error| fault(&error))?))
    };
    let written = DateTime::<Utc>::from_timestamp_millis(created_ms).unwrap_or_default();
    let mut builder = Message::builder()
        .message_id(Some(format!("<{}>", composed.message_id)))
        .date(SystemTime::from(written))
        .from(address(&composed.sender)?)
        .to(address(&composed.recipient)?)
        .subject(composed.subject.clone())
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str(AUTO_SUBMITTED.0),
            AUTO_SUBMITTED.1.to_owned(),
        ));
    if let Some(reply_to) = &composed.reply_to {
        builder = builder.reply_to(address(reply_to)?);
    }
    let boundary = format!("=_{}", composed.message_id.split('@').next().unwrap_or_default());
    let parts = MultiPart::alternative()
        .boundary(boundary)
        .singlepart(SinglePart::plain(composed.text.clone()))
        .singlepart(SinglePart::html(composed.html.clone()));
    Ok(builder.multipart(parts).map_err(|error| fault(&error))?.formatted())
}
