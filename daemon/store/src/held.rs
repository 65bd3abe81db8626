//! Rows of a batch that were bad when the good ones went on: kept as they came until a person mends or deletes them.

use crate::db::{Row, Sql, Tx, args};
use crate::error::StoreError;
use crate::open::Store;
use remitd_domain::draft::{Draft, Finding};
use serde::{Deserialize, Serialize};

/// One bad row, as far as it could be read; its findings say what could not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    pub draft: Draft,
    pub findings: Vec<Finding>,
}

fn misfit(error: &serde_json::Error) -> StoreError {
    StoreError::Misfit { table: "held_row", what: error.to_string() }
}

fn held(row: &Row) -> Result<HeldRow, StoreError> {
    serde_json::from_str(&row.text(0)?).map_err(|error| misfit(&error))
}

const INSERT: Sql = Sql {
    sqlite: "INSERT INTO held_row (batch_id, line, draft)
             SELECT $1, value ->> '$.draft.line', value FROM json_each($2)",
    postgres: "INSERT INTO held_row (batch_id, line, draft)
             SELECT $1, (value #>> '{draft,line}')::bigint, value::text FROM json_array_elements($2::json)",
};

impl Tx {
    /// At most one row a line.
    pub async fn hold_rows(&mut self, batch: i64, rows: &[HeldRow]) -> Result<(), StoreError> {
        let rows = serde_json::to_string(rows).map_err(|error| misfit(&error))?;
        self.execute(INSERT, args![batch, &rows]).await.map(drop)
    }

    /// Takes the row out and gives it.
    pub async fn release_row(&mut self, batch: i64, line: i64) -> Result<Option<HeldRow>, StoreError> {
        let sql = "DELETE FROM held_row WHERE batch_id = $1 AND line = $2 RETURNING draft";
        self.row(sql, args![batch, line]).await?.as_ref().map(held).transpose()
    }

    /// Takes all rows out; gives their number.
    pub async fn drop_held(&mut self, batch: i64) -> Result<u64, StoreError> {
        self.execute("DELETE FROM held_row WHERE batch_id = $1", args![batch]).await
    }
}

impl Store {
    /// In the order of the file.
    pub async fn held_rows(&self, batch: i64) -> Result<Vec<HeldRow>, StoreError> {
        let sql = "SELECT draft FROM held_row WHERE batch_id = $1 ORDER BY line";
        self.db.rows(sql, args![batch]).await?.iter().map(held).collect()
    }
}
