//! What a door does with its rows, and what a release does: drafts become links, gathered where the firm says so, and each payer
//! gets a mail. One way for a batch that releases itself and for one that a person releases.

use crate::effect::{MAIL, Purpose, mailing};
use crate::error::FlowError;
use remitd_domain::email::addresses;
use remitd_domain::policy::{Duplicates, OnError, OneLink};
use remitd_domain::request::{Change, State};
use remitd_store::Tx;

/// What happens to a batch once its rows are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Each payer gets a mail.
    Send,
    /// Links are made, to be handed on by people.
    Links,
    /// Waits for a person.
    Review,
}

/// What a door does with the rows that come in by it.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub release: Release,
    pub on_error: OnError,
    pub one_link: OneLink,
    pub duplicates: Duplicates,
}

impl Policy {
    /// All or nothing, a link a row, and no invoice twice while its link is live.
    pub fn of(release: Release) -> Policy {
        let (on_error, one_link, duplicates) = Default::default();
        Policy { release, on_error, one_link, duplicates }
    }
}

/// Lets the drafts of a batch go out; gives the number of links.
pub(crate) async fn drafts(
    tx: &mut Tx,
    batch: i64,
    one_link: OneLink,
    release: Release,
    now_ms: i64,
) -> Result<u64, FlowError> {
    if one_link == OneLink::Payer {
        tx.take_turn().await?;
        tx.gather(batch).await?;
    }
    // Before they are links like the others of the batch, of which some may have gone out by hand.
    if release == Release::Send {
        mails(tx, batch, State::Draft, now_ms).await?;
    }
    Ok(tx.change_batch(batch, Change::Release).await?)
}

/// Wants the mails of a batch's requests in one state, one to each address of each payer.
pub(crate) async fn mails(tx: &mut Tx, batch: i64, state: State, now_ms: i64) -> Result<(), FlowError> {
    tx.want_batch_mails(batch, state, now_ms).await?;
    for (id, cell) in tx.several_addresses(batch, state).await? {
        for to in 1..addresses(&cell).len() {
            let payload = mailing(Purpose::Request, to)?;
            tx.want(&format!("{MAIL}:request:{id}:{to}"), MAIL, id, &payload, now_ms).await?;
        }
    }
    Ok(())
}
