//! What a plugin author uses: one trait a kind of plugin, the macro that exports it, and the host's services.
//!
//! An author implements [`importer::Importer`], [`connector::Connector`], [`mail::MailProvider`] or
//! [`gateway::PaymentGateway`] and calls the macro of that kind once:
//!
//! ```
//! use remitd_plugin_sdk::mail::{Accepted, MailProvider, Message};
//! use remitd_plugin_sdk::{About, Context, Failure, export_mail_provider, host::smtp, settings};
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Relay {
//!     connection: String,
//! }
//!
//! impl MailProvider for Relay {
//!     const ABOUT: About = About { name: "Relay", version: "0.1.0", settings_schema: r#"{"type":"object"}"# };
//!     /// A server does not know a message again.
//!     const REPEATS_SAFELY: bool = false;
//!
//!     fn open() -> Result<Relay, Failure> {
//!         settings()
//!     }
//!
//!     fn send(&self, _: &Context, message: &Message) -> Result<Accepted, Failure> {
//!         let to = [message.recipient.address.clone()];
//!         let answer = smtp::send(&self.connection, &message.sender.address, &to, &message.wire)?;
//!         Ok(Accepted { provider_ref: answer })
//!     }
//! }
//!
//! export_mail_provider!(Relay);
//!
//! // On the author's own machine, the services answer from the test's closures.
//! use remitd_plugin_sdk::mock::{Services, install};
//! install(Services::new(r#"{"connection":"relay"}"#).smtp(|(connection, ..)| Ok(format!("250 by {connection}"))));
//! assert_eq!(Relay::open().unwrap().connection, "relay");
//! ```
//!
//! The crate is built for `wasm32-unknown-unknown`, where a plugin can do what `wit/v1` gives it and nothing else. Built for
//! the author's own machine, the same code runs under `cargo test`: the services then answer from [`mock`].

pub mod connector;
pub mod date;
pub mod failure;
pub mod gateway;
mod guest;
pub mod host;
pub mod importer;
pub mod mail;
#[cfg(not(target_arch = "wasm32"))]
pub mod mock;
pub mod money;
pub mod receipts;
#[cfg(not(target_arch = "wasm32"))]
mod services;
#[allow(unsafe_code, missing_docs, clippy::all, clippy::restriction)]
pub mod wit;
pub mod written;

pub use chrono;
pub use failure::Failure;
pub use host::settings;
pub use rust_decimal;
pub use serde;
pub use serde_json;
pub use wit::host::remitd::plugin::types::{
    CallContext as Context, Date, Description, FailureClass, Header, Money, Webhook,
};

/// What a plugin says of itself.
#[derive(Debug, Clone, Copy)]
pub struct About {
    pub name: &'static str,
    pub version: &'static str,
    /// JSON Schema of the table `settings` of the plugin's entry in `remitd.toml`.
    pub settings_schema: &'static str,
}

impl From<About> for Description {
    fn from(about: About) -> Description {
        Description {
            name: about.name.to_owned(),
            version: about.version.to_owned(),
            settings_schema: about.settings_schema.to_owned(),
        }
    }
}
