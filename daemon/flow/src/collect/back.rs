//! Money that went back: refunds of the whole or of a part, and payments that a bank has taken back. Each share is taken back where
//! it was written, or never written where it was not yet, the newest first. No matter software takes back a part: the whole
//! share is reversed, and what stays of it is written anew once that is done.

use super::events::{new_payment, posting_key};
use crate::effect::{POST, settle_post};
use crate::error::FlowError;
use crate::plugin::gateway::Event;
use crate::road::{Road, money};
use remitd_domain::payment::{Back, Known, State as Paid, back};
use remitd_domain::posting::{
    AFTER_REVERSAL, BY_HAND, NEVER_WRITTEN, State as PostingState, WAS_BY_HAND, WENT_BACK, key, rest_key,
};
use remitd_domain::request::{Change, State as Standing};
use remitd_store::{Checkout, NewPayment, NewPosting, Payment, Posting, Request, Tx};

const WAITS: &str = "a part of it went back: it is written once the whole is taken back";
const FOR_A_CLICK: &str = "money of it went back";
const WENT_FIRST: &str = "its money went back before it was written";

pub(super) fn of(checkout: &Checkout, known: Option<&Payment>, event: &Event) -> Back {
    let known = known.map(|payment| Known {
        state: payment.state,
        amount_minor: payment.amount_minor,
        returned_minor: payment.returned_minor,
    });
    back(known, event.amount.amount_minor, checkout.amount_minor)
}

/// A part of a payment that stands, or money of one that is not sure yet.
pub(super) async fn in_part(
    road: &Road,
    tx: &mut Tx,
    checkout: &Checkout,
    request: &Request,
    event: &Event,
    (known, part): (Option<&Payment>, Back),
) -> Result<(), FlowError> {
    let (now_ms, back_minor) = (road.now_ms(), event.amount.amount_minor);
    let id = match known {
        Some(payment) => payment.id,
        // As much as was asked for, until it is heard of.
        None => {
            let amount_minor = checkout.amount_minor;
            let new =
                NewPayment { amount_minor, ..new_payment(checkout, request, event, Paid::Pending, now_ms) };
            tx.insert_payment(&new).await?
        }
    };
    tx.add_returned(id, back_minor).await?;
    let amount = money(back_minor, &request.currency)?.grouped();
    let detail = format!("{amount} of {} {}", event.payment, event.reason);
    let (what, gateway) = ("payment returned in part", checkout.gateway.as_str());
    tx.event_of_request(request.id, what, gateway, detail.trim_end(), now_ms).await?;
    if part == Back::Part {
        take_back(road, tx, request, event, (id, back_minor)).await?;
    }
    Ok(())
}

/// A payment is sure of which money had gone back before anybody heard of it.
pub(super) async fn heard_early(
    road: &Road,
    tx: &mut Tx,
    request: &Request,
    event: &Event,
    (payment, returned_minor): (i64, i64),
) -> Result<(), FlowError> {
    if returned_minor == 0 {
        return Ok(());
    }
    let back_minor = returned_minor.min(event.amount.amount_minor);
    if back_minor == event.amount.amount_minor {
        let (now_ms, state) = (road.now_ms(), Paid::Returned);
        tx.change_payment(payment, state, event.amount.amount_minor, &event.reason, now_ms).await?;
    }
    take_back(road, tx, request, event, (payment, back_minor)).await
}

/// All that was left of a payment.
pub(super) async fn took(
    road: &Road,
    tx: &mut Tx,
    request: &Request,
    event: &Event,
    payment: i64,
) -> Result<(), FlowError> {
    let back_minor = event.amount.amount_minor;
    tx.add_returned(payment, back_minor).await?;
    take_back(road, tx, request, event, (payment, back_minor)).await?;
    if request.state == Standing::Processing {
        tx.change_request(request.id, Change::PaymentFailed).await?;
    }
    Ok(())
}

async fn take_back(
    road: &Road,
    tx: &mut Tx,
    request: &Request,
    event: &Event,
    (payment, back_minor): (i64, i64),
) -> Result<(), FlowError> {
    tx.add_paid(request.id, -back_minor).await?;
    let mut left_minor = back_minor;
    let mut standing = tx.standing_postings(payment).await?;
    // Their part went back already.
    standing.retain(|posting| !posting.is_never_written());
    for posting in standing.into_iter().rev() {
        let part_minor = left_minor.min(posting.amount_minor);
        if part_minor == 0 {
            break;
        }
        left_minor -= part_minor;
        take_share(road, tx, request, event, (&posting, part_minor)).await?;
    }
    Ok(())
}

async fn take_share(
    road: &Road,
    tx: &mut Tx,
    request: &Request,
    event: &Event,
    (posting, part_minor): (&Posting, i64),
) -> Result<(), FlowError> {
    let (now_ms, stays_minor) = (road.now_ms(), posting.amount_minor - part_minor);
    match posting.state {
        PostingState::Removed => return by_hand(tx, event, posting, part_minor, now_ms).await,
        // Its reversal waits with it, until a person says whether it is written.
        PostingState::Incomplete if posting.is_unknown() => {}
        PostingState::Pending | PostingState::Incomplete if stays_minor == 0 => {
            tx.posting_trouble(posting.id, PostingState::Removed, NEVER_WRITTEN, WENT_FIRST).await?;
            return settle_post(tx, posting.id, now_ms).await;
        }
        PostingState::Pending | PostingState::Incomplete => {
            return Ok(tx.lessen_posting(posting.id, stays_minor).await?);
        }
        PostingState::Queued | PostingState::Posted => {}
    }
    let same_key = posting_key(event, &posting.connector, posting.line, "reversal");
    let by_itself = road.posts_by_itself(&request.account);
    let state = if by_itself { PostingState::Queued } else { PostingState::Pending };
    let same = NewPosting { state, ..reversal_of(posting, &same_key, now_ms) };
    let reversal = tx.insert_posting(&same).await?;
    if by_itself {
        tx.want(&format!("{POST}:{reversal}"), POST, reversal, "{}", now_ms).await?;
    } else {
        tx.posting_trouble(reversal, PostingState::Pending, WENT_BACK, FOR_A_CLICK).await?;
    }
    if stays_minor > 0 {
        let rest = NewPosting {
            key: &rest_key(same.key),
            line: tx.next_posting_line(posting.payment_id).await?,
            reverses: None,
            amount_minor: stays_minor,
            state: PostingState::Pending,
            ..same
        };
        let rest = tx.insert_posting(&rest).await?;
        tx.posting_trouble(rest, PostingState::Pending, AFTER_REVERSAL, WAITS).await?;
    }
    Ok(())
}

fn reversal_of<'a>(posting: &'a Posting, key: &'a str, now_ms: i64) -> NewPosting<'a> {
    NewPosting {
        key,
        payment_id: posting.payment_id,
        request_id: posting.request_id,
        line: posting.line,
        reverses: Some(posting.id),
        statement: &posting.statement,
        client: &posting.client,
        matter: &posting.matter,
        connector: &posting.connector,
        amount_minor: posting.amount_minor,
        currency: &posting.currency,
        state: PostingState::Pending,
        now_ms,
    }
}

/// Of a share that a person has handled: the same person takes back what went back, and just that, since nothing of ours stands
/// in the matter software. In part, the share is split, so that each part is taken back once.
async fn by_hand(
    tx: &mut Tx,
    event: &Event,
    posting: &Posting,
    part_minor: i64,
    now_ms: i64,
) -> Result<(), FlowError> {
    let (mut id, mut line) = (posting.id, posting.line);
    if part_minor < posting.amount_minor {
        tx.lessen_posting(posting.id, posting.amount_minor - part_minor).await?;
        line = tx.next_posting_line(posting.payment_id).await?;
        let part_key = key(&[&posting.key, &line.to_string(), "part"]);
        let part = NewPosting {
            line,
            reverses: None,
            amount_minor: part_minor,
            state: PostingState::Removed,
            ..reversal_of(posting, &part_key, now_ms)
        };
        id = tx.insert_posting(&part).await?;
    }
    let reversal_key = posting_key(event, &posting.connector, line, "reversal");
    let same = reversal_of(posting, &reversal_key, now_ms);
    let reversal = NewPosting { line, reverses: Some(id), amount_minor: part_minor, ..same };
    let reversal = tx.insert_posting(&reversal).await?;
    Ok(tx.posting_trouble(reversal, PostingState::Pending, BY_HAND, WAS_BY_HAND).await?)
}
