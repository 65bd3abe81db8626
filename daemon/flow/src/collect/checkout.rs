//! From the payer's click to the gateway's page: the checkout is a row, and an effect with a key, before the gateway hears
//! of it.

use super::{Standing, page};
use crate::effect::{CHECKOUT, CLOSE, Repeat, job, verdict};
use crate::error::FlowError;
use crate::plugin::gateway::{CheckoutLine, CheckoutRequest};
use crate::road::{Road, left_minor};
use remitd_domain::email::addresses;
use remitd_domain::payment::State as Paid;
use remitd_domain::request::State;
use remitd_host::{Failure, FailureClass, Money};
use remitd_store::{Checkout, CheckoutState, Finish, Lease, Request};

/// A gateway's page is good for an hour; the link makes a new one when it is needed.
const CHECKOUT_MS: i64 = 60 * 60_000;

/// What the events of a request say.
const NOT_OPENED: &str = "checkout not opened";

/// Gateways cut what is longer, or refuse it.
const LABEL_MAX_BYTES: usize = 200;

/// What became of the payer's click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Go there and pay.
    At(String),
    /// The link cannot be paid any more.
    Not(Standing),
    /// The gateway has not answered yet; what was asked of it goes on.
    NotYet,
    /// The gateway said no.
    Refused,
    /// The payer's amount cannot be taken, and why.
    BadAmount(String),
    /// Not one of our links.
    Unknown,
}

/// One step of a click.
pub enum Step {
    Said(Begun),
    /// Perform this effect, then ask again.
    Close {
        key: String,
    },
    /// Perform this effect, then look at the checkout.
    Begin {
        key: String,
        checkout: i64,
    },
}

/// Finds the open checkout of a link, or says which effect must be performed first. Asked again after it, the answer is the
/// next step.
pub async fn begin(road: &Road, token: &str, amount_minor: Option<i64>) -> Result<Step, FlowError> {
    let Some(found) = page(road, token).await? else { return Ok(Step::Said(Begun::Unknown)) };
    if found.standing != Standing::Payable {
        return Ok(Step::Said(Begun::Not(found.standing)));
    }
    let whole = left_minor(&found.request);
    let amount = amount_minor.unwrap_or(whole);
    let bad = |why: &str| Ok(Step::Said(Begun::BadAmount(why.to_owned())));
    if amount != whole && !found.account.partial {
        return bad("this link is for the whole amount");
    }
    if amount <= 0 || amount > whole {
        return bad("the amount must be above zero and not more than what is asked for");
    }
    want(road, found.request.id, &found.account.gateway, amount).await
}

/// The one transaction in which a link's checkout is found or made.
async fn want(road: &Road, request: i64, gateway: &str, amount: i64) -> Result<Step, FlowError> {
    let now_ms = road.now_ms();
    let mut tx = road.store.begin().await?;
    // Held until commit: of many clicks at once, one makes the checkout and the others find it.
    let Some(request) = tx.request(request).await? else { return Ok(Step::Said(Begun::Unknown)) };
    if request.state != State::Outstanding {
        let standing = if request.state == State::Processing { Standing::Processing } else { Standing::Used };
        return Ok(Step::Said(Begun::Not(standing)));
    }
    let next = match tx.live_checkout(request.id).await? {
        Some(live)
            if live.state == CheckoutState::Open
                && live.amount_minor == amount
                && live.expires_ms > now_ms =>
        {
            Step::Said(live.url.map_or(Begun::NotYet, Begun::At))
        }
        Some(live) if live.state == CheckoutState::Beginning && live.amount_minor == amount => {
            Step::Begin { key: format!("{CHECKOUT}:{}", live.id), checkout: live.id }
        }
        Some(live) => {
            // Another amount, or its time is over: the old page must not stay payable beside the new one.
            tx.set_checkout(live.id, CheckoutState::Closing).await?;
            let key = format!("{CLOSE}:{}", live.id);
            tx.want(&key, CLOSE, live.id, "{}", now_ms).await?;
            Step::Close { key }
        }
        None => {
            let expires_ms = (now_ms + CHECKOUT_MS).min(request.expires_ms);
            let id = tx.insert_checkout(request.id, gateway, amount, now_ms, expires_ms).await?;
            let key = format!("{CHECKOUT}:{id}");
            tx.want(&key, CHECKOUT, id, "{}", now_ms).await?;
            Step::Begin { key, checkout: id }
        }
    };
    tx.commit().await?;
    Ok(next)
}

/// The effect: ask the gateway for a page. The key makes a repeat find the first one.
pub async fn perform_begin(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    let checkout = road.store.checkout(lease.subject_id).await?;
    let Some(checkout) = checkout.filter(|checkout| checkout.state == CheckoutState::Beginning) else {
        return finish(road, lease, &Finish::Done, None).await;
    };
    let Some(request) = road.store.request(checkout.request_id).await? else {
        return finish(road, lease, &Finish::Done, None).await;
    };
    let asked = asked(road, &request, &checkout)?;
    let result = road.gateway(&checkout.gateway)?.begin(job(lease), asked).await;
    road.point("checkout.begun")?;
    match result {
        Ok(opened) => {
            let now_ms = road.now_ms();
            let mut tx = road.store.begin().await?;
            if !tx.open_checkout(checkout.id, &opened.gateway_ref, &opened.url).await? {
                tracing::info!(checkout = checkout.id, "closed while it was opening");
            }
            tx.event_of_request(request.id, "checkout begun", "payer", &opened.gateway_ref, now_ms).await?;
            tx.finish(lease, &Finish::Done, now_ms).await?;
            road.point("checkout.before_commit")?;
            tx.commit().await?;
            Ok(())
        }
        Err(failure) => {
            tracing::warn!(checkout = checkout.id, error = %failure.message, "the gateway did not open a checkout");
            not_done(road, lease, &checkout, &failure, NOT_OPENED).await
        }
    }
}

fn asked(road: &Road, request: &Request, checkout: &Checkout) -> Result<CheckoutRequest, FlowError> {
    let money = |amount_minor| Money { amount_minor, currency: request.currency.clone() };
    let label = match request.invoices() {
        "" => format!("Payment request {}", request.id),
        several if request.invoice.is_empty() => format!("Invoices {}", first_of(several)),
        one => format!("Invoice {one}"),
    };
    let link = road.link(request.nonce)?;
    Ok(CheckoutRequest {
        checkout: checkout.id.to_string(),
        amount: money(checkout.amount_minor),
        // The amount was chosen on our page.
        partial: false,
        lines: vec![CheckoutLine { label, amount: money(checkout.amount_minor) }],
        payer_email: addresses(&request.payer_email).first().copied().unwrap_or_default().to_owned(),
        return_url: format!("{link}/done"),
        webhook_url: Some(format!("{}/hooks/{}", road.public_url, checkout.gateway)),
        expires_ms: u64::try_from(checkout.expires_ms).unwrap_or_default(),
    })
}

/// As many invoices as a gateway's page has room for, and how many more there are.
fn first_of(invoices: &str) -> String {
    if invoices.len() <= LABEL_MAX_BYTES {
        return invoices.to_owned();
    }
    let ends = invoices.match_indices(", ").map(|(at, _)| at);
    let fits = ends.take_while(|at| *at <= LABEL_MAX_BYTES).last().unwrap_or_default();
    let (shown, rest) = invoices.split_at_checked(fits).unwrap_or_default();
    format!("{shown} and {} more", rest.matches(", ").count())
}

/// The effect: make sure that a checkout cannot be paid any more. Where it is too late, the payment's own event tells.
pub async fn perform_close(road: &Road, lease: &Lease) -> Result<(), FlowError> {
    let checkout = road.store.checkout(lease.subject_id).await?;
    let Some(checkout) = checkout.filter(|checkout| checkout.state == CheckoutState::Closing) else {
        return finish(road, lease, &Finish::Done, None).await;
    };
    let closed = Some((checkout.id, CheckoutState::Cancelled));
    let Some(gateway_ref) = &checkout.gateway_ref else {
        // Perhaps it was opened and we never heard of it: asked for by its key, it is the same one.
        return reopen_then_close(road, lease, &checkout).await;
    };
    let result = road.gateway(&checkout.gateway)?.cancel(job(lease), gateway_ref.clone()).await;
    road.point("close.closed")?;
    match result {
        Ok(()) => finish(road, lease, &Finish::Done, closed).await,
        Err(failure) if is_already_paid(&failure) => too_late(road, lease, &checkout).await,
        // What the gateway does not know, or will not close for good, must not keep the link from being paid.
        Err(failure) => {
            tracing::warn!(checkout = checkout.id, error = %failure.message, "the gateway did not close a checkout");
            not_done(road, lease, &checkout, &failure, "checkout not closed").await
        }
    }
}

/// Money is on its way by this checkout, though its event is not here yet. Until then it stays closing: the link cannot open
/// another one, and nobody asks for the invoice anew. The event ends it.
async fn too_late(road: &Road, lease: &Lease, checkout: &Checkout) -> Result<(), FlowError> {
    let payments = road.store.payments_of(checkout.request_id).await?;
    if payments.iter().any(|payment| payment.checkout_id == checkout.id && payment.state == Paid::Returned) {
        // The money came and went: there is nothing more to hear.
        return finish(road, lease, &Finish::Done, Some((checkout.id, CheckoutState::Done))).await;
    }
    let at_ms = road.now_ms() + road.limits.gateway_poll_ms;
    finish(road, lease, &Finish::Again { at_ms }, None).await
}

async fn reopen_then_close(road: &Road, lease: &Lease, checkout: &Checkout) -> Result<(), FlowError> {
    let begun = road.store.effect(&format!("{CHECKOUT}:{}", checkout.id)).await?;
    let asked_ever = begun.is_some_and(|effect| effect.attempt > 0);
    let request = road.store.request(checkout.request_id).await?;
    let (true, Some(request)) = (asked_ever, request) else {
        return finish(road, lease, &Finish::Done, Some((checkout.id, CheckoutState::Cancelled))).await;
    };
    let mut first = job(lease);
    first.key = format!("{CHECKOUT}:{}", checkout.id);
    match road.gateway(&checkout.gateway)?.begin(first, asked(road, &request, checkout)?).await {
        Ok(opened) => {
            let mut tx = road.store.begin().await?;
            tx.open_checkout(checkout.id, &opened.gateway_ref, &opened.url).await?;
            tx.commit().await?;
            finish(road, lease, &Finish::Again { at_ms: road.now_ms() }, None).await
        }
        // Refused for good, it was never opened: the link must not wait for it.
        Err(failure) => not_done(road, lease, checkout, &failure, NOT_OPENED).await,
    }
}

/// Refused for good, the checkout is at its end: the request's events keep the gateway's words, and no attempt waits for a person
/// who could do nothing about it.
async fn not_done(
    road: &Road,
    lease: &Lease,
    checkout: &Checkout,
    failure: &Failure,
    what: &str,
) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let next = verdict(lease, failure, Repeat::Safe, now_ms);
    if !matches!(next, Finish::Failed { .. }) {
        return finish(road, lease, &next, None).await;
    }
    let mut tx = road.store.begin().await?;
    tx.set_checkout(checkout.id, CheckoutState::Failed).await?;
    let (gateway, said) = (checkout.gateway.as_str(), failure.message.as_str());
    tx.event_of_request(checkout.request_id, what, gateway, said, now_ms).await?;
    tx.finish(lease, &Finish::Done, now_ms).await?;
    tx.commit().await?;
    Ok(())
}

fn is_already_paid(failure: &Failure) -> bool {
    failure.class == FailureClass::Invalid && failure.code == "already-paid"
}

async fn finish(
    road: &Road,
    lease: &Lease,
    finish: &Finish,
    checkout: Option<(i64, CheckoutState)>,
) -> Result<(), FlowError> {
    let mut tx = road.store.begin().await?;
    if let Some((id, state)) = checkout {
        tx.set_checkout(id, state).await?;
    }
    tx.finish(lease, finish, road.now_ms()).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_invoices_are_told_shortly() {
        assert_eq!(first_of("A-1, A-2"), "A-1, A-2");
        let many: Vec<String> = (1..=100).map(|number| format!("INV-{number:04}")).collect();
        let told = first_of(&many.join(", "));
        assert!(told.starts_with("INV-0001, INV-0002") && told.ends_with("INV-0020 and 80 more"), "{told}");
    }
}
