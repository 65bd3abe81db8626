//! Connectors: one matter database.

use super::world::connector::{ConnectorPluginPre, exports::remitd::plugin::connector as bound};
use super::world::receipts::{ReceiptsPluginPre, exports::remitd::plugin::receipts as telling};
use super::{Seat, calls};
use chrono::{Datelike, NaiveDate};
use remitd_host::{Date, Failure, FailureClass, Host, HostError, JobSpec, JobState, Kind, Money, Plugin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use bound::{Detail, Matter, Payer, PostResult, Posted, Posting, Statement, StatementPage};
pub use telling::{Receipt, ReceiptPage};

/// The interface of the contract by which a connector tells what was posted.
const RECEIPTS: &str = "receipts";

/// How the code of a failure begins after which it was not known yet what is open, and nothing was written.
pub const UNASKED: &str = "balance-";

/// A day as the contract writes it; none for one that no calendar has.
pub(crate) fn from_wire(day: Date) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(day.year, u32::from(day.month), u32::from(day.day))
}

pub(crate) fn to_wire(day: NaiveDate) -> Date {
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    Date { year: day.year(), month: part(day.month()), day: part(day.day()) }
}

#[derive(Clone)]
pub struct Connector {
    seat: Seat,
    pre: ConnectorPluginPre<JobState>,
    /// None where it cannot tell what was posted.
    receipts: Option<ReceiptsPluginPre<JobState>>,
}

impl Connector {
    /// Refuses a plugin of another kind, and one whose exports are not the contract's.
    pub fn new(host: Arc<Host>, plugin: Arc<Plugin>) -> Result<Connector, HostError> {
        let seat = Seat::new(host, plugin, Kind::Connector)?;
        let pre = ConnectorPluginPre::new(seat.plugin.pre().clone()).map_err(|error| seat.unfit(&error))?;
        let receipts = match seat.plugin.offers(RECEIPTS) {
            true => {
                Some(ReceiptsPluginPre::new(seat.plugin.pre().clone()).map_err(|error| seat.unfit(&error))?)
            }
            false => None,
        };
        Ok(Connector { seat, pre, receipts })
    }

    /// The fields that a search knows, the usual first.
    pub async fn search_fields(&self, job: JobSpec) -> Result<Vec<String>, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_connector, |guest, store, _context| {
            guest.call_search_fields(&mut store)
        })
    }

    pub async fn search(
        &self,
        job: JobSpec,
        field: String,
        text: String,
        limit: u32,
    ) -> Result<Vec<Matter>, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_connector, |guest, store, context| {
            guest.call_search(&mut store, &context, &field, &text, limit)
        })
    }

    /// One matter's open statements.
    pub async fn open_statements(&self, job: JobSpec, matter: String) -> Result<Vec<Statement>, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_connector, |guest, store, context| {
            guest.call_open_statements(&mut store, &context, &matter)
        })
    }

    /// Open statements after the cursor.
    pub async fn open_since(
        &self,
        job: JobSpec,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<StatementPage, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_connector, |guest, store, context| {
            guest.call_open_since(&mut store, &context, cursor.as_deref(), limit)
        })
    }

    /// One statement's balance as it stands; none when it is not there.
    pub async fn balance(&self, job: JobSpec, statement: String) -> Result<Option<Money>, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_connector, |guest, store, context| {
            guest.call_balance(&mut store, &context, &statement)
        })
    }

    /// Writes one posting, exactly once by its key.
    pub async fn post(&self, job: JobSpec, posting: Posting) -> Result<PostResult, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_connector, |guest, store, context| {
            guest.call_post(&mut store, &context, &posting)
        })
    }

    /// The same, unless `refuse` has something against it by what is open of its statement just before. Where that cannot be asked
    /// now, nothing is written, and the failure's code begins with [`UNASKED`]; where it cannot be asked at all, or the statement is
    /// not there, the connector itself will say.
    pub async fn post_within(
        &self,
        job: JobSpec,
        posting: Posting,
        refuse: fn(&Posting, &Money) -> Option<Failure>,
    ) -> Result<PostResult, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        let answered = Arc::clone(&asked);
        let written =
            calls!(self.seat, self.pre, job, remitd_plugin_connector, |guest, store, context| async {
                let refused = match guest.call_balance(&mut store, &context, &posting.statement).await? {
                    Ok(open) => open.and_then(|open| refuse(&posting, &open)),
                    Err(failure) if failure.class == FailureClass::Unavailable => return Ok(Err(failure)),
                    Err(_) => None,
                };
                answered.store(true, Ordering::Relaxed);
                match refused {
                    Some(failure) => Ok(Err(failure)),
                    None => guest.call_post(&mut store, &context, &posting).await,
                }
            });
        written.map_err(|failure| match failure.class {
            FailureClass::Unavailable if !asked.load(Ordering::Relaxed) => {
                Failure { code: format!("{UNASKED}{}", failure.code), ..failure }
            }
            _ => failure,
        })
    }

    /// Reverses what `original_key` wrote; the posting's key is the reversal's own.
    pub async fn reverse(
        &self,
        job: JobSpec,
        original_key: String,
        posting: Posting,
    ) -> Result<PostResult, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_connector, |guest, store, context| {
            guest.call_reverse(&mut store, &context, &original_key, &posting)
        })
    }

    /// Whether it can be asked what was posted.
    pub fn tells_receipts(&self) -> bool {
        self.receipts.is_some()
    }

    /// What was posted, as it stands in the matter database; refused by a connector that cannot tell.
    pub async fn written_since(
        &self,
        job: JobSpec,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<ReceiptPage, Failure> {
        let Some(pre) = &self.receipts else {
            let plugin = self.seat.plugin.id();
            let message = format!(
                "the connector \"{plugin}\" cannot tell what was posted: take a version of it that exports `receipts`"
            );
            return Err(Failure::invalid("no-receipts", message));
        };
        calls!(self.seat, pre, job, remitd_plugin_receipts, |guest, store, context| {
            guest.call_written_since(&mut store, &context, cursor.as_deref(), limit)
        })
    }
}
