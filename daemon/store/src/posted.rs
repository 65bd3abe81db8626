//! Postings that the matter software holds by now, noted together: a commit waits for the disk, however little it holds. Whoever's
//! turn it is takes along what stands ready by then. One that comes alone waits for nothing; in a stream of them, commits stand some
//! milliseconds apart, so that each holds several. None is told as noted before the commit that holds it.

use crate::db::{Db, Sql, args};
use crate::error::StoreError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

/// Postings of one commit.
const MOST: usize = 64;
/// From the end of one commit to the next: as long as some postings take, and nobody notices it.
const APART: Duration = Duration::from_millis(12);
/// Unless so many stand ready sooner: the lane that they come from is not to run empty meanwhile.
const ENOUGH: usize = 8;

/// A posting that is written, and the lease under which that was done.
#[derive(Debug, Clone)]
pub struct Posted {
    pub effect_id: i64,
    pub fence: i64,
    pub posting_id: i64,
    pub request_id: i64,
    /// The key that it is written with.
    pub key: String,
    pub connector: String,
    /// The matter software's own number for it.
    pub external_ref: Option<String>,
    pub now_ms: i64,
}

struct Ready {
    posted: Posted,
    say: oneshot::Sender<Result<(), StoreError>>,
}

#[derive(Default)]
pub(crate) struct Desk {
    ready: Mutex<Vec<Ready>>,
    /// Told where many stand ready.
    enough: Notify,
    /// When the last commit was over.
    turn: tokio::sync::Mutex<Option<Instant>>,
}

impl Desk {
    pub(crate) async fn note(&self, db: &Db, posted: Posted) -> Result<(), StoreError> {
        let (say, mut told) = oneshot::channel();
        if self.put(Ready { posted, say }) >= ENOUGH {
            self.enough.notify_one();
        }
        loop {
            let mut turn = self.turn.lock().await;
            match told.try_recv() {
                Ok(said) => return said,
                // Whoever had it in hand is gone, and nothing is known of a commit.
                Err(oneshot::error::TryRecvError::Closed) => return Err(sqlx::Error::WorkerCrashed.into()),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            if let Some(last) = *turn {
                let _ = timeout_at(last + APART, self.many()).await;
            }
            note_all(db, self.take()).await;
            *turn = Some(Instant::now());
        }
    }

    /// Gives how many stand ready.
    fn put(&self, one: Ready) -> usize {
        let mut ready = self.ready();
        ready.push(one);
        ready.len()
    }

    async fn many(&self) {
        while self.ready().len() < ENOUGH {
            self.enough.notified().await;
        }
    }

    fn ready(&self) -> MutexGuard<'_, Vec<Ready>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest first.
    fn take(&self) -> Vec<Ready> {
        let mut ready = self.ready();
        let most = ready.len().min(MOST);
        ready.drain(..most).collect()
    }
}

async fn note_all(db: &Db, all: Vec<Ready>) {
    let (all, told): (Vec<_>, Vec<_>) = all.into_iter().map(|ready| (ready.posted, ready.say)).unzip();
    let together = if all.len() > 1 { Some(note(db, &all).await) } else { None };
    for (posted, say) in all.iter().zip(told) {
        let noted = match &together {
            Some(Ok(())) => Ok(()),
            // The database is away, for each of them.
            Some(Err(error)) if error.may_pass() => Err(StoreError::Together(error.to_string())),
            // One of them has lost its lease: which one shows by itself.
            Some(Err(_)) | None => note(db, std::slice::from_ref(posted)).await,
        };
        let _ = say.send(noted);
    }
}

/// The columns of the list are in the order of [`list`].
const POSTING: Sql = Sql {
    sqlite: "UPDATE posting SET state = 'posted', external_ref = w.value ->> 1, posted_ms = w.value ->> 2, error_code = NULL, error = NULL
             FROM json_each($1) AS w WHERE posting.id = w.value ->> 0",
    postgres: "UPDATE posting SET state = 'posted', external_ref = w.value ->> 1, posted_ms = (w.value ->> 2)::bigint, error_code = NULL,
                 error = NULL FROM json_array_elements($1::json) AS w (value) WHERE posting.id = (w.value ->> 0)::bigint",
};
const EVENT: Sql = Sql {
    sqlite: "INSERT INTO event (at_ms, request_id, what, actor, detail)
             SELECT w.value ->> 2, w.value ->> 3, 'posted', w.value ->> 4, w.value ->> 5 FROM json_each($1) AS w",
    postgres: "INSERT INTO event (at_ms, request_id, what, actor, detail)
               SELECT (w.value ->> 2)::bigint, (w.value ->> 3)::bigint, 'posted', w.value ->> 4, w.value ->> 5
               FROM json_array_elements($1::json) AS w (value)",
};
const EFFECT: Sql = Sql {
    sqlite: "UPDATE effect SET state = 'done', error_code = NULL, error = NULL, done_ms = w.value ->> 2 FROM json_each($1) AS w
             WHERE effect.id = w.value ->> 6 AND effect.fence = w.value ->> 7 AND effect.state = 'running'",
    postgres: "UPDATE effect SET state = 'done', error_code = NULL, error = NULL, done_ms = (w.value ->> 2)::bigint
               FROM json_array_elements($1::json) AS w (value)
               WHERE effect.id = (w.value ->> 6)::bigint AND effect.fence = (w.value ->> 7)::bigint AND effect.state = 'running'",
};

/// All of them, or none where one has lost its lease.
async fn note(db: &Db, all: &[Posted]) -> Result<(), StoreError> {
    let list = list(all)?;
    let mut tx = db.begin().await?;
    tx.execute(POSTING, args![&list]).await?;
    tx.execute(EVENT, args![&list]).await?;
    let ended = tx.execute(EFFECT, args![&list]).await?;
    if usize::try_from(ended) != Ok(all.len()) {
        return Err(StoreError::LeaseLost(all.first().map_or(0, |posted| posted.effect_id)));
    }
    tx.commit().await
}

fn list(all: &[Posted]) -> Result<String, StoreError> {
    let row = |posted: &Posted| {
        let Posted { effect_id, fence, posting_id, request_id, key, connector, external_ref, now_ms } =
            posted;
        serde_json::json!([posting_id, external_ref, now_ms, request_id, connector, key, effect_id, fence])
    };
    serde_json::to_string(&all.iter().map(row).collect::<Vec<_>>())
        .map_err(|error| StoreError::Misfit { table: "posting", what: error.to_string() })
}
