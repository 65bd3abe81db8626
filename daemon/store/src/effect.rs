//! Effects: everything that reaches outside is a row here first, written in the transaction of the change that wants it.
//! Taken with a lease, done, and finished only if the fence still fits.

use crate::db::{Row, Sql, Tx, args};
use crate::error::StoreError;
use crate::open::Store;
use remitd_domain::request::State;
use serde::{Deserialize, Serialize};

/// An effect that is ours until `until_ms`, or until somebody takes it with a higher fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub id: i64,
    pub key: String,
    pub kind: String,
    pub subject_id: i64,
    pub payload: String,
    /// From 1.
    pub attempt: i64,
    pub fence: i64,
    pub created_ms: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    Done,
    /// It may pass: once more at `at_ms`.
    Retry {
        at_ms: i64,
        code: String,
        message: String,
    },
    /// Done for now; it comes again by its nature (polling, a schedule).
    Again {
        at_ms: i64,
    },
    /// The operator must mend something; tried again after a restart or by hand.
    Wait {
        code: String,
        message: String,
    },
    Failed {
        code: String,
        message: String,
    },
    /// It may have happened: held until a person decides.
    Unknown {
        code: String,
        message: String,
    },
}

/// One effect as `status` shows it.
#[derive(Debug, Clone)]
pub struct EffectRow {
    pub key: String,
    pub kind: String,
    pub state: String,
    pub attempt: i64,
    pub error_code: Option<String>,
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectSummary {
    pub kind: String,
    pub state: String,
    pub count: i64,
}

const TAKE: Sql = Sql {
    sqlite: "UPDATE effect SET state = 'running', attempt = attempt + 1, fence = fence + 1, owner = $3, next_ms = $4
             WHERE id IN (SELECT id FROM effect WHERE kind = $1 AND state IN ('ready', 'running') AND next_ms <= $2
                ORDER BY next_ms, id LIMIT $5)
             RETURNING id, key, kind, subject_id, payload, attempt, fence, created_ms",
    postgres: "UPDATE effect SET state = 'running', attempt = attempt + 1, fence = fence + 1, owner = $3, next_ms = $4
             WHERE id IN (SELECT id FROM effect WHERE kind = $1 AND state IN ('ready', 'running') AND next_ms <= $2
                ORDER BY next_ms, id LIMIT $5 FOR UPDATE SKIP LOCKED)
             RETURNING id, key, kind, subject_id, payload, attempt, fence, created_ms",
};

/// On SQLite whoever holds the database is alone; on PostgreSQL a daemon lives as long as its advisory lock, of the class
/// that `Store::hold` takes (0x524d5444, "RMTD").
const RESCUE: Sql = Sql {
    sqlite: "UPDATE effect SET state = 'ready', next_ms = $2 WHERE state = 'running' AND owner <> $1",
    postgres: "UPDATE effect SET state = 'ready', next_ms = $2 WHERE state = 'running' AND owner <> $1
             AND owner NOT IN (SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
                AND classid::bigint = 1380799556 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
};

const HELD: Sql = Sql {
    sqlite: "SELECT id FROM effect WHERE id = $1 AND fence = $2 AND state = 'running'",
    postgres: "SELECT id FROM effect WHERE id = $1 AND fence = $2 AND state = 'running' FOR NO KEY UPDATE",
};

fn lease(row: &Row) -> Result<Lease, StoreError> {
    Ok(Lease {
        id: row.int(0)?,
        key: row.text(1)?,
        kind: row.text(2)?,
        subject_id: row.int(3)?,
        payload: row.text(4)?,
        attempt: row.int(5)?,
        fence: row.int(6)?,
        created_ms: row.int(7)?,
    })
}

/// `$1` is the batch, `$2` the time, `$3` the state, `$4` and `$5` the requests. What is wanted already stays as it is. The requests are
/// found by their numbers alone: PostgreSQL knows nothing of a new batch yet, and would go through all of it for each stretch.
macro_rules! batch_mails {
    ($insert:literal, $twice:literal) => {
        concat!(
            $insert,
            " INTO effect (key, kind, subject_id, payload, state, attempt, fence, next_ms, created_ms)
             SELECT 'mail:request:' || id, 'mail', id, '{\"purpose\":\"request\"}', 'ready', 0, 0, $2, $2
             FROM request WHERE id > $4 AND id <= $5 AND batch_id + 0 = $1 AND state || '' = $3 AND payer_email <> ''",
            $twice
        )
    };
}

/// To SQLite IGNORE, which holds for every constraint: where it might have to give up at another one than the key's, it would keep in
/// memory what it had to take back.
const BATCH_MAILS: Sql = Sql {
    sqlite: batch_mails!("INSERT OR IGNORE", ""),
    postgres: batch_mails!("INSERT", " ON CONFLICT (key) DO NOTHING"),
};

/// Some requests of a batch, one after the other by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Not this one any more, but those after it.
    pub after: i64,
    pub last: i64,
}

impl Stretch {
    pub fn is_empty(&self) -> bool {
        self.after >= self.last
    }

    pub fn holds(&self, request: i64) -> bool {
        self.after < request && request <= self.last
    }
}

impl Tx {
    /// Wants an effect; the same key again is the same effect.
    pub async fn want(
        &mut self,
        key: &str,
        kind: &str,
        subject_id: i64,
        payload: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let sql =
            "INSERT INTO effect (key, kind, subject_id, payload, state, attempt, fence, next_ms, created_ms)
                   VALUES ($1, $2, $3, $4, 'ready', 0, 0, $5, $5) ON CONFLICT (key) DO NOTHING";
        Ok(self.execute(sql, args![key, kind, subject_id, payload, now_ms]).await? == 1)
    }

    /// Wants the request's mail for every request of a stretch that is in this state and has an address.
    pub async fn want_batch_mails(
        &mut self,
        batch: i64,
        state: State,
        stretch: Stretch,
        now_ms: i64,
    ) -> Result<u64, StoreError> {
        let Stretch { after, last } = stretch;
        self.execute(BATCH_MAILS, args![batch, now_ms, state.name(), after, last]).await
    }

    /// From the first to the last request of a batch.
    pub async fn stretch_of_batch(&mut self, batch: i64) -> Result<Option<Stretch>, StoreError> {
        // Not the first of all requests that is of this batch, but the first of this batch's.
        let sql = "SELECT min(id + 0) - 1, max(id + 0) FROM request WHERE batch_id = $1";
        let Some(row) = self.row(sql, args![batch]).await? else { return Ok(None) };
        Ok(row.opt_int(0)?.zip(row.opt_int(1)?).map(|(after, last)| Stretch { after, last }))
    }

    /// The requests of a stretch whose payers have several addresses, with the cell.
    pub async fn several_addresses(
        &mut self,
        batch: i64,
        state: State,
        stretch: Stretch,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let sql = "SELECT id, payer_email FROM request WHERE id > $4 AND id <= $5 AND batch_id + 0 = $1 AND state || '' = $2
                     AND (payer_email LIKE '%,%' OR payer_email LIKE '%;%' OR payer_email LIKE '%' || $3 || '%')";
        let rows = self.rows(sql, args![batch, state.name(), "\n", stretch.after, stretch.last]).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
    }

    /// Ends the attempt; an error where the lease is lost, so that the whole transaction is given up.
    pub async fn finish(&mut self, lease: &Lease, finish: &Finish, now_ms: i64) -> Result<(), StoreError> {
        let (state, at_ms, code, message) = match finish {
            Finish::Done => ("done", None, None, None),
            Finish::Retry { at_ms, code, message } => ("ready", Some(*at_ms), Some(code), Some(message)),
            Finish::Again { at_ms } => ("ready", Some(*at_ms), None, None),
            Finish::Wait { code, message } => ("waiting", None, Some(code), Some(message)),
            Finish::Failed { code, message } => ("failed", None, Some(code), Some(message)),
            Finish::Unknown { code, message } => ("unknown", None, Some(code), Some(message)),
        };
        let attempt = if matches!(finish, Finish::Again { .. }) { 0 } else { lease.attempt };
        let done_ms = matches!(finish, Finish::Done).then_some(now_ms);
        let (code, message) = (code.map(String::as_str), message.map(String::as_str));
        let changed = self
            .execute(
                "UPDATE effect SET state = $3, next_ms = coalesce($4, next_ms), error_code = $5, error = $6, done_ms = $7,
                   attempt = $8 WHERE id = $1 AND fence = $2 AND state = 'running'",
                args![lease.id, lease.fence, state, at_ms, code, message, done_ms, attempt],
            )
            .await?;
        if changed == 1 { Ok(()) } else { Err(StoreError::LeaseLost(lease.id)) }
    }

    /// Makes sure that the lease still holds, until the transaction ends: for what must not even begin without it.
    pub async fn still_ours(&mut self, lease: &Lease) -> Result<(), StoreError> {
        let held = self.row(HELD, args![lease.id, lease.fence]).await?;
        held.map(drop).ok_or(StoreError::LeaseLost(lease.id))
    }

    /// Sets an effect to run now, whatever held it (not one that is running or done).
    pub async fn revive(&mut self, key: &str, now_ms: i64) -> Result<bool, StoreError> {
        let sql =
            "UPDATE effect SET state = 'ready', next_ms = $2, attempt = 0, error_code = NULL, error = NULL
                   WHERE key = $1 AND state IN ('ready', 'waiting', 'failed', 'unknown')";
        Ok(self.execute(sql, args![key, now_ms]).await? == 1)
    }

    /// Ends an effect that came to nothing, of which a person or the events have made something else.
    pub async fn settle(&mut self, key: &str, now_ms: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE effect SET state = 'done', done_ms = $2
                   WHERE key = $1 AND state IN ('waiting', 'failed', 'unknown')";
        Ok(self.execute(sql, args![key, now_ms]).await? == 1)
    }

    /// What comes again: there once, due at `at_ms`, or sooner where it was due before and did not come to its end.
    pub async fn want_again(
        &mut self,
        key: &str,
        kind: &str,
        subject_id: i64,
        payload: &str,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO effect (key, kind, subject_id, payload, state, attempt, fence, next_ms, created_ms)
                   VALUES ($1, $2, $3, $4, 'ready', 0, 0, $5, $5)
                   ON CONFLICT (key) DO UPDATE SET payload = excluded.payload,
                     next_ms = CASE WHEN effect.state = 'running' OR (effect.state IN ('ready', 'waiting') AND effect.next_ms < excluded.next_ms)
                       THEN effect.next_ms ELSE excluded.next_ms END,
                     state = CASE WHEN effect.state = 'running' THEN 'running' ELSE 'ready' END";
        self.execute(sql, args![key, kind, subject_id, payload, at_ms]).await.map(drop)
    }
}

const END_OTHERS: Sql = Sql {
    sqlite: "UPDATE effect SET state = 'done' WHERE kind = $1 AND state IN ('ready', 'waiting', 'failed')
               AND key NOT IN (SELECT value FROM json_each($2))",
    postgres: "UPDATE effect SET state = 'done' WHERE kind = $1 AND state IN ('ready', 'waiting', 'failed')
               AND key NOT IN (SELECT json_array_elements_text($2::json))",
};

impl Tx {
    /// Ends what came again and again and is not configured any more.
    pub async fn end_others(&mut self, kind: &str, keys: &[String]) -> Result<u64, StoreError> {
        let keys = serde_json::to_string(keys)
            .map_err(|error| StoreError::Misfit { table: "effect", what: error.to_string() })?;
        self.execute(END_OTHERS, args![kind, &keys]).await
    }
}

impl Store {
    /// Takes up to `limit` effects of a kind that are due, each for `lease_ms`.
    pub async fn take(
        &self,
        kind: &str,
        now_ms: i64,
        lease_ms: i64,
        limit: i64,
    ) -> Result<Vec<Lease>, StoreError> {
        // Most looks find nothing: they must not queue up as writers.
        let due = "SELECT id FROM effect WHERE kind = $1 AND state IN ('ready', 'running') AND next_ms <= $2 LIMIT 1";
        if self.db.rows(due, args![kind, now_ms]).await?.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let rows = tx.rows(TAKE, args![kind, now_ms, self.owner, now_ms + lease_ms, limit]).await?;
        let mut leases = rows.iter().map(lease).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        leases.sort_by_key(|lease| lease.id);
        Ok(leases)
    }

    /// Takes one effect by its key, if it is ready, whenever it is due.
    pub async fn take_one(&self, key: &str, now_ms: i64, lease_ms: i64) -> Result<Option<Lease>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE effect SET state = 'running', attempt = attempt + 1, fence = fence + 1, owner = $2, next_ms = $3
                   WHERE key = $1 AND state = 'ready'
                   RETURNING id, key, kind, subject_id, payload, attempt, fence, created_ms";
        let row = tx.row(sql, args![key, self.owner, now_ms + lease_ms]).await?;
        let lease = row.as_ref().map(lease).transpose()?;
        tx.commit().await?;
        Ok(lease)
    }

    /// Holds an effect for longer; false where it is not ours any more.
    pub async fn renew(&self, lease: &Lease, until_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE effect SET next_ms = $3 WHERE id = $1 AND fence = $2 AND state = 'running'";
        let renewed = tx.execute(sql, args![lease.id, lease.fence, until_ms]).await? == 1;
        tx.commit().await?;
        Ok(renewed)
    }

    /// Frees what daemons that are gone had leased, without waiting for the leases to run out.
    pub async fn rescue(&self, now_ms: i64) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let freed = tx.execute(RESCUE, args![self.owner, now_ms]).await?;
        tx.commit().await?;
        Ok(freed)
    }

    /// After a restart the operator may have mended what effects wait for.
    pub async fn revive_waiting(&self, now_ms: i64) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE effect SET state = 'ready', next_ms = $1, attempt = 0 WHERE state = 'waiting'";
        let revived = tx.execute(sql, args![now_ms]).await?;
        tx.commit().await?;
        Ok(revived)
    }

    pub async fn effect(&self, key: &str) -> Result<Option<EffectRow>, StoreError> {
        let sql = "SELECT key, kind, state, attempt, error_code, error FROM effect WHERE key = $1";
        self.db.rows(sql, args![key]).await?.first().map(effect_row).transpose()
    }

    /// The payload of one that is not done.
    pub async fn yet_to_do(&self, key: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT payload FROM effect WHERE key = $1 AND state <> 'done'";
        self.db.rows(sql, args![key]).await?.first().map(|row| row.text(0)).transpose()
    }

    /// What waits for a person: held, failed and unknown ones, the newest first.
    pub async fn effects_held(&self, limit: i64) -> Result<Vec<EffectRow>, StoreError> {
        let sql = "SELECT key, kind, state, attempt, error_code, error FROM effect
                   WHERE state IN ('waiting', 'failed', 'unknown') ORDER BY id DESC LIMIT $1";
        self.db.rows(sql, args![limit]).await?.iter().map(effect_row).collect()
    }

    pub async fn effect_summary(&self) -> Result<Vec<EffectSummary>, StoreError> {
        let sql = "SELECT kind, state, count(*) FROM effect GROUP BY kind, state ORDER BY kind, state";
        let rows = self.db.rows(sql, &[]).await?;
        let summary =
            |row: &Row| Ok(EffectSummary { kind: row.text(0)?, state: row.text(1)?, count: row.int(2)? });
        rows.iter().map(summary).collect()
    }
}

fn effect_row(row: &Row) -> Result<EffectRow, StoreError> {
    Ok(EffectRow {
        key: row.text(0)?,
        kind: row.text(1)?,
        state: row.text(2)?,
        attempt: row.int(3)?,
        error_code: row.opt_text(4)?,
        error: row.opt_text(5)?,
    })
}
