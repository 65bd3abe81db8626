//! What happened, to one request or to a whole batch: the trail that explains every state.

use crate::db::{Row, Tx, args};
use crate::error::StoreError;
use crate::open::Store;

#[derive(Debug, Clone)]
pub struct Event {
    pub at_ms: i64,
    pub what: String,
    /// Who did it: `daemon`, `cli`, `gateway`, …
    pub actor: String,
    pub detail: String,
}

impl Tx {
    pub async fn event_of_request(
        &mut self,
        request: i64,
        what: &str,
        actor: &str,
        detail: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO event (at_ms, request_id, what, actor, detail) VALUES ($1, $2, $3, $4, $5)";
        self.execute(sql, args![now_ms, request, what, actor, detail]).await.map(drop)
    }

    pub async fn event_of_batch(
        &mut self,
        batch: i64,
        what: &str,
        actor: &str,
        detail: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO event (at_ms, batch_id, what, actor, detail) VALUES ($1, $2, $3, $4, $5)";
        self.execute(sql, args![now_ms, batch, what, actor, detail]).await.map(drop)
    }
}

impl Store {
    /// A request's own events and those of its batch, the oldest first.
    pub async fn events_of_request(&self, request: i64) -> Result<Vec<Event>, StoreError> {
        let sql = "SELECT at_ms, what, actor, detail FROM event
                   WHERE request_id = $1 OR batch_id = (SELECT batch_id FROM request WHERE id = $1) ORDER BY at_ms, id";
        let rows = self.db.rows(sql, args![request]).await?;
        let event = |row: &Row| {
            Ok(Event { at_ms: row.int(0)?, what: row.text(1)?, actor: row.text(2)?, detail: row.text(3)? })
        };
        rows.iter().map(event).collect()
    }
}
