//! What the provider knows, as a fold of its journal's entries. Owns how an entry changes the book; never decides whether
//! one may happen (that is `ledger`), never reads a clock or a random source: a replay gives the same book.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// What the caller asked for; the same key must come with the same order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
    #[serde(default)]
    pub partial: bool,
    #[serde(default)]
    pub lines: Vec<Line>,
    pub payer_email: String,
    pub return_url: String,
    #[serde(default)]
    pub webhook_url: Option<String>,
    pub expires_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub label: String,
    pub amount_minor: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Open,
    /// A payment is pending or has succeeded: nobody pays here again.
    Paid,
    Expired,
    Cancelled,
}

#[derive(Debug)]
pub(crate) struct Checkout {
    pub key: String,
    pub order: Order,
    pub status: Status,
    /// In the order in which they were tried.
    pub payments: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Progress {
    Pending,
    Succeeded,
    Failed,
    Returned,
}

#[derive(Debug, Serialize)]
pub(crate) struct Payment {
    pub id: String,
    #[serde(skip)]
    pub checkout: String,
    #[serde(rename = "status")]
    pub progress: Progress,
    pub amount_minor: i64,
    pub refunded_minor: i64,
    pub currency: String,
    pub method: String,
    #[serde(skip)]
    pub plan: Option<Plan>,
}

/// What becomes of a payment by itself, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub step: Step,
    pub due_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    Succeed,
    Fail,
    SucceedThenReturn,
    Return,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    PaymentPending,
    PaymentSucceeded,
    PaymentFailed,
    PaymentReturned,
    Refunded,
    CheckoutExpired,
}

/// One event as callers see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub id: String,
    pub what: What,
    /// The caller's own reference.
    pub checkout: String,
    pub checkout_id: String,
    /// Empty where the event is not about a payment.
    pub payment: String,
    pub amount_minor: i64,
    pub currency: String,
    pub method: String,
    pub at_ms: i64,
    pub reason: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub id: String,
    pub key: String,
    pub payment: String,
    pub amount_minor: i64,
}

/// One change. A line of the journal holds all entries of one operation, so that they are kept together or not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub(crate) enum Entry {
    /// The first entry: which book this is. A cursor names it, so that one of another book is noticed.
    Begun {
        book: String,
    },
    Opened {
        id: String,
        key: String,
        order: Order,
    },
    Cancelled {
        id: String,
    },
    Happened {
        event: Event,
        plan: Option<Plan>,
    },
    Refunded {
        refund: Refund,
        event: Event,
    },
    Delivered {
        event: String,
    },
}

/// What the clock brings about by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Checkout(String),
    Payment(String),
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    pub payments: u64,
    pub captured_minor: i64,
    pub returned_minor: i64,
    pub refunded_minor: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    pub name: String,
    pub checkouts: HashMap<String, Checkout>,
    pub by_key: HashMap<String, String>,
    pub payments: HashMap<String, Payment>,
    pub refunds: HashMap<String, Refund>,
    pub events: Vec<Event>,
    /// By id, those with a webhook that no receiver has taken yet.
    pub undelivered: HashMap<String, usize>,
    pub due: BTreeSet<(i64, Due)>,
    pub totals: Totals,
}

impl Book {
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Begun { book } => self.name = book,
            Entry::Opened { id, key, order } => {
                self.due.insert((order.expires_ms, Due::Checkout(id.clone())));
                self.by_key.insert(key.clone(), id.clone());
                self.checkouts.insert(id, Checkout { key, order, status: Status::Open, payments: vec![] });
            }
            Entry::Cancelled { id } => self.close(&id, Status::Cancelled),
            Entry::Happened { event, plan } => {
                self.happened(&event, plan);
                self.publish(event);
            }
            Entry::Refunded { refund, event } => {
                if let Some(payment) = self.payments.get_mut(&refund.payment) {
                    payment.refunded_minor += refund.amount_minor;
                    self.totals.refunded_minor += refund.amount_minor;
                }
                self.refunds.insert(refund.key.clone(), refund);
                self.publish(event);
            }
            Entry::Delivered { event } => {
                self.undelivered.remove(&event);
            }
        }
    }

    fn happened(&mut self, event: &Event, plan: Option<Plan>) {
        let progress = match event.what {
            What::PaymentPending => Progress::Pending,
            What::PaymentSucceeded => Progress::Succeeded,
            What::PaymentFailed => Progress::Failed,
            What::PaymentReturned => Progress::Returned,
            What::CheckoutExpired => return self.close(&event.checkout_id, Status::Expired),
            What::Refunded => return,
        };
        match progress {
            Progress::Pending => self.close(&event.checkout_id, Status::Paid),
            Progress::Succeeded => {
                self.close(&event.checkout_id, Status::Paid);
                self.totals.payments += 1;
                self.totals.captured_minor += event.amount_minor;
            }
            Progress::Returned => self.totals.returned_minor += event.amount_minor,
            Progress::Failed => {}
        }
        self.advance_payment(event, progress, plan);
    }

    fn advance_payment(&mut self, event: &Event, progress: Progress, plan: Option<Plan>) {
        let id = event.payment.clone();
        if let Some(known) = self.payments.get_mut(&id) {
            if let Some(old) = known.plan.take() {
                self.due.remove(&(old.due_ms, Due::Payment(id.clone())));
            }
            known.progress = progress;
            known.plan = plan;
        } else {
            if let Some(checkout) = self.checkouts.get_mut(&event.checkout_id) {
                checkout.payments.push(id.clone());
            }
            let payment = Payment {
                id: id.clone(),
                checkout: event.checkout_id.clone(),
                progress,
                amount_minor: event.amount_minor,
                refunded_minor: 0,
                currency: event.currency.clone(),
                method: event.method.clone(),
                plan,
            };
            self.payments.insert(id.clone(), payment);
        }
        if let Some(plan) = plan {
            self.due.insert((plan.due_ms, Due::Payment(id)));
        }
    }

    fn close(&mut self, id: &str, status: Status) {
        if let Some(checkout) = self.checkouts.get_mut(id) {
            checkout.status = status;
            self.due.remove(&(checkout.order.expires_ms, Due::Checkout(id.to_owned())));
        }
    }

    fn publish(&mut self, event: Event) {
        if self.checkouts.get(&event.checkout_id).is_some_and(|c| c.order.webhook_url.is_some()) {
            self.undelivered.insert(event.id.clone(), self.events.len());
        }
        self.events.push(event);
    }
}
