//! A road to a firm, put together as the binary does it, with a clock and faults of the test's own. One road stands for one
//! process: dropped, the process has ended.

use crate::firm::{Firm, MailBy, Outside};
use crate::provider::{KEY, WEBHOOK_SECRET};
use remitd_domain::account::Kind;
use remitd_domain::link::{LinkKey, LinkKeys};
use remitd_domain::policy::OneLink;
use remitd_domain::push::Rules;
use remitd_domain::time::Clock;
use remitd_flow::intake::push::{Push, Scheduled};
use remitd_flow::plugin::{self, Connector, Gateway, MailProvider};
use remitd_flow::{
    Account, Dated, Entry, Faults, Firm as FirmSettings, Limits, Mail, Mailbox, NoFaults, OnUnknown, Plugins,
    Posting, Road, Seats, Wake, run,
};
use remitd_host::{Grants, Host, HostConfig, Plugin, PluginSpec, Services, SmtpRelay, SqlConnection, Wasm};
use remitd_store::Store;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

pub const LEASE_MS: i64 = 60_000;
const POLL_MS: i64 = 5_000;
const STATEMENT_MS: u64 = 10_000;
/// Of the push and of the comparison: one that no test reaches.
pub const SCHEDULE: &str = "0 6 * * *";
const MATTERS: &str = include_str!("../../config/demo/matters.toml");

/// Whether plugins were given what they ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    All,
    Nothing,
}

/// One process on the road.
pub struct Running {
    pub road: Arc<Road>,
    pub owner: u32,
}

/// The push of a firm, on a schedule that no test reaches.
pub fn push() -> Scheduled {
    let push = Push {
        connector: "matters".into(),
        account: "operating".into(),
        send: true,
        one_link: OneLink::Row,
        rules: Rules::default(),
        hold_list: None,
    };
    Scheduled { push, schedule: SCHEDULE.into() }
}

impl Firm {
    /// A process starts and takes up what an earlier one left.
    pub async fn start(&self, faults: Arc<dyn Faults>, granted: Granted, pushes: &[Scheduled]) -> Running {
        let owner = self.next_owner();
        let store = Store::open(&self.url, owner).await.unwrap();
        let road = Arc::new(self.road(store, self.plugins(granted), faults));
        run::start(&road, pushes).await.unwrap();
        Running { road, owner }
    }

    /// Another process, with the plugins of an earlier one, and accounts that post so.
    pub async fn again(&self, earlier: &Road, posting: Posting) -> Arc<Road> {
        let store = Store::open(&self.url, self.next_owner()).await.unwrap();
        let seated = earlier.plugins.now();
        let plugins = Plugins {
            connectors: seated.connectors.clone(),
            gateways: seated.gateways.clone(),
            mail_providers: seated.mail_providers.clone(),
            ..Plugins::default()
        };
        let mut road = self.road(store, plugins, Arc::new(NoFaults));
        for account in &mut road.accounts {
            account.posting = posting;
        }
        Arc::new(road)
    }

    fn road(&self, store: Store, plugins: Plugins, faults: Arc<dyn Faults>) -> Road {
        Road {
            store,
            data: self.folder.path().to_owned(),
            clock: self.clock.clone(),
            faults,
            links: LinkKeys::new(vec![LinkKey { number: 1, secret: [7; 32] }]).unwrap(),
            public_url: "http://127.0.0.1:1".into(),
            firm: FirmSettings {
                name: "Roe & Partners".into(),
                colour: "#234".into(),
                disclaimer: String::new(),
                time_zone: "America/New_York".parse().unwrap(),
            },
            accounts: vec![account()],
            plugins: Seats::new(plugins),
            mail: Mail {
                provider: "mail".into(),
                from: Mailbox { name: "Billing".into(), address: "billing@example.com".into() },
                reply_to: None,
                on_unknown: OnUnknown::Hold,
                templates: remitd_flow::deliver::environment(None).unwrap(),
            },
            limits: Limits {
                effects_at_once: 8,
                postings_at_once: 8,
                lease_ms: LEASE_MS,
                gateway_poll_ms: POLL_MS,
                scan_ms: 1_000,
                file_bytes: 1 << 20,
                file_rows: 1_000,
            },
            reconcile: SCHEDULE.into(),
            wake: Wake::default(),
        }
    }

    fn plugins(&self, granted: Granted) -> Plugins {
        let host = Host::new(self.host_config(), self.services(), &[plugin::extend]).unwrap();
        let load = |id: &str, file: &str, grants: Grants, settings: Value| -> Arc<Plugin> {
            let grants = if granted == Granted::All { grants } else { Grants::default() };
            let bundled = remitd_plugins::bundled(file).unwrap();
            let wasm = Wasm::bundled(bundled.wasm, bundled.sha256);
            host.load(PluginSpec { id: id.into(), wasm, grants, settings_json: settings.to_string() })
                .unwrap()
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let sandbox = load(
            "sandbox",
            "sandbox-gateway",
            Grants {
                http: vec![self.provider.url.clone()],
                secrets: names(&["key", "webhook"]),
                ..Grants::default()
            },
            json!({ "api": self.provider.url, "key-secret": "key", "webhook-secret": "webhook" }),
        );
        let grants = Grants { sql: names(&["matters"]), sql_write: names(&["matters"]), ..Grants::default() };
        let matters = load("matters", "sql-connector", grants, matters_settings());
        let mail = match self.mail_by {
            MailBy::Folder => {
                let grants = Grants { maildir: names(&["mail"]), ..Grants::default() };
                load("mail", "mail-folder", grants, json!({ "folder": "mail" }))
            }
            MailBy::Smtp(_) => {
                let grants = Grants { smtp: names(&["relay"]), ..Grants::default() };
                load("mail", "smtp", grants, json!({ "connection": "relay" }))
            }
        };
        let mut plugins = Plugins::default();
        plugins.gateways.insert("sandbox".into(), Gateway::new(host.clone(), sandbox).unwrap());
        plugins.connectors.insert("matters".into(), Connector::new(host.clone(), matters).unwrap());
        plugins.mail_providers.insert("mail".into(), MailProvider::new(host, mail).unwrap());
        plugins
    }

    fn host_config(&self) -> HostConfig {
        let clock = self.clock.clone();
        HostConfig {
            // One for all tests, and kept between runs: compiling takes seconds.
            cache_dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache"),
            limits: remitd_host::Limits::default(),
            guest_threads: 2,
            today: "America/New_York".parse().unwrap(),
            clock: Arc::new(move || clock.now()),
            keep: Arc::<remitd_host::keep::Forgetful>::default(),
            tamper: None,
        }
    }

    fn services(&self) -> Services {
        let secret = |name: &str, text: &str| (name.to_owned(), SecretString::from(text.to_owned()));
        let mut services = Services {
            secrets: [secret("key", KEY), secret("webhook", WEBHOOK_SECRET)].into(),
            ..Services::default()
        };
        services.sql.push(SqlConnection {
            name: "matters".into(),
            url: SecretString::from(self.matters_url()),
            statement_ms: STATEMENT_MS,
        });
        services.maildirs = [("mail".to_owned(), self.path(Outside::MailFolder))].into();
        if let MailBy::Smtp(port) = self.mail_by {
            services.smtp.push(SmtpRelay {
                name: "relay".into(),
                host: "127.0.0.1".into(),
                port,
                security: remitd_host::Security::None,
                user: None,
                password: None,
                ca_file: None,
            });
        }
        services
    }
}

fn account() -> Account {
    Account {
        id: "operating".into(),
        name: "Operating".into(),
        kind: Kind::Operating,
        currency: "USD".parse().unwrap(),
        gateway: "sandbox".into(),
        connector: "matters".into(),
        expires_after_ms: 30 * 24 * 3_600_000,
        partial: true,
        posting: Posting::Auto,
        entry: Entry {
            narrative: "Payment".into(),
            dated: Dated::Received,
            ledger_code: String::new(),
            transaction_type: String::new(),
            bank_account: String::new(),
        },
    }
}

/// The demo's own mapping of its matter database.
fn matters_settings() -> Value {
    let sample: toml::Table = toml::from_str(MATTERS).unwrap();
    serde_json::to_value(&sample["plugin"][0]["settings"]).unwrap()
}
