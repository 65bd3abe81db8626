//! Why something could not be made ready. Everything here waits for the operator, and says what to mend.

use crate::kind::Kind;

/// Why a host or a plugin could not be made ready. All of them wait for the operator.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("the engine could not be made: {0}")]
    Engine(String),
    #[error("the cache of compiled plugins: {0}")]
    Cache(#[source] std::io::Error),
    #[error("the runtime for plugins: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("plugin \"{plugin}\" is not a component that this daemon can compile: {reason}")]
    Compile { plugin: String, reason: String },
    #[error("plugin \"{plugin}\" imports \"{import}\", which no plugin is given: {mend}")]
    ForeignImport { plugin: String, import: String, mend: &'static str },
    #[error(
        "plugin \"{plugin}\" must export exactly one of importer, connector, mail-provider, payment-gateway \
         of remitd:plugin@1.0.0; it exports: {exports}"
    )]
    NoKind { plugin: String, exports: String },
    #[error("plugin \"{plugin}\" does not fit the contract: {reason}")]
    Unfit { plugin: String, reason: String },
    #[error("plugin \"{plugin}\" is of kind {is}, where {wanted} is needed")]
    WrongKind { plugin: String, is: Kind, wanted: Kind },
    #[error(
        "grant http = [\"{origin}\"] of plugin \"{plugin}\" is not an origin: write it as https://api.example.com"
    )]
    BadOrigin { plugin: String, origin: String },
    #[error(
        "grant secrets = [\"{grant}\"] of plugin \"{plugin}\" cannot be read: write the secret's name, or \
         \"NAME as HEADER to https://api.example.com\""
    )]
    BadSecretGrant { plugin: String, grant: String },
    #[error(
        "plugin \"{plugin}\" imports \"{import}\", which a plugin of kind {kind} is not given: it has {has}"
    )]
    NotForKind { plugin: String, import: String, kind: Kind, has: String },
    #[error("the settings of plugin \"{plugin}\" are not a JSON object")]
    Settings { plugin: String },
    #[error("{what} \"{name}\" cannot be used: {reason}")]
    Service { what: &'static str, name: String, reason: String },
}
