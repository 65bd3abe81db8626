//! What each plugin remembers: keys with a version, changed only by whoever has read the version that stands.

use crate::db::{Row, Tx, args};
use crate::error::StoreError;
use crate::open::Store;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub version: i64,
}

fn remembered(row: &Row) -> Result<Remembered, StoreError> {
    Ok(Remembered { key: row.bytes(0)?, value: row.bytes(1)?, version: row.int(2)? })
}

impl Store {
    pub async fn remembered(&self, plugin: &str, key: &[u8]) -> Result<Option<Remembered>, StoreError> {
        let sql = "SELECT key, value, version FROM plugin_state WHERE plugin = $1 AND key = $2";
        self.db.rows(sql, args![plugin, key]).await?.first().map(remembered).transpose()
    }

    /// Keys that begin so, after the one given, in the order of their bytes.
    pub async fn remembered_from(
        &self,
        plugin: &str,
        prefix: &[u8],
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<Remembered>, StoreError> {
        let sql = "SELECT key, value, version FROM plugin_state
                   WHERE plugin = $1 AND key > $2 AND substr(key, 1, length($3)) = $3 ORDER BY key LIMIT $4";
        self.db.rows(sql, args![plugin, after, prefix, limit]).await?.iter().map(remembered).collect()
    }
}

impl Tx {
    /// Sets a key, or removes it; gives whether it had the version that was expected, 0 for not being there.
    pub async fn remember(
        &mut self,
        plugin: &str,
        key: &[u8],
        value: Option<&[u8]>,
        version: i64,
    ) -> Result<bool, StoreError> {
        let changed = match (value, version) {
            (Some(value), 0) => {
                let sql = "INSERT INTO plugin_state (plugin, key, value, version) VALUES ($1, $2, $3, 1) ON CONFLICT DO NOTHING";
                self.execute(sql, args![plugin, key, value]).await?
            }
            (Some(value), version) => {
                let sql = "UPDATE plugin_state SET value = $3, version = version + 1
                           WHERE plugin = $1 AND key = $2 AND version = $4";
                self.execute(sql, args![plugin, key, value, version]).await?
            }
            (None, 0) => {
                let sql = "SELECT 1 FROM plugin_state WHERE plugin = $1 AND key = $2";
                u64::from(self.rows(sql, args![plugin, key]).await?.is_empty())
            }
            (None, version) => {
                let sql = "DELETE FROM plugin_state WHERE plugin = $1 AND key = $2 AND version = $3";
                self.execute(sql, args![plugin, key, version]).await?
            }
        };
        Ok(changed == 1)
    }

    /// Removes all that a plugin remembers; gives how many keys that were.
    pub async fn forget(&mut self, plugin: &str) -> Result<u64, StoreError> {
        self.execute("DELETE FROM plugin_state WHERE plugin = $1", args![plugin]).await
    }

    /// Keys of a plugin, and bytes of its keys and values together.
    pub async fn remembered_size(&mut self, plugin: &str) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(length(key) + length(value)), 0) AS BIGINT) FROM plugin_state WHERE plugin = $1";
        let row = self.row(sql, args![plugin]).await?.ok_or(sqlx::Error::RowNotFound)?;
        Ok((row.int(0)?, row.int(1)?))
    }
}
