//! Remitd's own side, read from the store page by page. Owns what of a row is compared.

use crate::error::FlowError;
use crate::road::Road;
use remitd_domain::reconcile::{Payment, Posting, Sides};

const PAGE: i64 = 5_000;
/// Rows of one kind that are held at once.
const ROWS_MAX: usize = 2_000_000;

/// Payments and postings of ours.
pub async fn read(road: &Road, sides: &mut Sides) -> Result<(), FlowError> {
    sides.payments = payments(road).await?;
    // Second: a payment that is read has its postings by then.
    sides.postings = postings(road).await?;
    Ok(())
}

async fn payments(road: &Road) -> Result<Vec<Payment>, FlowError> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page = road.store.payments_after(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = last.id;
        all.extend(page.into_iter().map(|(payment, begun_ms)| Payment {
            id: payment.id,
            request: payment.request_id,
            returned_minor: payment.returned_minor,
            gateway: payment.gateway,
            reference: payment.gateway_ref,
            state: payment.state,
            amount_minor: payment.amount_minor,
            currency: payment.currency,
            begun_ms,
        }));
        bounded(all.len(), "payments")?;
    }
}

async fn postings(road: &Road) -> Result<Vec<Posting>, FlowError> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page = road.store.postings_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.id;
        all.extend(page.into_iter().map(|posting| Posting {
            never_written: posting.is_never_written(),
            id: posting.id,
            key: posting.key,
            payment: posting.payment_id,
            reverses: posting.reverses,
            connector: posting.connector,
            statement: posting.statement,
            amount_minor: posting.amount_minor,
            currency: posting.currency,
            state: posting.state,
        }));
        bounded(all.len(), "postings")?;
    }
}

fn bounded(rows: usize, what: &str) -> Result<(), FlowError> {
    if rows <= ROWS_MAX {
        return Ok(());
    }
    Err(FlowError::refused("REMIT-0299", format!("there are more than {ROWS_MAX} {what} to compare")))
}
