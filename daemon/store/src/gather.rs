//! Links that ask for several rows: the rows of one payer, gathered into one request, each a line of it. Owns the rule that an
//! invoice on a line is asked for like one that a request names itself.

use crate::db::{Row, Tx, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::request::{Request, share};
use chrono::NaiveDate;
use remitd_domain::draft::Draft;
use remitd_domain::shares::Share;

/// Rows that one link asks for; a payer with more gets another link.
pub const LINES_MAX: i64 = 100;

/// One row of a gathered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    pub invoice: String,
    pub amount_minor: i64,
    pub invoice_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub client: String,
    pub matter: String,
    pub message: String,
    /// Line in the file.
    pub line: i64,
    /// Which part of its invoice it asks for; none for the whole.
    pub share: Option<Share>,
}

impl RequestLine {
    /// A row that asks for `amount_minor` of it, of the request's own payer.
    pub fn draft(&self, of: &Request, amount_minor: i64) -> Draft {
        Draft {
            line: 0,
            amount_minor,
            invoice_date: self.invoice_date,
            due_date: self.due_date,
            invoice: self.invoice.clone(),
            message: self.message.clone(),
            client: self.client.clone(),
            matter: self.matter.clone(),
            share: self.share.clone(),
            ..of.draft()
        }
    }
}

impl Request {
    /// Itself, where it is the only line that it asks for.
    pub fn line(&self) -> RequestLine {
        RequestLine {
            invoice: self.invoice.clone(),
            amount_minor: self.amount_minor,
            invoice_date: self.invoice_date,
            due_date: self.due_date,
            client: self.client.clone(),
            matter: self.matter.clone(),
            message: self.message.clone(),
            line: self.line,
            share: self.share.clone(),
        }
    }
}

fn line(row: &Row) -> Result<RequestLine, StoreError> {
    let date = |at: usize| -> Result<Option<NaiveDate>, StoreError> {
        let misfit = |what: String| StoreError::Misfit { table: "request_line", what };
        row.opt_text(at)?
            .map(|text| text.parse().map_err(|error| misfit(format!("{text}: {error}"))))
            .transpose()
    };
    Ok(RequestLine {
        invoice: row.text(0)?,
        amount_minor: row.int(1)?,
        invoice_date: date(2)?,
        due_date: date(3)?,
        client: row.text(4)?,
        matter: row.text(5)?,
        message: row.text(6)?,
        line: row.int(7)?,
        share: share(row, 8)?,
    })
}

const LINES: &str =
    "SELECT invoice, amount_minor, invoice_date, due_date, client, matter, message, file_line,
                     payer, shares FROM request_line WHERE request_id = $1 ORDER BY line";

/// The oldest first, so that a part payment settles the oldest; the link is that of the oldest too. What people picked stays in their
/// order, and so does what follows a link.
const GATHER: &str = "INSERT INTO request_line (request_id, line, came_as, account, invoice, amount_minor, invoice_date, due_date,
       client, matter, message, file_line, payer, shares)
     SELECT first_value(id) OVER link, row_number() OVER link - 1, id, account, invoice, amount_minor, invoice_date, due_date,
       client, matter, message, line, payer, shares
     FROM (SELECT drafts.*, (row_number() OVER payer - 1) / $2 AS link_no, count(*) OVER everyone AS many
           FROM (SELECT r.*, lower(r.payer_email) AS mailbox,
                   CASE WHEN b.source IN ('file', 'folder', 'push') THEN coalesce(r.invoice_date, '9999') ELSE '' END AS age
                 FROM request r JOIN batch b ON b.id = r.batch_id WHERE r.batch_id = $1 AND r.state = 'draft') AS drafts
           WINDOW everyone AS (PARTITION BY mailbox, payer_name, client),
             payer AS (PARTITION BY mailbox, payer_name, client ORDER BY age, id)) AS asked
     WHERE many > 1
     WINDOW link AS (PARTITION BY mailbox, payer_name, client, link_no ORDER BY age, id)";

/// `$2` is a line break.
const SUM: &str = "UPDATE request SET invoice = '', invoice_date = NULL, payer = '', shares = '',
       amount_minor = (SELECT CAST(sum(l.amount_minor) AS BIGINT) FROM request_line l WHERE l.request_id = request.id),
       due_date = (SELECT min(l.due_date) FROM request_line l WHERE l.request_id = request.id),
       matter = (SELECT CASE WHEN min(l.matter) = max(l.matter) THEN min(l.matter) ELSE '' END
                 FROM request_line l WHERE l.request_id = request.id),
       message = (SELECT coalesce(string_agg(said.message, $2 ORDER BY said.at), '')
                  FROM (SELECT l.message, min(l.line) AS at FROM request_line l
                        WHERE l.request_id = request.id AND l.message <> '' GROUP BY l.message) AS said)
     WHERE batch_id = $1 AND state = 'draft' AND EXISTS (SELECT 1 FROM request_line l WHERE l.came_as = request.id)";

impl Tx {
    /// Makes one draft of the drafts of each payer and client in a batch; gives how many rows another one took in.
    pub async fn gather(&mut self, batch: i64) -> Result<u64, StoreError> {
        if self.execute(GATHER, args![batch, LINES_MAX]).await? == 0 {
            return Ok(0);
        }
        let gathered = self
            .execute(
                "UPDATE request SET state = 'gathered' WHERE batch_id = $1 AND state = 'draft'
                   AND EXISTS (SELECT 1 FROM request_line l WHERE l.came_as = request.id AND l.request_id <> request.id)",
                args![batch],
            )
            .await?;
        self.execute(SUM, args![batch, "\n"]).await?;
        Ok(gathered)
    }

    /// What a request asks for: its lines, where it gathers several rows; else itself as the only one.
    pub async fn asked_lines(&mut self, request: &Request) -> Result<Vec<RequestLine>, StoreError> {
        if request.may_gather() {
            let lines = self.rows(LINES, args![request.id]).await?;
            if !lines.is_empty() {
                return lines.iter().map(line).collect();
            }
        }
        Ok(vec![request.line()])
    }
}

impl Store {
    /// What a gathered request asks for; empty for any other.
    pub async fn request_lines(&self, request: &Request) -> Result<Vec<RequestLine>, StoreError> {
        if !request.may_gather() {
            return Ok(Vec::new());
        }
        self.db.rows(LINES, args![request.id]).await?.iter().map(line).collect()
    }
}
