//! The books: what came in, what was asked, paid and posted, counted from the rows themselves.

use crate::db::Sql;
use crate::error::StoreError;
use crate::open::Store;
use std::collections::BTreeMap;

/// Minor units by currency: nothing is summed across them.
pub type Sums = BTreeMap<String, i64>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    pub paid: Sums,
    /// Postings in the matter software, and what they sum to, reversals taken off.
    pub postings: i64,
    pub posted: Sums,
    /// Postings that are not there yet.
    pub unposted: i64,
    /// Requests that were to be mailed and were not (yet).
    pub unmailed: i64,
}

/// One text, so that the figures fit each other: what is counted, in which currency where it is money, how many and how much. Of a batch
/// whose mails are still to be wanted, those after `$after` and up to `$last` are; the states stand apart, so that each finds its index.
macro_rules! books {
    ($after:literal, $last:literal) => {
        concat!(
            r#"SELECT 'files', '', count(*), CAST(0 AS BIGINT) FROM batch WHERE source IN ('file', 'folder')
              UNION ALL SELECT 'rows', '', CAST(coalesce(sum("rows"), 0) AS BIGINT), 0 FROM batch
              UNION ALL SELECT 'requests', '', count(*), 0 FROM request WHERE state NOT IN ('draft', 'discarded', 'gathered')
              UNION ALL SELECT 'mails', '', count(*), 0 FROM message WHERE state = 'sent'
              UNION ALL SELECT 'payments', currency, count(*), CAST(sum(amount_minor - returned_minor) AS BIGINT)
                FROM payment WHERE state = 'succeeded' GROUP BY currency
              UNION ALL SELECT 'postings', currency, count(*),
                  CAST(sum(CASE kind WHEN 'reversal' THEN -amount_minor ELSE amount_minor END) AS BIGINT)
                FROM posting WHERE state = 'posted' GROUP BY currency
              UNION ALL SELECT 'unposted', '', count(*), 0 FROM posting WHERE state IN ('pending', 'incomplete', 'queued')
              UNION ALL SELECT 'unmailed', '', count(*), 0 FROM effect WHERE kind = 'mail' AND state <> 'done'
              UNION ALL SELECT 'unmailed', '', count(*), 0 FROM effect JOIN request ON request.batch_id = effect.subject_id
                WHERE effect.kind = 'mails' AND (effect.state IN ('ready', 'running') OR effect.state IN ('waiting', 'failed', 'unknown'))
                  AND request.id > "#,
            $after,
            " AND request.id <= ",
            $last,
            " AND request.state IN ('outstanding', 'processing') AND request.payer_email <> ''
                  AND NOT EXISTS (SELECT 1 FROM effect mail WHERE mail.key = 'mail:request:' || request.id)"
        )
    };
}

const BOOKS: Sql = Sql {
    sqlite: books!("(effect.payload ->> 'after')", "(effect.payload ->> 'last')"),
    postgres: books!(
        "(effect.payload::json ->> 'after')::bigint",
        "(effect.payload::json ->> 'last')::bigint"
    ),
};

impl Store {
    pub async fn books(&self) -> Result<Books, StoreError> {
        let mut books = Books::default();
        for row in self.db.rows(BOOKS, &[]).await? {
            let (currency, many, minor) = (row.text(1)?, row.int(2)?, row.int(3)?);
            let count = match row.text(0)?.as_str() {
                "files" => &mut books.files,
                "rows" => &mut books.rows,
                "requests" => &mut books.requests,
                "mails" => &mut books.mails,
                "unposted" => &mut books.unposted,
                "unmailed" => &mut books.unmailed,
                "payments" => {
                    books.paid.insert(currency, minor);
                    &mut books.payments
                }
                _ => {
                    books.posted.insert(currency, minor);
                    &mut books.postings
                }
            };
            *count += many;
        }
        Ok(books)
    }
}
