//! A mail provider over HTTP that is right where `bug` is `none`, and wrong in one way for each name of a mistake. Only the
//! conformance kit's own test uses it.

#[path = "../../api.rs"]
mod api;

use api::Api;
use remitd_plugin_sdk::host::{maildir, smtp};
use remitd_plugin_sdk::mail::{Accepted, Bounce, BounceKind, BouncePage, MailProvider, Mailbox, Message};
use remitd_plugin_sdk::{
    About, Context, Failure, FailureClass, Webhook, export_mail_provider, serde_json, settings,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeededMail {
    api: String,
    bug: String,
}

impl SeededMail {
    fn has(&self, bug: &str) -> bool {
        self.bug == bug
    }

    fn api(&self) -> Api<'_> {
        Api { base: &self.api, bug: &self.bug }
    }
}

impl MailProvider for SeededMail {
    const ABOUT: About = About {
        name: "Seeded mail provider",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };
    const REPEATS_SAFELY: bool = true;

    fn open() -> Result<SeededMail, Failure> {
        settings()
    }

    fn send(&self, _context: &Context, message: &Message) -> Result<Accepted, Failure> {
        match self.bug.as_str() {
            // A mail server does not know a message again.
            "promise-over-smtp" => return self.relay(message, message.wire.clone()),
            "adds-a-footer" => {
                return self.relay(message, [&message.wire[..], b"Sent by the firm\r\n"].concat());
            }
            "file-of-the-recipient" => return self.file(message, "ana.eml"),
            _ => {}
        }
        let sent: Result<Sent, Failure> =
            self.api().post("/messages", &message.message_id, self.body(message));
        match sent {
            Err(failure) if failure.class == FailureClass::UnknownOutcome && self.has("lost-is-sent") => {
                Ok(Accepted { provider_ref: "sent".to_owned() })
            }
            Err(failure) if failure.class == FailureClass::UnknownOutcome && self.has("lost-is-refused") => {
                Err(Failure::invalid("not-sent", "the message was not sent"))
            }
            sent => Ok(Accepted { provider_ref: sent?.id }),
        }
    }

    fn bounces_since(&self, _context: &Context, cursor: Option<&str>) -> Result<BouncePage, Failure> {
        let api = self.api();
        let cursor = cursor.filter(|_| !self.has("cursor-forgotten"));
        let after = cursor.map(|cursor| format!("?after={}", api.part(cursor))).unwrap_or_default();
        let page: Bounces = match api.get(&format!("/bounces{after}")) {
            Err(_) if self.has("endless-bounces") => {
                return Ok(BouncePage { bounces: told(), next: longer(cursor) });
            }
            page => page?,
        };
        if self.has("endless-bounces") {
            return Ok(BouncePage { bounces: told(), next: longer(cursor) });
        }
        Ok(BouncePage { bounces: page.bounces.into_iter().map(Bounce::from).collect(), next: page.next })
    }

    fn read_webhook(&self, _context: &Context, webhook: &Webhook) -> Result<Vec<Bounce>, Failure> {
        self.api().check(webhook)?;
        let told: Bounces = serde_json::from_slice(&webhook.body).map_err(|error| {
            Failure::invalid("bad-webhook", format!("the webhook cannot be read: {error}"))
        })?;
        Ok(told.bounces.into_iter().map(Bounce::from).collect())
    }
}

impl SeededMail {
    fn body(&self, message: &Message) -> Vec<u8> {
        let person =
            |mailbox: &Mailbox| serde_json::json!({ "name": mailbox.name, "address": mailbox.address });
        let Message { sender, recipient, reply_to, subject, text, html, headers, .. } = message;
        if self.has("mail-by-hand") {
            let (from, to) = (&sender.address, &recipient.address);
            let id = &message.message_id;
            return format!(
                "Message-ID: <{id}>\r\nFrom: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{text}"
            )
            .into_bytes();
        }
        let ascii: String = subject.chars().filter(char::is_ascii).collect();
        let headers: Vec<_> = headers.iter().map(|header| [&header.name, &header.value]).collect();
        let body = serde_json::json!({
            "from": person(sender),
            "to": person(if self.has("to-the-sender") { sender } else { recipient }),
            "reply_to": reply_to.as_ref().filter(|_| !self.has("no-reply-to")).map(person),
            "subject": if self.has("ascii-subject") { &ascii } else { subject },
            "text": text,
            "html": if self.has("no-html") { "" } else { html },
            "headers": if self.has("no-headers") { Vec::new() } else { headers },
        });
        body.to_string().into_bytes()
    }

    fn relay(&self, message: &Message, wire: Vec<u8>) -> Result<Accepted, Failure> {
        let to = [message.recipient.address.clone()];
        smtp::send("relay", &message.sender.address, &to, &wire)
            .map(|answer| Accepted { provider_ref: answer })
    }

    fn file(&self, message: &Message, name: &str) -> Result<Accepted, Failure> {
        match maildir::put("out", name, &message.wire) {
            Err(failure) if failure.code == "name-taken" => Ok(Accepted { provider_ref: name.to_owned() }),
            put => put.map(|()| Accepted { provider_ref: name.to_owned() }),
        }
    }
}

/// A cursor that is another one each time.
fn longer(cursor: Option<&str>) -> Option<String> {
    Some(format!("{}0", cursor.unwrap_or_default()))
}

fn told() -> Vec<Bounce> {
    let text = str::to_owned;
    vec![Bounce {
        message_id: text("1@firm.example"),
        address: text("a@b.example"),
        kind: BounceKind::Soft,
        reason: text("full"),
    }]
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
}

impl From<Told> for Bounce {
    fn from(told: Told) -> Bounce {
        let Told { message_id, address } = told;
        Bounce { message_id, address, kind: BounceKind::Hard, reason: "nobody of this name".to_owned() }
    }
}

export_mail_provider!(SeededMail);
