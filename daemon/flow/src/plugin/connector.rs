//! Connectors: one matter database.

use super::world::connector::{ConnectorPluginPre, exports::remitd::plugin::connector as bound};
use super::world::receipts::{ReceiptsPluginPre, exports::remitd::plugin::receipts as telling};
use super::world::written::{WrittenPluginPre, exports::remitd::plugin::written as knowing};
use super::{Seat, calls};
use chrono::{Datelike, NaiveDate};
use remitd_domain::account::Kind as AccountKind;
use remitd_host::{Date, Failure, FailureClass, Host, HostError, JobSpec, JobState, Kind, Money, Plugin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use bound::{Detail, Matter, Payer, PostResult, Posted, Posting, Statement, StatementPage};
pub use knowing::Entry;
pub use telling::{Receipt, ReceiptPage};

/// The interfaces of the contract by which a connector tells what was posted, and whether a key is.
const RECEIPTS: &str = "receipts";
const WRITTEN: &str = "written";

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

/// A further fact of a statement, by the contract's name for it.
pub(crate) fn detail<'a>(statement: &'a Statement, name: &str) -> &'a str {
    let found = statement.details.iter().find(|detail| detail.name == name);
    found.map(|detail| detail.value.as_str()).unwrap_or_default()
}

/// Whose money a statement asks for: earned, unless the matter software says otherwise; else why nobody can tell.
pub(crate) fn kind(statement: &Statement) -> Result<AccountKind, String> {
    match detail(statement, "account-kind") {
        "" | "operating" => Ok(AccountKind::Operating),
        "trust" => Ok(AccountKind::Trust),
        other => Err(format!("its account-kind is \"{other}\", neither operating nor trust")),
    }
}

#[derive(Clone)]
pub struct Connector {
    seat: Seat,
    pre: ConnectorPluginPre<JobState>,
    /// None where it cannot tell what was posted.
    receipts: Option<ReceiptsPluginPre<JobState>>,
    /// None where it cannot look for a key.
    written: Option<WrittenPluginPre<JobState>>,
}

impl Connector {
    /// Refuses a plugin of another kind, and one whose exports are not the contract's.
    pub fn new(host: Arc<Host>, plugin: Arc<Plugin>) -> Result<Connector, HostError> {
        let seat = Seat::new(host, plugin, Kind::Connector)?;
        let pre = ConnectorPluginPre::new(seat.plugin.pre().clone()).map_err(|error| seat.unfit(&error))?;
        let beside = |interface| seat.plugin.offers(interface).then(|| seat.plugin.pre().clone());
        let receipts = beside(RECEIPTS).map(ReceiptsPluginPre::new).transpose();
        let receipts = receipts.map_err(|error| seat.unfit(&error))?;
        let written = beside(WRITTEN).map(WrittenPluginPre::new).transpose();
        let written = written.map_err(|error| seat.unfit(&error))?;
        Ok(Connector { seat, pre, receipts, written })
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

    /// Whether it can be asked for a key.
    pub fn knows_keys(&self) -> bool {
        self.written.is_some()
    }

    /// What stands under a posting's key, without writing anything; refused by a connector that cannot look.
    pub async fn by_key(&self, job: JobSpec, key: String) -> Result<Option<Entry>, Failure> {
        let Some(pre) = &self.written else { return Err(self.lacks(WRITTEN, "look for a posting's key")) };
        calls!(self.seat, pre, job, remitd_plugin_written, |guest, store, context| {
            guest.call_by_key(&mut store, &context, &key)
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
        let Some(pre) = &self.receipts else { return Err(self.lacks(RECEIPTS, "tell what was posted")) };
        calls!(self.seat, pre, job, remitd_plugin_receipts, |guest, store, context| {
            guest.call_written_since(&mut store, &context, cursor.as_deref(), limit)
        })
    }

    fn lacks(&self, interface: &str, to: &str) -> Failure {
        let plugin = self.seat.plugin.id();
        let message = format!(
            "the connector \"{plugin}\" cannot {to}: take a version of it that exports `{interface}`"
        );
        Failure::invalid(&format!("no-{interface}"), message)
    }
}
