//! Postings: every payment's shares, and where each stands on its way into the matter software.

use crate::db::{Row, Sql, Tx, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::posted::Posted;
use remitd_domain::posting::{BY_HAND, NEVER_WRITTEN, NOBODY_KNOWS, State};
use std::collections::HashSet;

#[derive(Debug, Clone)]
pub struct Posting {
    pub id: i64,
    pub key: String,
    pub payment_id: i64,
    pub request_id: i64,
    /// Its place among the payment's own.
    pub line: i64,
    /// The posting that this one takes back.
    pub reverses: Option<i64>,
    pub statement: String,
    pub client: String,
    pub matter: String,
    pub connector: String,
    pub amount_minor: i64,
    pub currency: String,
    pub state: State,
    pub external_ref: Option<String>,
    pub error_code: Option<String>,
    pub error: Option<String>,
    pub created_ms: i64,
    pub posted_ms: Option<i64>,
}

impl Posting {
    /// Whether an attempt to write it has no known end, and cannot be asked about.
    pub fn is_unknown(&self) -> bool {
        self.state == State::Incomplete && self.has_code(NOBODY_KNOWS)
    }

    /// Whether its money went back before it was written.
    pub fn is_never_written(&self) -> bool {
        self.state == State::Removed && self.has_code(NEVER_WRITTEN)
    }

    /// Whether a person must take it back, who had handled by hand what it takes back.
    pub fn is_by_hand(&self) -> bool {
        self.has_code(BY_HAND)
    }

    fn has_code(&self, code: &str) -> bool {
        self.error_code.as_deref() == Some(code)
    }
}

#[derive(Debug, Clone)]
pub struct NewPosting<'a> {
    pub key: &'a str,
    pub payment_id: i64,
    pub request_id: i64,
    pub line: i64,
    pub reverses: Option<i64>,
    pub statement: &'a str,
    pub client: &'a str,
    pub matter: &'a str,
    pub connector: &'a str,
    pub amount_minor: i64,
    pub currency: &'a str,
    pub state: State,
    pub now_ms: i64,
}

/// What the entry of a posting says of the payment and the payer that it comes from.
#[derive(Debug, Clone)]
pub struct Behind {
    /// Its request's.
    pub account: String,
    pub payer_name: String,
    pub method: String,
    pub gateway_ref: String,
    pub received_ms: i64,
}

macro_rules! select {
    ($rest:expr) => {
        select!("", $rest)
    };
    ($more:literal, $rest:expr) => {
        concat!(
            "SELECT posting.id, posting.key, posting.payment_id, posting.request_id, posting.reverses, posting.statement, posting.client,
                posting.matter, posting.connector, posting.amount_minor, posting.currency, posting.state, posting.external_ref,
                posting.error_code, posting.error, posting.created_ms, posting.posted_ms, posting.line",
            $more,
            " FROM posting ",
            $rest
        )
    };
}

fn posting(row: &Row) -> Result<Posting, StoreError> {
    let state = row.text(11)?;
    Ok(Posting {
        id: row.int(0)?,
        key: row.text(1)?,
        payment_id: row.int(2)?,
        request_id: row.int(3)?,
        reverses: row.opt_int(4)?,
        statement: row.text(5)?,
        client: row.text(6)?,
        matter: row.text(7)?,
        connector: row.text(8)?,
        amount_minor: row.int(9)?,
        currency: row.text(10)?,
        state: State::from_name(&state).ok_or(StoreError::Misfit { table: "posting", what: state })?,
        external_ref: row.opt_text(12)?,
        error_code: row.opt_text(13)?,
        error: row.opt_text(14)?,
        created_ms: row.int(15)?,
        posted_ms: row.opt_int(16)?,
        line: row.int(17)?,
    })
}

/// From the columns after a posting's own.
fn behind(row: &Row) -> Result<Behind, StoreError> {
    Ok(Behind {
        account: row.text(18)?,
        payer_name: row.text(19)?,
        method: row.text(20)?,
        gateway_ref: row.text(21)?,
        received_ms: row.int(22)?,
    })
}

const LOCKED: Sql =
    Sql { sqlite: select!("WHERE id = $1"), postgres: select!("WHERE id = $1 FOR NO KEY UPDATE") };

macro_rules! standing {
    ($rest:literal) => {
        select!(concat!(
            "WHERE payment_id = $1 AND kind = 'payment' AND NOT EXISTS (SELECT 1 FROM posting r
               WHERE r.payment_id = posting.payment_id AND r.kind = 'reversal' AND r.line = posting.line)
             ORDER BY id",
            $rest
        ))
    };
}

const STANDING: Sql = Sql { sqlite: standing!(""), postgres: standing!(" FOR NO KEY UPDATE") };

/// Statements for which money has arrived, or is on its way, that is not in their balance yet; `$list` unpacks the numbers. What is
/// on its way is little, and requests are many: CROSS JOIN keeps SQLite from beginning at those.
macro_rules! unwritten {
    ($list:literal) => {
        concat!(
            "SELECT p.statement FROM posting p JOIN request r ON r.id = p.request_id
             WHERE (p.connector = $1 OR r.account = $4) AND p.statement IN (",
            $list,
            ")
               AND (p.state IN ('pending', 'incomplete', 'queued') OR p.posted_ms >= $2)
             UNION SELECT r.invoice FROM payment p CROSS JOIN request r
             WHERE p.state = 'pending' AND r.id = p.request_id AND r.account = $4 AND r.invoice IN (",
            $list,
            ")
             UNION SELECT l.invoice FROM payment p CROSS JOIN request r CROSS JOIN request_line l
             WHERE p.state = 'pending' AND r.id = p.request_id AND r.account = $4 AND l.request_id = r.id AND l.invoice IN (",
            $list,
            ")"
        )
    };
}

/// Those, and statements that may still be paid at the gateway.
macro_rules! settling {
    ($list:literal) => {
        concat!(
            unwritten!($list),
            " UNION SELECT r.invoice FROM checkout c CROSS JOIN request r
             WHERE c.state IN ('beginning', 'open', 'closing') AND r.id = c.request_id AND r.account = $4 AND r.invoice IN (",
            $list,
            ")
             UNION SELECT l.invoice FROM checkout c CROSS JOIN request r CROSS JOIN request_line l
             WHERE c.state IN ('beginning', 'open', 'closing') AND r.id = c.request_id AND r.account = $4
               AND l.request_id = r.id AND l.invoice IN (",
            $list,
            ")"
        )
    };
}

const UNWRITTEN: Sql = Sql {
    sqlite: unwritten!("SELECT value FROM json_each($3)"),
    postgres: unwritten!("SELECT json_array_elements_text($3::json)"),
};

const SETTLING: Sql = Sql {
    sqlite: settling!("SELECT value FROM json_each($3)"),
    postgres: settling!("SELECT json_array_elements_text($3::json)"),
};

impl Tx {
    pub async fn insert_posting(&mut self, new: &NewPosting<'_>) -> Result<i64, StoreError> {
        let kind = if new.reverses.is_some() { "reversal" } else { "payment" };
        self.id(
            "INSERT INTO posting (key, payment_id, request_id, line, kind, reverses, statement, client, matter, connector,
               amount_minor, currency, state, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id",
            args![
                new.key, new.payment_id, new.request_id, new.line, kind, new.reverses, new.statement, new.client,
                new.matter, new.connector, new.amount_minor, new.currency, new.state.name(), new.now_ms,
            ],
        )
        .await
    }

    /// The posting, held until the transaction ends.
    pub async fn posting(&mut self, id: i64) -> Result<Option<Posting>, StoreError> {
        self.row(LOCKED, args![id]).await?.as_ref().map(posting).transpose()
    }

    pub async fn posting_by_key(&mut self, key: &str) -> Result<Option<Posting>, StoreError> {
        self.row(select!("WHERE key = $1"), args![key]).await?.as_ref().map(posting).transpose()
    }

    /// A payment's own postings that nothing takes back yet, held until the transaction ends.
    pub async fn standing_postings(&mut self, payment_id: i64) -> Result<Vec<Posting>, StoreError> {
        self.rows(STANDING, args![payment_id]).await?.iter().map(posting).collect()
    }

    /// Less for one that is not written yet.
    pub async fn lessen_posting(&mut self, id: i64, amount_minor: i64) -> Result<(), StoreError> {
        let sql = "UPDATE posting SET amount_minor = $2 WHERE id = $1";
        self.execute(sql, args![id, amount_minor]).await.map(drop)
    }

    /// False when it was not in `from`.
    pub async fn move_posting(&mut self, id: i64, from: State, to: State) -> Result<bool, StoreError> {
        let sql =
            "UPDATE posting SET state = $3, error_code = NULL, error = NULL WHERE id = $1 AND state = $2";
        Ok(self.execute(sql, args![id, from.name(), to.name()]).await? == 1)
    }

    /// Another statement and amount for one that is not written yet.
    pub async fn allot_posting(
        &mut self,
        id: i64,
        statement: &str,
        matter: &str,
        client: &str,
        amount_minor: i64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE posting SET statement = $2, matter = $3, client = $4, amount_minor = $5, state = 'pending', error_code = NULL,
                     error = NULL WHERE id = $1";
        self.execute(sql, args![id, statement, matter, client, amount_minor]).await.map(drop)
    }

    /// The place of the next share of a payment.
    pub async fn next_posting_line(&mut self, payment: i64) -> Result<i64, StoreError> {
        self.id(
            "SELECT max(line) + 1 FROM posting WHERE payment_id = $1 AND kind = 'payment'",
            args![payment],
        )
        .await
    }

    pub async fn posting_posted(
        &mut self,
        id: i64,
        external_ref: Option<&str>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE posting SET state = 'posted', external_ref = $2, posted_ms = $3, error_code = NULL, error = NULL
                   WHERE id = $1";
        self.execute(sql, args![id, external_ref, now_ms]).await.map(drop)
    }

    /// What stands in its way, in whatever state that leaves it.
    pub async fn posting_trouble(
        &mut self,
        id: i64,
        state: State,
        code: &str,
        error: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE posting SET state = $2, error_code = $3, error = $4 WHERE id = $1";
        self.execute(sql, args![id, state.name(), code, error]).await.map(drop)
    }

    /// Of `statements`, those whose balance in the matter software is behind: money for them has arrived in this account or for
    /// this connector but was not written there before `read_ms`, or is on its way, or may still be paid at the gateway, also
    /// by a link that has ended. Asking for them would ask twice.
    pub async fn settling(
        &mut self,
        connector: &str,
        account: &str,
        statements: &[&str],
        read_ms: i64,
    ) -> Result<HashSet<String>, StoreError> {
        self.statements_in(SETTLING, (connector, account), statements, read_ms).await
    }

    /// Of `statements`, those whose balance in the matter software, read at `read_ms`, lacks money that has arrived or is on its
    /// way.
    pub async fn unwritten(
        &mut self,
        connector: &str,
        account: &str,
        statements: &[&str],
        read_ms: i64,
    ) -> Result<HashSet<String>, StoreError> {
        self.statements_in(UNWRITTEN, (connector, account), statements, read_ms).await
    }

    async fn statements_in(
        &mut self,
        sql: Sql,
        (connector, account): (&str, &str),
        statements: &[&str],
        read_ms: i64,
    ) -> Result<HashSet<String>, StoreError> {
        // In a usual night, a push asks after none.
        if statements.is_empty() {
            return Ok(HashSet::new());
        }
        let list = serde_json::to_string(statements)
            .map_err(|error| StoreError::Misfit { table: "posting", what: error.to_string() })?;
        let rows = self.rows(sql, args![connector, read_ms, &list, account]).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }
}

impl Store {
    /// Notes that it is written, in one commit with others that are ready at the same time. An error where its lease is lost, which
    /// hinders no other.
    pub async fn posted(&self, posted: Posted) -> Result<(), StoreError> {
        self.desk.note(&self.db, posted).await
    }

    pub async fn posting(&self, id: i64) -> Result<Option<Posting>, StoreError> {
        self.db.rows(select!("WHERE id = $1"), args![id]).await?.first().map(posting).transpose()
    }

    /// A posting with what is behind it.
    pub async fn posting_in_full(&self, id: i64) -> Result<Option<(Posting, Behind)>, StoreError> {
        let sql = select!(
            ", r.account, r.payer_name, p.method, p.gateway_ref, p.created_ms",
            "JOIN payment p ON p.id = posting.payment_id JOIN request r ON r.id = posting.request_id WHERE posting.id = $1"
        );
        let rows = self.db.rows(sql, args![id]).await?;
        rows.first().map(|row| Ok((posting(row)?, behind(row)?))).transpose()
    }

    /// The next postings by their id.
    pub async fn postings_after(&self, after: i64, limit: i64) -> Result<Vec<Posting>, StoreError> {
        let rows = self.db.rows(select!("WHERE id > $1 ORDER BY id LIMIT $2"), args![after, limit]).await?;
        rows.iter().map(posting).collect()
    }

    /// One view of Manage Postings, or all; the newest first.
    pub async fn postings(&self, view: Option<State>, limit: i64) -> Result<Vec<Posting>, StoreError> {
        let sql = select!("WHERE ($1 IS NULL OR state = $1) ORDER BY id DESC LIMIT $2");
        let rows = self.db.rows(sql, args![view.map(State::name), limit]).await?;
        rows.iter().map(posting).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// A push asks this for each of its pages: over all that was ever asked for, it would take longer with every link.
    #[tokio::test]
    async fn what_is_on_its_way_is_not_looked_for_among_all_requests() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("remitd.sqlite");
        let store = Store::open(&format!("sqlite:{}", file.display()), 1).await.unwrap();
        let plan = concat!("EXPLAIN QUERY PLAN ", settling!("SELECT value FROM json_each($3)"));
        let steps = store.db.rows(plan, args!["matters", 0, "[]", "operating"]).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.text(3).unwrap()).collect();
        let scans = |step: &&String| step.starts_with("SCAN") && !step.contains("json_each");
        let whole: Vec<&String> = steps.iter().filter(scans).filter(|step| !step.contains("INDEX")).collect();
        assert!(whole.is_empty(), "{whole:?} of {steps:#?}");
        store.close().await;
    }
}
