//! Where a job runs: on its caller's thread while it is short; once it has computed for a whole tick, among its like, on threads
//! that step back before others. So a short call pays for no way to another thread and back, and a loop, a memory bomb and a file
//! of a million rows stand behind every short call.
//!
//! Invariant: a guest holds a thread of the daemon's for at most two ticks at a time and five in all. What gives no way before its end is
//! apart: a host call's own work, and one instruction that fills or copies memory. A plugin whose job held a thread for longer so
//! begins its next ones elsewhere.

use crate::error::HostError;
use crate::ledger::Ledger;
use crate::limits::TICK_MS;
use futures_util::FutureExt;
use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How far the threads of long jobs step back: far enough that a short call never waits for the rest of a long one's turn (at 5
/// it does, at 10 no more), and not so far that a busy machine starves an honest import: it keeps a thirtieth of a processor
/// that another thread wants whole, where the last step, 19, would leave a seventieth.
const LONG_NICE: i32 = 15;
/// Begun in the midst of one tick, a guest yields at the end of the next.
const STAY_MOST: Duration = Duration::from_millis(2 * TICK_MS);
/// Small pieces of work, as many host calls make them, are a long job too.
const STAY_MOST_IN_ALL: Duration = Duration::from_millis(5 * TICK_MS);

/// Why there is no answer.
pub(crate) enum Stopped {
    Panicked,
    Cancelled,
}

/// Where a job begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    /// On its caller's thread.
    Here,
    /// Among the long ones.
    There,
}

pub(crate) struct Threads {
    long: Shut,
}

impl Threads {
    pub(crate) fn start(threads: usize) -> Result<Threads, HostError> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads.max(1)).thread_name("guest").on_thread_start(step_back);
        // Timers and sockets belong to the caller's runtime, so this one has neither.
        Ok(Threads { long: Shut::new(builder.build().map_err(HostError::Runtime)?) })
    }

    /// Gives what `work` gives. Dropping the returned future stops the work.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        begins: Begins,
        ledger: &Ledger,
    ) -> Result<T, Stopped> {
        let mut work = Box::pin(AssertUnwindSafe(work).catch_unwind());
        if begins == Begins::Here
            && let Some(ended) = here(work.as_mut(), ledger).await
        {
            return ended.map_err(|_| Stopped::Panicked);
        }
        let task = self.long.handle.spawn(There { home: Handle::current(), work: Some(work) });
        let _stop = StopOnDrop(task.abort_handle());
        match task.await {
            Ok(ended) => ended.map_err(|_| Stopped::Panicked),
            Err(_) => Err(Stopped::Cancelled),
        }
    }
}

/// Work on a thread of another runtime. Its timers and connections live where they did before, so that they outlive it, and so that no
/// other job's wait behind long ones; also those by which its end tidies up.
struct There<F> {
    home: Handle,
    work: Option<Pin<Box<F>>>,
}

impl<F: Future<Output = Ended<T>>, T> Future for There<F> {
    type Output = Ended<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended<T>> {
        let There { home, work } = &mut *self;
        let _home = home.enter();
        match work {
            Some(work) => work.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for There<F> {
    fn drop(&mut self) {
        let _home = self.home.enter();
        drop(self.work.take());
    }
}

/// What work comes to.
type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// Polls on this thread until there is an answer; none where the rest is better done elsewhere.
async fn here<T>(mut work: Pin<&mut impl Future<Output = Ended<T>>>, ledger: &Ledger) -> Option<Ended<T>> {
    let mut stayed = Duration::ZERO;
    poll_fn(|context| {
        let began = Instant::now();
        let polled = work.as_mut().poll(context);
        let took = began.elapsed();
        stayed += took;
        if took > STAY_MOST {
            ledger.note_overstay();
        }
        match polled {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if ledger.ticked() || ledger.overstayed() || stayed > STAY_MOST_IN_ALL => {
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn step_back() {
    // Where the kernel does not allow it, long jobs are as quick as the others.
    let _ = rustix::process::setpriority_process(None, LONG_NICE);
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread::{self, ThreadId};
    use tokio::task::yield_now;

    /// Where a job is at first, and where it ends.
    type Way = (ThreadId, ThreadId);

    async fn way(between: impl FnOnce()) -> Way {
        let first = thread::current().id();
        between();
        yield_now().await;
        (first, thread::current().id())
    }

    /// As the host does over a large answer, without a chance to give way.
    fn hold() {
        let began = Instant::now();
        while began.elapsed() < 2 * STAY_MOST {}
    }

    async fn run(begins: Begins, between: impl FnOnce(&Ledger) + Send + 'static) -> (Way, Arc<Ledger>) {
        let (threads, ledger) = (Threads::start(1).unwrap(), Arc::new(Ledger::new(0)));
        let its = Arc::clone(&ledger);
        let ended = threads.run(async move { way(|| between(&its)).await }, begins, &ledger).await;
        (ended.ok().expect("it ends"), ledger)
    }

    #[tokio::test]
    async fn only_a_long_job_goes_elsewhere() {
        let here = thread::current().id();
        let (short, ledger) = run(Begins::Here, |_| {}).await;
        assert_eq!(short, (here, here));
        assert!(!ledger.overstayed());
        let (computes, ledger) = run(Begins::Here, Ledger::note_tick).await;
        assert!(computes.0 == here && computes.1 != here, "{computes:?}");
        assert!(!ledger.overstayed());
        let (holds, ledger) = run(Begins::Here, |_| hold()).await;
        assert!(holds.0 == here && holds.1 != here, "{holds:?}");
        assert!(ledger.overstayed());
        let (long, ledger) = run(Begins::There, |_| hold()).await;
        assert!(long.0 != here && long.1 != here, "{long:?}");
        assert!(!ledger.overstayed(), "it held nobody's thread");
    }

    /// As a connection is closed when its job goes: with a deadline.
    struct TidiesUp(tokio::sync::mpsc::UnboundedSender<()>);

    #[allow(clippy::disallowed_methods, reason = "the test awaits its end")]
    impl Drop for TidiesUp {
        fn drop(&mut self) {
            let say = self.0.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let _ = say.send(());
            });
        }
    }

    #[tokio::test]
    async fn a_job_that_is_dropped_tidies_up_at_home() {
        let threads = Threads::start(1).unwrap();
        for begins in [Begins::Here, Begins::There] {
            let (say, mut heard) = tokio::sync::mpsc::unbounded_channel();
            let (run, mut runs) = tokio::sync::mpsc::unbounded_channel();
            let work = async move {
                let _tidies = TidiesUp(say);
                let _ = run.send(());
                std::future::pending::<()>().await;
            };
            let ledger = Ledger::new(0);
            tokio::select! {
                _ = threads.run(work, begins, &ledger) => panic!("it ended"),
                Some(()) = runs.recv() => {}
            }
            assert_eq!(heard.recv().await, Some(()), "{begins:?}");
        }
    }

    #[tokio::test]
    async fn a_panic_stays_with_its_job() {
        let threads = Threads::start(1).unwrap();
        for begins in [Begins::Here, Begins::There] {
            let ended = threads.run(async { panic!("on purpose") }, begins, &Ledger::new(0)).await;
            assert!(matches!(ended, Err::<(), _>(Stopped::Panicked)));
        }
    }
}
