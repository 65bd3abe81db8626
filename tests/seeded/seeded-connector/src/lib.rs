//! A connector of one small matter database that is right where `bug` is `none`, and wrong in one way for each name of a
//! mistake. Only the conformance kit's own test uses it.

mod books;
mod writing;

use books::Books;
use remitd_plugin_sdk::connector::{Connector, Matter, PostResult, Posting, Statement, StatementPage};
use remitd_plugin_sdk::host::log;
use remitd_plugin_sdk::receipts::{ReceiptPage, Receipts};
use remitd_plugin_sdk::written::{Entry, Written};
use remitd_plugin_sdk::{
    About, Context, Failure, FailureClass, Money, export_connector, export_receipts, export_written, settings,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeededConnector {
    bug: String,
}

impl SeededConnector {
    pub(crate) fn has(&self, bug: &str) -> bool {
        self.bug == bug
    }

    fn books(&self) -> Books<'_> {
        Books { bug: &self.bug }
    }

    /// A failure as the mistake has it.
    fn told<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        answer.map_err(|failure| match self.bug.as_str() {
            "all-is-unavailable" => Failure { class: FailureClass::Unavailable, ..failure },
            "all-is-invalid" => Failure { class: FailureClass::Invalid, ..failure },
            "code-of-many-words" => Failure { code: "Something Went Wrong".to_owned(), ..failure },
            _ => failure,
        })
    }
}

impl Connector for SeededConnector {
    const ABOUT: About = About {
        name: "Seeded connector",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<SeededConnector, Failure> {
        settings()
    }

    fn search_fields(&self) -> Result<Vec<String>, Failure> {
        Ok(vec!["client".to_owned()])
    }

    fn search(
        &self,
        _context: &Context,
        field: &str,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Matter>, Failure> {
        if field != "client" && !self.has("any-field-will-do") {
            return Err(Failure::invalid(
                "unknown-field",
                format!("there is no field {field:?}: search by client"),
            ));
        }
        self.told(self.books().matters(text, limit))
    }

    fn open_statements(&self, _context: &Context, matter: &str) -> Result<Vec<Statement>, Failure> {
        self.told(self.books().of_matter(matter))
    }

    fn open_since(
        &self,
        _context: &Context,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<StatementPage, Failure> {
        let asked = if self.has("page-of-all") { u32::MAX } else { limit };
        let statements = self.told(self.books().after(cursor.unwrap_or(""), asked))?;
        if self.has("logs-the-payer") {
            for payer in statements.iter().flat_map(|statement| &statement.payers) {
                log::info(&format!("a statement of {} is open", payer.email));
            }
        }
        let full = u32::try_from(statements.len()).is_ok_and(|count| count >= limit);
        let next = statements.last().map(|statement| statement.number.clone()).filter(|_| full);
        Ok(StatementPage { statements, next })
    }

    fn balance(&self, _context: &Context, statement: &str) -> Result<Option<Money>, Failure> {
        self.told(self.books().balance(statement))
    }

    fn post(&self, _context: &Context, posting: &Posting) -> Result<PostResult, Failure> {
        self.told(self.write(posting, 1))
    }

    fn reverse(&self, _context: &Context, _original: &str, posting: &Posting) -> Result<PostResult, Failure> {
        let sign = if self.has("reversal-adds") { 1 } else { -1 };
        self.told(self.write(posting, sign))
    }
}

impl Receipts for SeededConnector {
    fn written_since(
        &self,
        _context: &Context,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<ReceiptPage, Failure> {
        let after =
            cursor.unwrap_or("0").parse().map_err(|_| Failure::invalid("cursor", "it is no number"))?;
        self.told(self.books().written(after, limit))
    }
}

impl Written for SeededConnector {
    fn by_key(&self, _context: &Context, key: &str) -> Result<Option<Entry>, Failure> {
        self.told(self.entry(key))
    }
}

export_connector!(SeededConnector);
export_receipts!(SeededConnector);
export_written!(SeededConnector);
