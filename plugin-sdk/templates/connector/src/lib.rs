//! Connects a matter database over its HTTP API. Owns the meaning of its fields; `api` owns the way there and back.

mod api;

use api::Api;
use remitd_plugin_sdk::connector::{
    Connector, Matter, Payer, PostResult, Posted, Posting, Statement, StatementPage,
};
use remitd_plugin_sdk::rust_decimal::Decimal;
use remitd_plugin_sdk::{
    About, Context, Date, Failure, Money, chrono::NaiveDate, export_connector, serde_json, settings,
};
use serde::Deserialize;

/// What `search` knows, the usual first; the API has parameters of the same names.
const FIELDS: [&str; 3] = ["client", "matter", "invoice"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct {{Type}} {
    /// Base address of the API.
    api: String,
    /// Name of a secret that the daemon keeps: the plugin never sees the key itself.
    key_secret: String,
    /// The matter database's only currency.
    currency: String,
}

impl {{Type}} {
    fn api(&self) -> Api<'_> {
        Api {
            base: self.api.trim_end_matches('/'),
            key_secret: &self.key_secret,
        }
    }
}

impl Connector for {{Type}} {
    const ABOUT: About = About {
        name: "{{name}}",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<{{Type}}, Failure> {
        settings()
    }

    fn search_fields(&self) -> Result<Vec<String>, Failure> {
        Ok(FIELDS.map(str::to_owned).to_vec())
    }

    fn search(
        &self,
        _context: &Context,
        field: &str,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Matter>, Failure> {
        if !FIELDS.contains(&field) {
            let known = FIELDS.join(", ");
            return Err(Failure::invalid(
                "unknown-field",
                format!("there is no field \"{field}\" to search, only {known}"),
            ));
        }
        let path = format!("/matters?{field}={}&limit={limit}", api::escaped(text));
        let found: Matters = self.api().get(&path)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(found
            .matters
            .into_iter()
            .take(limit)
            .map(Matter::from)
            .collect())
    }

    fn open_statements(&self, _context: &Context, matter: &str) -> Result<Vec<Statement>, Failure> {
        let found: Option<Statements> = self
            .api()
            .find(&format!("/matters/{}/statements", api::step(matter)?))?;
        found.map_or(Ok(Vec::new()), |found| {
            found
                .statements
                .into_iter()
                .map(Statement::try_from)
                .collect()
        })
    }

    fn open_since(
        &self,
        _context: &Context,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<StatementPage, Failure> {
        let after = cursor
            .map(|cursor| format!("&after={}", api::escaped(cursor)))
            .unwrap_or_default();
        let page: Statements = self
            .api()
            .get(&format!("/statements?limit={limit}{after}"))?;
        let statements = page
            .statements
            .into_iter()
            .map(Statement::try_from)
            .collect::<Result<_, _>>()?;
        Ok(StatementPage {
            statements,
            next: page.next,
        })
    }

    fn balance(&self, _context: &Context, statement: &str) -> Result<Option<Money>, Failure> {
        let found: Option<Balance> = self
            .api()
            .find(&format!("/statements/{}", api::step(statement)?))?;
        found
            .map(|balance| money(&balance.open, &balance.currency))
            .transpose()
    }

    fn post(&self, _context: &Context, posting: &Posting) -> Result<PostResult, Failure> {
        let path = format!("/statements/{}/receipts", api::step(&posting.statement)?);
        self.write(&path, posting)
    }

    fn reverse(
        &self,
        _context: &Context,
        original_key: &str,
        posting: &Posting,
    ) -> Result<PostResult, Failure> {
        self.write(
            &format!("/receipts/{}/reversals", api::step(original_key)?),
            posting,
        )
    }
}

impl {{Type}} {
    /// The posting's key goes along as the API's idempotency key: sent again after a lost answer, nothing is written twice.
    fn write(&self, path: &str, posting: &Posting) -> Result<PostResult, Failure> {
        let Money { currency, .. } = &posting.amount;
        if *currency != self.currency {
            let message = format!(
                "an amount in {currency} cannot be posted: the matter database is kept in {}",
                self.currency
            );
            return Err(Failure::invalid("currency", message));
        }
        let amount = posting.amount.decimal()?;
        if amount <= Decimal::ZERO {
            return Err(Failure::invalid(
                "amount",
                format!("an amount of {amount} cannot be posted"),
            ));
        }
        let received = remitd_plugin_sdk::date::naive(&posting.received)?;
        let receipt = serde_json::json!({
            "matter": posting.matter,
            "amount": amount.to_string(),
            "currency": currency,
            "received": received,
            "method": posting.method,
            "reference": posting.reference,
            "payer": posting.payer_name,
            "narrative": posting.narrative,
        });
        let (status, written): (u16, Written) = self.api().post(path, &posting.key, &receipt)?;
        // 201: written now. 200: it was there already, under the same key.
        let outcome = if status == 201 {
            Posted::Written
        } else {
            Posted::Found
        };
        Ok(PostResult {
            outcome,
            external_ref: written.receipt,
        })
    }
}

#[derive(Deserialize)]
struct Matters {
    matters: Vec<FoundMatter>,
}

#[derive(Deserialize)]
struct FoundMatter {
    number: String,
    client: String,
    #[serde(default)]
    client_name: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Statements {
    statements: Vec<OpenStatement>,
    #[serde(default)]
    next: Option<String>,
}

/// Amounts are decimal texts, `"1250.00"`: a JSON number would pass through a float.
#[derive(Deserialize)]
struct OpenStatement {
    number: String,
    matter: String,
    client: String,
    #[serde(default)]
    client_name: String,
    issued: Option<NaiveDate>,
    due: Option<NaiveDate>,
    total: String,
    open: String,
    currency: String,
    #[serde(default)]
    payers: Vec<AssignedPayer>,
}

#[derive(Deserialize)]
struct AssignedPayer {
    id: String,
    name: String,
    email: String,
    /// Parts of ten thousand.
    share: u32,
}

#[derive(Deserialize)]
struct Balance {
    open: String,
    currency: String,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    receipt: Option<String>,
}

/// Exact: more decimals than the currency has are refused, never rounded.
fn money(amount: &str, currency: &str) -> Result<Money, Failure> {
    let decimal = Decimal::from_str_exact(amount).map_err(|_| {
        Failure::invalid(
            "bad-amount",
            format!("the API's amount \"{amount}\" is no decimal number"),
        )
    })?;
    Money::of(decimal, currency)
}

impl From<FoundMatter> for Matter {
    fn from(found: FoundMatter) -> Matter {
        let FoundMatter {
            number,
            client,
            client_name,
            description,
        } = found;
        Matter {
            number,
            client,
            client_name,
            description,
        }
    }
}

impl TryFrom<OpenStatement> for Statement {
    type Error = Failure;

    fn try_from(found: OpenStatement) -> Result<Statement, Failure> {
        let payers = found.payers.into_iter();
        Ok(Statement {
            total: money(&found.total, &found.currency)?,
            open: money(&found.open, &found.currency)?,
            number: found.number,
            matter: found.matter,
            client: found.client,
            client_name: found.client_name,
            issued: found.issued.map(Date::from),
            due: found.due.map(Date::from),
            payers: payers
                .map(
                    |AssignedPayer {
                         id,
                         name,
                         email,
                         share,
                     }| Payer {
                        id,
                        name,
                        email,
                        share,
                    },
                )
                .collect(),
            details: Vec::new(),
        })
    }
}

export_connector!({{Type}});

#[cfg(test)]
mod tests;
