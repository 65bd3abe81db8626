//! Takes payments at a provider with an HTTP API. Owns the shape of its requests and answers; `api` owns the way there and
//! back, `signed` the webhooks' signature.

mod api;
mod signed;

use api::Api;
use remitd_plugin_sdk::gateway::{Checkout, CheckoutRequest, Event, EventPage, PaymentGateway};
use remitd_plugin_sdk::{
    About, Context, Failure, Money, Webhook, export_payment_gateway, serde_json, settings,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct {{Type}} {
    /// Base address of the API.
    api: String,
    /// Names of secrets that the daemon keeps: the plugin never sees them.
    key_secret: String,
    webhook_secret: String,
}

impl {{Type}} {
    fn api(&self) -> Api<'_> {
        Api {
            base: self.api.trim_end_matches('/'),
            key_secret: &self.key_secret,
        }
    }
}

impl PaymentGateway for {{Type}} {
    const ABOUT: About = About {
        name: "{{name}}",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<{{Type}}, Failure> {
        settings()
    }

    fn begin(&self, context: &Context, request: &CheckoutRequest) -> Result<Checkout, Failure> {
        let lines: Vec<_> = request
            .lines
            .iter()
            .map(|line| serde_json::json!({ "label": line.label, "amount": line.amount.amount_minor }))
            .collect();
        let body = serde_json::json!({
            // Comes back in every event: by it the daemon finds its own checkout.
            "reference": request.checkout,
            "amount": request.amount.amount_minor,
            "currency": request.amount.currency,
            "partial": request.partial,
            "lines": lines,
            "email": request.payer_email,
            "return_url": request.return_url,
            "webhook_url": request.webhook_url,
            "expires_at": request.expires_ms / 1000,
        });
        let begun: Begun = self
            .api()
            .post("/checkouts", &context.idempotency_key, &body)?;
        Ok(Checkout {
            gateway_ref: begun.id,
            url: begun.url,
        })
    }

    fn cancel(&self, context: &Context, gateway_ref: &str) -> Result<(), Failure> {
        let path = format!("/checkouts/{}/cancel", api::step(gateway_ref)?);
        match self
            .api()
            .post::<Cancelled>(&path, &context.idempotency_key, &serde_json::json!({}))
        {
            Ok(Cancelled {}) => Ok(()),
            // The provider says so with 409 alone. The daemon waits for the payment then.
            Err(failure) if failure.code == "http-409" => {
                Err(Failure::invalid("already-paid", failure.message))
            }
            Err(failure) => Err(failure),
        }
    }

    fn events_since(&self, _context: &Context, cursor: Option<&str>) -> Result<EventPage, Failure> {
        let after = cursor
            .map(|cursor| format!("?after={}", api::escaped(cursor)))
            .unwrap_or_default();
        let page: Happened = self.api().get(&format!("/events{after}"))?;
        Ok(EventPage {
            events: page.events.into_iter().map(Event::from).collect(),
            next: page.next,
        })
    }

    fn read_webhook(&self, _context: &Context, webhook: &Webhook) -> Result<Vec<Event>, Failure> {
        // Before a byte of it is believed.
        signed::check(webhook, &self.webhook_secret)?;
        let told: Happened = serde_json::from_slice(&webhook.body).map_err(|error| {
            Failure::invalid(
                "bad-webhook",
                format!("the webhook is not what was agreed: {error}"),
            )
        })?;
        Ok(told.events.into_iter().map(Event::from).collect())
    }

    fn refund(&self, context: &Context, payment: &str, amount: &Money) -> Result<String, Failure> {
        let path = format!("/payments/{}/refunds", api::step(payment)?);
        let body =
            serde_json::json!({ "amount": amount.amount_minor, "currency": amount.currency });
        let refunded: Refunded = self.api().post(&path, &context.idempotency_key, &body)?;
        Ok(refunded.id)
    }
}

#[derive(Deserialize)]
struct Begun {
    id: String,
    url: String,
}

#[derive(Deserialize)]
struct Cancelled {}

#[derive(Deserialize)]
struct Refunded {
    id: String,
}

#[derive(Deserialize)]
struct Happened {
    events: Vec<Told>,
    #[serde(default)]
    next: Option<String>,
}

/// Amounts are whole minor units (cents), as the daemon has them.
#[derive(Deserialize)]
struct Told {
    id: String,
    kind: String,
    reference: String,
    /// None where the event is about the checkout alone.
    #[serde(default)]
    payment: Option<String>,
    amount: i64,
    currency: String,
    #[serde(default)]
    method: String,
    /// Unix seconds.
    at: u64,
    #[serde(default)]
    reason: String,
}

impl From<Told> for Event {
    fn from(told: Told) -> Event {
        let what = match told.kind.as_str() {
            "payment.pending" => "payment-pending",
            "payment.succeeded" => "payment-succeeded",
            "payment.failed" => "payment-failed",
            "payment.returned" => "payment-returned",
            "payment.refunded" => "refunded",
            "checkout.expired" => "checkout-expired",
            // The daemon notes an event that it does not know, and leaves it alone.
            other => other,
        };
        Event {
            id: told.id,
            what: what.to_owned(),
            checkout: told.reference,
            payment: told.payment.unwrap_or_default(),
            amount: Money {
                amount_minor: told.amount,
                currency: told.currency,
            },
            method: told.method,
            at_ms: told.at.saturating_mul(1000),
            reason: told.reason,
        }
    }
}

export_payment_gateway!({{Type}});

#[cfg(test)]
mod tests;
