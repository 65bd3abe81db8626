//! Payment gateways: begin a checkout, cancel it, what happened since, give back. Owns the usual calls of this kind and the list
//! of its cases.

mod amounts;
mod beginning;
mod cancelling;
mod events;
mod hooks;
mod refunding;

use crate::act::{Act, said};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended};
use crate::webhooks;
use remitd_flow::plugin::gateway::{CheckoutLine, CheckoutRequest};
use remitd_host::{Money, Webhook};

pub(crate) fn cases() -> Vec<Case> {
    [beginning::CASES, amounts::CASES, cancelling::CASES, refunding::CASES, events::CASES, hooks::CASES]
        .concat()
}

pub(crate) const AMOUNT_MINOR: i64 = 12_345;
const REFUND_MINOR: i64 = 501;
/// The daemon's id of the usual checkout; the plugin's requests must carry it.
pub(crate) const CHECKOUT: &str = "70431";
const EXPIRES_MS: u64 = 1_893_456_000_000;

fn money(bench: &Bench, amount_minor: i64) -> Money {
    let currency = bench.fixture.gateway.currency.clone().unwrap_or_else(|| "USD".to_owned());
    Money { amount_minor, currency }
}

/// A payer's way to pay one invoice.
pub(crate) fn request(bench: &Bench) -> CheckoutRequest {
    CheckoutRequest {
        checkout: CHECKOUT.to_owned(),
        amount: money(bench, AMOUNT_MINOR),
        partial: false,
        lines: vec![CheckoutLine { label: "Invoice 1001".to_owned(), amount: money(bench, AMOUNT_MINOR) }],
        payer_email: "ana.souza@client.example".to_owned(),
        return_url: "https://pay.firm.example/p/k7f3a9c51/done".to_owned(),
        webhook_url: Some("https://pay.firm.example/hooks/gateway".to_owned()),
        expires_ms: EXPIRES_MS,
    }
}

/// The provider's id of the usual checkout.
async fn begun(bench: &Bench) -> Result<Option<String>, Ended> {
    let world = bench.fresh().await?;
    let checkout = world.gateway()?.begin(world.job(KEY), request(bench)).await;
    Ok(checkout.ok().map(|checkout| checkout.gateway_ref))
}

pub(crate) async fn acts(bench: &Bench) -> Result<Vec<Act>, Ended> {
    let mut acts = vec![begin(request(bench)), events_since(None)];
    acts.extend(begun(bench).await?.map(cancel));
    let payment = bench.fixture.gateway.payment.clone();
    acts.extend(payment.map(|payment| refund(payment, money(bench, REFUND_MINOR))));
    acts.extend(webhooks::genuine(bench, &bench.fixture.gateway.webhook).map(read_webhook));
    Ok(acts)
}

/// The same with the text in each argument.
pub(crate) async fn hostile(bench: &Bench, text: &str) -> Result<Vec<Act>, Ended> {
    let text = || text.to_owned();
    let usual = request(bench);
    let line = CheckoutLine { label: text(), amount: usual.amount.clone() };
    let texts = CheckoutRequest { lines: vec![line], payer_email: text(), ..usual.clone() };
    let urls = CheckoutRequest { return_url: text(), webhook_url: Some(text()), ..usual.clone() };
    let currency =
        CheckoutRequest { amount: Money { currency: text(), ..usual.amount.clone() }, ..usual.clone() };
    let amount = usual.amount.clone();
    let header = |name: &str| remitd_host::Header { name: name.to_owned(), value: text() };
    Ok(vec![
        begin(texts),
        begin(urls),
        begin(currency),
        begin(CheckoutRequest { checkout: text(), ..usual }),
        cancel(text()),
        events_since(Some(text())),
        refund(text(), amount),
        read_webhook(Webhook {
            headers: ["signature", "x-kit"].map(header).to_vec(),
            body: text().into_bytes(),
        }),
    ])
}

fn begin(request: CheckoutRequest) -> Act {
    Act::new("begin", move |world, job| {
        let request = request.clone();
        Box::pin(async move { said(world.gateway()?.begin(job, request).await) })
    })
}

fn cancel(gateway_ref: String) -> Act {
    Act::new("cancel", move |world, job| {
        let gateway_ref = gateway_ref.clone();
        Box::pin(async move { said(world.gateway()?.cancel(job, gateway_ref).await) })
    })
}

fn events_since(cursor: Option<String>) -> Act {
    Act::new("events-since", move |world, job| {
        let cursor = cursor.clone();
        Box::pin(async move { said(world.gateway()?.events_since(job, cursor).await) })
    })
}

fn refund(payment: String, amount: Money) -> Act {
    Act::new("refund", move |world, job| {
        let (payment, amount) = (payment.clone(), amount.clone());
        Box::pin(async move { said(world.gateway()?.refund(job, payment, amount).await) })
    })
}

fn read_webhook(webhook: Webhook) -> Act {
    Act::new("read-webhook", move |world, job| {
        let webhook = webhook.clone();
        Box::pin(async move { said(world.gateway()?.read_webhook(job, webhook).await) })
    })
}
