//! What stays of a posting of which a part went back: it waits until the whole is taken back, and is then written anew.

use crate::effect::POST;
use crate::road::Road;
use remitd_domain::posting::{AFTER_REVERSAL, BY_HAND, State, WAS_BY_HAND, rest_key};
use remitd_store::{Posting, StoreError, Tx};

/// How a reversal ended.
pub(super) enum Ended<'a> {
    /// The whole is taken back.
    TakenBack,
    /// By hand, where each posting waits for a click.
    ByHand,
    /// The original was never written.
    Unneeded(&'a Posting),
}

impl Ended<'_> {
    /// By a person who takes the reversal off the road.
    pub(super) async fn by_hand(
        road: &Road,
        tx: &mut Tx,
        reversal: &Posting,
    ) -> Result<Ended<'static>, StoreError> {
        let request = tx.request(reversal.request_id).await?;
        let by_itself = request.is_some_and(|request| road.posts_by_itself(&request.account));
        Ok(if by_itself { Ended::TakenBack } else { Ended::ByHand })
    }
}

/// In the transaction that ends a reversal. Where the original was never written, the rest takes its place: it waits for the same
/// person, with the same trouble.
pub(super) async fn goes_on(
    tx: &mut Tx,
    reversal: &Posting,
    ended: Ended<'_>,
    now_ms: i64,
) -> Result<(), StoreError> {
    if reversal.reverses.is_none() {
        return Ok(());
    }
    let Some(rest) = waiting(tx, reversal).await? else { return Ok(()) };
    match ended {
        Ended::TakenBack => {
            tx.move_posting(rest.id, State::Pending, State::Queued).await?;
            tx.want(&format!("{POST}:{}", rest.id), POST, rest.id, "{}", now_ms).await?;
        }
        Ended::ByHand => {
            tx.move_posting(rest.id, State::Pending, State::Pending).await?;
        }
        Ended::Unneeded(original) => {
            tx.move_posting(rest.id, State::Pending, original.state).await?;
            if let (Some(code), Some(error)) = (&original.error_code, &original.error) {
                tx.posting_trouble(rest.id, original.state, code, error).await?;
            }
        }
    }
    Ok(())
}

async fn waiting(tx: &mut Tx, reversal: &Posting) -> Result<Option<Posting>, StoreError> {
    let rest = tx.posting_by_key(&rest_key(&reversal.key)).await?;
    let waits = |rest: &Posting| rest.error_code.as_deref() == Some(AFTER_REVERSAL);
    Ok(rest.filter(|rest| rest.state == State::Pending && waits(rest)))
}

/// The original was written by hand after its money had gone back, in whole or in part: whoever did so takes back what went back, and
/// just that. What stays is theirs too.
pub(super) async fn left_to_person(
    tx: &mut Tx,
    reversal: &Posting,
    original: &Posting,
) -> Result<(), StoreError> {
    if let Some(rest) = waiting(tx, reversal).await? {
        tx.move_posting(rest.id, State::Pending, State::Removed).await?;
        let part_minor = original.amount_minor - rest.amount_minor;
        tx.lessen_posting(original.id, part_minor).await?;
        tx.lessen_posting(reversal.id, part_minor).await?;
    }
    tx.posting_trouble(reversal.id, State::Pending, BY_HAND, WAS_BY_HAND).await
}
