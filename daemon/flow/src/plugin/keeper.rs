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

pub struct Keeper {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
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
        Box::pin(async move {
            let found = self.store.remembered(plugin, key.as_bytes()).await.map_err(away)?;
            found.map(entry).transpose()
        })
    }

    fn scan<'a>(&'a self, plugin: &'a str, prefix: &'a str, after: Option<&'a str>) -> Kept<'a, Vec<Entry>> {
        Box::pin(async move {
            let after = after.unwrap_or_default().as_bytes();
            let most = i64::try_from(SCAN_MOST).unwrap_or(i64::MAX);
            let found =
                self.store.remembered_from(plugin, prefix.as_bytes(), after, most).await.map_err(away)?;
            found.into_iter().map(entry).collect()
        })
    }

    fn apply<'a>(&'a self, plugin: &'a str, changes: &'a [Change]) -> keep::Kept<'a, ()> {
        Box::pin(async move {
            let mut tx = self.store.begin().await.map_err(away)?;
            for Change { key, value, version } in changes {
                let version = i64::try_from(*version).map_err(|_| changed_meanwhile(key))?;
                let fits =
                    tx.remember(plugin, key.as_bytes(), value.as_deref(), version).await.map_err(away)?;
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
        })
    }

    fn note(&self, note: Note) -> Kept<'_, ()> {
        Box::pin(async move {
            let row = AuditRow {
                at_ms: self.clock.now_ms(),
                actor: format!("plugin:{}", note.plugin),
                what: note.what.to_owned(),
                code: note.code,
                message: note.message,
                sha256: note.sha256,
                job: note.job,
            };
            let mut tx = self.store.begin().await.map_err(away)?;
            tx.audit(&row).await.map_err(away)?;
            tx.commit().await.map_err(away)
        })
    }
}
