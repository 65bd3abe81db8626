//! What a door does with its rows, and what a release does: drafts become links, gathered where the firm says so, and each payer
//! gets a mail. One way for a batch that releases itself and for one that a person releases, but that of a large one which goes out by
//! itself most mails are wanted after it.

use crate::effect::{MAIL, MAILS, Purpose, mailing};
use crate::error::FlowError;
use crate::road::Road;
use remitd_domain::email::addresses;
use remitd_domain::policy::{Duplicates, OnError, OneLink};
use remitd_domain::request::{Change, State};
use remitd_store::{Finish, Lease, Request, Stretch, Tx};

/// Requests of a batch that goes out by itself whose mails are wanted in one transaction.
const PIECE: i64 = 1_000;

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
    if release == Release::Send
        && let Some(whole) = tx.stretch_of_batch(batch).await?
    {
        mails(tx, batch, State::Draft, whole, now_ms).await?;
    }
    Ok(tx.change_batch(batch, Change::Release).await?)
}

/// Wants the mails of a batch whose requests are links already: the first at once, the rest piece by piece once the batch is kept, so
/// that a large one does not hold the books for as long as each of its mails takes to be written down.
pub(crate) async fn links(tx: &mut Tx, batch: i64, now_ms: i64) -> Result<(), FlowError> {
    let Some(whole) = tx.stretch_of_batch(batch).await? else { return Ok(()) };
    let rest = next_mails(tx, batch, &[State::Outstanding], whole, now_ms).await?;
    if !rest.is_empty() {
        let payload = serde_json::to_string(&rest).map_err(std::io::Error::from)?;
        tx.want(&format!("{MAILS}:{batch}"), MAILS, batch, &payload, now_ms).await?;
    }
    Ok(())
}

/// The effect: the rest of them, and of no row that came into the batch later. What an attempt before this one has wanted is wanted
/// only once.
pub(crate) async fn perform(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    // One that is just being paid may come to nothing: then it is there to be mailed, as if it had been wanted at once.
    let states = [State::Outstanding, State::Processing];
    let mut rest: Stretch = serde_json::from_str(&lease.payload).map_err(std::io::Error::from)?;
    loop {
        let now_ms = road.now_ms();
        let mut tx = road.store.begin().await?;
        tx.still_ours(lease).await?;
        rest = next_mails(&mut tx, lease.subject_id, &states, rest, now_ms).await?;
        if rest.is_empty() {
            tx.finish(lease, &Finish::Done, now_ms).await?;
        }
        road.point("mails.before_commit")?;
        tx.commit().await?;
        road.point("mails.wanted")?;
        road.wake.all();
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// Those of the next requests in these states. Gives the rest.
async fn next_mails(
    tx: &mut Tx,
    batch: i64,
    states: &[State],
    rest: Stretch,
    now_ms: i64,
) -> Result<Stretch, FlowError> {
    let piece = Stretch { last: rest.last.min(rest.after.saturating_add(PIECE)), ..rest };
    for state in states {
        mails(tx, batch, *state, piece, now_ms).await?;
    }
    Ok(Stretch { after: piece.last, ..rest })
}

/// Wants the mails of a batch's requests in one state, one to each address of each payer.
async fn mails(
    tx: &mut Tx,
    batch: i64,
    state: State,
    stretch: Stretch,
    now_ms: i64,
) -> Result<(), FlowError> {
    tx.want_batch_mails(batch, state, stretch, now_ms).await?;
    for (id, cell) in tx.several_addresses(batch, state, stretch).await? {
        for to in 1..addresses(&cell).len() {
            let payload = mailing(Purpose::Request, to)?;
            tx.want(&format!("{MAIL}:request:{id}:{to}"), MAIL, id, &payload, now_ms).await?;
        }
    }
    Ok(())
}

/// Whether a request is mailed, or is yet to be.
pub(crate) async fn is_mailed(road: &Road, request: &Request) -> Result<bool, FlowError> {
    // In this order: what becomes an effect of its own meanwhile is seen as one.
    if let Some(rest) = road.store.yet_to_do(&format!("{MAILS}:{}", request.batch_id)).await? {
        let rest: Stretch = serde_json::from_str(&rest).map_err(std::io::Error::from)?;
        if rest.holds(request.id) {
            return Ok(true);
        }
    }
    Ok(road.store.effect(&format!("{MAIL}:request:{}", request.id)).await?.is_some())
}
