//! The four kinds of plugins, and the contract that all of them are built against.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Every interface of the contract begins so.
pub(crate) const PACKAGE: &str = "remitd:plugin/";
/// The one version that this daemon speaks.
pub(crate) const VERSION: &str = "@1.0.0";

/// The four kinds, each an interface that a plugin exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Importer,
    Connector,
    MailProvider,
    PaymentGateway,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Importer, Kind::Connector, Kind::MailProvider, Kind::PaymentGateway];

    /// As manifests and commands write it, and as the interface is called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Importer => "importer",
            Kind::Connector => "connector",
            Kind::MailProvider => "mail-provider",
            Kind::PaymentGateway => "payment-gateway",
        }
    }

    /// The services that a plugin of this kind may import, as its world in `plugin-sdk/wit/v1` has them.
    pub fn services(self) -> &'static [&'static str] {
        match self {
            Kind::Importer => &["types", "log", "clock", "random", "settings", "state", "intake"],
            Kind::Connector => {
                &["types", "log", "clock", "random", "settings", "state", "sql", "sql-once", "http", "outbox"]
            }
            Kind::MailProvider => &[
                "types",
                "log",
                "clock",
                "random",
                "settings",
                "state",
                "smtp",
                "http",
                "maildir",
                "signature",
            ],
            Kind::PaymentGateway => {
                &["types", "log", "clock", "random", "settings", "state", "http", "signature"]
            }
        }
    }

    /// The exported interface in full.
    pub fn interface(self) -> String {
        format!("{PACKAGE}{}{VERSION}", self.name())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
