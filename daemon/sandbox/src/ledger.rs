//! The rules: who may open, pay, cancel and refund, and what comes due. Owns the book and its journal; a change is first
//! kept, then applied, then answered. Never speaks HTTP.

use crate::book::{Book, Due, Entry, Event, Order, Plan, Progress, Refund, Status, Step, What};
use crate::journal::Journal;
use crate::money::{self, MAX_AMOUNT_MINOR};
use crate::number::{self, Outcome};
use crate::refusal::Refusal;
use crate::{Clock, SandboxError};
use axum::http::StatusCode;
use std::path::Path;

const MAX_CHECKOUTS: usize = 100_000;
/// Declined attempts at one checkout before it takes no more.
const MAX_ATTEMPTS: usize = 20;
const MAX_REFUNDS: usize = 100_000;
const MAX_LINES: usize = 500;
/// Bytes of any one text of an order.
const MAX_TEXT: usize = 2_000;

pub(crate) struct Ledger {
    pub book: Book,
    journal: Journal,
    settle_ms: i64,
    clock: Clock,
}

/// What a press of Pay led to, when it was not refused.
pub(crate) enum Pressed {
    Paid { return_url: String },
    Declined { reason: String },
}

impl Ledger {
    pub fn open(journal: Option<&Path>, settle_ms: i64, clock: Clock) -> Result<Ledger, SandboxError> {
        let mut book = Book::default();
        let journal = Journal::open(journal, |entries| entries.into_iter().for_each(|e| book.apply(e)))?;
        let mut ledger = Ledger { book, journal, settle_ms, clock };
        if ledger.book.name.is_empty() {
            let book = random_id("")?;
            ledger.keep(vec![Entry::Begun { book }])?;
        }
        Ok(ledger)
    }

    pub fn event_count(&self) -> usize {
        self.book.events.len()
    }

    /// The new checkout's id, or the one that this key opened before; and whether it is new.
    pub fn begin(&mut self, key: String, order: Order) -> Result<(String, bool), Refusal> {
        if let Some(id) = self.book.by_key.get(&key) {
            let same = self.book.checkouts.get(id).is_some_and(|c| c.order == order && c.key == key);
            return if same { Ok((id.clone(), false)) } else { Err(Refusal::key_reused()) };
        }
        check(&order)?;
        if self.book.checkouts.len() >= MAX_CHECKOUTS {
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "full", "The sandbox is full."));
        }
        let id = random_id("co_")?;
        self.keep(vec![Entry::Opened { id: id.clone(), key, order }])?;
        Ok((id, true))
    }

    pub fn cancel(&mut self, id: &str) -> Result<Status, Refusal> {
        let checkout = self.book.checkouts.get(id).ok_or_else(|| Refusal::not_found("checkout"))?;
        match checkout.status {
            Status::Paid => Err(Refusal::conflict("already-paid", "A payment is pending or has succeeded.")),
            Status::Cancelled => Ok(Status::Cancelled),
            Status::Open | Status::Expired => {
                self.keep(vec![Entry::Cancelled { id: id.to_owned() }])?;
                Ok(Status::Cancelled)
            }
        }
    }

    /// One press of Pay. Under the one mutex, so that of two presses at once the second finds it paid.
    pub fn pay(&mut self, id: &str, typed: &str, amount: Option<&str>) -> Result<Pressed, Refusal> {
        let checkout = self.book.checkouts.get(id).ok_or_else(|| Refusal::not_found("checkout"))?;
        payable(checkout.status)?;
        let declined = |reason: &str| Ok(Pressed::Declined { reason: reason.to_owned() });
        if checkout.payments.len() >= MAX_ATTEMPTS {
            return declined("There were too many attempts.");
        }
        let Some(known) = number::find(typed) else {
            return declined("This is not one of the test numbers.");
        };
        let order = &checkout.order;
        let asked = match amount.map(str::trim).filter(|text| order.partial && !text.is_empty()) {
            None => Some(order.amount_minor),
            Some(text) => money::read(text, &order.currency),
        };
        let Some(asked) = asked.filter(|minor| (1..=order.amount_minor).contains(minor)) else {
            let most = money::show(order.amount_minor, &order.currency);
            return declined(&format!("The amount must be above zero and at most {most}."));
        };
        let return_url = order.return_url.clone();
        let (what, minor, plan, reason) = match known.outcome {
            Outcome::Pays => (What::PaymentSucceeded, asked, None, ""),
            Outcome::PaysHalf if asked < 2 => return declined("Half of this amount is nothing."),
            Outcome::PaysHalf => (What::PaymentSucceeded, asked / 2, None, ""),
            Outcome::Declined(why) => (What::PaymentFailed, asked, None, why),
            Outcome::Pending(step) => (What::PaymentPending, asked, Some(self.plan(step)), ""),
        };
        let mut event = self.event(what, id, minor)?;
        event.payment = random_id("pay_")?;
        event.method = known.method.to_owned();
        event.reason = reason.to_owned();
        self.keep(vec![Entry::Happened { event, plan }])?;
        if reason.is_empty() { Ok(Pressed::Paid { return_url }) } else { declined(reason) }
    }

    pub fn refund(&mut self, key: String, payment: &str, amount_minor: i64) -> Result<String, Refusal> {
        if let Some(known) = self.book.refunds.get(&key) {
            let same = known.payment == payment && known.amount_minor == amount_minor;
            return if same { Ok(known.id.clone()) } else { Err(Refusal::key_reused()) };
        }
        if amount_minor <= 0 {
            return Err(Refusal::invalid("amount_minor must be above zero."));
        }
        let known = self.book.payments.get(payment).ok_or_else(|| Refusal::not_found("payment"))?;
        let left =
            if known.progress == Progress::Succeeded { known.amount_minor - known.refunded_minor } else { 0 };
        if amount_minor > left || self.book.refunds.len() >= MAX_REFUNDS {
            let message = format!("{} can still be refunded.", money::show(left, &known.currency));
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "too-much", message));
        }
        let mut event = self.event(What::Refunded, &known.checkout, amount_minor)?;
        event.payment = payment.to_owned();
        event.method = known.method.clone();
        let refund = Refund { id: random_id("re_")?, key, payment: payment.to_owned(), amount_minor };
        let id = refund.id.clone();
        self.keep(vec![Entry::Refunded { refund, event }])?;
        Ok(id)
    }

    /// Brings about what the clock says, each thing kept before the next.
    pub fn settle_due(&mut self) -> Result<(), Refusal> {
        let now = (self.clock)();
        while let Some(due) = self.book.due.first().filter(|(at, _)| *at <= now).map(|(_, due)| due.clone()) {
            let entries = self.come_due(&due)?;
            self.keep(entries)?;
        }
        Ok(())
    }

    /// Settles every pending bank payment at once and returns those that wait for it; one step each.
    pub fn settle_all(&mut self) -> Result<usize, Refusal> {
        let waiting: Vec<Due> = self
            .book
            .due
            .iter()
            .filter(|(_, due)| matches!(due, Due::Payment(_)))
            .map(|(_, d)| d.clone())
            .collect();
        let mut entries = Vec::new();
        for due in &waiting {
            entries.extend(self.come_due(due)?);
        }
        if !entries.is_empty() {
            self.keep(entries)?;
        }
        Ok(waiting.len())
    }

    pub fn delivered(&mut self, event: String) -> Result<(), Refusal> {
        Ok(self.keep(vec![Entry::Delivered { event }])?)
    }

    fn come_due(&self, due: &Due) -> Result<Vec<Entry>, Refusal> {
        let happened = |event, plan| Entry::Happened { event, plan };
        let payment = match due {
            Due::Checkout(id) => return Ok(vec![happened(self.expiry(id)?, None)]),
            Due::Payment(id) => self.book.payments.get(id).ok_or_else(|| Refusal::not_found("payment"))?,
        };
        let Some(plan) = payment.plan else { return Err(Refusal::not_found("plan")) };
        let (what, reason, next) = match plan.step {
            Step::Succeed => (What::PaymentSucceeded, "", None),
            Step::SucceedThenReturn => (What::PaymentSucceeded, "", Some(self.plan(Step::Return))),
            Step::Fail => (What::PaymentFailed, "The bank refused the debit.", None),
            Step::Return => (What::PaymentReturned, "The bank returned the debit.", None),
        };
        // What was refunded meanwhile is gone already: only the rest can come back.
        let mut event = self.event(what, &payment.checkout, payment.amount_minor - payment.refunded_minor)?;
        event.payment = payment.id.clone();
        event.method = payment.method.clone();
        event.reason = reason.to_owned();
        let mut entries = vec![happened(event, next)];
        if what == What::PaymentFailed {
            // Its one payment is spent: say plainly that nobody can pay here any more.
            entries.push(happened(self.expiry(&payment.checkout)?, None));
        }
        Ok(entries)
    }

    fn expiry(&self, checkout: &str) -> Result<Event, Refusal> {
        let minor = self.book.checkouts.get(checkout).map_or(0, |c| c.order.amount_minor);
        self.event(What::CheckoutExpired, checkout, minor)
    }

    fn plan(&self, step: Step) -> Plan {
        Plan { step, due_ms: (self.clock)().saturating_add(self.settle_ms) }
    }

    fn event(&self, what: What, checkout_id: &str, amount_minor: i64) -> Result<Event, Refusal> {
        let checkout = self.book.checkouts.get(checkout_id).ok_or_else(|| Refusal::not_found("checkout"))?;
        Ok(Event {
            id: random_id("ev_")?,
            what,
            checkout: checkout.order.reference.clone(),
            checkout_id: checkout_id.to_owned(),
            payment: String::new(),
            amount_minor,
            currency: checkout.order.currency.clone(),
            method: String::new(),
            at_ms: (self.clock)(),
            reason: String::new(),
        })
    }

    fn keep(&mut self, entries: Vec<Entry>) -> Result<(), SandboxError> {
        self.journal.append(&entries)?;
        entries.into_iter().for_each(|entry| self.book.apply(entry));
        Ok(())
    }
}

/// Why a checkout takes no payment, as its page says it.
pub(crate) fn payable(status: Status) -> Result<(), Refusal> {
    let gone = |code, message: &str| Err(Refusal::new(StatusCode::GONE, code, message));
    match status {
        Status::Open => Ok(()),
        Status::Paid => Err(Refusal::conflict("already-paid", "This has been paid already.")),
        Status::Cancelled => gone("cancelled", "This checkout was cancelled."),
        Status::Expired => gone("expired", "This checkout is no longer open."),
    }
}

fn check(order: &Order) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::invalid(message));
    let web = |url: &str| reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    let texts = [&order.reference, &order.payer_email, &order.return_url, &order.currency];
    let labels = order.lines.iter().map(|line| &line.label);
    if !(1..=MAX_AMOUNT_MINOR).contains(&order.amount_minor) {
        refuse("amount_minor is out of bounds.")
    } else if money::exponent(&order.currency).is_none() {
        refuse("currency is not an ISO 4217 code.")
    } else if order.reference.is_empty() {
        refuse("reference is empty.")
    } else if order.lines.len() > MAX_LINES
        || texts.into_iter().chain(&order.webhook_url).chain(labels).any(|text| text.len() > MAX_TEXT)
    {
        refuse("The order is too long.")
    } else if !web(&order.return_url) || order.webhook_url.as_deref().is_some_and(|url| !web(url)) {
        refuse("return_url and webhook_url must be http or https.")
    } else {
        Ok(())
    }
}

fn random_id(prefix: &str) -> Result<String, SandboxError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(SandboxError::Random)?;
    Ok(format!("{prefix}{}", hex::encode(bytes)))
}
