//! The field by which people search each matter database: one row a connector. Nothing depends on it; it saves a click.

use crate::db::{Tx, args};
use crate::error::StoreError;
use crate::open::Store;

impl Store {
    /// The field that last found something.
    pub async fn search_field(&self, connector: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT field FROM search_field WHERE connector = $1";
        self.db.rows(sql, args![connector]).await?.first().map(|row| row.text(0)).transpose()
    }
}

impl Tx {
    pub async fn keep_search_field(&mut self, connector: &str, field: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO search_field (connector, field) VALUES ($1, $2)
                   ON CONFLICT (connector) DO UPDATE SET field = excluded.field";
        self.execute(sql, args![connector, field]).await.map(drop)
    }
}
