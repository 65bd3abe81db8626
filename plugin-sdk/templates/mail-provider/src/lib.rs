//! Sends mail through a provider's HTTP API. Owns the shape of its requests and answers; `api` owns the way there and back,
//! `signed` the webhooks' signature.

mod api;
mod signed;

use api::Api;
use remitd_plugin_sdk::mail::{
    Accepted, Bounce, BounceKind, BouncePage, MailProvider, Mailbox, Message,
};
use remitd_plugin_sdk::{
    About, Context, Failure, Webhook, export_mail_provider, serde_json, settings,
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

impl MailProvider for {{Type}} {
    const ABOUT: About = About {
        name: "{{name}}",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };
    /// The provider sends one mail a key, however often it is asked. Where yours does not, say false: the daemon then never
    /// repeats a message whose end it does not know.
    const REPEATS_SAFELY: bool = true;

    fn open() -> Result<{{Type}}, Failure> {
        settings()
    }

    fn send(&self, _context: &Context, message: &Message) -> Result<Accepted, Failure> {
        let headers: Vec<_> = message
            .headers
            .iter()
            .map(|header| [&header.name, &header.value])
            .collect();
        let body = serde_json::json!({
            "message_id": message.message_id,
            "from": mailbox(&message.sender),
            "to": mailbox(&message.recipient),
            "reply_to": message.reply_to.as_ref().map(mailbox),
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": headers,
        });
        // The Message-ID is the same for every attempt, and so is the key.
        let sent: Sent = self.api().post("/messages", &message.message_id, &body)?;
        Ok(Accepted {
            provider_ref: sent.id,
        })
    }

    fn bounces_since(
        &self,
        _context: &Context,
        cursor: Option<&str>,
    ) -> Result<BouncePage, Failure> {
        let after = cursor
            .map(|cursor| format!("?after={}", api::escaped(cursor)))
            .unwrap_or_default();
        let page: Bounces = self.api().get(&format!("/bounces{after}"))?;
        Ok(BouncePage {
            bounces: page.bounces.into_iter().map(Bounce::from).collect(),
            next: page.next,
        })
    }

    fn read_webhook(&self, _context: &Context, webhook: &Webhook) -> Result<Vec<Bounce>, Failure> {
        // Before a byte of it is believed.
        signed::check(webhook, &self.webhook_secret)?;
        let told: Bounces = serde_json::from_slice(&webhook.body).map_err(|error| {
            Failure::invalid(
                "bad-webhook",
                format!("the webhook is not what was agreed: {error}"),
            )
        })?;
        Ok(told.bounces.into_iter().map(Bounce::from).collect())
    }
}

fn mailbox(mailbox: &Mailbox) -> serde_json::Value {
    serde_json::json!({ "name": mailbox.name, "address": mailbox.address })
}

#[derive(Deserialize)]
struct Sent {
    id: String,
}

#[derive(Deserialize)]
struct Bounces {
    bounces: Vec<Told>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Told {
    message_id: String,
    address: String,
    what: String,
    #[serde(default)]
    reason: String,
}

impl From<Told> for Bounce {
    fn from(told: Told) -> Bounce {
        let kind = match told.what.as_str() {
            "complaint" => BounceKind::Complaint,
            "rejected" => BounceKind::Hard,
            // What is not known for certain to be final may pass.
            _ => BounceKind::Soft,
        };
        Bounce {
            message_id: told.message_id,
            address: told.address,
            kind,
            reason: told.reason,
        }
    }
}

export_mail_provider!({{Type}});

#[cfg(test)]
mod tests;
