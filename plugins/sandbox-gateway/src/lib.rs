//! Takes payments at the sandbox provider. Owns the provider's protocol; never sees its keys, and keeps nothing between calls.

mod provider;
mod webhook;

use provider::{Began, BeginCheckout, EventsPage, Line, Provider, Refund, Refunded};
use remitd_plugin_sdk::gateway::{Checkout, CheckoutRequest, Event, EventPage, PaymentGateway};
use remitd_plugin_sdk::{About, Context, Failure, Money, Webhook, export_payment_gateway, settings};

/// Events asked for at once.
const EVENTS_PAGE: u32 = 100;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SandboxGateway {
    /// Base address of the provider.
    api: String,
    /// Names of secrets that the daemon keeps.
    key_secret: String,
    webhook_secret: String,
}

impl SandboxGateway {
    fn provider(&self) -> Provider<'_> {
        Provider { api: self.api.trim_end_matches('/'), key_secret: &self.key_secret }
    }
}

impl PaymentGateway for SandboxGateway {
    const ABOUT: About = About {
        name: "Sandbox gateway",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<SandboxGateway, Failure> {
        settings()
    }

    fn begin(&self, context: &Context, request: &CheckoutRequest) -> Result<Checkout, Failure> {
        let lines = request
            .lines
            .iter()
            .map(|line| Line { label: &line.label, amount_minor: line.amount.amount_minor })
            .collect();
        let body = BeginCheckout {
            reference: &request.checkout,
            amount_minor: request.amount.amount_minor,
            currency: &request.amount.currency,
            partial: request.partial,
            lines,
            payer_email: &request.payer_email,
            return_url: &request.return_url,
            webhook_url: request.webhook_url.as_deref(),
            expires_ms: request.expires_ms,
        };
        let Began { id, url } =
            self.provider().post("/v1/checkouts", &body, Some(&context.idempotency_key))?;
        Ok(Checkout { gateway_ref: id, url })
    }

    fn cancel(&self, _context: &Context, gateway_ref: &str) -> Result<(), Failure> {
        let path = format!("/v1/checkouts/{}/cancel", provider::segment(gateway_ref)?);
        self.provider().post(&path, &provider::Nothing {}, None).map(|provider::Nothing {}| ())
    }

    fn events_since(&self, _context: &Context, cursor: Option<&str>) -> Result<EventPage, Failure> {
        let mut path = format!("/v1/events?limit={EVENTS_PAGE}");
        if let Some(cursor) = cursor {
            path.push_str("&after=");
            path.push_str(provider::segment(cursor)?);
        }
        let page: EventsPage = self.provider().get(&path)?;
        let events = page.events.into_iter().map(Event::from).collect();
        Ok(EventPage { events, next: page.next.filter(|next| !next.is_empty()) })
    }

    fn read_webhook(&self, _context: &Context, webhook: &Webhook) -> Result<Vec<Event>, Failure> {
        webhook::check(webhook, &self.webhook_secret)?;
        let event: provider::Event =
            provider::read(&webhook.body).map_err(|why| Failure::invalid("bad-webhook", why))?;
        Ok(vec![event.into()])
    }

    fn refund(&self, context: &Context, payment: &str, amount: &Money) -> Result<String, Failure> {
        let path = format!("/v1/payments/{}/refunds", provider::segment(payment)?);
        let body = Refund { amount_minor: amount.amount_minor };
        let refunded: Refunded = self.provider().post(&path, &body, Some(&context.idempotency_key))?;
        Ok(refunded.id)
    }
}

export_payment_gateway!(SandboxGateway);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
