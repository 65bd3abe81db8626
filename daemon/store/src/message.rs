//! Messages: one e-mail a purpose, with every attempt. An attempt is recorded before it starts, so that one whose end is
//! unknown can be seen.

use crate::db::{Row, Tx, args};
use crate::error::StoreError;
use crate::open::Store;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    Sending,
    Sent,
    Failed,
    /// Perhaps sent.
    Unknown,
}

impl MessageState {
    fn name(self) -> &'static str {
        match self {
            MessageState::Sending => "sending",
            MessageState::Sent => "sent",
            MessageState::Failed => "failed",
            MessageState::Unknown => "unknown",
        }
    }
}

#[derive(Debug, Clone)]
pub struct NewMessage<'a> {
    /// The effect's key.
    pub key: &'a str,
    pub request_id: i64,
    pub payment_id: Option<i64>,
    pub purpose: &'a str,
    /// The mail header's, without angle brackets.
    pub message_id: &'a str,
    pub recipient: &'a str,
    pub subject: &'a str,
    pub provider: &'a str,
    pub now_ms: i64,
}

#[derive(Debug, Clone)]
pub struct MessageRow {
    pub id: i64,
    pub request_id: i64,
    pub purpose: String,
    pub message_id: String,
    pub recipient: String,
    pub subject: String,
    pub state: String,
    pub provider: String,
    pub provider_ref: Option<String>,
    pub error: Option<String>,
    pub created_ms: i64,
    pub sent_ms: Option<i64>,
    pub attempts: i64,
    /// Its effect's.
    pub key: String,
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub attempt: i64,
    pub started_ms: i64,
    pub ended_ms: Option<i64>,
    pub outcome: Option<String>,
    pub detail: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.request_id, m.purpose, m.message_id, m.recipient, m.subject, m.state, m.provider, m.provider_ref,
                m.error, m.created_ms, m.sent_ms,
                (SELECT count(*) FROM message_attempt a WHERE a.message_id = m.id), m.key FROM message m ",
            $rest
        )
    };
}

fn message(row: &Row) -> Result<MessageRow, StoreError> {
    Ok(MessageRow {
        id: row.int(0)?,
        request_id: row.int(1)?,
        purpose: row.text(2)?,
        message_id: row.text(3)?,
        recipient: row.text(4)?,
        subject: row.text(5)?,
        state: row.text(6)?,
        provider: row.text(7)?,
        provider_ref: row.opt_text(8)?,
        error: row.opt_text(9)?,
        created_ms: row.int(10)?,
        sent_ms: row.opt_int(11)?,
        attempts: row.int(12)?,
        key: row.text(13)?,
    })
}

impl Tx {
    /// The message of this key: made now, or as it was made before.
    pub async fn message(&mut self, new: &NewMessage<'_>) -> Result<MessageRow, StoreError> {
        self.execute(
            "INSERT INTO message (key, request_id, payment_id, purpose, message_id, recipient, subject, state, provider, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'sending', $8, $9) ON CONFLICT (key) DO NOTHING",
            args![
                new.key, new.request_id, new.payment_id, new.purpose, new.message_id, new.recipient, new.subject,
                new.provider, new.now_ms,
            ],
        )
        .await?;
        Ok(self.message_of_effect(new.key).await?.ok_or(sqlx::Error::RowNotFound)?)
    }

    /// The message of an effect, where one was begun.
    pub async fn message_of_effect(&mut self, key: &str) -> Result<Option<MessageRow>, StoreError> {
        self.row(select!("WHERE m.key = $1"), args![key]).await?.as_ref().map(message).transpose()
    }

    /// How many earlier attempts began and never told their end; each is marked so from now on.
    pub async fn close_lost_attempts(&mut self, id: i64, now_ms: i64) -> Result<i64, StoreError> {
        let sql = "UPDATE message_attempt SET ended_ms = $2, outcome = 'unknown', detail = 'the daemon ended in the middle'
                   WHERE message_id = $1 AND ended_ms IS NULL";
        self.execute(sql, args![id, now_ms]).await?;
        let sql = "SELECT count(*) FROM message_attempt WHERE message_id = $1 AND outcome = 'unknown'";
        self.row(sql, args![id]).await?.map_or(Ok(0), |row| row.int(0))
    }

    /// A person decided that what may have been sent is to be sent again.
    pub async fn forget_lost_attempts(&mut self, id: i64) -> Result<(), StoreError> {
        let sql = "UPDATE message_attempt SET outcome = 'unknown, sent again by hand' WHERE message_id = $1 AND outcome = 'unknown'";
        self.execute(sql, args![id]).await.map(drop)
    }

    /// Gives the attempt's number, from 1.
    pub async fn begin_attempt(&mut self, id: i64, now_ms: i64) -> Result<i64, StoreError> {
        self.execute("UPDATE message SET state = 'sending' WHERE id = $1", args![id]).await?;
        self.id(
            "INSERT INTO message_attempt (message_id, attempt, started_ms)
             SELECT $1, 1 + coalesce(max(attempt), 0), $2 FROM message_attempt WHERE message_id = $1 RETURNING attempt",
            args![id, now_ms],
        )
        .await
    }

    pub async fn end_attempt(
        &mut self,
        id: i64,
        attempt: i64,
        outcome: &str,
        detail: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE message_attempt SET ended_ms = $3, outcome = $4, detail = $5 WHERE message_id = $1 AND attempt = $2";
        self.execute(sql, args![id, attempt, now_ms, outcome, detail]).await.map(drop)
    }

    pub async fn message_sent(&mut self, id: i64, provider_ref: &str, now_ms: i64) -> Result<(), StoreError> {
        let sql =
            "UPDATE message SET state = 'sent', provider_ref = $2, sent_ms = $3, error = NULL WHERE id = $1";
        self.execute(sql, args![id, provider_ref, now_ms]).await.map(drop)
    }

    pub async fn message_not_sent(
        &mut self,
        id: i64,
        state: MessageState,
        error: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE message SET state = $2, error = $3 WHERE id = $1";
        self.execute(sql, args![id, state.name(), error]).await.map(drop)
    }
}

impl Store {
    /// The newest first.
    pub async fn messages(&self, limit: i64) -> Result<Vec<MessageRow>, StoreError> {
        let rows = self.db.rows(select!("ORDER BY m.id DESC LIMIT $1"), args![limit]).await?;
        rows.iter().map(message).collect()
    }

    pub async fn messages_of(&self, request: i64) -> Result<Vec<MessageRow>, StoreError> {
        let rows = self.db.rows(select!("WHERE m.request_id = $1 ORDER BY m.id"), args![request]).await?;
        rows.iter().map(message).collect()
    }

    pub async fn message(&self, id: i64) -> Result<Option<MessageRow>, StoreError> {
        self.db.rows(select!("WHERE m.id = $1"), args![id]).await?.first().map(message).transpose()
    }

    pub async fn attempts(&self, message: i64) -> Result<Vec<Attempt>, StoreError> {
        let sql = "SELECT attempt, started_ms, ended_ms, outcome, detail FROM message_attempt WHERE message_id = $1 ORDER BY attempt";
        let rows = self.db.rows(sql, args![message]).await?;
        let attempt = |row: &Row| {
            Ok(Attempt {
                attempt: row.int(0)?,
                started_ms: row.int(1)?,
                ended_ms: row.opt_int(2)?,
                outcome: row.opt_text(3)?,
                detail: row.opt_text(4)?,
            })
        };
        rows.iter().map(attempt).collect()
    }
}
