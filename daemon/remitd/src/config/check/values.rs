//! Values that must be of a kind, or fit each other.

use super::Check;
use crate::clock::SystemClock;
use crate::config::keys::Push;
use crate::config::problem::nearest;
use crate::config::secret::Dsn;
use crate::config::units::Period;
use remitd_domain::money::{Currency, Money};
use remitd_domain::time::Clock;
use remitd_domain::trust;
use std::collections::HashMap;

/// What `store.url` may begin with, and in words; then `[[sql]] url`.
const STORES: Schemes = (&["sqlite:", "postgres:", "postgresql:"], "sqlite:PATH or postgres://HOST/NAME");
const DATABASES: Schemes = (
    &["sqlite:", "postgres:", "postgresql:", "mysql:", "mariadb:", "mssql:", "odbc:"],
    "sqlite:PATH, postgres://HOST/NAME, mysql://HOST/NAME, mariadb://HOST/NAME, mssql://USER@HOST/NAME or odbc:Driver=…;…",
);
const COMMON_CURRENCIES: [&str; 8] = ["USD", "EUR", "GBP", "CAD", "AUD", "CHF", "JPY", "MXN"];
/// Keys beside the first that sign links: `link-key`, `link-key-2`, …
const LINK_KEY: &str = "link-key";
const LINK_KEY_MIN_BYTES: usize = 32;

type Schemes = (&'static [&'static str], &'static str);

impl Check<'_> {
    pub fn values(&mut self) {
        let config = self.config;
        let hex = |c: char| c.is_ascii_hexdigit();
        let colour =
            config.firm.colour.strip_prefix('#').filter(|hexes| hexes.len() == 6 && hexes.chars().all(hex));
        if colour.is_none() {
            let message = format!("{:?} is not a colour", config.firm.colour);
            self.error("firm.colour", "REMIT-0104", message, "write it as \"#1f4e79\"");
        }
        self.server();
        self.database("store.url", &config.store.url, STORES);
        for (at, sql) in config.sql.iter().enumerate() {
            let path = format!("{}.url", self.element("sql", at));
            self.database(&path, &sql.url, DATABASES);
        }
        for (at, account) in config.accounts.iter().enumerate() {
            let path = format!("{}.currency", self.element("account", at));
            if let Err(error) = account.currency.parse::<Currency>() {
                let upper = account.currency.to_uppercase();
                let hint = match nearest(&upper, COMMON_CURRENCIES) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "write the three letters of ISO 4217, such as \"USD\"".to_owned(),
                };
                self.error(&path, "REMIT-0104", error.to_string(), hint);
            }
        }
        for (at, account) in config.accounts.iter().enumerate() {
            if let Err(why) = remitd_flow::post::check_narrative(&account.narrative) {
                let path = format!("{}.narrative", self.element("account", at));
                let hint = "it may name {{ invoice }}, {{ matter }}, {{ client }}, {{ payer }}, {{ method }}, {{ reference }}, \
                            {{ account }} and {{ number }}";
                self.error(&path, "REMIT-0104", why, hint);
            }
        }
        self.trust();
        for (at, push) in config.pushes.iter().enumerate() {
            let table = self.element("push", at);
            self.push(&table, push);
        }
        let nightly = config.reconcile.schedule.as_str();
        if let (false, Err(error)) = (nightly.is_empty(), remitd_flow::run::cron::check(nightly)) {
            let hint =
                "write minute, hour, day of month, month, day of week: \"30 2 * * *\"; or \"\" for never";
            self.error("reconcile.schedule", "REMIT-0113", error, hint);
        }
        for (name, secret) in &config.secrets {
            let signs = name.starts_with(LINK_KEY);
            self.secret(&format!("secrets.{name}"), secret, |text| {
                let short = signs && text.len() < LINK_KEY_MIN_BYTES;
                short.then(|| format!("a key that signs links has at least {LINK_KEY_MIN_BYTES} characters"))
            });
        }
        for (at, smtp) in config.smtp.iter().enumerate() {
            let table = self.element("smtp", at);
            if let Some(password) = &smtp.password {
                self.secret(&format!("{table}.password"), password, |_| None);
            }
            if smtp.user.is_some() != smtp.password.is_some() {
                let message = format!("`{table}` has a user or a password, but not both");
                self.error(&table, "REMIT-0105", message, "write both, or neither");
            }
        }
        self.above_zero();
    }

    /// A configuration that breaks a rule for clients' money is refused, with the rule's name.
    fn trust(&mut self) {
        let today = SystemClock.now().date_naive();
        let kind = |id: &str| {
            let mut accounts = self.config.accounts.iter();
            accounts.find(|account| account.id == id).map(|account| account.kind)
        };
        let mut broken = Vec::new();
        for (at, account) in self.config.accounts.iter().enumerate() {
            let fees = account.fees_account.as_deref().and_then(kind);
            if let Some(rule) = trust::broken_by_account(account.kind, fees, today) {
                let key = if account.fees_account.is_some() { "fees_account" } else { "kind" };
                let hint = "write fees_account = the operating account that the gateway takes them from, and agree on it with the provider";
                broken.push((format!("{}.{key}", self.element("account", at)), rule, hint));
            }
        }
        for (at, push) in self.config.pushes.iter().enumerate() {
            if let Some(rule) = kind(&push.account).and_then(|kind| trust::broken_by_push(kind, today)) {
                let hint = "statements are earned: push them to an operating account";
                broken.push((format!("{}.account", self.element("push", at)), rule, hint));
            }
        }
        for (path, rule, hint) in broken {
            self.error(&path, "REMIT-0124", rule.to_string(), hint);
        }
    }

    fn server(&mut self) {
        let server = &self.config.server;
        if !server.staff_listen.ip().is_loopback() {
            let message = format!(
                "the console listens on {} without TLS: passwords cross the network",
                server.staff_listen
            );
            let hint = "listen on 127.0.0.1 and put a proxy with TLS in front";
            self.warning("server.staff_listen", "REMIT-0115", message, hint);
        }
        if !server.public_url.is_https() && !server.public_url.is_loopback() {
            let message = "payers would open their links without TLS".to_owned();
            self.warning(
                "server.public_url",
                "REMIT-0116",
                message,
                "put a proxy with TLS in front, and write https://",
            );
        }
        let mut seen = HashMap::new();
        let listeners = [
            ("server.public_listen", Some(server.public_listen)),
            ("server.staff_listen", Some(server.staff_listen)),
            ("server.sandbox_listen", server.sandbox_listen),
        ];
        // Port 0 is a free one each time.
        for (path, address) in listeners.into_iter().filter_map(|(path, address)| Some((path, address?))) {
            if let Some(other) = seen.insert(address, path).filter(|_| address.port() != 0) {
                let message = format!("{address} is the address of `{other}` already");
                self.error(path, "REMIT-0117", message, "give each listener its own port");
            }
        }
    }

    fn database(&mut self, path: &str, dsn: &Dsn, (schemes, names): Schemes) {
        let known = |url: &str| schemes.iter().any(|scheme| url.starts_with(scheme));
        match dsn {
            Dsn::Plain(url) if !known(url) => {
                let message = format!("`{path}` is not the address of a database that remitd can open");
                self.error(path, "REMIT-0104", message, format!("write {names}"));
            }
            Dsn::Plain(_) if dsn.shows_password() => {
                let from_env = self.layers.get(path).is_some_and(crate::config::layers::is_from_environment);
                if !from_env {
                    let message = format!("a password stands in `{path}`");
                    let hint = "put the whole address into a file, and write url = { file = \"…\" }";
                    self.error(path, "REMIT-0108", message, hint);
                }
            }
            Dsn::Plain(_) => {}
            Dsn::Secret(secret) => self.secret(path, secret, |url| {
                (!known(url)).then(|| format!("the address in it does not begin as {names}"))
            }),
        }
    }

    fn push(&mut self, table: &str, push: &Push) {
        if let Some(Err(error)) = push.schedule.as_deref().map(remitd_flow::run::cron::check) {
            let hint = "write minute, hour, day of month, month, day of week: \"30 6 * * 1-5\"";
            self.error(&format!("{table}.schedule"), "REMIT-0113", error, hint);
        }
        for (key, words) in [
            ("practices", &push.practices),
            ("offices", &push.offices),
            ("responsible", &push.responsible),
            ("clients_out", &push.clients_out),
            ("matters_out", &push.matters_out),
        ] {
            if words.iter().any(|word| word.trim().is_empty()) {
                let message = format!("`{table}.{key}` has an empty text, which is nobody's");
                self.error(&format!("{table}.{key}"), "REMIT-0104", message, "take it out");
            }
        }
        let account = self.config.accounts.iter().find(|account| account.id == push.account);
        let currency = account.and_then(|account| account.currency.parse::<Currency>().ok());
        if let (Some(minimum), Some(currency)) = (&push.minimum, currency) {
            match Money::parse(minimum, currency) {
                Err(error) => {
                    let message = format!("`{table}.minimum`: {error}");
                    self.error(
                        &format!("{table}.minimum"),
                        "REMIT-0104",
                        message,
                        "write \"25.00\", for example",
                    );
                }
                Ok(minimum) if minimum.minor() < 0 => {
                    let message = format!("`{table}.minimum` is below zero");
                    self.error(
                        &format!("{table}.minimum"),
                        "REMIT-0104",
                        message,
                        "leave it out, or write an amount",
                    );
                }
                Ok(_) => {}
            }
        }
    }

    /// A deadline, a lease or a pause of nothing would stop the daemon or let it spin.
    fn above_zero(&mut self) {
        let limits = &self.config.limits;
        let mut periods = vec![
            ("limits.plugin_time".to_owned(), limits.plugin_time),
            ("limits.call_time".to_owned(), limits.call_time),
            ("limits.lease".to_owned(), limits.lease),
            ("limits.gateway_poll".to_owned(), limits.gateway_poll),
            ("limits.scan".to_owned(), limits.scan),
        ];
        for (at, account) in self.config.accounts.iter().enumerate() {
            periods.push((format!("{}.expires_after", self.element("account", at)), account.expires_after));
        }
        for (at, sql) in self.config.sql.iter().enumerate() {
            periods.push((format!("{}.statement_timeout", self.element("sql", at)), sql.statement_timeout));
        }
        let zero_periods = periods.into_iter().filter(|(_, period)| *period == Period::default());
        let counts = [
            ("limits.plugin_memory", limits.plugin_memory.get()),
            ("limits.effects_at_once", limits.effects_at_once.into()),
            ("limits.postings_at_once", limits.postings_at_once.into()),
            ("limits.file_bytes", limits.file_bytes.get()),
            ("limits.file_rows", limits.file_rows),
        ];
        let zero_counts =
            counts.into_iter().filter(|(_, count)| *count == 0).map(|(path, _)| path.to_owned());
        let zeros: Vec<String> = zero_periods.map(|(path, _)| path).chain(zero_counts).collect();
        for path in zeros {
            self.error(&path, "REMIT-0104", format!("`{path}` is zero"), "write more, or leave it out");
        }
    }
}
