//! From a configuration to a road that can be walked: secrets read, plugins loaded and each seated where it is named, the
//! store opened. `check` goes the same way and stops before the store.

pub mod plugins;
mod services;

pub use plugins::{look, seat};
pub use services::{bare_cache_folder, bare_host};

use crate::clock::SystemClock;
use crate::codes;
use crate::config::{self, Loaded, Post, PostingDate, PushRelease};
use crate::fault::Fault;
use crate::faults::KillSelf;
use remitd_domain::account::Kind;
use remitd_domain::link::{LinkKey, LinkKeys};
use remitd_domain::money::{Currency, Money};
use remitd_domain::push::Rules;
use remitd_flow::intake::Conventions;
use remitd_flow::intake::folder::Folder;
use remitd_flow::intake::push::{Push, Scheduled};
use remitd_flow::plugin::Keeper;
use remitd_flow::{
    Account, Dated, Entry, Firm, Limits, Mail, Mailbox, OnUnknown, Plugins, Policy, Posting, Release, Road,
    Seats, Wake,
};
use remitd_host::{Plugin, postgres_fault};
use remitd_store::Store;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a command works with.
pub struct Wired {
    pub loaded: Loaded,
    pub road: Arc<Road>,
    pub folders: Vec<Folder>,
    pub pushes: Vec<(Push, Option<String>)>,
    /// What is in the road's seats.
    pub seated: tokio::sync::Mutex<Vec<Arc<Plugin>>>,
}

/// Whether a command calls plugins; those that do not start much faster.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Store,
    Plugins,
}

/// Opens everything that the configuration names.
pub async fn open(loaded: Loaded, need: Need) -> Result<Wired, Fault> {
    let url = store_url(&loaded)?;
    if let Some(folder) = data_folder(&loaded) {
        fs_err::create_dir_all(folder)?;
    }
    if let Some(fault) = postgres_fault(&url) {
        let mend = "mend what stands after the question mark of store.url".to_owned();
        return Err(Fault::Wiring { what: format!("store.url: {fault}"), mend });
    }
    let store = Store::open(&url, random_owner()?).await?;
    let (plugins, seated) = match need {
        Need::Store => Default::default(),
        // Each seat keeps the host alive.
        Need::Plugins => {
            let (plugins, seated) = seat(&loaded, keeper(&store)).await?;
            (plugins, seated.all)
        }
    };
    let road = Arc::new(road(&loaded, store, plugins)?);
    let folders = folders(&loaded);
    let pushes = pushes(&loaded)?;
    Ok(Wired { loaded, road, folders, pushes, seated: seated.into() })
}

/// What plugins remember, and the trail, in this store.
pub fn keeper(store: &Store) -> Arc<Keeper> {
    Arc::new(Keeper::new(store.clone(), Arc::new(SystemClock)))
}

impl Wired {
    pub fn scheduled(&self) -> Vec<Scheduled> {
        let scheduled = |(push, schedule): &(Push, Option<String>)| {
            Some(Scheduled { push: push.clone(), schedule: schedule.clone()? })
        };
        self.pushes.iter().filter_map(scheduled).collect()
    }
}

fn random_owner() -> Result<u32, Fault> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(u32::from_le_bytes(bytes))
}

/// The folder of the daemon's own files.
pub fn data_folder(loaded: &Loaded) -> Option<PathBuf> {
    match &loaded.config.store.url {
        config::Dsn::Plain(url) if url.starts_with("sqlite:") => {
            let path = loaded.path(url.trim_start_matches("sqlite:").trim_start_matches("//"));
            path.parent().map(Path::to_owned)
        }
        _ => Some(loaded.path("data")),
    }
}

fn store_url(loaded: &Loaded) -> Result<String, Fault> {
    let url = loaded.config.store.url.read(&loaded.base)?;
    Ok(absolute(loaded, url.expose_secret()))
}

/// Where a `[[sql]]` connection leads, with its password where it has one.
pub fn sql_url(loaded: &Loaded, sql: &config::Sql) -> Result<SecretString, Fault> {
    Ok(SecretString::from(absolute(loaded, sql.url.read(&loaded.base)?.expose_secret())))
}

/// `sqlite:PATH` with the path as it can be opened.
fn absolute(loaded: &Loaded, url: &str) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) => format!("sqlite:{}", loaded.path(path.trim_start_matches("//")).display()),
        None => url.to_owned(),
    }
}

fn ms(period: config::units::Period) -> u64 {
    u64::try_from(period.get().as_millis()).unwrap_or(u64::MAX)
}

fn ms_i64(period: config::units::Period) -> i64 {
    i64::try_from(period.get().as_millis()).unwrap_or(i64::MAX)
}

fn is_link_key(name: &str) -> bool {
    name == "link-key" || name.starts_with("link-key-")
}

/// `link-key` has number 1, `link-key-2` number 2 and so on; new links are made with the highest.
fn link_keys(loaded: &Loaded) -> Result<LinkKeys, Fault> {
    let mut keys = Vec::new();
    for (name, secret) in loaded.config.secrets.iter().filter(|(name, _)| is_link_key(name)) {
        let number = name.strip_prefix("link-key-").unwrap_or("1");
        let number: u8 = number.parse().map_err(|_| Fault::Wiring {
            what: format!("the secret \"{name}\" has no number from 2 to 255 at its end"),
            mend: "name link keys link-key, link-key-2, link-key-3 …".to_owned(),
        })?;
        let text = secret.read(&loaded.base)?;
        // Whatever its length, the key's strength is its text's.
        keys.push(LinkKey { number, secret: Sha256::digest(text.expose_secret().as_bytes()).into() });
    }
    keys.sort_by_key(|key| key.number);
    LinkKeys::new(keys).map_err(|error| Fault::Wiring {
        what: error.to_string(),
        mend: "add link-key = { file = \"secrets/link-key\" } under [secrets]".to_owned(),
    })
}

fn road(loaded: &Loaded, store: Store, plugins: Plugins) -> Result<Road, Fault> {
    let config = &loaded.config;
    Ok(Road {
        store,
        data: data_folder(loaded).unwrap_or_else(|| loaded.base.clone()),
        clock: Arc::new(SystemClock),
        faults: KillSelf::from_environment(),
        links: link_keys(loaded)?,
        public_url: config.server.public_url.as_str().to_owned(),
        firm: Firm {
            name: config.firm.name.clone(),
            colour: config.firm.colour.clone(),
            disclaimer: config.firm.disclaimer.clone(),
            time_zone: config.firm.time_zone,
        },
        accounts: config.accounts.iter().map(account).collect::<Result<_, _>>()?,
        plugins: Seats::new(plugins),
        mail: mail(loaded)?,
        limits: Limits {
            effects_at_once: config.limits.effects_at_once as usize,
            postings_at_once: config.limits.postings_at_once as usize,
            lease_ms: ms_i64(config.limits.lease),
            gateway_poll_ms: ms_i64(config.limits.gateway_poll),
            scan_ms: ms(config.limits.scan),
            file_bytes: config.limits.file_bytes.get(),
            file_rows: config.limits.file_rows,
        },
        reconcile: config.reconcile.schedule.clone(),
        wake: Wake::default(),
    })
}

fn currency(code: &str) -> Result<Currency, Fault> {
    code.parse().map_err(|error: remitd_domain::money::MoneyError| Fault::Wiring {
        what: error.to_string(),
        mend: "write the code of ISO 4217, such as USD".to_owned(),
    })
}

fn account(account: &config::Account) -> Result<Account, Fault> {
    Ok(Account {
        id: account.id.clone(),
        name: match account.kind {
            Kind::Operating => account.name.clone(),
            Kind::Trust => format!("{} (trust)", account.name),
        },
        kind: account.kind,
        currency: currency(&account.currency)?,
        gateway: account.gateway.clone(),
        connector: account.connector.clone().unwrap_or_default(),
        expires_after_ms: ms_i64(account.expires_after),
        partial: account.partial,
        posting: match account.post() {
            Post::Auto => Posting::Auto,
            Post::Manual => Posting::Manual,
        },
        entry: Entry {
            narrative: account.narrative.clone(),
            dated: match account.posting_date {
                PostingDate::Received => Dated::Received,
                PostingDate::Posted => Dated::Posted,
            },
            ledger_code: account.ledger_code.clone().unwrap_or_default(),
            transaction_type: account.transaction_type.clone().unwrap_or_default(),
            bank_account: account.bank_account.clone().unwrap_or_default(),
        },
    })
}

fn mail(loaded: &Loaded) -> Result<Mail, Fault> {
    let mail = &loaded.config.mail;
    let folder = mail.templates.as_ref().map(|path| loaded.path(path));
    let templates = remitd_flow::deliver::environment(folder.as_deref()).map_err(|error| Fault::Wiring {
        what: error.to_string(),
        mend: "mend the template, or delete it to use the built-in one".to_owned(),
    })?;
    let mailbox =
        |of: &config::units::Mailbox| Mailbox { name: of.name.clone(), address: of.address.clone() };
    Ok(Mail {
        provider: mail.provider.clone(),
        from: mailbox(&mail.from),
        reply_to: mail.reply_to.as_ref().map(mailbox),
        on_unknown: match mail.on_unknown {
            config::OnUnknown::Hold => OnUnknown::Hold,
            config::OnUnknown::Repeat => OnUnknown::Repeat,
        },
        templates,
    })
}

fn folders(loaded: &Loaded) -> Vec<Folder> {
    let folder = |folder: &config::Folder| Folder {
        path: loaded.path(&folder.path),
        account: folder.account.clone(),
        importer: folder.importer.clone(),
        by_name: folder.by_name.iter().map(|by| (by.name.clone(), by.importer.clone())).collect(),
        policy: Policy {
            release: match folder.release {
                config::Release::Send => Release::Send,
                config::Release::Links => Release::Links,
                config::Release::Review => Release::Review,
            },
            on_error: folder.on_error,
            one_link: folder.one_link,
            duplicates: folder.duplicates,
        },
        conventions: conventions(folder.date_order, folder.decimal_mark),
        settle_ms: ms_i64(folder.settle),
        mends: codes::mend,
        reading: Arc::default(),
    };
    loaded.config.folders.iter().map(folder).collect()
}

pub fn conventions(order: config::DateOrder, mark: config::DecimalMark) -> Conventions {
    let date_order = match order {
        config::DateOrder::Mdy => "mdy",
        config::DateOrder::Dmy => "dmy",
        config::DateOrder::Ymd => "ymd",
    };
    let decimal_mark = match mark {
        config::DecimalMark::Point => ".",
        config::DecimalMark::Comma => ",",
    };
    Conventions { date_order: date_order.to_owned(), decimal_mark: decimal_mark.to_owned() }
}

fn pushes(loaded: &Loaded) -> Result<Vec<(Push, Option<String>)>, Fault> {
    let config = &loaded.config;
    let trimmed = |words: &[String]| words.iter().map(|word| word.trim().to_owned()).collect();
    let push = |push: &config::Push| {
        let account = config.accounts.iter().find(|account| account.id == push.account);
        let code = account.map(|account| account.currency.as_str()).unwrap_or_default();
        let minimum_minor = match &push.minimum {
            None => 0,
            Some(text) => {
                let money = Money::parse(text, currency(code)?);
                money.map(Money::minor).map_err(|error| Fault::Wiring {
                    what: format!("minimum of a [[push]]: {error}"),
                    mend: "write decimal digits, such as \"25.00\"".to_owned(),
                })?
            }
        };
        let rules = Push {
            connector: push.connector.clone(),
            account: push.account.clone(),
            send: push.release == PushRelease::Send,
            one_link: push.one_link,
            rules: Rules {
                minimum_minor,
                days_before_due: push.days_before_due,
                practices: trimmed(&push.practices),
                offices: trimmed(&push.offices),
                responsible: trimmed(&push.responsible),
                clients_out: trimmed(&push.clients_out),
                matters_out: trimmed(&push.matters_out),
            },
            hold_list: push.hold_list.as_ref().map(|path| loaded.path(path)),
        };
        Ok((rules, push.schedule.clone()))
    };
    config.pushes.iter().map(push).collect()
}
