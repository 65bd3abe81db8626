//! Checkouts: visits to a gateway. At most one payable one a link, which the database itself sees to.

use crate::db::{Row, Tx, args};
use crate::error::StoreError;
use crate::open::Store;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutState {
    /// Asked for at the gateway.
    Beginning,
    /// The payer can pay.
    Open,
    /// Being closed at the gateway.
    Closing,
    /// Paid, or payment is on its way.
    Done,
    Cancelled,
    Failed,
}

const STATES: [(CheckoutState, &str); 6] = [
    (CheckoutState::Beginning, "beginning"),
    (CheckoutState::Open, "open"),
    (CheckoutState::Closing, "closing"),
    (CheckoutState::Done, "done"),
    (CheckoutState::Cancelled, "cancelled"),
    (CheckoutState::Failed, "failed"),
];

impl CheckoutState {
    pub fn name(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }
}

#[derive(Debug, Clone)]
pub struct Checkout {
    pub id: i64,
    pub request_id: i64,
    pub gateway: String,
    pub gateway_ref: Option<String>,
    pub url: Option<String>,
    pub state: CheckoutState,
    pub amount_minor: i64,
    pub expires_ms: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, request_id, gateway, gateway_ref, url, state, amount_minor, expires_ms FROM checkout ",
            $rest
        )
    };
}

fn checkout(row: &Row) -> Result<Checkout, StoreError> {
    let state = row.text(5)?;
    let known = STATES.iter().find(|(_, name)| *name == state).map(|(state, _)| *state);
    Ok(Checkout {
        id: row.int(0)?,
        request_id: row.int(1)?,
        gateway: row.text(2)?,
        gateway_ref: row.opt_text(3)?,
        url: row.opt_text(4)?,
        state: known.ok_or(StoreError::Misfit { table: "checkout", what: state })?,
        amount_minor: row.int(6)?,
        expires_ms: row.int(7)?,
    })
}

impl Tx {
    pub async fn insert_checkout(
        &mut self,
        request_id: i64,
        gateway: &str,
        amount_minor: i64,
        now_ms: i64,
        expires_ms: i64,
    ) -> Result<i64, StoreError> {
        self.id(
            "INSERT INTO checkout (request_id, gateway, state, amount_minor, created_ms, expires_ms)
             VALUES ($1, $2, 'beginning', $3, $4, $5) RETURNING id",
            args![request_id, gateway, amount_minor, now_ms, expires_ms],
        )
        .await
    }

    /// The checkout as it stands; who is going to change it holds its request first.
    pub async fn checkout(&mut self, id: i64) -> Result<Option<Checkout>, StoreError> {
        self.row(select!("WHERE id = $1"), args![id]).await?.as_ref().map(checkout).transpose()
    }

    /// The request's payable checkout, or the one that is about to be or to end.
    pub async fn live_checkout(&mut self, request_id: i64) -> Result<Option<Checkout>, StoreError> {
        let sql = select!("WHERE request_id = $1 AND state IN ('beginning', 'open', 'closing')");
        self.row(sql, args![request_id]).await?.as_ref().map(checkout).transpose()
    }

    /// False when it was not beginning any more; the address is kept all the same, so that it can be closed.
    pub async fn open_checkout(&mut self, id: i64, gateway_ref: &str, url: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE checkout SET gateway_ref = $2, url = $3 WHERE id = $1";
        self.execute(sql, args![id, gateway_ref, url]).await?;
        self.move_checkout(id, CheckoutState::Beginning, CheckoutState::Open).await
    }

    pub async fn move_checkout(
        &mut self,
        id: i64,
        from: CheckoutState,
        to: CheckoutState,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE checkout SET state = $3 WHERE id = $1 AND state = $2";
        Ok(self.execute(sql, args![id, from.name(), to.name()]).await? == 1)
    }

    pub async fn set_checkout(&mut self, id: i64, to: CheckoutState) -> Result<(), StoreError> {
        self.execute("UPDATE checkout SET state = $2 WHERE id = $1", args![id, to.name()]).await.map(drop)
    }
}

impl Store {
    pub async fn checkout(&self, id: i64) -> Result<Option<Checkout>, StoreError> {
        self.db.rows(select!("WHERE id = $1"), args![id]).await?.first().map(checkout).transpose()
    }
}
