//! The trail of what plugins were refused and what was done to them. Rows are only ever added.

use crate::db::{Row, Tx, args};
use crate::error::StoreError;
use crate::open::Store;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    pub at_ms: i64,
    /// Who did it: `plugin:ID`, `cli`, `daemon`.
    pub actor: String,
    /// `refused`, `set-aside`, `installed`, `removed`, `reloaded`.
    pub what: String,
    pub code: String,
    pub message: String,
    /// Of the plugin's wasm; empty where none is concerned.
    pub sha256: String,
    pub job: String,
}

impl Tx {
    pub async fn audit(&mut self, row: &AuditRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO audit (at_ms, actor, what, code, message, sha256, job) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let AuditRow { at_ms, actor, what, code, message, sha256, job } = row;
        self.execute(sql, args![*at_ms, actor, what, code, message, sha256, job]).await.map(drop)
    }
}

impl Store {
    /// The newest first.
    pub async fn audits(&self, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
        let sql =
            "SELECT at_ms, actor, what, code, message, sha256, job FROM audit ORDER BY id DESC LIMIT $1";
        let audit = |row: &Row| {
            Ok(AuditRow {
                at_ms: row.int(0)?,
                actor: row.text(1)?,
                what: row.text(2)?,
                code: row.text(3)?,
                message: row.text(4)?,
                sha256: row.text(5)?,
                job: row.text(6)?,
            })
        };
        self.db.rows(sql, args![limit]).await?.iter().map(audit).collect()
    }
}
