//! Whether an invoice is asked for already: by a request itself, by a line of a gathered one, as a whole or one payer's share of
//! it. Owns the look-ups; who makes links looks while it is its turn.

use crate::db::{Row, Sql, Tx, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::request::{misfit, packed};
use remitd_domain::policy::Duplicates;
use remitd_domain::request::State;
use remitd_domain::shares::Part;
use std::collections::{BTreeMap, BTreeSet};

/// Invoices that are asked for, each with the payers of whom; the whole of one is asked of nobody by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked(BTreeMap<String, BTreeSet<String>>);

impl Asked {
    /// Whether asking for `share` of the invoice would ask twice: the whole and a part, or one part twice.
    pub fn has(&self, invoice: &str, share: Option<&str>) -> bool {
        let clashes = |payer: &String| payer.is_empty() || share.is_none_or(|share| share == payer);
        self.0.get(invoice).is_some_and(|payers| payers.iter().any(clashes))
    }

    /// A payer of a share of the invoice who is none of these.
    pub fn stranger(&self, invoice: &str, of: &[Part]) -> Option<&str> {
        let payers = self.0.get(invoice)?.iter().map(String::as_str);
        stranger(payers, of)
    }

    pub fn extend(&mut self, more: Asked) {
        for (invoice, payers) in more.0 {
            self.0.entry(invoice).or_default().extend(payers);
        }
    }
}

fn stranger<'a>(mut payers: impl Iterator<Item = &'a str>, of: &[Part]) -> Option<&'a str> {
    payers.find(|payer| !payer.is_empty() && of.iter().all(|part| part.payer != *payer))
}

/// In three parts, so that each finds its index.
const ASKED_BY: &str = "SELECT id, state FROM (
       SELECT id, state FROM request WHERE account = $1 AND invoice = $2 AND invoice <> ''
         AND state IN ('draft', 'outstanding', 'processing')
       UNION ALL SELECT id, state FROM request WHERE account = $1 AND invoice = $2 AND invoice <> ''
         AND state IN ('payment_received', 'partially_paid', 'cancelled', 'expired')
       UNION ALL SELECT r.id, r.state FROM request_line l JOIN request r ON r.id = l.request_id
         WHERE l.account = $1 AND l.invoice = $2 AND l.invoice <> '' AND r.state <> 'discarded') AS asked
     ORDER BY CASE WHEN state IN ('draft', 'outstanding', 'processing') THEN 0 ELSE 1 END, id DESC LIMIT 1";

/// What is asked for now; also what was asked for once, where `$3` says so; of the connector `$4`, or of any where that is empty.
/// Each number of the list, which has none twice and no empty one, finds its index. A list is long, and all pairs travel as one text,
/// which is read sooner than so many rows.
macro_rules! asked {
    ($pairs:literal, $list:literal) => {
        concat!(
            "SELECT ",
            $pairs,
            " FROM (SELECT l.invoice, l.payer FROM (",
            $list,
            ") AS list CROSS JOIN request_line l CROSS JOIN request r
             WHERE l.account = $1 AND l.invoice = number AND l.invoice <> '' AND r.id = l.request_id AND $4 IN ('', r.connector)
               AND (r.state IN ('draft', 'outstanding', 'processing')
                 OR ($3 <> 'live' AND r.state IN ('payment_received', 'partially_paid'))
                 OR ($3 = 'ever' AND r.state IN ('cancelled', 'expired')))
             UNION SELECT invoice, payer FROM (",
            $list,
            ") AS list CROSS JOIN request
             WHERE $3 <> 'live' AND account = $1 AND invoice = number AND invoice <> '' AND $4 IN ('', connector)
               AND state IN ('payment_received', 'partially_paid', 'cancelled', 'expired')
               AND ($3 = 'ever' OR state IN ('payment_received', 'partially_paid'))
             UNION SELECT invoice, payer FROM (",
            $list,
            ") AS list CROSS JOIN request
             WHERE account = $1 AND invoice = number AND invoice <> '' AND $4 IN ('', connector)
               AND state IN ('draft', 'outstanding', 'processing')) AS asked"
        )
    };
}

const ASKED: Sql = Sql {
    sqlite: asked!(
        "json_group_array(json_array(invoice, payer))",
        "SELECT value AS number FROM json_each($2)"
    ),
    postgres: asked!(
        "coalesce(json_agg(json_build_array(invoice, payer)), '[]')::text",
        "SELECT json_array_elements_text($2::json) AS number"
    ),
};

/// What payers of shares have paid of a statement, as far as it is written or taken back, be it by hand.
macro_rules! paid {
    ($list:literal) => {
        concat!(
            "SELECT statement, payer, CAST(sum(paid) AS BIGINT) FROM (
               SELECT p.statement, coalesce(l.payer, r.payer) AS payer,
                 CASE p.kind WHEN 'reversal' THEN -p.amount_minor ELSE p.amount_minor END AS paid
               FROM posting p JOIN request r ON r.id = p.request_id
                 LEFT JOIN request_line l ON l.request_id = p.request_id AND l.invoice = p.statement
               WHERE p.connector = $1 AND p.statement IN (",
            $list,
            ")
                 AND p.state IN ('posted', 'removed') AND coalesce(p.error_code, '') <> 'never-written'
             ) AS parts WHERE payer <> '' GROUP BY statement, payer"
        )
    };
}

const PAID: Sql = Sql {
    sqlite: paid!("SELECT value FROM json_each($2)"),
    postgres: paid!("SELECT json_array_elements_text($2::json)"),
};

/// What each payer of a share has paid of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaidShares(BTreeMap<(String, String), i64>);

impl PaidShares {
    pub fn minor(&self, statement: &str, payer: &str) -> i64 {
        self.0.get(&(statement.to_owned(), payer.to_owned())).copied().unwrap_or_default()
    }

    /// Somebody who has paid a share of the statement and is none of these.
    pub fn stranger(&self, statement: &str, of: &[Part]) -> Option<&str> {
        let paid = self.0.iter().filter(|((of, _), minor)| of == statement && **minor > 0);
        stranger(paid.map(|((_, payer), _)| payer.as_str()), of)
    }

    fn read(rows: &[Row]) -> Result<PaidShares, StoreError> {
        let of = |row: &Row| Ok(((row.text(0)?, row.text(1)?), row.int(2)?));
        rows.iter().map(of).collect::<Result<_, StoreError>>().map(PaidShares)
    }
}

impl Tx {
    /// The request that asks or has asked for an invoice: a live one, else the newest.
    pub async fn asked_by(
        &mut self,
        account: &str,
        invoice: &str,
    ) -> Result<Option<(i64, State)>, StoreError> {
        let row = self.row(ASKED_BY, args![account, invoice]).await?;
        row.map(|row| Ok((row.int(0)?, row.text(1)?.parse().map_err(misfit)?))).transpose()
    }

    /// Whether a link of the account asks, or has asked, for several rows or for a share.
    pub async fn has_gathered(&mut self, account: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM request_line WHERE account = $1
                   UNION ALL SELECT 1 FROM request WHERE account = $1 AND payer <> '' LIMIT 1";
        Ok(self.row(sql, args![account]).await?.is_some())
    }

    /// Of `invoices`, those that are duplicates by this rule: of live requests, or of earlier ones too.
    pub async fn asked_already(
        &mut self,
        account: &str,
        invoices: &[&str],
        duplicates: Duplicates,
    ) -> Result<Asked, StoreError> {
        self.asked((account, ""), invoices, duplicates).await
    }

    /// Of `invoices`, those that are asked for now as statements of a connector.
    pub async fn asked_as_statements(
        &mut self,
        account: &str,
        connector: &str,
        invoices: &[&str],
    ) -> Result<Asked, StoreError> {
        self.asked((account, connector), invoices, Duplicates::Live).await
    }

    async fn asked(
        &mut self,
        (account, connector): (&str, &str),
        invoices: &[&str],
        duplicates: Duplicates,
    ) -> Result<Asked, StoreError> {
        let mut asked = Asked::default();
        // Each number once: what is asked for by one is told for each time that it stands in the list.
        let list: BTreeSet<&str> = invoices.iter().copied().filter(|invoice| !invoice.is_empty()).collect();
        if list.is_empty() {
            return Ok(asked);
        }
        let list = serde_json::to_string(&list).map_err(misfit)?;
        let found = self.row(ASKED, args![account, &list, duplicates.name(), connector]).await?;
        for (invoice, payer) in packed::<(String, String)>(found.as_ref())? {
            asked.0.entry(invoice).or_default().insert(payer);
        }
        Ok(asked)
    }

    /// As [`Store::paid_shares`].
    pub async fn paid_shares(
        &mut self,
        connector: &str,
        statements: &[&str],
    ) -> Result<PaidShares, StoreError> {
        if statements.is_empty() {
            return Ok(PaidShares::default());
        }
        let list = serde_json::to_string(statements).map_err(misfit)?;
        PaidShares::read(&self.rows(PAID, args![connector, &list]).await?)
    }
}

impl Store {
    /// What the payers who share `statements` have paid of them, as far as it is written into the matter software.
    pub async fn paid_shares(&self, connector: &str, statements: &[&str]) -> Result<PaidShares, StoreError> {
        // Few statements are shared: most pages of a push have none.
        if statements.is_empty() {
            return Ok(PaidShares::default());
        }
        let list = serde_json::to_string(statements).map_err(misfit)?;
        PaidShares::read(&self.db.rows(PAID, args![connector, &list]).await?)
    }
}
