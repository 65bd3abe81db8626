//! Keeps what plugins remember, and the trail of what they were refused, in the daemon's database. Owns the translation between
//! the host's words and the store's; decides nothing.

use remitd_domain::time::Clock;
use remitd_host::keep::{
    KEYS_MOST, Keep, Kept, Note, SCAN_MOST, STATE_MAX_BYTES, changed_meanwhile, too_much,
};
use remitd_host::wit::state::{Change, Entry};
use remitd_host::{Failure, keep};
use remitd_store::{AuditRow, Remembered, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// What a plugin waits for its own state. The store's one writer may be taken for longer, by the very file that it reads.
const WAIT: Duration = Duration::from_secs(5);

pub struct Keeper {
    store: Store,
    clock: Arc<dyn Clock>,
    /// Of the daemon: a connection of its pool must not be opened on the threads of guests, which end with their host.
    daemon: Handle,
}

impl Keeper {
    /// Called on the daemon's own runtime.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Keeper {
        Keeper { store, clock, daemon: Handle::current() }
    }

    /// Runs `work` on the daemon's threads and waits for it, though not for ever.
    async fn there<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let busy = || Failure::unavailable("store", "the daemon's database is busy");
        let done = self.daemon.spawn(async move { tokio::time::timeout(WAIT, work).await });
        match done.await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

fn away(error: StoreError) -> Failure {
    tracing::warn!(%error, "the store did not keep a plugin's state");
    Failure::unavailable("store", "the daemon's database does not answer")
}

fn entry(kept: Remembered) -> Result<Entry, Failure> {
    let misfit = || Failure::bug("state", "a key in the daemon's database is no text");
    Ok(Entry {
        key: String::from_utf8(kept.key).map_err(|_| misfit())?,
        value: kept.value,
        version: u64::try_from(kept.version).map_err(|_| misfit())?,
    })
}

impl Keep for Keeper {
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> Kept<'a, Option<Entry>> {
        let (store, plugin, key) = (self.store.clone(), plugin.to_owned(), key.to_owned());
        Box::pin(self.there(async move {
            let found = store.remembered(&plugin, key.as_bytes()).await.map_err(away)?;
            found.map(entry).transpose()
        }))
    }

    fn scan<'a>(&'a self, plugin: &'a str, prefix: &'a str, after: Option<&'a str>) -> Kept<'a, Vec<Entry>> {
        let (store, plugin, prefix) = (self.store.clone(), plugin.to_owned(), prefix.to_owned());
        let after = after.unwrap_or_default().to_owned();
        Box::pin(self.there(async move {
            let most = i64::try_from(SCAN_MOST).unwrap_or(i64::MAX);
            let (prefix, after) = (prefix.as_bytes(), after.as_bytes());
            let found = store.remembered_from(&plugin, prefix, after, most).await.map_err(away)?;
            found.into_iter().map(entry).collect()
        }))
    }

    fn apply<'a>(&'a self, plugin: &'a str, changes: &'a [Change]) -> keep::Kept<'a, ()> {
        let (store, plugin, changes) = (self.store.clone(), plugin.to_owned(), changes.to_vec());
        Box::pin(self.there(async move { apply(&store, &plugin, &changes).await }))
    }

    fn note(&self, note: Note) {
        let (store, at_ms) = (self.store.clone(), self.clock.now_ms());
        let row = AuditRow {
            at_ms,
            actor: format!("plugin:{}", note.plugin),
            what: note.what.to_owned(),
            code: note.code,
            message: note.message,
            sha256: note.sha256,
            job: note.job,
        };
        let write = async move {
            let mut tx = store.begin().await?;
            tx.audit(&row).await?;
            tx.commit().await
        };
        // Its end is told here; the line itself stands in the log in any case.
        drop(self.daemon.spawn(async move {
            if let Err(error) = write.await {
                tracing::error!(%error, "a line of the trail could not be written");
            }
        }));
    }
}

async fn apply(store: &Store, plugin: &str, changes: &[Change]) -> Result<(), Failure> {
    let mut tx = store.begin().await.map_err(away)?;
    for Change { key, value, version } in changes {
        let version = i64::try_from(*version).map_err(|_| changed_meanwhile(key))?;
        let fits = tx.remember(plugin, key.as_bytes(), value.as_deref(), version).await.map_err(away)?;
        if !fits {
            return Err(changed_meanwhile(key));
        }
    }
    let (keys, bytes) = tx.remembered_size(plugin).await.map_err(away)?;
    let over = |count: i64, most: usize| usize::try_from(count).is_ok_and(|count| count > most);
    if over(keys, KEYS_MOST) || over(bytes, STATE_MAX_BYTES) {
        return Err(too_much());
    }
    tx.commit().await.map_err(away)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use remitd_host::keep::Forgetful;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }
    }

    fn change(key: &str, value: Option<&[u8]>, version: u64) -> Change {
        Change { key: key.to_owned(), value: value.map(<[u8]>::to_vec), version }
    }

    /// What a keeper answers to each of a plugin's calls.
    async fn walk(keep: &dyn Keep) -> Vec<String> {
        let mut answers = Vec::new();
        let full: Vec<Change> =
            (0..80).map(|nth| change(&format!("full/{nth:03}"), Some(&[7; 60 << 10]), 0)).collect();
        for changes in [
            vec![change("a", Some(b"one"), 0), change("b", Some(b"two"), 0)],
            // The second does not fit, so the first is not made either.
            vec![change("a", Some(b"uno"), 1), change("b", Some(b"dos"), 0)],
            vec![change("a", None, 1)],
            vec![change("a", None, 1)],
            full,
        ] {
            answers.push(format!("{:?}", keep.apply("acme", &changes).await.map_err(|failure| failure.code)));
        }
        answers.push(format!("{:?}", keep.get("acme", "a").await));
        answers.push(format!("{:?}", keep.get("other", "b").await));
        answers.push(format!("{:?}", keep.scan("acme", "", None).await));
        answers.push(format!("{:?}", keep.scan("acme", "", Some("b")).await));
        answers
    }

    #[tokio::test]
    async fn the_database_and_the_forgetful_one_answer_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("remitd.sqlite").display());
        let keeper = Keeper::new(Store::open(&url, 1).await.unwrap(), Arc::new(Still));
        let kept = walk(&keeper).await;
        assert_eq!(kept, walk(&Forgetful::default()).await);
        let codes = [
            "Ok(())",
            "Err(\"changed-meanwhile\")",
            "Ok(())",
            "Err(\"changed-meanwhile\")",
            "Err(\"too-much\")",
        ];
        assert_eq!(kept[..5], codes);
        assert_eq!(kept[5..7], ["Ok(None)", "Ok(None)"]);
        assert!(kept[7].contains("version: 1") && kept[7].contains("\"b\""), "{kept:?}");
        assert_eq!(kept[8], "Ok([])");
    }
}
