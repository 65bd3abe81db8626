//! The books: what came in, what was asked, paid and posted, counted from the rows themselves.

use crate::error::StoreError;
use crate::open::Store;
use serde::Serialize;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Books {
    /// Batches that came from files, and the rows of every batch.
    pub files: i64,
    pub rows: i64,
    /// Requests that were released.
    pub requests: i64,
    /// Messages that were sent.
    pub mails: i64,
    /// Payments that succeeded, and what they sum to, without what went back.
    pub payments: i64,
    pub paid_minor: i64,
    /// Postings in the matter software, and what they sum to, reversals taken off.
    pub postings: i64,
    pub posted_minor: i64,
    /// Postings that are not there yet.
    pub unposted: i64,
    /// Requests that were to be mailed and were not (yet).
    pub unmailed: i64,
}

/// One text, one row: the figures fit each other.
const BOOKS: &str = r#"SELECT
  (SELECT count(*) FROM batch WHERE source IN ('file', 'folder')),
  (SELECT CAST(coalesce(sum("rows"), 0) AS BIGINT) FROM batch),
  (SELECT count(*) FROM request WHERE state NOT IN ('draft', 'discarded', 'gathered')),
  (SELECT count(*) FROM message WHERE state = 'sent'),
  (SELECT count(*) FROM payment WHERE state = 'succeeded'),
  (SELECT CAST(coalesce(sum(amount_minor - returned_minor), 0) AS BIGINT) FROM payment WHERE state = 'succeeded'),
  (SELECT count(*) FROM posting WHERE state = 'posted'),
  (SELECT CAST(coalesce(sum(CASE kind WHEN 'reversal' THEN -amount_minor ELSE amount_minor END), 0) AS BIGINT)
     FROM posting WHERE state = 'posted'),
  (SELECT count(*) FROM posting WHERE state IN ('pending', 'incomplete', 'queued')),
  (SELECT count(*) FROM effect WHERE kind = 'mail' AND state <> 'done')"#;

impl Store {
    pub async fn books(&self) -> Result<Books, StoreError> {
        let rows = self.db.rows(BOOKS, &[]).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        Ok(Books {
            files: row.int(0)?,
            rows: row.int(1)?,
            requests: row.int(2)?,
            mails: row.int(3)?,
            payments: row.int(4)?,
            paid_minor: row.int(5)?,
            postings: row.int(6)?,
            posted_minor: row.int(7)?,
            unposted: row.int(8)?,
            unmailed: row.int(9)?,
        })
    }
}
