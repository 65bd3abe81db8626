//! Payments, and the gateway events that told of them: each event once, in the transaction of the work that it caused.

use crate::db::{Row, Tx, args};
use crate::error::StoreError;
use crate::open::Store;
use remitd_domain::payment::State;

#[derive(Debug, Clone)]
pub struct Payment {
    pub id: i64,
    pub request_id: i64,
    pub checkout_id: i64,
    pub gateway: String,
    pub gateway_ref: String,
    pub amount_minor: i64,
    /// What of it went back.
    pub returned_minor: i64,
    pub currency: String,
    pub method: String,
    pub state: State,
    pub reason: String,
    pub created_ms: i64,
    pub changed_ms: i64,
}

#[derive(Debug, Clone)]
pub struct NewPayment<'a> {
    pub request_id: i64,
    pub checkout_id: i64,
    pub gateway: &'a str,
    pub gateway_ref: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub method: &'a str,
    pub state: State,
    pub reason: &'a str,
    pub now_ms: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, request_id, checkout_id, gateway, gateway_ref, amount_minor, currency, method, state, reason,
                created_ms, changed_ms, returned_minor FROM payment ",
            $rest
        )
    };
}

fn payment(row: &Row) -> Result<Payment, StoreError> {
    let state = row.text(8)?;
    Ok(Payment {
        id: row.int(0)?,
        request_id: row.int(1)?,
        checkout_id: row.int(2)?,
        gateway: row.text(3)?,
        gateway_ref: row.text(4)?,
        amount_minor: row.int(5)?,
        currency: row.text(6)?,
        method: row.text(7)?,
        state: State::from_name(&state).ok_or(StoreError::Misfit { table: "payment", what: state })?,
        reason: row.text(9)?,
        created_ms: row.int(10)?,
        changed_ms: row.int(11)?,
        returned_minor: row.int(12)?,
    })
}

impl Tx {
    /// False when the event was known already.
    pub async fn note_event(
        &mut self,
        gateway: &str,
        event: &str,
        what: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO gateway_event (gateway, event_id, at_ms, what) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        Ok(self.execute(sql, args![gateway, event, now_ms, what]).await? == 1)
    }

    pub async fn payment_by_ref(
        &mut self,
        gateway: &str,
        gateway_ref: &str,
    ) -> Result<Option<Payment>, StoreError> {
        let sql = select!("WHERE gateway = $1 AND gateway_ref = $2");
        self.row(sql, args![gateway, gateway_ref]).await?.as_ref().map(payment).transpose()
    }

    pub async fn insert_payment(&mut self, new: &NewPayment<'_>) -> Result<i64, StoreError> {
        self.id(
            "INSERT INTO payment (request_id, checkout_id, gateway, gateway_ref, amount_minor, currency, method, state, reason,
               created_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING id",
            args![
                new.request_id, new.checkout_id, new.gateway, new.gateway_ref, new.amount_minor, new.currency, new.method,
                new.state.name(), new.reason, new.now_ms,
            ],
        )
        .await
    }

    pub async fn change_payment(
        &mut self,
        id: i64,
        state: State,
        amount_minor: i64,
        reason: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE payment SET state = $2, amount_minor = $3, reason = $4, changed_ms = $5 WHERE id = $1";
        self.execute(sql, args![id, state.name(), amount_minor, reason, now_ms]).await.map(drop)
    }

    /// Money of it that went back.
    pub async fn add_returned(&mut self, id: i64, amount_minor: i64) -> Result<(), StoreError> {
        let sql = "UPDATE payment SET returned_minor = returned_minor + $2 WHERE id = $1";
        self.execute(sql, args![id, amount_minor]).await.map(drop)
    }

    /// Whether money for the request is on its way and not sure yet.
    pub async fn has_pending_payment(&mut self, request_id: i64) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM payment WHERE request_id = $1 AND state = 'pending' LIMIT 1";
        Ok(self.row(sql, args![request_id]).await?.is_some())
    }

    /// How far something outside was read.
    pub async fn set_cursor(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = r#"INSERT INTO "cursor" (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"#;
        self.execute(sql, args![name, value]).await.map(drop)
    }
}

impl Store {
    pub async fn payment(&self, id: i64) -> Result<Option<Payment>, StoreError> {
        self.db.rows(select!("WHERE id = $1"), args![id]).await?.first().map(payment).transpose()
    }

    /// The next payments by their id, each with when its checkout was begun.
    pub async fn payments_after(&self, after: i64, limit: i64) -> Result<Vec<(Payment, i64)>, StoreError> {
        let sql = "SELECT p.id, p.request_id, p.checkout_id, p.gateway, p.gateway_ref, p.amount_minor, p.currency, p.method, p.state,
                     p.reason, p.created_ms, p.changed_ms, p.returned_minor, c.created_ms
                   FROM payment p JOIN checkout c ON c.id = p.checkout_id WHERE p.id > $1 ORDER BY p.id LIMIT $2";
        let rows = self.db.rows(sql, args![after, limit]).await?;
        rows.iter().map(|row| Ok((payment(row)?, row.int(13)?))).collect()
    }

    pub async fn payments_of(&self, request_id: i64) -> Result<Vec<Payment>, StoreError> {
        let rows = self.db.rows(select!("WHERE request_id = $1 ORDER BY id"), args![request_id]).await?;
        rows.iter().map(payment).collect()
    }

    pub async fn cursor(&self, name: &str) -> Result<Option<String>, StoreError> {
        let rows = self.db.rows(r#"SELECT value FROM "cursor" WHERE name = $1"#, args![name]).await?;
        rows.first().map(|row| row.text(0)).transpose()
    }
}
