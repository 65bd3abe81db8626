//! What stays of a posting of which a part went back: it waits until the whole is taken back, and is then written anew.

use crate::effect::POST;
use remitd_domain::posting::{AFTER_REVERSAL, State, WENT_BACK, rest_key};
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
    pub(super) fn by_hand(reversal: &Posting) -> Ended<'_> {
        if reversal.error_code.as_deref() == Some(WENT_BACK) { Ended::ByHand } else { Ended::TakenBack }
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
    let rest = tx.posting_by_key(&rest_key(&reversal.key)).await?;
    let waits = |rest: &Posting| rest.error_code.as_deref() == Some(AFTER_REVERSAL);
    let Some(rest) = rest.filter(|rest| rest.state == State::Pending && waits(rest)) else { return Ok(()) };
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
