//! The daemon's services for `cargo test`: each thread has its own, answered by the test's closures. A service that the test
//! did not set answers `denied`, as the daemon does where a grant is missing. Never part of a component.

pub mod folder;

use crate::Failure;
use crate::wit::host::remitd::plugin as contract;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A service's answer, as the test gives it.
type Answer<In, Out> = Rc<dyn Fn(In) -> Result<Out, Failure>>;

#[derive(Clone)]
pub struct Services {
    settings: String,
    now_ms: u64,
    query: Answer<(String, contract::sql::Statement), contract::sql::Rows>,
    transact: Answer<(String, Vec<contract::sql::Statement>), Vec<u64>>,
    http: Answer<contract::http::Request, contract::http::Response>,
    verify: Answer<(String, Vec<u8>, Vec<u8>), bool>,
    smtp: Answer<(String, String, Vec<String>, Vec<u8>), String>,
    maildir: Answer<(String, String, Vec<u8>), ()>,
}

fn denied<In, Out>(service: &'static str) -> Answer<In, Out> {
    Rc::new(move |_| {
        Err(Failure::denied("grant-missing", format!("the test has set no answer for {service}")))
    })
}

impl Default for Services {
    fn default() -> Services {
        Services {
            settings: "{}".to_owned(),
            now_ms: 0,
            query: denied("sql.query"),
            transact: denied("sql.transact"),
            http: denied("http.send"),
            verify: denied("signature.verify"),
            smtp: denied("smtp.send"),
            maildir: denied("maildir.put"),
        }
    }
}

impl Services {
    /// With these settings, a JSON object.
    pub fn new(settings: &str) -> Services {
        Services { settings: settings.to_owned(), ..Services::default() }
    }

    /// At this Unix time in milliseconds; the firm's time zone is UTC.
    #[must_use]
    pub fn at_ms(mut self, now_ms: u64) -> Services {
        self.now_ms = now_ms;
        self
    }
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident: $input:ty => $output:ty;)*) => {
        impl Services {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(mut self, answer: impl Fn($input) -> Result<$output, Failure> + 'static) -> Services {
                self.$name = Rc::new(answer);
                self
            })*
        }
    };
}

answers! {
    /// (connection, statement)
    query: (String, contract::sql::Statement) => contract::sql::Rows;
    /// (connection, statements)
    transact: (String, Vec<contract::sql::Statement>) => Vec<u64>;
    http: contract::http::Request => contract::http::Response;
    /// (secret's name, message, mac)
    verify: (String, Vec<u8>, Vec<u8>) => bool;
    /// (connection, envelope's sender, recipients, message)
    smtp: (String, String, Vec<String>, Vec<u8>) => String;
    /// (folder, name, message)
    maildir: (String, String, Vec<u8>) => ();
}

thread_local! {
    static SERVICES: RefCell<Services> = RefCell::new(Services::default());
    static STATE: RefCell<BTreeMap<String, contract::state::Entry>> = const { RefCell::new(BTreeMap::new()) };
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From here on this thread's services; what was remembered is forgotten.
pub fn install(services: Services) {
    SERVICES.set(services);
    STATE.take();
    folder::clear();
}

/// What was logged on this thread since the last call, as `level: message`.
pub fn logged() -> Vec<String> {
    LOG.take()
}

fn services() -> Services {
    SERVICES.with_borrow(Clone::clone)
}

pub(crate) mod state {
    use crate::Failure;
    use crate::wit::host::remitd::plugin::state::{Change, Entry};

    pub fn get(key: &str) -> Result<Option<Entry>, Failure> {
        Ok(super::STATE.with_borrow(|state| state.get(key).cloned()))
    }

    pub fn scan(prefix: &str, after: Option<&str>) -> Result<Vec<Entry>, Failure> {
        let fits = |key: &String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
        Ok(super::STATE.with_borrow(|state| {
            state.iter().filter(|(key, _)| fits(key)).take(100).map(|(_, entry)| entry.clone()).collect()
        }))
    }

    pub fn apply(changes: &[Change]) -> Result<(), Failure> {
        super::STATE.with_borrow_mut(|state| {
            let mut next = state.clone();
            for Change { key, value, version } in changes {
                let current = next.get(key).map_or(0, |entry| entry.version);
                if current != *version {
                    return Err(Failure::invalid(
                        "changed-meanwhile",
                        format!("{key:?} has version {current}"),
                    ));
                }
                match value {
                    Some(value) => {
                        let entry = Entry { key: key.clone(), value: value.clone(), version: current + 1 };
                        next.insert(key.clone(), entry);
                    }
                    None => drop(next.remove(key)),
                }
            }
            *state = next;
            Ok(())
        })
    }
}

pub(crate) mod settings {
    pub fn json() -> String {
        super::services().settings
    }
}

pub(crate) mod log {
    use crate::wit::host::remitd::plugin::log::Level;

    fn label(level: Level) -> &'static str {
        match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }

    pub fn write(level: Level, message: &str) {
        super::LOG.with_borrow_mut(|lines| lines.push(format!("{}: {message}", label(level))));
    }
}

pub(crate) mod clock {
    pub fn now_ms() -> u64 {
        super::services().now_ms
    }

    pub fn today() -> (i32, u8, u8) {
        let days = i32::try_from(now_ms() / 86_400_000).unwrap_or_default();
        let today = chrono::NaiveDate::from_epoch_days(days).map(crate::Date::from);
        today.map_or((1970, 1, 1), |date| (date.year, date.month, date.day))
    }
}

pub(crate) mod random {
    /// The same bytes each time, so that a test's result does not change.
    pub fn bytes(len: u32) -> Vec<u8> {
        (0..len).map(|at| at.to_le_bytes()).map(|[low, ..]| low).collect()
    }
}

pub(crate) mod sql {
    use crate::Failure;
    use crate::wit::host::remitd::plugin::sql::{Rows, Statement};

    pub fn query(connection: &str, statement: &Statement) -> Result<Rows, Failure> {
        (super::services().query)((connection.to_owned(), statement.clone()))
    }

    pub fn transact(connection: &str, statements: &[Statement]) -> Result<Vec<u64>, Failure> {
        (super::services().transact)((connection.to_owned(), statements.to_vec()))
    }
}

/// By the answers that the test gives for both.
pub(crate) mod sql_once {
    use super::sql::{query, transact};
    use crate::Failure;
    use crate::wit::host::remitd::plugin::sql::Statement;
    use crate::wit::host::remitd::plugin::sql_once::{Once, Stopped};

    pub fn write(connection: &str, find: &Statement, changes: &[Statement]) -> Result<Once, Stopped> {
        let asked = || query(connection, find).map_err(Stopped::Finding);
        let there = asked()?;
        if !there.rows.is_empty() {
            return Ok(Once::Found(there));
        }
        transact(connection, changes).map_err(Stopped::Changing)?;
        let written = asked()?;
        match written.rows.is_empty() {
            true => Err(Stopped::Finding(Failure::invalid("not-found-again", "it is not found by its key"))),
            false => Ok(Once::Written(written)),
        }
    }
}

pub(crate) mod http {
    use crate::Failure;
    use crate::wit::host::remitd::plugin::http::{Request, Response};

    pub fn send(request: &Request) -> Result<Response, Failure> {
        (super::services().http)(request.clone())
    }
}

pub(crate) mod signature {
    use crate::Failure;

    pub fn verify_hmac_sha256(secret: &str, message: &[u8], mac: &[u8]) -> Result<bool, Failure> {
        (super::services().verify)((secret.to_owned(), message.to_vec(), mac.to_vec()))
    }
}

pub(crate) mod smtp {
    use crate::Failure;

    pub fn send(connection: &str, from: &str, recipients: &[String], wire: &[u8]) -> Result<String, Failure> {
        (super::services().smtp)((connection.to_owned(), from.to_owned(), recipients.to_vec(), wire.to_vec()))
    }
}

pub(crate) mod maildir {
    use crate::Failure;

    pub fn put(folder: &str, name: &str, message: &[u8]) -> Result<(), Failure> {
        (super::services().maildir)((folder.to_owned(), name.to_owned(), message.to_vec()))
    }
}

/// In memory, as the plugin's state is.
pub(crate) mod outbox {
    use super::folder;
    use crate::Failure;
    use crate::wit::host::remitd::plugin::outbox::Place;

    pub fn look(_: &str, staged: &str, name: &str) -> Result<Place, Failure> {
        Ok(folder::look(staged, name))
    }

    pub fn stage(_: &str, staged: &str, content: &[u8]) -> Result<(), Failure> {
        folder::stage(staged, content)
    }

    pub fn release(_: &str, staged: &str, name: &str) -> Result<(), Failure> {
        folder::release(staged, name)
    }

    pub fn discard(_: &str, staged: &str) -> Result<(), Failure> {
        folder::discard(staged);
        Ok(())
    }

    pub fn answer(_: &str, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(folder::answered(name))
    }
}
