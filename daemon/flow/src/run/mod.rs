//! What keeps the road going: a lane for each kind of effect, the folders, the sweep. Work is pulled at the daemon's own
//! pace; an event from outside only wakes a lane earlier.

pub mod cron;
mod lanes;
mod pay;

pub use lanes::{perform, run_now};
pub use pay::pay;

use crate::effect::{KINDS, POLL, PUSH, RECONCILE};
use crate::error::FlowError;
use crate::intake::folder::{self, Folder};
use crate::intake::push::Scheduled;
use crate::reconcile;
use crate::request;
use crate::road::Road;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

const SWEEP: Duration = Duration::from_secs(5);
/// How long work in hand may take to end after the order to stop.
const STOP_WAIT: Duration = Duration::from_secs(25);

/// Takes this daemon's place, frees what a dead one held, and sets what comes again and again.
pub async fn start(road: &Road, pushes: &[Scheduled]) -> Result<(), FlowError> {
    road.store.hold().await?;
    let now_ms = road.now_ms();
    let freed = road.store.rescue(now_ms).await?;
    set_recurring(road, pushes).await?;
    let revived = road.store.revive_waiting(now_ms).await?;
    if freed + revived > 0 {
        tracing::info!(freed, revived, "work that an earlier run left goes on");
    }
    Ok(())
}

/// After other plugins took their seats: gateways that came are polled, those that went are not, and what waited for a mend is
/// tried again.
pub async fn reseated(road: &Road, pushes: &[Scheduled]) -> Result<(), FlowError> {
    set_recurring(road, pushes).await?;
    road.store.revive_waiting(road.now_ms()).await?;
    road.wake.all();
    Ok(())
}

/// Sets what comes again and again, and ends what is not configured any more.
async fn set_recurring(road: &Road, pushes: &[Scheduled]) -> Result<(), FlowError> {
    let now_ms = road.now_ms();
    let plugins = road.plugins.now();
    let mut tx = road.store.begin().await?;
    let polls: Vec<String> = plugins.gateways.keys().map(|gateway| format!("{POLL}:{gateway}")).collect();
    for (key, gateway) in polls.iter().zip(plugins.gateways.keys()) {
        tx.want_again(key, POLL, 0, gateway, now_ms).await?;
    }
    tx.end_others(POLL, &polls).await?;
    tx.end_others(PUSH, &pushes.iter().map(Scheduled::key).collect::<Vec<_>>()).await?;
    for push in pushes {
        let payload = serde_json::to_string(push).map_err(std::io::Error::from)?;
        if let Some(at_ms) = cron::next_ms(&push.schedule, road.firm.time_zone, now_ms) {
            tx.want_again(&push.key(), PUSH, 0, &payload, at_ms).await?;
        }
    }
    let nightly = road.reconcile.as_str();
    let key = reconcile::key(nightly);
    let keys = if nightly.is_empty() { Vec::new() } else { vec![key.clone()] };
    tx.end_others(RECONCILE, &keys).await?;
    if let Some(at_ms) = cron::next_ms(nightly, road.firm.time_zone, now_ms) {
        tx.want_again(&key, RECONCILE, 0, nightly, at_ms).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Runs until `stop` turns true and what is in hand has ended, or its time is over.
pub async fn run(road: Arc<Road>, folders: Vec<Folder>, stop: watch::Receiver<bool>) {
    let mut tasks = JoinSet::new();
    for kind in KINDS {
        tasks.spawn(lanes::lane(road.clone(), kind, stop.clone()));
    }
    for folder in folders {
        let (road, stop) = (road.clone(), stop.clone());
        tasks.spawn(async move { folder::run(&road, &folder, stop).await });
    }
    tasks.spawn(sweep(road, stop.clone()));
    let mut stopped = stop;
    // An error means that the sender is gone, which is an order to stop too.
    let _ = stopped.wait_for(|stop| *stop).await;
    let ended = tokio::time::timeout(STOP_WAIT, async { while tasks.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!("some work did not end in time: it goes on at the next start");
    }
}

/// Ends links whose time has passed, and frees the work of daemons that are gone.
async fn sweep(road: Arc<Road>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = sweep_once(&road).await {
            tracing::warn!(%error, "the sweep waits");
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

async fn sweep_once(road: &Road) -> Result<(), FlowError> {
    // First of all: without its place, this daemon's work would be taken for that of a dead one.
    if !road.store.holds().await {
        road.store.hold().await?;
    }
    while request::expire(road).await? > 0 {}
    if road.store.rescue(road.now_ms()).await? > 0 {
        road.wake.all();
    }
    Ok(())
}
