//! Short changes that end at the same time, committed as one: a commit waits for the disk, however little it holds. Whoever's turn it
//! is takes along what stands ready by then; nobody waits for one that is still to come. No change is told as done before the commit
//! that holds it.

use crate::db::{Db, Tx};
use crate::error::StoreError;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// What one of them does in the transaction that they share.
pub(crate) type Change = Box<dyn for<'tx> Fn(&'tx mut Tx) -> Changing<'tx> + Send + Sync>;
pub type Changing<'tx> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'tx>>;

/// Changes of one commit.
const MOST: usize = 64;

struct Ready {
    change: Change,
    say: oneshot::Sender<Result<(), StoreError>>,
}

#[derive(Default)]
pub(crate) struct Together {
    ready: Mutex<Vec<Ready>>,
    turn: tokio::sync::Mutex<()>,
}

impl Together {
    /// Where another change of the same commit fails, this one is done anew in a transaction of its own: it must see by itself that it
    /// is done already, as the finish of a lease does.
    pub(crate) async fn commit(&self, db: &Db, change: Change) -> Result<(), StoreError> {
        let (say, mut told) = oneshot::channel();
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(Ready { change, say });
        loop {
            let turn = self.turn.lock().await;
            match told.try_recv() {
                Ok(said) => return said,
                // Whoever had it in hand is gone, and nothing is known of a commit.
                Err(oneshot::error::TryRecvError::Closed) => return Err(sqlx::Error::WorkerCrashed.into()),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            commit_all(db, self.take()).await;
            drop(turn);
        }
    }

    /// The oldest first.
    fn take(&self) -> Vec<Ready> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let most = ready.len().min(MOST);
        ready.drain(..most).collect()
    }
}

async fn commit_all(db: &Db, all: Vec<Ready>) {
    let shared = if all.len() > 1 { Some(commit_one(db, &all).await) } else { None };
    for ready in all {
        let done = match &shared {
            Some(Ok(())) => Ok(()),
            // The database is away, for each of them.
            Some(Err(error)) if error.may_pass() => Err(StoreError::Together(error.to_string())),
            Some(Err(_)) | None => commit_one(db, std::slice::from_ref(&ready)).await,
        };
        let _ = ready.say.send(done);
    }
}

async fn commit_one(db: &Db, changes: &[Ready]) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    for ready in changes {
        (ready.change)(&mut tx).await?;
    }
    tx.commit().await
}
