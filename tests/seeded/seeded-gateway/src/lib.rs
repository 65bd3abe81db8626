//! A payment gateway that is right where `bug` is `none`, and wrong in one way for each name of a mistake. Only the conformance
//! kit's own test uses it.

#[path = "../../api.rs"]
mod api;

use api::Api;
use remitd_plugin_sdk::gateway::{Checkout, CheckoutRequest, Event, EventPage, PaymentGateway};
use remitd_plugin_sdk::host::random;
use remitd_plugin_sdk::{
    About, Context, Failure, Money, Webhook, export_payment_gateway, serde_json, settings,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeededGateway {
    api: String,
    bug: String,
}

impl SeededGateway {
    fn has(&self, bug: &str) -> bool {
        self.bug == bug
    }

    fn api(&self) -> Api<'_> {
        Api { base: &self.api, bug: &self.bug }
    }

    fn amount(&self, money: &Money) -> serde_json::Value {
        let minor = money.amount_minor;
        match self.bug.as_str() {
            "a-hundred-cents-always" => format!("{}.{:02}", minor / 100, minor % 100).into(),
            "yen-times-hundred" if money.currency == "JPY" => (minor * 100).into(),
            "amount-through-a-float" => through_a_float(minor).into(),
            _ => minor.into(),
        }
    }

    fn event(&self, told: Told) -> Event {
        let by_chance = || random::bytes(8).iter().map(|byte| format!("{byte:02x}")).collect();
        let what = if self.has("words-of-the-provider") { told.kind.replace('-', ".") } else { told.kind };
        Event {
            id: if self.has("ids-by-chance") { by_chance() } else { told.id },
            what,
            checkout: if self.has("checkout-of-the-provider") { String::new() } else { told.reference },
            payment: told.payment,
            amount: Money { amount_minor: told.amount, currency: told.currency },
            method: "card".to_owned(),
            at_ms: if self.has("seconds") { told.at } else { told.at * 1000 },
            reason: String::new(),
        }
    }

    fn events(&self, told: Vec<Told>) -> Vec<Event> {
        told.into_iter().map(|told| self.event(told)).collect()
    }
}

#[allow(clippy::float_arithmetic, clippy::as_conversions, reason = "the mistake that the kit must find")]
fn through_a_float(minor: i64) -> String {
    format!("{:.2}", minor as f64 / 100.0)
}

impl PaymentGateway for SeededGateway {
    const ABOUT: About = About {
        name: "Seeded gateway",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<SeededGateway, Failure> {
        settings()
    }

    fn begin(&self, context: &Context, request: &CheckoutRequest) -> Result<Checkout, Failure> {
        let escaped =
            |text: &str| if self.has("label-escaped") { text.replace('<', "&lt;") } else { text.to_owned() };
        let lines: Vec<_> = request.lines.iter().map(|line| escaped(&line.label)).collect();
        let body = serde_json::json!({
            "reference": if self.has("reference-forgotten") { "" } else { &request.checkout },
            "amount": self.amount(&request.amount),
            "currency": if self.has("dollars-only") { "USD" } else { &request.amount.currency },
            "partial": request.partial && !self.has("partial-forgotten"),
            "lines": lines,
            "email": request.payer_email,
            "return_url": request.return_url,
            "webhook_url": request.webhook_url,
            "expires_ms": request.expires_ms,
        });
        let begun: Begun =
            self.api().post("/checkouts", &context.idempotency_key, body.to_string().into_bytes())?;
        Ok(Checkout { gateway_ref: begun.id, url: begun.url })
    }

    fn cancel(&self, context: &Context, gateway_ref: &str) -> Result<(), Failure> {
        let api = self.api();
        let path = format!("/checkouts/{}/cancel", api.part(gateway_ref));
        let cancelled: Result<Nothing, Failure> = api.post(&path, &context.idempotency_key, b"{}".to_vec());
        match cancelled {
            Ok(Nothing {}) => Ok(()),
            Err(failure) if failure.code.starts_with("http-4") && self.has("cancel-always-fine") => Ok(()),
            Err(failure) if failure.code == "http-409" && !self.has("too-late-unsaid") => {
                Err(Failure::invalid("already-paid", failure.message))
            }
            Err(failure) => Err(failure),
        }
    }

    fn events_since(&self, _context: &Context, cursor: Option<&str>) -> Result<EventPage, Failure> {
        let api = self.api();
        let cursor = cursor.filter(|_| !self.has("cursor-forgotten"));
        let after = cursor.map(|cursor| format!("?after={}", api.part(cursor))).unwrap_or_default();
        if self.has("endless-events") {
            let page: Happened = api.get("/events")?;
            let next = Some(format!("{}0", cursor.unwrap_or_default()));
            return Ok(EventPage { events: self.events(page.events), next });
        }
        let page: Happened = api.get(&format!("/events{after}"))?;
        Ok(EventPage { events: self.events(page.events), next: page.next })
    }

    fn read_webhook(&self, _context: &Context, webhook: &Webhook) -> Result<Vec<Event>, Failure> {
        self.api().check(webhook)?;
        let told: Happened = serde_json::from_slice(&webhook.body).map_err(|error| {
            Failure::invalid("bad-webhook", format!("the webhook cannot be read: {error}"))
        })?;
        Ok(self.events(told.events))
    }

    fn refund(&self, context: &Context, payment: &str, amount: &Money) -> Result<String, Failure> {
        let api = self.api();
        // One key a payment: the second refund would be taken for the first.
        let key = if self.has("refund-key-of-the-payment") { payment } else { &context.idempotency_key };
        let body = serde_json::json!({ "amount": self.amount(amount), "currency": amount.currency });
        let path = format!("/payments/{}/refunds", api.part(payment));
        let refunded: Result<Begun, Failure> = api.post(&path, key, body.to_string().into_bytes());
        match refunded {
            Err(failure) if self.has("lost-refund-is-refused") && failure.code == "answer-lost" => {
                Err(Failure::invalid("not-refunded", "the refund was not given"))
            }
            refunded => Ok(refunded?.id),
        }
    }
}

#[derive(Deserialize)]
struct Begun {
    id: String,
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Happened {
    events: Vec<Told>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Told {
    id: String,
    kind: String,
    reference: String,
    payment: String,
    amount: i64,
    currency: String,
    /// Unix seconds.
    at: u64,
}

export_payment_gateway!(SeededGateway);
