//! The door's search: matters by whatever field the connector offers. Owns in which order the fields are tried, which field is
//! remembered, and the pages. Only ever reads the matter database; what it remembers decides nothing but where it looks first.

use crate::error::FlowError;
use crate::plugin::connector::{Connector, Matter};
use crate::road::Road;
use remitd_host::{Failure, FailureClass, JobSpec};
use std::collections::HashSet;

/// Matters of one field that a search reads, whatever its page: beyond that a person narrows the text.
pub const MATTERS_MAX: u32 = 1_000;
/// Fields that are tried; a connector offers a handful.
const FIELDS_MAX: usize = 32;

#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    pub connector: &'a str,
    pub text: &'a str,
    /// By this one alone; else by the one that found something last, else by all.
    pub field: Option<&'a str>,
    /// Matters of a page.
    pub limit: u32,
    /// From 1.
    pub page: u32,
}

#[derive(Debug, Clone)]
pub struct Hit {
    pub matter: Matter,
    /// By which it was found first.
    pub field: String,
}

/// What lies beyond the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// So many matters, which may be none.
    Exactly(usize),
    AtLeast(usize),
    /// As many as a search reads at most; there may be others.
    Capped,
}

#[derive(Debug, Clone)]
pub struct Found {
    pub hits: Vec<Hit>,
    pub more: More,
    /// Those that were searched by, and those that were not.
    pub fields: Vec<String>,
    pub others: Vec<String>,
    /// Fields that could not be searched by this text, and why.
    pub failed: Vec<(String, String)>,
}

/// Searches, and remembers the field where one alone has found something.
pub async fn search(road: &Road, search: &Search<'_>) -> Result<Found, FlowError> {
    let looking = Looking::begin(road, search).await?;
    let remembered = road.store.search_field(search.connector).await?;
    let first = match (search.field, &remembered) {
        (Some(named), _) => Some(looking.known(named)?),
        (None, Some(last)) => looking.fields.iter().find(|field| *field == last).cloned(),
        (None, None) => None,
    };
    let mut tried = Tried::default();
    if let Some(field) = &first {
        looking.by(field, &mut tried).await?;
    }
    if search.field.is_none() && tried.hits.is_empty() {
        for field in looking.fields.iter().filter(|field| Some(*field) != first.as_ref()) {
            looking.by(field, &mut tried).await?;
        }
    }
    // That one field cannot take the text is no answer where others have looked.
    if let Some((_, failure)) = tried.failed.first().filter(|_| tried.failed.len() == tried.fields.len()) {
        return Err(looking.failed(failure.clone()));
    }
    if let Some(field) = tried.alone().filter(|field| remembered.as_ref() != Some(field)) {
        let mut tx = road.store.begin().await?;
        tx.keep_search_field(search.connector, &field).await?;
        tx.commit().await?;
    }
    Ok(looking.page(tried))
}

/// A search under way.
struct Looking<'a> {
    connector: Connector,
    search: &'a Search<'a>,
    fields: Vec<String>,
    /// Matters that each field is asked for: up to the page's end, and a page more, to say how many there are.
    ask: u32,
}

/// What the fields that were tried have given.
#[derive(Default)]
struct Tried {
    fields: Vec<String>,
    hits: Vec<Hit>,
    numbers: HashSet<String>,
    failed: Vec<(String, Failure)>,
    /// One field gave as many as it was asked for.
    full: bool,
}

impl Tried {
    /// The field by which everything was found that was found at all.
    fn alone(&self) -> Option<String> {
        let field = &self.hits.first()?.field;
        self.hits.iter().all(|hit| hit.field == *field).then(|| field.clone())
    }
}

impl<'a> Looking<'a> {
    async fn begin(road: &Road, search: &'a Search<'a>) -> Result<Looking<'a>, FlowError> {
        let ends = search.limit.saturating_mul(search.page);
        if search.limit == 0 || search.page == 0 || ends > MATTERS_MAX {
            return Err(FlowError::refused(
                "REMIT-0280",
                format!(
                    "page {} of {} matters lies outside of the {MATTERS_MAX} that a search reads: narrow the text",
                    search.page, search.limit
                ),
            ));
        }
        let connector = road.connector(search.connector)?;
        let ask = ends.saturating_add(search.limit).min(MATTERS_MAX);
        let mut looking = Looking { connector, search, fields: Vec::new(), ask };
        let fields = looking.connector.search_fields(job()).await;
        looking.fields = fields.map_err(|failure| looking.failed(failure))?;
        looking.fields.truncate(FIELDS_MAX);
        Ok(looking)
    }

    fn known(&self, named: &str) -> Result<String, FlowError> {
        self.fields.iter().find(|field| *field == named).cloned().ok_or_else(|| {
            let known = if self.fields.is_empty() { "none".to_owned() } else { self.fields.join(", ") };
            FlowError::refused(
                "REMIT-0281",
                format!(
                    "\"{}\" has no field \"{named}\" to search by; it has {known}",
                    self.search.connector
                ),
            )
        })
    }

    fn failed(&self, failure: Failure) -> FlowError {
        FlowError::Plugin { plugin: self.search.connector.to_owned(), failure }
    }

    /// Tries one field. That it cannot take this text (a name where a number is due) must not keep the others from it.
    async fn by(&self, field: &str, tried: &mut Tried) -> Result<(), FlowError> {
        tried.fields.push(field.to_owned());
        let text = self.search.text.to_owned();
        let found = match self.connector.search(job(), field.to_owned(), text, self.ask).await {
            Ok(found) => found,
            Err(failure) if failure.class == FailureClass::Invalid => {
                tried.failed.push((field.to_owned(), failure));
                return Ok(());
            }
            Err(failure) => return Err(self.failed(failure)),
        };
        let asked = usize::try_from(self.ask).unwrap_or(usize::MAX);
        tried.full |= found.len() >= asked;
        for matter in found.into_iter().take(asked) {
            if tried.numbers.insert(matter.number.clone()) {
                tried.hits.push(Hit { matter, field: field.to_owned() });
            }
        }
        Ok(())
    }

    fn page(&self, tried: Tried) -> Found {
        let limit = usize::try_from(self.search.limit).unwrap_or(usize::MAX);
        let page = usize::try_from(self.search.page).unwrap_or(usize::MAX);
        let beyond = tried.hits.len().saturating_sub(limit.saturating_mul(page));
        let more = match (tried.full, beyond) {
            (false, beyond) => More::Exactly(beyond),
            (true, _) if self.ask == MATTERS_MAX => More::Capped,
            (true, beyond) => More::AtLeast(beyond),
        };
        let others = self.fields.iter().filter(|field| !tried.fields.contains(field)).cloned();
        let others = others.collect();
        let failed = tried.failed.into_iter().map(|(field, failure)| (field, failure.message)).collect();
        let hits = tried.hits.into_iter().skip(limit.saturating_mul(page - 1)).take(limit).collect();
        Found { hits, more, fields: tried.fields, others, failed }
    }
}

fn job() -> JobSpec {
    JobSpec::new("matter search", "matter search")
}
