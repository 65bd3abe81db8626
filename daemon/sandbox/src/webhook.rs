//! Webhooks: each event to its receiver at least once, signed, never in the way of a checkout. What no receiver took within
//! its tries is tried again after the next start. Owns the signature's shape; never the events.

use crate::book::Event;
use crate::desk::Desk;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Waits before each try; the last is within a minute of the first.
const WAITS_MS: [u64; 5] = [0, 1_000, 4_000, 12_000, 30_000];
const TRY_TIME: Duration = Duration::from_secs(3);
const MAX_AT_ONCE: usize = 64;

pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // A webhook goes where it was told to, nowhere else: no redirects, no proxy.
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(TRY_TIME)
        .build()
}

/// Never ends. Dropped, it lets go of the deliveries in hand; they are still in the book.
pub(crate) async fn deliver_all(desk: &Arc<Desk>, client: &reqwest::Client) {
    let mut running = JoinSet::new();
    // Those that had their tries since the start.
    let mut tried = HashSet::new();
    loop {
        for (url, event) in waiting(desk, &tried, MAX_AT_ONCE.saturating_sub(running.len())).await {
            tried.insert(event.id.clone());
            running.spawn(deliver(desk.clone(), client.clone(), url, event));
        }
        tokio::select! {
            () = desk.news.notified() => {}
            Some(end) = running.join_next() => match end {
                Ok((event, true)) => {
                    tried.remove(&event);
                }
                Ok((event, false)) => tracing::info!(event, "no receiver took this webhook"),
                Err(error) => tracing::error!(%error, "a webhook's delivery failed"),
            },
        }
    }
}

async fn waiting(desk: &Arc<Desk>, tried: &HashSet<String>, room: usize) -> Vec<(String, Event)> {
    if room == 0 {
        return vec![];
    }
    let tried = tried.clone();
    let found = desk.with(move |ledger| {
        let book = &ledger.book;
        let mut fresh: Vec<usize> =
            book.undelivered.iter().filter(|(id, _)| !tried.contains(*id)).map(|(_, at)| *at).collect();
        fresh.sort_unstable();
        Ok(fresh
            .into_iter()
            .take(room)
            .filter_map(|at| {
                let event = book.events.get(at)?;
                Some((book.checkouts.get(&event.checkout_id)?.order.webhook_url.clone()?, event.clone()))
            })
            .collect())
    });
    found.await.unwrap_or_default()
}

/// The event's id, and whether a receiver took it.
async fn deliver(desk: Arc<Desk>, client: reqwest::Client, url: String, event: Event) -> (String, bool) {
    let id = event.id.clone();
    let Ok(body) = serde_json::to_vec(&event) else { return (id, false) };
    for wait_ms in WAITS_MS {
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        let unix_s = (desk.clock)().div_euclid(1_000);
        let Some(signature) = sign(&desk.webhook_secret, unix_s, &body) else { break };
        let attempt = client
            .post(&url)
            .header("Remitd-Signature", signature)
            .header("Content-Type", "application/json")
            .body(body.clone());
        if attempt.send().await.is_ok_and(|answer| answer.status().is_success()) {
            let event = id.clone();
            // Not kept means delivered once more after a restart, which receivers must bear anyway.
            let kept = desk.with(move |ledger| ledger.delivered(event)).await;
            return (id, kept.is_ok());
        }
    }
    (id, false)
}

/// `t=<unix seconds>,v1=<hex HMAC-SHA256(secret, t + "." + raw body)>`.
pub fn sign(secret: &str, unix_s: i64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(format!("{unix_s}.").as_bytes());
    mac.update(body);
    Some(format!("t={unix_s},v1={}", hex::encode(mac.finalize().into_bytes())))
}
