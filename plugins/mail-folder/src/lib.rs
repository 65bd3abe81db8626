//! Writes mail as .eml files into a folder that the daemon keeps. Owns the file's name. The name comes from the Message-ID,
//! so that a repeated attempt finds its own file; the daemon writes the file whole or not at all.

use remitd_plugin_sdk::host::maildir;
use remitd_plugin_sdk::mail::{Accepted, MailProvider, Message};
use remitd_plugin_sdk::{About, Context, Failure, export_mail_provider, settings};

/// What the daemon allows a name to have, `.eml` included.
const NAME_MAX_BYTES: usize = 120;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailFolder {
    folder: String,
}

impl MailProvider for MailFolder {
    const ABOUT: About = About {
        name: "Mail folder",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };
    const REPEATS_SAFELY: bool = true;

    fn open() -> Result<MailFolder, Failure> {
        settings()
    }

    fn send(&self, _context: &Context, message: &Message) -> Result<Accepted, Failure> {
        let name = file_name(&message.message_id)?;
        match maildir::put(&self.folder, &name, &message.wire) {
            // The message lies there from an earlier attempt, in words that have changed since: it went out as it is.
            Err(failure) if failure.code == "name-taken" => Ok(Accepted { provider_ref: name }),
            put => put.map(|()| Accepted { provider_ref: name }),
        }
    }
}

/// `abc.eml` for `abc@example.com`.
fn file_name(message_id: &str) -> Result<String, Failure> {
    let local = message_id.split('@').next().unwrap_or("");
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let name = format!("{local}.eml");
    if local.is_empty() || local.starts_with('.') || !local.bytes().all(fits) || name.len() > NAME_MAX_BYTES {
        let message = format!("the Message-ID \"{message_id}\" gives no name for a file");
        return Err(Failure::invalid("message-id", message));
    }
    Ok(name)
}

export_mail_provider!(MailFolder);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use remitd_plugin_sdk::mail::Mailbox;
    use remitd_plugin_sdk::mock::{Services, install};

    fn message(id: &str) -> Message {
        let person = |address: &str| Mailbox { name: String::new(), address: address.into() };
        Message {
            message_id: id.into(),
            sender: person("billing@firm.example"),
            recipient: person("jane@example.com"),
            reply_to: None,
            subject: "s".into(),
            text: "t".into(),
            html: String::new(),
            headers: Vec::new(),
            wire: b"Subject: s\r\n\r\nt\r\n".to_vec(),
        }
    }

    #[test]
    fn the_file_is_named_after_the_message() {
        install(Services::new(r#"{"folder":"out"}"#).maildir(|(folder, name, bytes)| {
            assert_eq!((folder.as_str(), name.as_str()), ("out", "request-7.eml"));
            assert_eq!(bytes, b"Subject: s\r\n\r\nt\r\n");
            Ok(())
        }));
        let context = Context { job: "j".into(), idempotency_key: "k".into(), deadline_ms: 0 };
        let accepted =
            MailFolder::open().unwrap().send(&context, &message("request-7@firm.example")).unwrap();
        assert_eq!(accepted.provider_ref, "request-7.eml");
    }

    #[test]
    fn a_message_that_lies_there_in_other_words_went_out() {
        let taken = || Err(Failure::invalid("name-taken", "there are other bytes under this name"));
        install(Services::new(r#"{"folder":"out"}"#).maildir(move |_| taken()));
        let context = Context { job: "j".into(), idempotency_key: "k".into(), deadline_ms: 0 };
        let accepted = MailFolder::open().unwrap().send(&context, &message("r-7@firm.example")).unwrap();
        assert_eq!(accepted.provider_ref, "r-7.eml");
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for id in ["../up@firm", "@firm", ".hidden@firm", "a/b@firm", &"x".repeat(117)] {
            assert_eq!(file_name(id).unwrap_err().code, "message-id", "{id}");
        }
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        install(Services::new(r#"{"foldr":"out"}"#));
        let failure = MailFolder::open().err().unwrap();
        assert!(failure.message.contains("foldr"), "{}", failure.message);
    }
}
