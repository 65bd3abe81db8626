//! Connections of the engines that sqlx does not speak: so many at once, each kept a while for the next user. Only one that is
//! given back is kept; any other ends with its lease.

use super::{ACQUIRE_TIMEOUT, Database, IDLE_TIMEOUT};
use crate::wit::types::Failure;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

pub(super) struct Places<C> {
    free: Semaphore,
    idle: Mutex<Vec<(C, Instant)>>,
}

/// A connection in use.
pub(super) struct Lease<'a, C> {
    pub connection: C,
    places: &'a Places<C>,
    _place: SemaphorePermit<'a>,
}

impl<C> Places<C> {
    pub(super) fn new(most: u32) -> Places<C> {
        Places { free: Semaphore::new(usize::try_from(most).unwrap_or(1)), idle: Mutex::default() }
    }

    /// One that waits and still `lives`, or a fresh one.
    pub(super) async fn acquire<'a>(
        &'a self,
        database: &Database,
        lives: impl Fn(&mut C) -> bool,
        open: impl Future<Output = Result<C, Failure>>,
    ) -> Result<Lease<'a, C>, Failure> {
        let late = |_| {
            let (name, seconds) = (&database.name, ACQUIRE_TIMEOUT.as_secs());
            let message = format!("database \"{name}\" gave no connection within {seconds} s");
            Failure::unavailable("connect", message)
        };
        let deadline = Instant::now() + ACQUIRE_TIMEOUT;
        let place = timeout_at(deadline, self.free.acquire()).await.map_err(late)?;
        let place = place.map_err(|_| database.timeout())?;
        let mut idle = self.idle.lock().await;
        idle.retain_mut(|(connection, since)| since.elapsed() < IDLE_TIMEOUT && lives(connection));
        let waiting = idle.pop().map(|(connection, _)| connection);
        drop(idle);
        let connection = match waiting {
            Some(connection) => connection,
            None => timeout_at(deadline, open).await.map_err(late)??,
        };
        Ok(Lease { connection, places: self, _place: place })
    }
}

impl<C> Lease<'_, C> {
    /// It is whole: nothing is open in it, no answer half read.
    pub(super) async fn give_back(self) {
        self.places.idle.lock().await.push((self.connection, Instant::now()));
    }
}
