//! Requests by the thousand: one statement for a whole piece of a file. The rows travel as one JSON text, which both
//! databases unpack faster than they bind values one by one.

use crate::db::{Sql, Tx, args};
use crate::error::StoreError;
use remitd_domain::draft::{Drafts, date_of};
use remitd_domain::link::NONCE_BYTES;
use remitd_domain::request::State;
use std::io::Write as _;

/// What all rows of a piece share.
#[derive(Debug, Clone)]
pub struct Bulk<'a> {
    pub batch: i64,
    pub state: State,
    pub account: &'a str,
    pub connector: &'a str,
    pub currency: &'a str,
    pub created_ms: i64,
    pub expires_ms: i64,
    pub remainder_of: Option<i64>,
}

/// What became of the rows: ids run on from `first_id` without a gap for the duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub first_id: i64,
    pub kept: i64,
    /// Places in `keep` whose invoice has a live link already.
    pub duplicates: Vec<usize>,
}

/// Columns of a row's JSON array: nonce, amount, invoice date, due date, invoice, name, e-mail, message, client, matter, line.
const INSERT: Sql = Sql {
    sqlite: "INSERT INTO request (id, batch_id, nonce, state, account, connector, amount_minor, currency, payer_name,
                payer_email, invoice, invoice_date, due_date, client, matter, message, line, created_ms, expires_ms, remainder_of)
             SELECT $2 + key, $3, unhex(value ->> 0), $4, $5, $6, value ->> 1, $7, value ->> 5,
                value ->> 6, value ->> 4, value ->> 2, value ->> 3, value ->> 8, value ->> 9, value ->> 7, value ->> 10, $8, $9, $10
             FROM jsonb_each($1) WHERE true ON CONFLICT DO NOTHING",
    postgres: "INSERT INTO request (id, batch_id, nonce, state, account, connector, amount_minor, currency, payer_name,
                payer_email, invoice, invoice_date, due_date, client, matter, message, line, created_ms, expires_ms, remainder_of)
             SELECT $2 + ord - 1, $3, decode(value ->> 0, 'hex'), $4, $5, $6, (value ->> 1)::bigint, $7, value ->> 5,
                value ->> 6, value ->> 4, value ->> 2, value ->> 3, value ->> 8, value ->> 9, value ->> 7, (value ->> 10)::bigint, $8, $9, $10
             FROM json_array_elements($1::json) WITH ORDINALITY AS piece (value, ord) ON CONFLICT DO NOTHING",
};

impl Tx {
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
        let rows = encode(drafts, keep, nonces)?;
        let kept = self
            .execute(
                INSERT,
                args![
                    &rows,
                    first_id,
                    bulk.batch,
                    bulk.state.name(),
                    bulk.account,
                    bulk.connector,
                    bulk.currency,
                    bulk.created_ms,
                    bulk.expires_ms,
                    bulk.remainder_of,
                ],
            )
            .await?;
        let kept = i64::try_from(kept).unwrap_or(i64::MAX);
        let duplicates = if kept == wanted { Vec::new() } else { self.missing(first_id, keep.len()).await? };
        Ok(Taken { first_id, kept, duplicates })
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

fn encode(drafts: &Drafts, keep: &[usize], nonces: &[u8]) -> Result<String, StoreError> {
    let misfit = |what: &str| StoreError::Misfit { table: "request", what: what.to_owned() };
    let mut out = Vec::with_capacity(keep.len() * 220);
    let mut days = Days::default();
    let write = |error: std::io::Error| StoreError::Io(error);
    for (place, &at) in keep.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b"[[\"" } else { b",[\"" });
        let nonce = nonces.chunks_exact(NONCE_BYTES).nth(place).ok_or_else(|| misfit("too few nonces"))?;
        push_hex(&mut out, nonce);
        let amount = drafts.amounts_minor.get(at).ok_or_else(|| misfit("a row beyond the end"))?;
        write!(out, "\",{amount},").map_err(write)?;
        for column in [&drafts.invoice_days, &drafts.due_days] {
            days.push(&mut out, column.get(at).copied());
        }
        for column in [
            &drafts.invoices,
            &drafts.payer_names,
            &drafts.payer_emails,
            &drafts.messages,
            &drafts.clients,
            &drafts.matters,
        ] {
            push_text(&mut out, column.get(at))?;
            out.push(b',');
        }
        write!(out, "{}]", drafts.lines.get(at).copied().unwrap_or(0)).map_err(write)?;
    }
    out.push(b']');
    String::from_utf8(out).map_err(|_| misfit("a text that is not UTF-8"))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            out.extend(HEX.get(usize::from(half)));
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) -> Result<(), StoreError> {
    let plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return Ok(());
    }
    serde_json::to_writer(&mut *out, text)
        .map_err(|error| StoreError::Misfit { table: "request", what: error.to_string() })
}

/// Dates as JSON, followed by a comma. Files repeat the same few dates, so the last one is kept.
#[derive(Default)]
struct Days {
    last: Option<(i32, String)>,
}

impl Days {
    fn push(&mut self, out: &mut Vec<u8>, day: Option<i32>) {
        let Some(date) = day.and_then(date_of) else {
            out.extend_from_slice(b"null,");
            return;
        };
        let day = day.unwrap_or_default();
        if self.last.as_ref().is_none_or(|(known, _)| *known != day) {
            self.last = Some((day, format!("\"{date}\",")));
        }
        if let Some((_, text)) = &self.last {
            out.extend_from_slice(text.as_bytes());
        }
    }
}
