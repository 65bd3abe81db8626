//! Stage 4. The payer pays: the link opens a checkout at the gateway, the gateway's events (by webhook or by polling, each
//! alone enough, in any order, any number of times) become payments, and each payment leaves its postings in the same
//! transaction.
//!
//! Invariants: looking at a link changes nothing; a link has at most one payable checkout; an event counts once.

mod back;
mod checkout;
mod events;

pub use checkout::{Begun, Step, begin, perform_begin, perform_close};
pub use events::{perform_poll, webhook};

use crate::error::FlowError;
use crate::road::{Account, Road};
use remitd_domain::request::State;
use remitd_store::{Request, RequestLine};

/// A link as its payer finds it.
pub struct Page<'a> {
    pub request: Request,
    /// The rows that the link gathers; none where it asks for one thing.
    pub lines: Vec<RequestLine>,
    pub account: &'a Account,
    /// What can be done with it now.
    pub standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Payable,
    /// A payment is on its way.
    Processing,
    /// Paid, in full or in part: used up.
    Used,
    Cancelled,
    Expired,
}

/// Finds the request of a token. A token that is not ours costs no query. None for a draft, a discarded or a gathered one: nobody
/// was given that link.
pub async fn page<'a>(road: &'a Road, token: &str) -> Result<Option<Page<'a>>, FlowError> {
    let Ok(nonce) = road.links.read(token) else { return Ok(None) };
    let Some(request) = road.store.request_by_nonce(nonce).await? else { return Ok(None) };
    let standing = match request.state {
        State::Draft | State::Discarded | State::Gathered => return Ok(None),
        // Its time may have passed since the last sweep.
        State::Outstanding if request.expires_ms <= road.now_ms() => Standing::Expired,
        State::Outstanding => Standing::Payable,
        State::Processing => Standing::Processing,
        State::PaymentReceived | State::PartiallyPaid => Standing::Used,
        State::Cancelled => Standing::Cancelled,
        State::Expired => Standing::Expired,
    };
    let account = road.account(&request.account)?;
    let lines = match standing {
        Standing::Payable => road.store.request_lines(&request).await?,
        _ => Vec::new(),
    };
    Ok(Some(Page { request, lines, account, standing }))
}
