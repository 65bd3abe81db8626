//! Payment requests: rows and their one way of changing state.

use crate::db::{Row, Sql, Tx, args};
use crate::error::StoreError;
use crate::open::Store;
use chrono::NaiveDate;
use remitd_domain::draft::Draft;
use remitd_domain::link::{NONCE_BYTES, Nonce};
use remitd_domain::request::{Change, State, sources};
use remitd_domain::shares::Share;
use serde::de::DeserializeOwned;

/// Nobody sorts or pages through more than this at once.
const LIST_MAX: i64 = 1_000_000;

#[derive(Debug, Clone)]
pub struct Request {
    /// Also its number, as people say it.
    pub id: i64,
    pub batch_id: i64,
    pub nonce: Nonce,
    pub state: State,
    pub account: String,
    /// Who writes the posting back; empty where nobody does.
    pub connector: String,
    pub amount_minor: i64,
    /// What has arrived and stayed.
    pub paid_minor: i64,
    pub currency: String,
    pub payer_name: String,
    pub payer_email: String,
    pub invoice: String,
    pub invoice_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub client: String,
    pub matter: String,
    pub message: String,
    pub line: i64,
    pub created_ms: i64,
    pub expires_ms: i64,
    pub remainder_of: Option<i64>,
    /// The link whose place it took when what is owed had changed.
    pub replaces: Option<i64>,
    /// Which part of its invoice it asks for; none for the whole, and for one that gathers several rows.
    pub share: Option<Share>,
    /// The door it came by.
    pub source: String,
    /// The invoices of its lines, where it gathers several rows.
    gathered: Option<String>,
}

impl Request {
    /// The invoice or the invoices that it asks for, as people read them; empty where it names none.
    pub fn invoices(&self) -> &str {
        self.gathered.as_deref().unwrap_or(&self.invoice)
    }

    /// One that names an invoice itself has no lines: nobody needs to look for them.
    pub(crate) fn may_gather(&self) -> bool {
        self.invoice.is_empty()
    }

    /// The row that it was, or could be again.
    pub fn draft(&self) -> Draft {
        Draft {
            line: u32::try_from(self.line).unwrap_or_default(),
            amount_minor: self.amount_minor,
            invoice_date: self.invoice_date,
            due_date: self.due_date,
            invoice: self.invoice.clone(),
            payer_name: self.payer_name.clone(),
            payer_email: self.payer_email.clone(),
            message: self.message.clone(),
            client: self.client.clone(),
            matter: self.matter.clone(),
            share: self.share.clone(),
        }
    }
}

/// What a link that can be paid asks for, in few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    pub id: i64,
    pub invoice: String,
    pub amount_minor: i64,
    pub currency: String,
    /// It asks for all of one invoice: not for several, nor for a payer's share.
    pub is_whole: bool,
    /// It asks for money into the account that was named.
    pub is_own: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Number,
    Amount,
    Due,
    Payer,
    Created,
}

impl Sort {
    pub const NAMES: [(Sort, &'static str); 5] = [
        (Sort::Number, "number"),
        (Sort::Amount, "amount"),
        (Sort::Due, "due"),
        (Sort::Payer, "payer"),
        (Sort::Created, "created"),
    ];

    fn name(self) -> &'static str {
        Sort::NAMES.iter().find(|(sort, _)| *sort == self).map_or("number", |(_, name)| name)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub state: Option<State>,
    pub batch: Option<i64>,
    pub sort: Sort,
    pub limit: Option<i64>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, r.batch_id, r.nonce, r.state, r.account, r.connector, r.amount_minor, r.paid_minor, r.currency,
                r.payer_name, r.payer_email, r.invoice, r.invoice_date, r.due_date, r.client, r.matter, r.message, r.line,
                r.created_ms, r.expires_ms, r.remainder_of, r.replaces, b.source,
                (SELECT string_agg(l.invoice, ', ' ORDER BY l.line) FROM request_line l
                 WHERE l.request_id = r.id AND l.invoice <> ''), r.payer, r.shares
             FROM request r JOIN batch b ON b.id = r.batch_id ",
            $rest
        )
    };
}

pub(crate) fn misfit(what: impl ToString) -> StoreError {
    StoreError::Misfit { table: "request", what: what.to_string() }
}

/// Rows of a long list, which travel as one text.
pub(crate) fn packed<T: DeserializeOwned>(row: Option<&Row>) -> Result<Vec<T>, StoreError> {
    let Some(row) = row else { return Ok(Vec::new()) };
    serde_json::from_str(&row.text(0)?).map_err(misfit)
}

fn date(text: Option<String>) -> Result<Option<NaiveDate>, StoreError> {
    text.map(|text| text.parse().map_err(|error| misfit(format!("{text}: {error}")))).transpose()
}

fn request(row: &Row) -> Result<Request, StoreError> {
    let nonce: [u8; NONCE_BYTES] = row.bytes(2)?.try_into().map_err(|_| misfit("nonce"))?;
    Ok(Request {
        id: row.int(0)?,
        batch_id: row.int(1)?,
        nonce: Nonce(nonce),
        state: row.text(3)?.parse().map_err(misfit)?,
        account: row.text(4)?,
        connector: row.text(5)?,
        amount_minor: row.int(6)?,
        paid_minor: row.int(7)?,
        currency: row.text(8)?,
        payer_name: row.text(9)?,
        payer_email: row.text(10)?,
        invoice: row.text(11)?,
        invoice_date: date(row.opt_text(12)?)?,
        due_date: date(row.opt_text(13)?)?,
        client: row.text(14)?,
        matter: row.text(15)?,
        message: row.text(16)?,
        line: row.int(17)?,
        created_ms: row.int(18)?,
        expires_ms: row.int(19)?,
        remainder_of: row.opt_int(20)?,
        replaces: row.opt_int(21)?,
        source: row.text(22)?,
        gathered: row.opt_text(23)?,
        share: share(row, 24)?,
    })
}

/// From two columns: the payer's own id, and the parts of all.
pub(crate) fn share(row: &Row, at: usize) -> Result<Option<Share>, StoreError> {
    let payer = row.text(at)?;
    if payer.is_empty() {
        return Ok(None);
    }
    let of = serde_json::from_str(&row.text(at + 1)?).map_err(misfit)?;
    Ok(Some(Share { payer, of }))
}

/// The two columns of a share; both empty for the whole.
pub(crate) fn share_columns(share: Option<&Share>) -> Result<(&str, String), StoreError> {
    match share {
        None => Ok(("", String::new())),
        Some(share) => Ok((&share.payer, serde_json::to_string(&share.of).map_err(misfit)?)),
    }
}

/// Our keys never change, so the lock need not keep out those who only refer to the row.
const LOCKED: Sql =
    Sql { sqlite: select!("WHERE r.id = $1"), postgres: select!("WHERE r.id = $1 FOR NO KEY UPDATE OF r") };

const DRAFT_OF_LINE: Sql = Sql {
    sqlite: select!("WHERE r.batch_id = $1 AND r.line = $2 AND r.state = 'draft' ORDER BY r.id LIMIT 1"),
    postgres: select!(
        "WHERE r.batch_id = $1 AND r.line = $2 AND r.state = 'draft' ORDER BY r.id LIMIT 1 FOR NO KEY UPDATE OF r"
    ),
};

impl Tx {
    /// The request, held until the transaction ends.
    pub async fn request(&mut self, id: i64) -> Result<Option<Request>, StoreError> {
        self.row(LOCKED, args![id]).await?.as_ref().map(request).transpose()
    }

    /// Changes the state where the table of `domain` allows it; gives the new one, or none where it cannot happen.
    pub async fn change_request(&mut self, id: i64, change: Change) -> Result<Option<State>, StoreError> {
        for (from, to) in sources(change) {
            let sql = "UPDATE request SET state = $3 WHERE id = $1 AND state = $2";
            if self.execute(sql, args![id, from.name(), to.name()]).await? == 1 {
                return Ok(Some(to));
            }
        }
        Ok(None)
    }

    /// Money that arrived (or, below zero, went back).
    pub async fn add_paid(&mut self, id: i64, amount_minor: i64) -> Result<(), StoreError> {
        let sql = "UPDATE request SET paid_minor = paid_minor + $2 WHERE id = $1";
        self.execute(sql, args![id, amount_minor]).await.map(drop)
    }

    /// Every draft of a batch at once; `change` is `Release` or `Discard`.
    pub async fn change_batch(&mut self, batch: i64, change: Change) -> Result<u64, StoreError> {
        let mut changed = 0;
        for (from, to) in sources(change) {
            let sql = "UPDATE request SET state = $3 WHERE batch_id = $1 AND state = $2";
            changed += self.execute(sql, args![batch, from.name(), to.name()]).await?;
        }
        Ok(changed)
    }

    /// Lets links expire whose time has passed; gives their ids.
    pub async fn expire_requests(&mut self, now_ms: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
        let sql = "UPDATE request SET state = 'expired' WHERE state = 'outstanding' AND id IN
                     (SELECT id FROM request WHERE state = 'outstanding' AND expires_ms <= $1 ORDER BY expires_ms LIMIT $2)
                   RETURNING id";
        self.rows(sql, args![now_ms, limit]).await?.iter().map(|row| row.int(0)).collect()
    }
}

/// SQLite has one writer anyway.
const TURN: Sql = Sql {
    sqlite: "SELECT 1 FROM counter WHERE name = 'request'",
    postgres: "SELECT 1 FROM counter WHERE name = 'request' FOR UPDATE",
};

impl Tx {
    /// The request that asks, or has asked with success, for the rest of this one.
    pub async fn remainder(&mut self, id: i64) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT id FROM request WHERE remainder_of = $1
                     AND state NOT IN ('discarded', 'cancelled', 'expired', 'gathered') ORDER BY id DESC LIMIT 1";
        self.row(sql, args![id]).await?.map(|row| row.int(0)).transpose()
    }

    /// Whoever makes links does so alone until the transaction ends: two may not both find that an invoice is free.
    pub async fn take_turn(&mut self) -> Result<(), StoreError> {
        self.rows(TURN, &[]).await.map(drop)
    }

    /// The draft of a line of a batch, held until the transaction ends.
    pub async fn draft_of_line(&mut self, batch: i64, line: i64) -> Result<Option<Request>, StoreError> {
        let row = self.row(DRAFT_OF_LINE, args![batch, line]).await?;
        row.as_ref().map(request).transpose()
    }

    /// Writes a draft anew; one that is a draft no more is left as it is. An invoice that a live link asks for is an error
    /// ([`StoreError::is_taken`]).
    pub async fn rewrite_draft(&mut self, id: i64, draft: &Draft) -> Result<bool, StoreError> {
        let date = |date: Option<NaiveDate>| date.map(|date| date.to_string());
        let (invoice_date, due_date) = (date(draft.invoice_date), date(draft.due_date));
        let changed = self
            .execute(
                "UPDATE request SET amount_minor = $2, invoice_date = $3, due_date = $4, invoice = $5, payer_name = $6,
                   payer_email = $7, message = $8, client = $9, matter = $10, payer = CASE WHEN invoice = $5 THEN payer ELSE '' END,
                   shares = CASE WHEN invoice = $5 THEN shares ELSE '' END WHERE id = $1 AND state = 'draft'",
                args![
                    id,
                    draft.amount_minor,
                    invoice_date.as_deref(),
                    due_date.as_deref(),
                    &draft.invoice,
                    &draft.payer_name,
                    &draft.payer_email,
                    &draft.message,
                    &draft.client,
                    &draft.matter,
                ],
            )
            .await?;
        Ok(changed == 1)
    }

    /// The last line that a row of the batch has.
    pub async fn last_line(&mut self, batch: i64) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce(max(line), 0) FROM (SELECT line FROM request WHERE batch_id = $1
                     UNION ALL SELECT line FROM held_row WHERE batch_id = $1) AS lines";
        self.id(sql, args![batch]).await
    }

    /// The requests of a batch took the place of another one.
    pub async fn set_replaces(&mut self, batch: i64, replaced: i64) -> Result<(), StoreError> {
        let sql = "UPDATE request SET replaces = $2 WHERE batch_id = $1";
        self.execute(sql, args![batch, replaced]).await.map(drop)
    }

    /// Drafts get their time from the day of their release.
    pub async fn set_batch_expiry(&mut self, batch: i64, expires_ms: i64) -> Result<(), StoreError> {
        let sql = "UPDATE request SET expires_ms = $2 WHERE batch_id = $1 AND state = 'draft'";
        self.execute(sql, args![batch, expires_ms]).await.map(drop)
    }
}

macro_rules! payable {
    ($rows:literal) => {
        concat!(
            "SELECT ",
            $rows,
            " FROM (SELECT id, invoice, amount_minor, currency, payer, CASE WHEN account = $2 THEN 1 ELSE 0 END AS own FROM request
               WHERE connector = $1 AND id > $3
                 AND (account = $2 OR batch_id NOT IN (SELECT id FROM batch WHERE source = 'push'))
                 AND (state = 'outstanding' OR (state = 'draft' AND batch_id IN (SELECT id FROM batch WHERE source = 'push' AND state = 'review')))
               ORDER BY id LIMIT $4) AS page"
        )
    };
}

const PAYABLE: Sql = Sql {
    sqlite: payable!(
        "json_group_array(json_array(id, invoice, amount_minor, currency, payer, own) ORDER BY id)"
    ),
    postgres: payable!(
        "coalesce(json_agg(json_build_array(id, invoice, amount_minor, currency, payer, own) ORDER BY id), '[]')::text"
    ),
};

impl Store {
    pub async fn request(&self, id: i64) -> Result<Option<Request>, StoreError> {
        self.db.rows(select!("WHERE r.id = $1"), args![id]).await?.first().map(request).transpose()
    }

    pub async fn request_by_nonce(&self, nonce: Nonce) -> Result<Option<Request>, StoreError> {
        let sql = select!("WHERE r.nonce = $1");
        self.db.rows(sql, args![nonce.0.as_slice()]).await?.first().map(request).transpose()
    }

    pub async fn requests(&self, filter: &Filter) -> Result<Vec<Request>, StoreError> {
        let sql = select!(
            "WHERE ($1 IS NULL OR r.state = $1) AND (r.state <> 'gathered' OR $1 IS NOT NULL) AND ($2 IS NULL OR r.batch_id = $2)
             ORDER BY CASE $3 WHEN 'amount' THEN -r.amount_minor WHEN 'created' THEN -r.created_ms END,
                CASE $3 WHEN 'due' THEN r.due_date WHEN 'payer' THEN r.payer_name END NULLS LAST, r.id LIMIT $4"
        );
        let limit = filter.limit.unwrap_or(LIST_MAX);
        let args = args![filter.state.map(State::name), filter.batch, filter.sort.name(), limit];
        self.db.rows(sql, args).await?.iter().map(request).collect()
    }

    /// A page of a batch's requests, those with ids above `after`, in their order.
    pub async fn batch_page(&self, batch: i64, after: i64, limit: i64) -> Result<Vec<Request>, StoreError> {
        let sql =
            select!("WHERE r.batch_id = $1 AND r.id > $2 AND r.state <> 'gathered' ORDER BY r.id LIMIT $3");
        self.db.rows(sql, args![batch, after, limit]).await?.iter().map(request).collect()
    }

    /// A page of a connector's links that can be paid, those with ids above `after`, in their order: all into this account, and into
    /// others what people asked for.
    pub async fn payable_page(
        &self,
        connector: &str,
        account: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Payable>, StoreError> {
        let page = self.db.rows(PAYABLE, args![connector, account, after, limit]).await?;
        type Packed = (i64, String, i64, String, String, i64);
        let payable = |(id, invoice, amount_minor, currency, payer, own): Packed| {
            let is_whole = !invoice.is_empty() && payer.is_empty();
            Payable { id, invoice, amount_minor, currency, is_whole, is_own: own == 1 }
        };
        Ok(packed(page.first())?.into_iter().map(payable).collect())
    }

    /// How many requests are in each state.
    pub async fn request_counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT state, count(*) FROM request WHERE state <> 'gathered' GROUP BY state ORDER BY state",
                &[],
            )
            .await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
    }
}
