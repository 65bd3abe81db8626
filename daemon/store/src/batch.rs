//! Batches: the drafts that came in together, and what became of every row.

use crate::db::{Row, Sql, Tx, args};
use crate::error::StoreError;
use crate::open::Store;
use remitd_domain::draft::Finding;
use remitd_domain::policy::{Duplicates, OneLink};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// Waits for a person to release or discard it.
    Review,
    Released,
    /// Nothing of it was taken.
    Rejected,
    Discarded,
}

const STATES: [(BatchState, &str); 4] = [
    (BatchState::Review, "review"),
    (BatchState::Released, "released"),
    (BatchState::Rejected, "rejected"),
    (BatchState::Discarded, "discarded"),
];

impl BatchState {
    pub fn name(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Every row is in exactly one of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub ok: i64,
    pub rejected: i64,
    pub duplicate: i64,
}

impl Counts {
    pub fn rows(self) -> i64 {
        self.ok + self.rejected + self.duplicate
    }
}

#[derive(Debug, Clone)]
pub struct NewBatch<'a> {
    pub source: &'a str,
    pub name: &'a str,
    pub source_key: Option<&'a str>,
    pub sha256: Option<&'a str>,
    pub account: &'a str,
    pub one_link: OneLink,
    pub duplicates: Duplicates,
    pub now_ms: i64,
}

#[derive(Debug, Clone)]
pub struct Batch {
    pub id: i64,
    pub source: String,
    pub name: String,
    pub account: String,
    pub state: BatchState,
    pub counts: Counts,
    pub findings: Vec<Finding>,
    /// What was noticed and let through.
    pub notes: Vec<Finding>,
    /// Bad rows that wait to be mended or deleted; they count as rejected.
    pub held: i64,
    pub one_link: OneLink,
    pub duplicates: Duplicates,
    pub created_ms: i64,
}

/// Batches in review, bad rows that are held, and postings that do not go by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    pub batches: i64,
    pub rows: i64,
    pub pending: i64,
    pub incomplete: i64,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Closed<'a> {
    pub state: BatchState,
    pub counts: Counts,
    pub findings: &'a [Finding],
    pub notes: &'a [Finding],
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, source, name, account, state, ok, rejected, duplicate, findings, created_ms, notes, one_link, duplicates,
                (SELECT count(*) FROM held_row WHERE held_row.batch_id = batch.id)
             FROM batch ",
            $rest
        )
    };
}

fn batch(row: &Row) -> Result<Batch, StoreError> {
    let misfit = |what: String| StoreError::Misfit { table: "batch", what };
    let state = row.text(4)?;
    let findings = |text: String| serde_json::from_str(&text).map_err(|error| misfit(error.to_string()));
    let (one_link, duplicates) = (row.text(11)?, row.text(12)?);
    Ok(Batch {
        id: row.int(0)?,
        source: row.text(1)?,
        name: row.text(2)?,
        account: row.text(3)?,
        state: STATES
            .iter()
            .find(|(_, name)| *name == state)
            .map(|(state, _)| *state)
            .ok_or_else(|| misfit(state.clone()))?,
        counts: Counts { ok: row.int(5)?, rejected: row.int(6)?, duplicate: row.int(7)? },
        findings: findings(row.text(8)?)?,
        notes: findings(row.text(10)?)?,
        held: row.int(13)?,
        one_link: OneLink::from_name(&one_link).ok_or_else(|| misfit(one_link))?,
        duplicates: Duplicates::from_name(&duplicates).ok_or_else(|| misfit(duplicates))?,
        created_ms: row.int(9)?,
    })
}

const LOCKED: Sql =
    Sql { sqlite: select!("WHERE id = $1"), postgres: select!("WHERE id = $1 FOR NO KEY UPDATE OF batch") };

impl Tx {
    /// A batch without rows; [`Tx::close_batch`] says what became of them. A `source_key` that is taken already is an error
    /// ([`StoreError::is_taken`]).
    pub async fn insert_batch(&mut self, new: &NewBatch<'_>) -> Result<i64, StoreError> {
        self.id(
            r#"INSERT INTO batch (source, name, source_key, sha256, account, state, "rows", ok, rejected, duplicate, findings, created_ms,
                 one_link, duplicates)
               VALUES ($1, $2, $3, $4, $5, 'review', 0, 0, 0, 0, '[]', $6, $7, $8) RETURNING id"#,
            args![
                new.source,
                new.name,
                new.source_key,
                new.sha256,
                new.account,
                new.now_ms,
                new.one_link.name(),
                new.duplicates.name(),
            ],
        )
        .await
    }

    pub async fn close_batch(&mut self, id: i64, closed: &Closed<'_>) -> Result<(), StoreError> {
        let json = |findings: &[Finding]| {
            serde_json::to_string(findings)
                .map_err(|error| StoreError::Misfit { table: "batch", what: error.to_string() })
        };
        let (findings, notes) = (json(closed.findings)?, json(closed.notes)?);
        let Counts { ok, rejected, duplicate } = closed.counts;
        self.execute(
            r#"UPDATE batch SET state = $2, ok = $3, rejected = $4, duplicate = $5, "rows" = $6, findings = $7, notes = $8
               WHERE id = $1"#,
            args![
                id,
                closed.state.name(),
                ok,
                rejected,
                duplicate,
                closed.counts.rows(),
                &findings,
                &notes
            ],
        )
        .await
        .map(drop)
    }

    /// The batch, held until the transaction ends.
    pub async fn batch(&mut self, id: i64) -> Result<Option<Batch>, StoreError> {
        self.row(LOCKED, args![id]).await?.as_ref().map(batch).transpose()
    }

    /// From `review` to `to`; false when it was not in review any more.
    pub async fn leave_review(&mut self, id: i64, to: BatchState) -> Result<bool, StoreError> {
        let changed = self
            .execute("UPDATE batch SET state = $2 WHERE id = $1 AND state = 'review'", args![id, to.name()])
            .await?;
        Ok(changed == 1)
    }
}

impl Store {
    pub async fn batch(&self, id: i64) -> Result<Option<Batch>, StoreError> {
        self.db.rows(select!("WHERE id = $1"), args![id]).await?.first().map(batch).transpose()
    }

    pub async fn batch_by_source_key(&self, key: &str) -> Result<Option<Batch>, StoreError> {
        self.db.rows(select!("WHERE source_key = $1"), args![key]).await?.first().map(batch).transpose()
    }

    /// The batch that took in a file of the same content, unless it was rejected or discarded.
    pub async fn batch_of_content(&self, sha256: &str, account: &str) -> Result<Option<Batch>, StoreError> {
        let sql = select!("WHERE sha256 = $1 AND account = $2 AND state IN ('review', 'released') LIMIT 1");
        self.db.rows(sql, args![sha256, account]).await?.first().map(batch).transpose()
    }

    /// What waits for a person before it can go on.
    pub async fn waiting(&self) -> Result<Waiting, StoreError> {
        let sql =
            "SELECT (SELECT count(*) FROM batch WHERE state = 'review'), (SELECT count(*) FROM held_row),
               (SELECT count(*) FROM posting WHERE state = 'pending'), (SELECT count(*) FROM posting WHERE state = 'incomplete')";
        let rows = self.db.rows(sql, &[]).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        Ok(Waiting { batches: row.int(0)?, rows: row.int(1)?, pending: row.int(2)?, incomplete: row.int(3)? })
    }

    /// The newest first.
    pub async fn batches(&self, limit: i64) -> Result<Vec<Batch>, StoreError> {
        self.db.rows(select!("ORDER BY id DESC LIMIT $1"), args![limit]).await?.iter().map(batch).collect()
    }
}
