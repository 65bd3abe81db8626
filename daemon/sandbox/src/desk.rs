//! The one mutex: every question and every change goes through [`Desk::with`], off the async threads, since a change waits
//! for the disk. Owns the clock's ticking; never knows a rule.

use crate::ledger::Ledger;
use crate::refusal::Refusal;
use crate::{Config, SandboxError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How often what is due by itself is looked at when nobody asks.
const TICK: Duration = Duration::from_millis(200);

pub(crate) struct Desk {
    ledger: Mutex<Ledger>,
    pub key: String,
    pub webhook_secret: String,
    pub url: String,
    pub clock: crate::Clock,
    /// Something may have happened that a webhook should tell.
    pub news: Notify,
}

impl Desk {
    pub fn open(config: Config, url: String) -> Result<Desk, SandboxError> {
        let settle_ms = i64::try_from(config.settle_ms).unwrap_or(i64::MAX);
        let ledger = Ledger::open(config.journal.as_deref(), settle_ms, config.clock.clone())?;
        Ok(Desk {
            ledger: Mutex::new(ledger),
            key: config.key,
            webhook_secret: config.webhook_secret,
            url,
            clock: config.clock,
            news: Notify::new(),
        })
    }

    /// Does what is due, then `work`, alone. A caller that goes away does not stop what it began.
    pub async fn with<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Ledger) -> Result<R, Refusal> + Send + 'static,
    ) -> Result<R, Refusal> {
        let desk = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            // The book changes only after its entry is kept, one entry at a time: a panic leaves nothing half done.
            let mut ledger = desk.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            let before = ledger.event_count();
            let answer = ledger.settle_due().and_then(|()| work(&mut ledger));
            if ledger.event_count() > before {
                desk.news.notify_one();
            }
            answer
        });
        done.await.unwrap_or_else(|_| Err(Refusal::unavailable("The sandbox failed.")))
    }

    /// Never ends: settles and expires what is due, also when nobody asks.
    pub async fn keep_time(self: &Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(refusal) = self.with(|_| Ok(())).await {
                tracing::warn!(message = refusal.message, "what is due has to wait");
            }
        }
    }
}
