//! Connections that wait for their next user: [`Idle`] keeps them for a while, [`Places`] also bounds how many there are. Only one
//! that is given back is kept; any other ends with its lease.

use super::{ACQUIRE_TIMEOUT, Database, IDLE_TIMEOUT};
use crate::wit::types::Failure;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// A connection is opened anew after so long, as one that has rested is: what it leads to may have been replaced.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

pub(super) struct Idle<C>(Arc<Mutex<Resting<C>>>);

struct Resting<C> {
    waiting: Vec<Rested<C>>,
    /// Somebody waits to close what rests too long.
    is_watched: bool,
}

struct Rested<C> {
    connection: C,
    opened: Instant,
    used: Instant,
}

impl<C: Send + 'static> Idle<C> {
    pub(super) fn new() -> Idle<C> {
        Idle(Arc::new(Mutex::new(Resting { waiting: Vec::new(), is_watched: false })))
    }

    /// The one that was used last, and since when it is open.
    pub(super) fn take(&self) -> Option<(C, Instant)> {
        let mut resting = locked(&self.0);
        resting.close_stale();
        resting.waiting.pop().map(|rested| (rested.connection, rested.opened))
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "it ends with the pool, and did it panic, connections stayed open, no more"
    )]
    pub(super) fn put(&self, connection: C, opened: Instant) {
        let mut resting = locked(&self.0);
        resting.waiting.push(Rested { connection, opened, used: Instant::now() });
        if !std::mem::replace(&mut resting.is_watched, true) {
            tokio::spawn(watch(Arc::downgrade(&self.0)));
        }
    }
}

impl<C> Resting<C> {
    fn close_stale(&mut self) {
        let now = Instant::now();
        self.waiting.retain(|rested| now - rested.used < IDLE_TIMEOUT && now - rested.opened < LIFETIME);
    }
}

fn locked<C>(resting: &Mutex<Resting<C>>) -> MutexGuard<'_, Resting<C>> {
    resting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes what nobody has used for a while: an open file keeps its volume, and a server its place for somebody else.
async fn watch<C>(resting: Weak<Mutex<Resting<C>>>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT).await;
        let Some(resting) = resting.upgrade() else { return };
        let mut resting = locked(&resting);
        resting.close_stale();
        if resting.waiting.is_empty() {
            resting.is_watched = false;
            return;
        }
    }
}

pub(super) struct Places<C> {
    free: Semaphore,
    most: u32,
    idle: Idle<C>,
}

/// A connection in use.
pub(super) struct Lease<'a, C> {
    pub connection: C,
    opened: Instant,
    places: &'a Places<C>,
    _place: SemaphorePermit<'a>,
}

impl<C: Send + 'static> Places<C> {
    pub(super) fn new(most: u32) -> Places<C> {
        Places { free: Semaphore::new(most as usize), most, idle: Idle::new() }
    }

    pub(super) fn most(&self) -> u32 {
        self.most
    }

    /// One that waits and still `lives`, or a fresh one. Waits for its turn until the deadline, and then for the other side to answer
    /// no longer than [`ACQUIRE_TIMEOUT`].
    pub(super) async fn acquire<'a>(
        &'a self,
        database: &Database,
        deadline: Instant,
        lives: impl Fn(&mut C) -> bool,
        open: impl AsyncFnOnce() -> Result<C, Failure>,
    ) -> Result<Lease<'a, C>, Failure> {
        let late = |_| database.failed(sqlx::Error::PoolTimedOut);
        let place = timeout_at(deadline, self.free.acquire()).await.map_err(late)?;
        let place = place.map_err(|_| database.timeout())?;
        while let Some((mut connection, opened)) = self.idle.take() {
            if lives(&mut connection) {
                return Ok(Lease { connection, opened, places: self, _place: place });
            }
        }
        let opened = Instant::now();
        // Opening is rare, and large: it does not lie in each job's future.
        let opening = timeout_at(deadline.min(opened + ACQUIRE_TIMEOUT), Box::pin(open()));
        let connection = opening.await.map_err(late)??;
        Ok(Lease { connection, opened, places: self, _place: place })
    }
}

impl<C: Send + 'static> Lease<'_, C> {
    /// It is whole: nothing is open in it, no answer half read.
    pub(super) fn give_back(self) {
        self.places.idle.put(self.connection, self.opened);
    }
}
