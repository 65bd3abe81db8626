//! How the last comparisons of gateway, remitd and matter software went. Owns how many are kept; never what is a difference.

use crate::db::{Row, Tx, args};
use crate::error::StoreError;
use crate::open::Store;

/// Older ones are let go.
const KEPT: i64 = 100;

#[derive(Debug, Clone)]
pub struct NewReconciliation<'a> {
    pub at_ms: i64,
    /// `daemon` or `cli`.
    pub actor: &'a str,
    /// JSON lists of what each says.
    pub differences: &'a str,
    pub unread: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    pub at_ms: i64,
    pub actor: String,
    pub differences: Vec<String>,
    /// Sides that could not be compared, and why.
    pub unread: Vec<String>,
}

fn reconciliation(row: &Row) -> Result<Reconciliation, StoreError> {
    let list = |text: String| {
        serde_json::from_str(&text)
            .map_err(|error| StoreError::Misfit { table: "reconciliation", what: error.to_string() })
    };
    Ok(Reconciliation {
        at_ms: row.int(0)?,
        actor: row.text(1)?,
        differences: list(row.text(2)?)?,
        unread: list(row.text(3)?)?,
    })
}

impl Tx {
    pub async fn keep_reconciliation(&mut self, new: &NewReconciliation<'_>) -> Result<(), StoreError> {
        let sql = "INSERT INTO reconciliation (at_ms, actor, differences, unread) VALUES ($1, $2, $3, $4) RETURNING id";
        let id = self.id(sql, args![new.at_ms, new.actor, new.differences, new.unread]).await?;
        self.execute("DELETE FROM reconciliation WHERE id <= $1", args![id - KEPT]).await.map(drop)
    }
}

impl Store {
    /// The newest.
    pub async fn last_reconciliation(&self) -> Result<Option<Reconciliation>, StoreError> {
        let sql = "SELECT at_ms, actor, differences, unread FROM reconciliation ORDER BY id DESC LIMIT 1";
        self.db.rows(sql, &[]).await?.first().map(reconciliation).transpose()
    }
}
