//! The threads that guests run on, and the way of a job to them and of its answer back. Owns two runtimes: a job begins on the
//! quick threads, and one that is still computing after a whole tick goes on among its like, on threads that step back before
//! others. So a loop, a memory bomb and a file of a million rows stand behind every short call.
//!
//! Invariant: no guest ever runs on a thread of the daemon's.

use crate::error::HostError;
use crate::job::JobState;
use crate::ledger::Ledger;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::task::Poll;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::task::AbortHandle;
use wasmtime::{AsContext, AsContextMut, Store, StoreContext, StoreContextMut};

/// How far the threads of long jobs step back: far enough that a short call never waits for the rest of a long one's turn (at 5
/// it does, at 10 no more), and not so far that a busy machine starves an honest import: it keeps a thirtieth of a processor
/// that another thread wants whole, where the last step, 19, would leave a seventieth.
const LONG_NICE: i32 = 15;

/// Why there is no answer.
pub(crate) enum Stopped {
    Panicked,
    Cancelled,
}

/// Where a job begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    Quick,
    /// Its plugin was stopped the last time.
    Long,
}

pub(crate) struct Threads {
    /// Each running job holds one, also among the long ones: its timers and connections live here.
    quick: Arc<Shut>,
    long: Shut,
}

impl Threads {
    pub(crate) fn start(threads: usize) -> Result<Threads, HostError> {
        let runtime = |builder: &mut Builder| {
            builder.worker_threads(threads.max(1)).enable_all().build().map_err(HostError::Runtime)
        };
        let quick = runtime(Builder::new_multi_thread().thread_name("guest"))?;
        let long = runtime(Builder::new_multi_thread().thread_name("guest-long").on_thread_start(step_back))?;
        Ok(Threads { quick: Arc::new(Shut::new(quick)), long: Shut::new(long) })
    }

    pub(crate) fn inside<T>(&self, open: impl FnOnce() -> T) -> T {
        let _inside = self.quick.handle.enter();
        open()
    }

    /// Gives what `work` gives, and drops `after` once that is handed over. Dropping the returned future stops the work.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        (begins, ledger): (Begins, Arc<Ledger>),
        after: impl Send + 'static,
    ) -> Result<T, Stopped> {
        let (give, answer) = oneshot::channel();
        let running = Arc::clone(&self.quick);
        let work = async move {
            // A caller that went away needs no answer.
            let _ = give.send(work.await);
            drop(after);
            drop(running);
        };
        let task = match begins {
            Begins::Quick => self.quick.handle.spawn(by_turns(work, ledger, self.long.handle.clone())),
            Begins::Long => self.long.handle.spawn(work),
        };
        let _stop = StopOnDrop(task.abort_handle());
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(match task.await {
                Err(gone) if gone.is_panic() => Stopped::Panicked,
                _ => Stopped::Cancelled,
            }),
        }
    }
}

/// Polls `work` here until it has used up a tick, then among the long jobs.
async fn by_turns(work: impl Future<Output = ()> + Send + 'static, ledger: Arc<Ledger>, long: Handle) {
    let mut work = Box::pin(work);
    let ended = poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending if ledger.ticked() => Poll::Ready(false),
        Poll::Pending => Poll::Pending,
    });
    if ended.await {
        return;
    }
    let task = long.spawn(work);
    let _stop = StopOnDrop(task.abort_handle());
    if let Err(gone) = task.await
        && gone.is_panic()
    {
        std::panic::resume_unwind(gone.into_panic());
    }
}

fn step_back() {
    // Where the kernel does not allow it, long jobs are as quick as the others.
    let _ = rustix::process::setpriority_process(None, LONG_NICE);
}

/// A store that is lent to one job's call. It is dropped by whoever lent it, after the answer has been handed over, so that no
/// caller waits for the tidying; the job's place is given back after that.
pub struct Lent(OwnedMutexGuard<Store<JobState>>);

impl Lent {
    pub(crate) async fn out(store: Store<JobState>) -> (Lent, Arc<Mutex<Store<JobState>>>) {
        let home = Arc::new(Mutex::new(store));
        (Lent(Arc::clone(&home).lock_owned().await), home)
    }
}

impl Deref for Lent {
    type Target = Store<JobState>;
    fn deref(&self) -> &Store<JobState> {
        &self.0
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Store<JobState> {
        &mut self.0
    }
}

impl AsContext for Lent {
    type Data = JobState;
    fn as_context(&self) -> StoreContext<'_, JobState> {
        self.0.as_context()
    }
}

impl AsContextMut for Lent {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, JobState> {
        self.0.as_context_mut()
    }
}

/// Stops a task whose caller went away.
struct StopOnDrop(AbortHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A runtime that ends without waiting: it may be dropped where waiting is forbidden.
struct Shut {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Shut {
    fn new(runtime: Runtime) -> Shut {
        Shut { handle: runtime.handle().clone(), runtime: Some(runtime) }
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
