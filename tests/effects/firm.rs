//! A firm of a test's own: its folder, its database, its provider, its clock. Roads to it are opened and lost; the firm stays.

use crate::provider::Provider;
use chrono::{DateTime, Utc};
use remitd_domain::time::Clock;
use remitd_tests::postgres;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use tempfile::TempDir;

/// 2026-01-15, 15:00 UTC: a working day, far from the hour of the push.
const START_MS: i64 = 1_768_489_200_000;
const MATTERS: &str = include_str!("../../config/demo/matters.sql");

/// A clock that stands still until a test moves it.
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).expect("a time in this age")
    }
}

/// Where remitd keeps its books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Books {
    Sqlite,
    Postgres,
}

/// Whom the firm sends its mails through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailBy {
    /// Knows a repeated message again.
    Folder,
    /// A server at this port, to which a repeated message is a second one.
    Smtp(u16),
}

pub struct Firm {
    pub folder: TempDir,
    pub url: String,
    pub clock: Arc<TestClock>,
    pub provider: Provider,
    pub mail_by: MailBy,
    owners: AtomicU32,
}

/// What an effect needs from outside, and which can be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    Provider,
    Matters,
    MailFolder,
}

impl Firm {
    pub async fn new(books: Books, mail_by: MailBy) -> Firm {
        let folder = tempfile::Builder::new().prefix("remitd-effects-").tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(START_MS)));
        let url = match books {
            Books::Sqlite => format!("sqlite:{}", folder.path().join("remitd.sqlite").display()),
            Books::Postgres => {
                tokio::task::spawn_blocking(|| postgres::shared().database("effects")).await.unwrap()
            }
        };
        fs_err::create_dir(folder.path().join("mail")).unwrap();
        let provider = Provider::start(folder.path(), clock.clone()).await;
        let firm = Firm { folder, url, clock, provider, mail_by, owners: AtomicU32::new(1) };
        remitd_host::run_script(&firm.matters_url(), MATTERS, None).await.unwrap();
        firm
    }

    pub fn matters_url(&self) -> String {
        format!("sqlite:{}", self.path(Outside::Matters).display())
    }

    /// A number for the next process.
    pub fn next_owner(&self) -> u32 {
        self.owners.fetch_add(1, Ordering::SeqCst)
    }

    /// Waits until PostgreSQL, too, knows that a process is gone: the lock that stood for its life can be had.
    pub async fn bury(&self, owner: u32) {
        if self.url.starts_with("sqlite:") {
            return;
        }
        let url = self.url.clone();
        let lock =
            format!("SELECT pg_advisory_lock(1380799556, {owner}), pg_advisory_unlock(1380799556, {owner})");
        tokio::task::spawn_blocking(move || postgres::shared().ask(&url, &lock)).await.unwrap();
    }

    pub async fn take_away(&mut self, outside: Outside) {
        match outside {
            Outside::Provider => self.provider.go_away().await,
            Outside::Matters | Outside::MailFolder => {
                fs_err::rename(self.path(outside), self.hidden(outside)).unwrap();
            }
        }
    }

    pub async fn bring_back(&mut self, outside: Outside) {
        match outside {
            Outside::Provider => self.provider.come_back().await,
            Outside::Matters | Outside::MailFolder => {
                fs_err::rename(self.hidden(outside), self.path(outside)).unwrap();
            }
        }
    }

    pub fn path(&self, outside: Outside) -> PathBuf {
        self.folder.path().join(match outside {
            Outside::Provider => "provider.jsonl",
            Outside::Matters => "matters.sqlite",
            Outside::MailFolder => "mail",
        })
    }

    fn hidden(&self, outside: Outside) -> PathBuf {
        self.path(outside).with_extension("away")
    }
}
