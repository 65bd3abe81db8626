//! A gateway's events, taken one by one, come to its payments as they stand. Owns the fold; the order of the events does not
//! matter, and one that is told twice counts once.

use super::Told;
use crate::payment::{self, Report, State};
use std::collections::{BTreeMap, HashSet};

/// One event, in the words of the contract.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    pub id: &'a str,
    pub what: &'a str,
    pub checkout: &'a str,
    pub payment: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub at_ms: i64,
}

/// What one gateway has told so far.
#[derive(Debug, Default)]
pub struct History {
    payments: BTreeMap<String, Heard>,
    seen: HashSet<String>,
    since_ms: Option<i64>,
}

#[derive(Debug)]
struct Heard {
    checkout: String,
    state: Option<State>,
    amount_minor: i64,
    succeeded_minor: Option<i64>,
    returned_minor: i64,
    currency: String,
    at_ms: i64,
}

impl History {
    /// When the oldest event is of; none before the first.
    pub fn since_ms(&self) -> Option<i64> {
        self.since_ms
    }

    /// Events that were taken.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    pub fn take(&mut self, news: News<'_>) {
        if !self.seen.insert(news.id.to_owned()) {
            return;
        }
        self.since_ms = Some(self.since_ms.map_or(news.at_ms, |since_ms| since_ms.min(news.at_ms)));
        // What is about a checkout, or outside of the vocabulary, changes no payment.
        let Some(report) = Report::from_event(news.what) else { return };
        let heard = self.payments.entry(news.payment.to_owned()).or_insert_with(|| Heard {
            checkout: news.checkout.to_owned(),
            state: None,
            amount_minor: news.amount_minor,
            succeeded_minor: None,
            returned_minor: 0,
            currency: news.currency.to_owned(),
            at_ms: news.at_ms,
        });
        heard.at_ms = heard.at_ms.max(news.at_ms);
        if let Some(state) = payment::next(heard.state, report) {
            heard.state = Some(state);
            heard.amount_minor = news.amount_minor;
        }
        match report {
            Report::Succeeded => drop(heard.succeeded_minor.get_or_insert(news.amount_minor)),
            Report::Returned => {
                heard.returned_minor = heard.returned_minor.saturating_add(news.amount_minor);
            }
            Report::Pending | Report::Failed => {}
        }
    }

    /// The payments as they stand now, by their reference.
    pub fn told(self, gateway: &str) -> Vec<Told> {
        let told = |(reference, heard): (String, Heard)| {
            let amount_minor = heard.succeeded_minor.unwrap_or(heard.amount_minor);
            // Of money that came, a part went back: the payment stands with the rest.
            let part = heard.succeeded_minor.is_some() && heard.returned_minor < amount_minor;
            let state = match heard.state? {
                State::Returned if part => State::Succeeded,
                state => state,
            };
            let Heard { checkout, returned_minor, currency, at_ms, .. } = heard;
            let gateway = gateway.to_owned();
            Some(Told { gateway, reference, checkout, state, amount_minor, returned_minor, currency, at_ms })
        };
        self.payments.into_iter().filter_map(told).collect()
    }
}
