//! What stays of a posting of which a part went back: it waits until the whole is taken back, and is then written anew.

use crate::effect::POST;
use remitd_domain::posting::{AFTER_REVERSAL, State, rest_key};
use remitd_store::{Posting, StoreError, Tx};

/// In the transaction that ends a reversal. Where the original was never written, `unwritten`, the rest takes its place: it waits
/// for the same person, with the same trouble.
pub(super) async fn goes_on(
    tx: &mut Tx,
    reversal: &Posting,
    unwritten: Option<&Posting>,
    now_ms: i64,
) -> Result<(), StoreError> {
    if reversal.reverses.is_none() {
        return Ok(());
    }
    let rest = tx.posting_by_key(&rest_key(&reversal.key)).await?;
    let waits = |rest: &Posting| rest.error_code.as_deref() == Some(AFTER_REVERSAL);
    let Some(rest) = rest.filter(|rest| rest.state == State::Pending && waits(rest)) else { return Ok(()) };
    match unwritten {
        None => {
            tx.move_posting(rest.id, State::Pending, State::Queued).await?;
            tx.want(&format!("{POST}:{}", rest.id), POST, rest.id, "{}", now_ms).await?;
        }
        Some(original) => {
            tx.move_posting(rest.id, State::Pending, original.state).await?;
            if let (Some(code), Some(error)) = (&original.error_code, &original.error) {
                tx.posting_trouble(rest.id, original.state, code, error).await?;
            }
        }
    }
    Ok(())
}
