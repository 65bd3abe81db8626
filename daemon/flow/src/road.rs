//! What every stage is handed: the store, the clock, the firm's settings and its plugins.

use crate::error::FlowError;
use crate::fault::{Crashed, Faults};
use crate::plugin::{Connector, Gateway, Importer, MailProvider};
use chrono::NaiveDate;
use chrono_tz::Tz;
use remitd_domain::account::Kind;
use remitd_domain::link::{LinkKeys, NONCE_BYTES, Nonce, stamp};
use remitd_domain::money::{Currency, Money};
use remitd_domain::time::Clock;
use remitd_store::{Request, Store};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

#[derive(Debug, Clone)]
pub struct Firm {
    pub name: String,
    /// CSS colour of headings and buttons.
    pub colour: String,
    pub disclaimer: String,
    pub time_zone: Tz,
}

/// Whether a payment is written back by itself or on a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posting {
    Auto,
    Manual,
}

/// A merchant account: where money lands.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: String,
    pub name: String,
    pub kind: Kind,
    pub currency: Currency,
    /// The gateway plugin.
    pub gateway: String,
    /// Who takes the postings of links that no push made; empty: nobody.
    pub connector: String,
    pub expires_after_ms: i64,
    /// Whether a payer may pay less than is asked.
    pub partial: bool,
    pub posting: Posting,
    pub entry: Entry,
}

/// Of which day a posting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// When the money came.
    Received,
    /// When it is written.
    Posted,
}

/// How the account's postings look in the matter software; what is empty is not said there.
#[derive(Debug, Clone)]
pub struct Entry {
    /// A template.
    pub narrative: String,
    pub dated: Dated,
    pub ledger_code: String,
    pub transaction_type: String,
    pub bank_account: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    pub name: String,
    pub address: String,
}

/// What becomes of a mail that was perhaps sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    Hold,
    /// Once more, with the same Message-ID; then held.
    Repeat,
}

pub struct Mail {
    /// The mail provider plugin.
    pub provider: String,
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
    pub on_unknown: OnUnknown,
    pub templates: minijinja::Environment<'static>,
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Effects of one kind in work at a time.
    pub effects_at_once: usize,
    /// More of these keep the few connections of a matter database busy.
    pub postings_at_once: usize,
    pub lease_ms: i64,
    pub gateway_poll_ms: i64,
    pub scan_ms: u64,
    pub file_bytes: u64,
    pub file_rows: u64,
}

/// Plugins by their id, each of its kind.
#[derive(Default)]
pub struct Plugins {
    pub importers: BTreeMap<String, Importer>,
    pub connectors: BTreeMap<String, Connector>,
    pub mail_providers: BTreeMap<String, MailProvider>,
    pub gateways: BTreeMap<String, Gateway>,
}

/// The plugins that are in their seats now. A reload puts others there, all at once; what is in hand goes on with those it began
/// with.
#[derive(Default)]
pub struct Seats(RwLock<Arc<Plugins>>);

impl Seats {
    pub fn new(plugins: Plugins) -> Seats {
        Seats(RwLock::new(Arc::new(plugins)))
    }

    pub fn now(&self) -> Arc<Plugins> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn swap(&self, plugins: Plugins) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plugins);
    }
}

/// Tells the lanes that new work stands ready, so that nobody waits for their next look. A call while a lane is busy is not
/// lost: the lane finds it when it listens again.
pub struct Wake(watch::Sender<()>);

impl Default for Wake {
    fn default() -> Wake {
        Wake(watch::Sender::new(()))
    }
}

impl Wake {
    pub fn all(&self) {
        self.0.send_replace(());
    }

    pub fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

pub struct Road {
    pub store: Store,
    /// The folder of the daemon's own files.
    pub data: PathBuf,
    pub clock: Arc<dyn Clock>,
    pub faults: Arc<dyn Faults>,
    pub links: LinkKeys,
    /// Without a slash at its end.
    pub public_url: String,
    pub firm: Firm,
    pub accounts: Vec<Account>,
    pub plugins: Seats,
    pub mail: Mail,
    pub limits: Limits,
    /// When the three sides are compared by itself, in cron's words; empty: never.
    pub reconcile: String,
    pub wake: Wake,
}

impl Road {
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Where the firm is.
    pub(crate) fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&self.firm.time_zone).date_naive()
    }

    pub(crate) fn point(&self, name: &'static str) -> Result<(), Crashed> {
        self.faults.hit(name)
    }

    pub fn account(&self, id: &str) -> Result<&Account, FlowError> {
        self.accounts.iter().find(|account| account.id == id).ok_or_else(|| {
            let known: Vec<_> = self.accounts.iter().map(|account| account.id.as_str()).collect();
            FlowError::refused(
                "REMIT-0306",
                format!("there is no account \"{id}\": name one of {}", known.join(", ")),
            )
        })
    }

    /// Whether what concerns this account is written by itself. Of one that is gone from the configuration, a person decides.
    pub(crate) fn posts_by_itself(&self, account: &str) -> bool {
        self.account(account).is_ok_and(|account| account.posting == Posting::Auto)
    }

    pub fn importer(&self, id: &str) -> Result<Importer, FlowError> {
        named("importer", &self.plugins.now().importers, id)
    }

    pub fn connector(&self, id: &str) -> Result<Connector, FlowError> {
        named("connector", &self.plugins.now().connectors, id)
    }

    pub fn gateway(&self, id: &str) -> Result<Gateway, FlowError> {
        named("payment-gateway", &self.plugins.now().gateways, id)
    }

    pub fn mail_provider(&self) -> Result<MailProvider, FlowError> {
        named("mail-provider", &self.plugins.now().mail_providers, &self.mail.provider)
    }

    /// The secret address of a request's pay page.
    pub fn link(&self, nonce: Nonce) -> Result<String, FlowError> {
        let token =
            self.links.token(nonce).map_err(|error| FlowError::refused("REMIT-0307", error.to_string()))?;
        Ok(format!("{}/p/{}", self.public_url, token.reveal()))
    }

    /// Of `count` new links.
    pub(crate) fn nonces(&self, count: usize) -> Result<Vec<u8>, FlowError> {
        let mut bytes = vec![0; count * NONCE_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| FlowError::Random(error.to_string()))?;
        stamp(&mut bytes, self.now_ms());
        Ok(bytes)
    }
}

fn named<T: Clone>(kind: &'static str, plugins: &BTreeMap<String, T>, id: &str) -> Result<T, FlowError> {
    plugins.get(id).cloned().ok_or_else(|| FlowError::NoPlugin {
        kind,
        id: id.to_owned(),
        known: plugins.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
    })
}

/// An amount of a stored row.
pub(crate) fn money(amount_minor: i64, currency: &str) -> Result<Money, FlowError> {
    let currency = currency.parse().map_err(|error: remitd_domain::money::MoneyError| {
        FlowError::refused("REMIT-0308", error.to_string())
    })?;
    Ok(Money::from_minor(amount_minor, currency))
}

/// What a request still asks for.
pub(crate) fn left_minor(request: &Request) -> i64 {
    request.amount_minor - request.paid_minor
}
