//! The keys of `remitd.toml`: a struct a table, with every default. Owns names and types; `check` owns what a type cannot
//! say. A required key has an empty default here, so that one missing key does not hide the other faults; [`REQUIRED`]
//! names them, and a configuration that lacks one never leaves [`super::load`].

use super::forms;
use super::secret::{Dsn, Secret};
use super::units::{ByteSize, Mailbox, Origin, Period};
use chrono::NaiveDate;
use remitd_domain::account::Kind;
use remitd_domain::policy::{Duplicates, OnError, OneLink};
use remitd_flow::intake::pattern::Pattern;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Required keys: the table, the key, and what to write. In a list's table each element must have it.
pub const REQUIRED: &[(&str, &str, &str)] = &[
    ("firm", "name", "name = \"Roe & Partners\""),
    ("store", "url", "url = \"sqlite:data/remitd.sqlite\""),
    ("server", "public_url", "public_url = \"https://pay.example.com\""),
    ("secrets", "link-key", "link-key = { file = \"secrets/link-key\" }"),
    ("mail", "provider", "provider = \"mail\", the id of a [[plugin]]"),
    ("mail", "from", "from = \"Roe & Partners <billing@example.com>\""),
    ("account", "id", "id = \"operating\""),
    ("account", "name", "name = \"Operating account\""),
    ("account", "currency", "currency = \"USD\""),
    ("account", "gateway", "gateway = \"cards\", the id of a [[plugin]]"),
    ("plugin", "id", "id = \"csv\""),
    ("plugin", "file", "file = \"csv-importer\", or the path of a .wasm file"),
    ("sql", "id", "id = \"matters\""),
    ("sql", "url", "url = \"sqlite:matters.sqlite\", or url = { file = \"…\" }"),
    ("smtp", "id", "id = \"relay\""),
    ("smtp", "host", "host = \"smtp.example.com\""),
    ("maildir", "id", "id = \"outbox\""),
    ("maildir", "path", "path = \"outbox\""),
    ("outbox", "id", "id = \"receipts\""),
    ("outbox", "path", "path = \"/mnt/receipts\""),
    ("folder", "path", "path = \"inbox\""),
    ("folder", "account", "account = \"operating\", the id of an [[account]]"),
    ("folder", "importer", "importer = \"csv\", the id of a [[plugin]], or \"auto\""),
    ("push", "connector", "connector = \"matters\", the id of a [[plugin]]"),
    ("push", "account", "account = \"operating\", the id of an [[account]]"),
];

/// Tables that may come several times, as `[[account]]`.
pub const LISTS: &[&str] = &["account", "plugin", "sql", "smtp", "maildir", "outbox", "folder", "push"];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub firm: Firm,
    pub store: Store,
    pub server: Server,
    #[serde(rename = "account")]
    pub accounts: Vec<Account>,
    #[serde(rename = "plugin")]
    pub plugins: Vec<Plugin>,
    pub sql: Vec<Sql>,
    pub smtp: Vec<Smtp>,
    #[serde(rename = "maildir")]
    pub maildirs: Vec<Maildir>,
    #[serde(rename = "outbox")]
    pub outboxes: Vec<Outbox>,
    /// By name. `link-key` signs links; `link-key-2` and so on are newer ones.
    pub secrets: BTreeMap<String, Secret>,
    #[serde(rename = "folder")]
    pub folders: Vec<Folder>,
    #[serde(rename = "push")]
    pub pushes: Vec<Push>,
    pub reconcile: Reconcile,
    pub mail: Mail,
    pub signing: Signing,
    pub limits: Limits,
    pub log: Log,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Firm {
    pub name: String,
    /// An image file for pages and mails.
    pub logo: Option<PathBuf>,
    /// `#rrggbb`.
    pub colour: String,
    /// Schedules, due dates and "today" are in this zone.
    #[serde(deserialize_with = "forms::one", serialize_with = "forms::zone_name")]
    pub time_zone: chrono_tz::Tz,
    #[serde(deserialize_with = "forms::list")]
    pub holidays: Vec<NaiveDate>,
    /// In the footer of the pay page and of mails.
    pub disclaimer: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    pub url: Dsn,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// What links begin with.
    pub public_url: Origin,
    #[serde(deserialize_with = "forms::one")]
    pub public_listen: SocketAddr,
    #[serde(deserialize_with = "forms::one")]
    pub staff_listen: SocketAddr,
    /// Serves the built-in sandbox provider where set.
    #[serde(deserialize_with = "forms::optional")]
    pub sandbox_listen: Option<SocketAddr>,
    /// Whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "forms::list")]
    pub trusted_proxies: Vec<IpAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Post {
    Auto,
    Manual,
}

/// The day that a posting gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostingDate {
    #[default]
    Received,
    Posted,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    pub id: String,
    pub name: String,
    pub kind: Kind,
    /// ISO 4217, checked.
    pub currency: String,
    /// A payment gateway's plugin id.
    pub gateway: String,
    pub expires_after: Period,
    /// Whether a payer may pay less than the amount.
    pub partial: bool,
    /// The account from which the gateway takes its fees, refund fees and chargebacks: for a trust account, an operating one.
    pub fees_account: Option<String>,
    /// A connector's plugin id: takes the postings of links that did not come from a push.
    pub connector: Option<String>,
    /// See [`Account::post`].
    post: Option<Post>,
    /// A template.
    pub narrative: String,
    pub posting_date: PostingDate,
    pub ledger_code: Option<String>,
    pub transaction_type: Option<String>,
    pub bank_account: Option<String>,
}

impl Account {
    /// As written; else by itself for an operating account and by hand for trust money, which is posted by itself only
    /// where the firm turned that on.
    pub fn post(&self) -> Post {
        self.post.unwrap_or(match self.kind {
            Kind::Operating => Post::Auto,
            Kind::Trust => Post::Manual,
        })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plugin {
    pub id: String,
    /// The name of a plugin that comes with remitd, or a path that ends in `.wasm`.
    pub file: String,
    /// The plugin's own; dates become texts.
    pub settings: serde_json::Map<String, serde_json::Value>,
    pub grants: Grants,
}

/// What a plugin may use. Nothing, unless it is named here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    pub sql: Vec<String>,
    /// Those of `sql` that may be written to.
    pub sql_write: Vec<String>,
    pub http: Vec<Origin>,
    pub smtp: Vec<String>,
    pub maildir: Vec<String>,
    pub outbox: Vec<String>,
    pub secrets: Vec<String>,
}

/// Whose plugins may be installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signing {
    /// Whether a plugin without a signature by one of the keys is refused.
    pub required: bool,
    /// minisign public keys, by the signer's name.
    pub keys: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sql {
    pub id: String,
    pub url: Dsn,
    pub statement_timeout: Period,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    #[default]
    Starttls,
    Tls,
    None,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    pub id: String,
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Maildir {
    pub id: String,
    pub path: PathBuf,
}

/// A folder from which other software takes files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    pub id: String,
    pub path: PathBuf,
    /// On the same volume; else `.remitd` in the folder.
    pub staging: Option<PathBuf>,
    /// Where answers are put; else the folder itself.
    pub answers: Option<PathBuf>,
}

impl Outbox {
    pub fn staging(&self) -> PathBuf {
        self.staging.clone().unwrap_or_else(|| self.path.join(".remitd"))
    }

    pub fn answers(&self) -> &PathBuf {
        self.answers.as_ref().unwrap_or(&self.path)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    Send,
    Links,
    #[default]
    Review,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DecimalMark {
    #[default]
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
}

/// Files whose name fits are read by this importer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByName {
    #[serde(deserialize_with = "forms::one", serialize_with = "forms::shown")]
    pub name: Pattern,
    /// An importer's plugin id, or `auto`.
    pub importer: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Folder {
    pub path: PathBuf,
    pub account: String,
    /// An importer's plugin id, or `auto`: whichever knows the file.
    pub importer: String,
    /// Other importers, by the file's name; the first that fits.
    pub by_name: Vec<ByName>,
    pub release: Release,
    pub on_error: OnError,
    pub one_link: OneLink,
    pub duplicates: Duplicates,
    /// How long a file must rest before it counts as whole.
    pub settle: Period,
    pub date_order: DateOrder,
    pub decimal_mark: DecimalMark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushRelease {
    Send,
    #[default]
    Review,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    /// A connector's plugin id.
    pub connector: String,
    pub account: String,
    /// Five fields of cron in the firm's time zone; without it, by hand only.
    pub schedule: Option<String>,
    pub release: PushRelease,
    pub one_link: OneLink,
    /// Decimal digits in the account's currency: statements below are left out.
    pub minimum: Option<String>,
    /// Statements due later than in so many days are left out.
    pub days_before_due: Option<u32>,
    /// Statements of other practices, offices or lawyers are left out, by what the connector says of each.
    pub practices: Vec<String>,
    pub offices: Vec<String>,
    pub responsible: Vec<String>,
    /// Numbers that are never asked for.
    pub clients_out: Vec<String>,
    pub matters_out: Vec<String>,
    /// A file of such numbers, of clients, matters or statements; read at each push.
    pub hold_list: Option<PathBuf>,
}

/// When gateway, remitd and matter software are compared by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reconcile {
    /// Five fields of cron in the firm's time zone; empty: by hand only.
    pub schedule: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    #[default]
    Hold,
    Repeat,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// A mail provider's plugin id.
    pub provider: String,
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
    /// A folder with the firm's own templates.
    pub templates: Option<PathBuf>,
    /// What becomes of a mail that may have gone out.
    pub on_unknown: OnUnknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    pub plugin_memory: ByteSize,
    /// Time inside the plugin alone.
    pub plugin_time: Period,
    /// Time of one call as a whole, with what it waits for.
    pub call_time: Period,
    /// Jobs that a plugin may fail by its own fault, one after the other, before it is set aside.
    pub plugin_failures: u32,
    pub effects_at_once: u32,
    pub postings_at_once: u32,
    /// How long an effect is one worker's before another may take it.
    pub lease: Period,
    /// How often a gateway is asked for what happened.
    pub gateway_poll: Period,
    /// How often a watched folder is read.
    pub scan: Period,
    pub file_bytes: ByteSize,
    pub file_rows: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people on a terminal, else JSON.
    #[default]
    Auto,
    Json,
    Text,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

impl Default for Firm {
    fn default() -> Firm {
        Firm {
            name: String::new(),
            logo: None,
            colour: "#1f4e79".to_owned(),
            time_zone: chrono_tz::America::New_York,
            holidays: Vec::new(),
            disclaimer: String::new(),
        }
    }
}

impl Default for Server {
    fn default() -> Server {
        let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Server {
            public_url: Origin::default(),
            public_listen: local(8787),
            staff_listen: local(8788),
            sandbox_listen: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for Account {
    fn default() -> Account {
        Account {
            id: String::new(),
            name: String::new(),
            kind: Kind::default(),
            currency: String::new(),
            gateway: String::new(),
            expires_after: Period::of_ms(30 * 86_400_000),
            partial: false,
            fees_account: None,
            connector: None,
            post: None,
            narrative: "remitd payment".to_owned(),
            posting_date: PostingDate::default(),
            ledger_code: None,
            transaction_type: None,
            bank_account: None,
        }
    }
}

impl Default for Reconcile {
    fn default() -> Reconcile {
        Reconcile { schedule: "30 2 * * *".to_owned() }
    }
}

impl Default for Sql {
    fn default() -> Sql {
        Sql { id: String::new(), url: Dsn::default(), statement_timeout: Period::of_ms(30_000) }
    }
}

impl Default for Smtp {
    fn default() -> Smtp {
        Smtp {
            id: String::new(),
            host: String::new(),
            port: 587,
            security: Security::default(),
            user: None,
            password: None,
            ca_file: None,
        }
    }
}

impl Default for Folder {
    fn default() -> Folder {
        Folder {
            path: PathBuf::new(),
            account: String::new(),
            importer: String::new(),
            by_name: Vec::new(),
            release: Release::default(),
            on_error: OnError::default(),
            one_link: OneLink::default(),
            duplicates: Duplicates::default(),
            settle: Period::of_ms(2000),
            date_order: DateOrder::default(),
            decimal_mark: DecimalMark::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            plugin_memory: ByteSize::of_bytes(256 << 20),
            plugin_time: Period::of_ms(10_000),
            call_time: Period::of_ms(30_000),
            plugin_failures: 10,
            effects_at_once: 8,
            postings_at_once: 32,
            lease: Period::of_ms(120_000),
            gateway_poll: Period::of_ms(30_000),
            scan: Period::of_ms(2000),
            file_bytes: ByteSize::of_bytes(256 << 20),
            file_rows: 1_000_000,
        }
    }
}
