//! What a gateway tells becomes payments and postings. An event is noted in the transaction of the work that it causes, so
//! that the same one by webhook and by polling counts once.

use super::back;
use crate::effect::{CLOSE, POST, finish, job, recurring, want_receipt};
use crate::error::FlowError;
use crate::plugin::gateway::Event;
use crate::road::{Road, money};
use chrono::NaiveDate;
use remitd_domain::account::Kind;
use remitd_domain::payment::{self, Back, Report, State as Paid};
use remitd_domain::posting::{State as PostingState, key, split};
use remitd_domain::request::Change;
use remitd_domain::trust::broken_by_charge;
use remitd_host::{Failure, Header, JobSpec, Stands, Webhook};
use remitd_store::{Checkout, CheckoutState, Finish, Lease, NewPayment, NewPosting, Request, StoreError, Tx};

/// Pages of one poll; what is left is read by the next.
const PAGES_MAX: u32 = 1_000;

/// A signed message from a gateway. Answered well only after what it says is committed.
pub async fn webhook(
    road: &Road,
    gateway: &str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Result<usize, FlowError> {
    let headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
    let webhook = Webhook { headers, body };
    // Anybody can send these.
    let job = JobSpec { stands: Stands::Outside, ..JobSpec::new(format!("webhook {gateway}"), "") };
    let events = road.gateway(gateway)?.read_webhook(job, webhook).await;
    let events = events.map_err(|failure| FlowError::Plugin { plugin: gateway.to_owned(), failure })?;
    for event in &events {
        apply(road, gateway, event).await?;
    }
    Ok(events.len())
}

/// The effect: read what happened since the last time, and come again.
pub async fn perform_poll(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    let gateway = lease.payload.as_str();
    let read = match read_events(road, lease, gateway).await {
        Err(error @ (FlowError::Crashed(_) | FlowError::Store(StoreError::LeaseLost(_)))) => {
            return Err(error);
        }
        // One event that cannot be taken in must not end the polling for good.
        Err(error) => Err(Failure::unavailable("event", error.to_string())),
        Ok(read) => read,
    };
    let now_ms = road.now_ms();
    if let Err(failure) = &read {
        tracing::warn!(gateway, error = %failure.message, "the gateway's events wait");
    }
    let next = match read {
        Ok(()) => Finish::Again { at_ms: now_ms + road.limits.gateway_poll_ms },
        Err(failure) => recurring(lease, &failure, now_ms + road.limits.gateway_poll_ms, now_ms),
    };
    finish(road, lease, &next).await
}

async fn read_events(road: &Road, lease: &Lease, gateway: &str) -> Result<Result<(), Failure>, FlowError> {
    let name = format!("events:{gateway}");
    let mut cursor = road.store.cursor(&name).await?;
    for _ in 0..PAGES_MAX {
        let page = match road.gateway(gateway)?.events_since(job(lease), cursor.clone()).await {
            Ok(page) => page,
            Err(failure) => return Ok(Err(failure)),
        };
        for event in &page.events {
            apply(road, gateway, event).await?;
        }
        road.point("poll.applied")?;
        if let Some(next) = page.next.as_deref().filter(|next| Some(*next) != cursor.as_deref()) {
            let mut tx = road.store.begin().await?;
            tx.set_cursor(&name, next).await?;
            tx.commit().await?;
        }
        if page.events.is_empty() || page.next == cursor {
            break;
        }
        cursor = page.next;
    }
    Ok(Ok(()))
}

/// One event, in one transaction: noted, and with it all that it changes.
async fn apply(road: &Road, gateway: &str, event: &Event) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    if !tx.note_event(gateway, &event.id, &event.what, now_ms).await? {
        return Ok(());
    }
    let checkout = match event.checkout.parse() {
        Ok(id) => tx.checkout(id).await?.filter(|checkout| checkout.gateway == gateway),
        Err(_) => None,
    };
    let Some(checkout) = checkout else {
        tracing::warn!(gateway, event = event.id, "an event of a checkout that is not ours");
        return Ok(tx.commit().await?);
    };
    // Everything that changes a request or its checkouts holds the request first, in this order everywhere.
    let request = tx.request(checkout.request_id).await?.ok_or_else(|| {
        FlowError::refused("REMIT-0401", format!("there is no request {}", checkout.request_id))
    })?;
    let checkout = tx.checkout(checkout.id).await?.unwrap_or(checkout);
    match Report::from_event(&event.what) {
        Some(report) => take_report(road, &mut tx, &checkout, &request, event, report).await?,
        None if event.what == "checkout-expired" => {
            if checkout.state == CheckoutState::Open {
                tx.set_checkout(checkout.id, CheckoutState::Cancelled).await?;
            }
        }
        None => {
            tx.event_of_request(request.id, &event.what, gateway, &event.reason, now_ms).await?;
        }
    }
    road.point("event.before_commit")?;
    tx.commit().await?;
    road.point("event.committed")?;
    road.wake.all();
    Ok(())
}

/// Changes the payment by the table in `domain`, then what hangs on it.
async fn take_report(
    road: &Road,
    tx: &mut Tx,
    checkout: &Checkout,
    request: &Request,
    event: &Event,
    report: Report,
) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let gateway = checkout.gateway.as_str();
    let known = tx.payment_by_ref(gateway, &event.payment).await?;
    let back = (report == Report::Returned).then(|| back::of(checkout, known.as_ref(), event));
    if let Some(why) = odd(request, event, back) {
        let text = format!("payment {}: {why}: settle it by hand", event.payment);
        tracing::error!(request = request.id, payment = event.payment, "{text}");
        return Ok(tx.event_of_request(request.id, "odd payment", gateway, &text, now_ms).await?);
    }
    if let Some(part @ (Back::Part | Back::Early)) = back {
        return back::in_part(road, tx, checkout, request, event, (known.as_ref(), part)).await;
    }
    let before = known.as_ref().map(|payment| payment.state);
    let Some(after) = payment::next(before, report) else { return Ok(()) };
    let returned_minor = known.as_ref().map_or(0, |payment| payment.returned_minor);
    let id = match known {
        // What came back of it leaves its amount as it was.
        Some(payment) => {
            let amount_minor =
                if after == Paid::Returned { payment.amount_minor } else { event.amount.amount_minor };
            tx.change_payment(payment.id, after, amount_minor, &event.reason, now_ms).await?;
            payment.id
        }
        None => tx.insert_payment(&new_payment(checkout, request, event, after, now_ms)).await?,
    };
    let amount = money(event.amount.amount_minor, &request.currency)?.grouped();
    let detail = format!("{amount} by {} {} {}", event.method, event.payment, event.reason);
    tx.event_of_request(request.id, &format!("payment {after}"), gateway, detail.trim_end(), now_ms).await?;
    match (before, after) {
        (_, Paid::Pending) => {
            tx.change_request(request.id, Change::PaymentBegun).await?;
            used(tx, checkout, now_ms).await
        }
        (_, Paid::Succeeded) => {
            used(tx, checkout, now_ms).await?;
            let kind = road.account(&request.account).map(|account| account.kind).unwrap_or_default();
            let (asked, taken) = (checkout.amount_minor, event.amount.amount_minor);
            let added = added(kind, &request.currency, asked, taken, road.today());
            succeeded(road, tx, request, event, id, added.as_deref()).await?;
            back::heard_early(road, tx, request, event, (id, returned_minor)).await
        }
        (Some(Paid::Pending), Paid::Failed) | (Some(Paid::Pending) | None, Paid::Returned) => {
            if after == Paid::Returned {
                tx.add_returned(id, event.amount.amount_minor).await?;
            }
            // Another payment may be under way: then the link is not open again.
            if !tx.has_pending_payment(request.id).await? {
                tx.change_request(request.id, Change::PaymentFailed).await?;
            }
            close(tx, checkout.id, now_ms).await
        }
        // A declined card: the payer is still at the gateway's page and may try another.
        (_, Paid::Failed) => Ok(()),
        (_, Paid::Returned) => back::took(road, tx, request, event, id).await,
    }
}

pub(super) fn new_payment<'a>(
    checkout: &'a Checkout,
    request: &'a Request,
    event: &'a Event,
    state: Paid,
    now_ms: i64,
) -> NewPayment<'a> {
    NewPayment {
        request_id: request.id,
        checkout_id: checkout.id,
        gateway: &checkout.gateway,
        gateway_ref: &event.payment,
        amount_minor: event.amount.amount_minor,
        currency: &request.currency,
        method: &event.method,
        state,
        reason: &event.reason,
        now_ms,
    }
}

/// What no rule covers: a person must look at it, and nothing is written for it.
fn odd(request: &Request, event: &Event, back: Option<Back>) -> Option<String> {
    let amount_minor = event.amount.amount_minor;
    if event.amount.currency != request.currency {
        return Some(format!("it came in {}", event.amount.currency));
    }
    if amount_minor <= 0 || request.paid_minor.checked_add(amount_minor).is_none() {
        return Some(format!("its amount is {amount_minor} minor units"));
    }
    let back_of_it = |left| Some(format!("{amount_minor} minor units went back, {left}"));
    match back? {
        Back::TooMuch => back_of_it("more than were left of it"),
        Back::Nothing => back_of_it("and nothing was left of it"),
        Back::Whole | Back::Part | Back::Early => None,
    }
}

/// What is said of a payment into a trust account to which its provider has added something.
fn added(kind: Kind, currency: &str, asked_minor: i64, taken_minor: i64, on: NaiveDate) -> Option<String> {
    let rule = broken_by_charge(kind, asked_minor, taken_minor, on)?;
    let shown = |minor| money(minor, currency).map(|money| money.grouped()).unwrap_or_default();
    let (taken, asked) = (shown(taken_minor), shown(asked_minor));
    Some(format!("{rule}: {taken} was taken where {asked} was asked for: give back what was added"))
}

/// Money came by this checkout: no other one of the link may stay payable.
async fn used(tx: &mut Tx, checkout: &Checkout, now_ms: i64) -> Result<(), FlowError> {
    tx.set_checkout(checkout.id, CheckoutState::Done).await?;
    // Who wanted to close it was too late, and waits for this.
    tx.revive(&format!("{CLOSE}:{}", checkout.id), now_ms).await?;
    match tx.live_checkout(checkout.request_id).await? {
        Some(other) => close(tx, other.id, now_ms).await,
        None => Ok(()),
    }
}

async fn close(tx: &mut Tx, checkout: i64, now_ms: i64) -> Result<(), FlowError> {
    tx.set_checkout(checkout, CheckoutState::Closing).await?;
    // Once more, where it was found paid before and is open again: its bank payment failed.
    tx.want_again(&format!("{CLOSE}:{checkout}"), CLOSE, checkout, "{}", now_ms).await?;
    Ok(())
}

/// The link is used up, and the payment's shares are on their way into the matter software.
async fn succeeded(
    road: &Road,
    tx: &mut Tx,
    request: &Request,
    event: &Event,
    payment: i64,
    added: Option<&str>,
) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let amount_minor = event.amount.amount_minor;
    tx.add_paid(request.id, amount_minor).await?;
    let whole = request.paid_minor + amount_minor >= request.amount_minor;
    let change = if whole { Change::PaidInFull } else { Change::PaidInPart };
    let taken = tx.change_request(request.id, change).await?;
    let auto = road.posts_by_itself(&request.account);
    let lines = tx.asked_lines(request).await?;
    let asked: Vec<_> = lines.iter().map(|line| line.amount_minor).collect();
    for share in split(amount_minor, &asked) {
        let Some(asked) = lines.get(share.line) else { continue };
        let trouble = match taken {
            Some(_) if added.is_some() => added.map(|why| ("added", why)),
            None => Some(("paid-twice", "this link was paid before: decide by hand what this money is for")),
            Some(_) if request.connector.is_empty() => None,
            Some(_) if asked.invoice.is_empty() => {
                Some(("no-statement", "the link names no invoice: say by hand what this money is for"))
            }
            Some(_) => None,
        };
        let queued = auto && trouble.is_none() && !request.connector.is_empty();
        let line = i64::try_from(share.line).unwrap_or_default();
        let posting = tx
            .insert_posting(&NewPosting {
                key: &posting_key(event, &request.connector, line, "payment"),
                payment_id: payment,
                request_id: request.id,
                line,
                reverses: None,
                statement: &asked.invoice,
                client: &asked.client,
                matter: &asked.matter,
                connector: &request.connector,
                amount_minor: share.amount_minor,
                currency: &request.currency,
                state: if queued { PostingState::Queued } else { PostingState::Pending },
                now_ms,
            })
            .await?;
        if queued {
            tx.want(&format!("{POST}:{posting}"), POST, posting, "{}", now_ms).await?;
        }
        if let Some((code, text)) = trouble {
            tx.posting_trouble(posting, PostingState::Pending, code, text).await?;
        }
    }
    want_receipt(tx, request, payment, now_ms).await
}

/// From the gateway's own id of the payment, so that the key is the same however often the payment is told of.
pub(super) fn posting_key(event: &Event, connector: &str, line: i64, kind: &str) -> String {
    key(&[&event.payment, &event.checkout, connector, &line.to_string(), kind])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_added_to_a_payment_into_trust() {
        let on = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap_or_default();
        let told = added(Kind::Trust, "USD", 10_000, 10_300, on).unwrap_or_default();
        assert!(told.starts_with("trust rule R5: "), "{told}");
        assert!(told.contains("103.00 USD was taken where 100.00 USD was asked for"), "{told}");
        assert_eq!(added(Kind::Trust, "USD", 10_000, 10_000, on), None);
        assert_eq!(added(Kind::Operating, "USD", 10_000, 10_300, on), None);
    }
}
