//! The daemon's services as an author calls them. In the sandbox they are the component's imports; elsewhere [`crate::mock`]
//! answers. Owns no state.

use crate::Failure;
use serde::de::DeserializeOwned;

#[cfg(not(target_arch = "wasm32"))]
use crate::services as service;
#[cfg(target_arch = "wasm32")]
use crate::wit::host::remitd::plugin as service;

/// The instance's own settings, as the author's type. Give the type `#[serde(deny_unknown_fields)]`: a misspelt key is then
/// named rather than ignored.
pub fn settings<T: DeserializeOwned>() -> Result<T, Failure> {
    serde_json::from_str(&service::settings::json())
        .map_err(|error| Failure::invalid("settings", format!("the plugin's settings: {error}")))
}

/// Lines in the daemon's log, marked with the plugin and the job; at most 200 of 2,000 bytes a call.
pub mod log {
    use super::service;
    use crate::wit::host::remitd::plugin::log::Level;

    pub fn debug(message: &str) {
        service::log::write(Level::Debug, message);
    }

    pub fn info(message: &str) {
        service::log::write(Level::Info, message);
    }

    pub fn warn(message: &str) {
        service::log::write(Level::Warn, message);
    }

    pub fn error(message: &str) {
        service::log::write(Level::Error, message);
    }
}

pub mod clock {
    use super::service;
    use chrono::NaiveDate;

    /// Unix time in milliseconds.
    pub fn now_ms() -> u64 {
        service::clock::now_ms()
    }

    /// Today in the firm's time zone.
    pub fn today() -> NaiveDate {
        let (year, month, day) = service::clock::today();
        NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day)).unwrap_or_default()
    }
}

pub mod random {
    use super::service;

    /// At most 1,024 bytes from the system's secure generator.
    pub fn bytes(len: u32) -> Vec<u8> {
        service::random::bytes(len)
    }
}

/// What the instance remembers from call to call: small, its own, no secrets.
pub mod state {
    use super::service;
    use crate::Failure;
    pub use crate::wit::host::remitd::plugin::state::{Change, Entry};

    pub fn get(key: &str) -> Result<Option<Entry>, Failure> {
        service::state::get(key)
    }

    /// Keys that begin so, in order, after the one given; at most 100.
    pub fn scan(prefix: &str, after: Option<&str>) -> Result<Vec<Entry>, Failure> {
        service::state::scan(prefix, after)
    }

    /// All changes in one transaction, or none; `changed-meanwhile` where a key has another version than the change says.
    ///
    /// ```
    /// use remitd_plugin_sdk::host::state::{self, Change};
    /// let seen = state::get("last").unwrap().map_or(0, |entry| entry.version);
    /// let change = Change { key: "last".into(), value: Some(b"INV-7".to_vec()), version: seen };
    /// state::apply(&[change.clone()]).unwrap();
    /// assert_eq!(state::apply(&[change]).unwrap_err().code, "changed-meanwhile", "somebody was there before");
    /// ```
    pub fn apply(changes: &[Change]) -> Result<(), Failure> {
        service::state::apply(changes)
    }
}

/// Named connections to databases. Parameters are written `:name` in the text and always bound.
pub mod sql {
    use super::service;
    use crate::Failure;
    pub use crate::wit::host::remitd::plugin::sql::{Param, Rows, Statement, Value};
    pub use crate::wit::host::remitd::plugin::sql_once::{Once, Stopped};

    /// One reading statement in a read-only transaction; at most 10,000 rows.
    pub fn query(connection: &str, statement: &Statement) -> Result<Rows, Failure> {
        service::sql::query(connection, statement)
    }

    /// All statements in one transaction, or none; the changed rows of each.
    pub fn transact(connection: &str, statements: &[Statement]) -> Result<Vec<u64>, Failure> {
        service::sql::transact(connection, statements)
    }

    /// What is known by a key: asks `find`, and where that gives no row, makes all changes and asks it again, in one transaction.
    pub fn write_once(connection: &str, find: &Statement, changes: &[Statement]) -> Result<Once, Stopped> {
        service::sql_once::write(connection, find, changes)
    }
}

/// HTTP to granted origins.
pub mod http {
    use super::service;
    use crate::Failure;
    pub use crate::wit::host::remitd::plugin::http::{Request, Response, SecretHeader};

    /// `unavailable` when nothing was sent, `unknown-outcome` when the answer was lost.
    pub fn send(request: &Request) -> Result<Response, Failure> {
        service::http::send(request)
    }
}

pub mod signature {
    use super::service;
    use crate::Failure;

    /// Whether `mac` is HMAC-SHA-256 of `message` under the named secret.
    pub fn verify_hmac_sha256(secret: &str, message: &[u8], mac: &[u8]) -> Result<bool, Failure> {
        service::signature::verify_hmac_sha256(secret, message, mac)
    }
}

pub mod smtp {
    use super::service;
    use crate::Failure;

    /// One message in wire form to a named server; gives the server's last answer.
    pub fn send(connection: &str, from: &str, recipients: &[String], wire: &[u8]) -> Result<String, Failure> {
        service::smtp::send(connection, from, recipients, wire)
    }
}

pub mod maildir {
    use super::service;
    use crate::Failure;

    /// Written whole under `name`; the same name again with the same bytes is no error.
    pub fn put(folder: &str, name: &str, message: &[u8]) -> Result<(), Failure> {
        service::maildir::put(folder, name, message)
    }
}

/// A folder that other software takes files from.
pub mod outbox {
    use super::service;
    use crate::Failure;
    pub use crate::wit::host::remitd::plugin::outbox::Place;

    /// Where a file is: under its staged name, or in the folder under its own.
    pub fn look(outbox: &str, staged: &str, name: &str) -> Result<Place, Failure> {
        service::outbox::look(outbox, staged, name)
    }

    /// Whole and synced, out of the other side's sight; never replaces.
    pub fn stage(outbox: &str, staged: &str, content: &[u8]) -> Result<(), Failure> {
        service::outbox::stage(outbox, staged, content)
    }

    /// What is staged appears in the folder, in one step.
    pub fn release(outbox: &str, staged: &str, name: &str) -> Result<(), Failure> {
        service::outbox::release(outbox, staged, name)
    }

    pub fn discard(outbox: &str, staged: &str) -> Result<(), Failure> {
        service::outbox::discard(outbox, staged)
    }

    /// What the other side has put there; none where there is nothing yet.
    pub fn answer(outbox: &str, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        service::outbox::answer(outbox, name)
    }
}
