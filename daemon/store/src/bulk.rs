//! Requests by the thousand: one statement for a whole piece of a file. The rows travel as one text, which both databases
//! unpack faster than they bind values one by one. PostgreSQL takes many rows by COPY first; it knows no way around a row whose invoice has
//! a live link, so that such a piece is undone and goes in as on SQLite.

use crate::db::{Sql, Tx, args};
use crate::error::StoreError;
use crate::piece::{Bulk, Piece};
use crate::request::share_columns;
use remitd_domain::draft::Drafts;
use remitd_domain::link::NONCE_BYTES;

/// Fewer rows are inserted sooner than a COPY and its savepoint have begun.
const COPY_FROM_ROWS: usize = 64;

/// What became of the rows: ids run on from `first_id` without a gap for the duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub first_id: i64,
    pub kept: i64,
    /// Places in `keep` whose invoice has a live link already.
    pub duplicates: Vec<usize>,
}

/// The columns as [`Piece::copy`] writes them.
const COPY: &str = "COPY request (nonce, amount_minor, invoice_date, due_date, invoice, payer_name, payer_email, message, client,
    matter, line, id, batch_id, state, account, connector, currency, created_ms, expires_ms, remainder_of) FROM STDIN";

/// The columns as [`Piece::json`] writes them.
const INSERT: Sql = Sql {
    sqlite: "INSERT INTO request (id, batch_id, nonce, state, account, connector, amount_minor, currency, payer_name,
                payer_email, invoice, invoice_date, due_date, client, matter, message, line, created_ms, expires_ms, remainder_of,
                payer, shares)
             SELECT $2 + key, $3, unhex(value ->> 0), $4, $5, $6, value ->> 1, $7, value ->> 5,
                value ->> 6, value ->> 4, value ->> 2, value ->> 3, value ->> 8, value ->> 9, value ->> 7, value ->> 10, $8, $9, $10, $11, $12
             FROM jsonb_each($1) WHERE true ON CONFLICT DO NOTHING",
    postgres: "INSERT INTO request (id, batch_id, nonce, state, account, connector, amount_minor, currency, payer_name,
                payer_email, invoice, invoice_date, due_date, client, matter, message, line, created_ms, expires_ms, remainder_of,
                payer, shares)
             SELECT $2 + ord - 1, $3, decode(value ->> 0, 'hex'), $4, $5, $6, (value ->> 1)::bigint, $7, value ->> 5,
                value ->> 6, value ->> 4, value ->> 2, value ->> 3, value ->> 8, value ->> 9, value ->> 7, (value ->> 10)::bigint, $8, $9, $10,
                $11, $12
             FROM json_array_elements($1::json) WITH ORDINALITY AS piece (value, ord) ON CONFLICT DO NOTHING",
};

/// In KiB, negative by SQLite's convention.
const ROOM: &str = "PRAGMA cache_size = -16384";

impl Tx {
    /// Before rows by the million: invoices that come in no order go into all pages of their index, and SQLite keeps four times as many
    /// of those in memory. Its connection goes on so.
    pub async fn with_room(&mut self) -> Result<(), StoreError> {
        if self.is_postgres() { Ok(()) } else { self.execute(ROOM, &[]).await.map(drop) }
    }

    /// Inserts the rows of `drafts` that stand in `keep`, each with its own `NONCE_BYTES` of `nonces`.
    pub async fn insert_requests(
        &mut self,
        bulk: &Bulk<'_>,
        drafts: &Drafts,
        keep: &[usize],
        nonces: &[u8],
    ) -> Result<Taken, StoreError> {
        let wanted = i64::try_from(keep.len()).unwrap_or(i64::MAX);
        if wanted == 0 {
            return Ok(Taken { first_id: 0, kept: 0, duplicates: Vec::new() });
        }
        let first_id = self
            .id(
                "UPDATE counter SET next = next + $1 WHERE name = 'request' RETURNING next - $1",
                args![wanted],
            )
            .await?;
        let (mut kept, mut id, mut nonces) = (0, first_id, nonces);
        for run in keep.chunk_by(|one, next| drafts.share(*one) == drafts.share(*next)) {
            let (own, rest) = nonces.split_at_checked(run.len() * NONCE_BYTES).unwrap_or((nonces, &[]));
            kept += self.insert_run(&Piece { bulk, first_id: id, drafts, keep: run, nonces: own }).await?;
            id += i64::try_from(run.len()).unwrap_or(i64::MAX);
            nonces = rest;
        }
        let duplicates = if kept == wanted { Vec::new() } else { self.missing(first_id, keep.len()).await? };
        Ok(Taken { first_id, kept, duplicates })
    }

    /// Rows that ask for the same share, which nearly always is none: the whole.
    async fn insert_run(&mut self, piece: &Piece<'_>) -> Result<i64, StoreError> {
        let Piece { bulk, first_id, drafts, keep, .. } = piece;
        let share = keep.first().and_then(|at| drafts.share(*at));
        let copied = keep.len() >= COPY_FROM_ROWS && share.is_none() && self.is_postgres();
        if copied && self.copy(COPY, &piece.copy()?).await? {
            return Ok(i64::try_from(keep.len()).unwrap_or(i64::MAX));
        }
        let (payer, shares) = share_columns(share)?;
        let kept = self
            .execute(
                INSERT,
                args![
                    &piece.json()?,
                    *first_id,
                    bulk.batch,
                    bulk.state.name(),
                    bulk.account,
                    bulk.connector,
                    bulk.currency,
                    bulk.created_ms,
                    bulk.expires_ms,
                    bulk.remainder_of,
                    payer,
                    &shares,
                ],
            )
            .await?;
        Ok(i64::try_from(kept).unwrap_or(i64::MAX))
    }

    async fn missing(&mut self, first_id: i64, wanted: usize) -> Result<Vec<usize>, StoreError> {
        let past = first_id.saturating_add(i64::try_from(wanted).unwrap_or(i64::MAX));
        let rows = self
            .rows("SELECT id FROM request WHERE id >= $1 AND id < $2 ORDER BY id", args![first_id, past])
            .await?;
        let mut there = vec![false; wanted];
        for row in &rows {
            let place = usize::try_from(row.int(0)? - first_id).unwrap_or(usize::MAX);
            if let Some(seen) = there.get_mut(place) {
                *seen = true;
            }
        }
        Ok(there.iter().enumerate().filter(|(_, seen)| !**seen).map(|(place, _)| place).collect())
    }
}
