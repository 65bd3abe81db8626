//! Sends mail through an SMTP server that the daemon knows by name. Owns the envelope alone: how the server is reached and
//! what its answers mean is the daemon's. A server does not recognise a repeated message, so repeating is not safe.

use remitd_plugin_sdk::host::smtp;
use remitd_plugin_sdk::mail::{Accepted, MailProvider, Message};
use remitd_plugin_sdk::{About, Context, Failure, export_mail_provider, settings};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    connection: String,
}

impl MailProvider for Smtp {
    const ABOUT: About = About {
        name: "SMTP server",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };
    const REPEATS_SAFELY: bool = false;

    fn open() -> Result<Smtp, Failure> {
        settings()
    }

    fn send(&self, _context: &Context, message: &Message) -> Result<Accepted, Failure> {
        let recipients = [message.recipient.address.clone()];
        let answer = smtp::send(&self.connection, &message.sender.address, &recipients, &message.wire)?;
        Ok(Accepted { provider_ref: answer })
    }
}

export_mail_provider!(Smtp);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use remitd_plugin_sdk::mail::Mailbox;
    use remitd_plugin_sdk::mock::{Services, install};
    use remitd_plugin_sdk::{FailureClass, Webhook};

    fn message() -> Message {
        let person = |address: &str| Mailbox { name: "Someone".into(), address: address.into() };
        Message {
            message_id: "m-1@firm.example".into(),
            sender: person("billing@firm.example"),
            recipient: person("jane@example.com"),
            reply_to: Some(person("partner@firm.example")),
            subject: "s".into(),
            text: "t".into(),
            html: String::new(),
            headers: Vec::new(),
            wire: b"wire".to_vec(),
        }
    }

    fn context() -> Context {
        Context { job: "j".into(), idempotency_key: "k".into(), deadline_ms: 0 }
    }

    #[test]
    fn the_envelope_is_the_sender_and_the_recipient() {
        install(Services::new(r#"{"connection":"relay"}"#).smtp(|(connection, from, to, wire)| {
            assert_eq!((connection.as_str(), from.as_str()), ("relay", "billing@firm.example"));
            assert_eq!(
                (to.as_slice(), wire.as_slice()),
                (&["jane@example.com".to_owned()][..], &b"wire"[..])
            );
            Ok("250 queued as 42".into())
        }));
        let accepted = Smtp::open().unwrap().send(&context(), &message()).unwrap();
        assert_eq!(accepted.provider_ref, "250 queued as 42");
    }

    #[test]
    fn an_unknown_end_is_passed_on_and_never_repeated() {
        let tries = std::rc::Rc::new(std::cell::Cell::new(0));
        let seen = tries.clone();
        install(Services::new(r#"{"connection":"relay"}"#).smtp(move |_| {
            seen.set(seen.get() + 1);
            Err(Failure::unknown_outcome("lost-after-data", "the connection was lost after DATA"))
        }));
        let failure = Smtp::open().unwrap().send(&context(), &message()).unwrap_err();
        assert_eq!((failure.class, tries.get()), (FailureClass::UnknownOutcome, 1));
    }

    #[test]
    fn it_hears_of_no_bounces() {
        install(Services::new(r#"{"connection":"relay"}"#));
        let smtp = Smtp::open().unwrap();
        assert!(smtp.bounces_since(&context(), None).unwrap().bounces.is_empty());
        let webhook = Webhook { headers: Vec::new(), body: Vec::new() };
        assert_eq!(smtp.read_webhook(&context(), &webhook).unwrap_err().code, "not-supported");
    }
}
