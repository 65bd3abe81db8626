//! The beat by which guests' time is counted. It beats while jobs run, and rests when none has for a while, so that an idle
//! daemon does not wake its processor five hundred times a second.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// Beats without a job before it rests: a job that comes soon after another need not wake it.
const IDLE_BEATS: u32 = 50;
/// The longest rest: then it looks whether its host is still there.
const REST: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Pulse {
    state: Mutex<State>,
    begun: Condvar,
}

#[derive(Default)]
struct State {
    jobs: u32,
    resting: bool,
}

impl Pulse {
    /// Calls `beat` once a period, on a thread of its own, until it is dropped.
    pub(crate) fn start(period: Duration, beat: impl Fn() + Send + 'static) -> std::io::Result<Arc<Pulse>> {
        let pulse = Arc::new(Pulse::default());
        let weak = Arc::downgrade(&pulse);
        std::thread::Builder::new().name("epoch".to_owned()).spawn(move || run(&weak, period, &beat))?;
        Ok(pulse)
    }

    /// A job runs until what is returned is dropped.
    pub(crate) fn beat(self: &Arc<Pulse>) -> Beating {
        let mut state = self.lock();
        state.jobs += 1;
        if state.resting {
            self.begun.notify_one();
        }
        drop(state);
        Beating(Arc::clone(self))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Beating(Arc<Pulse>);

impl Drop for Beating {
    fn drop(&mut self) {
        self.0.lock().jobs -= 1;
    }
}

fn run(pulse: &Weak<Pulse>, period: Duration, beat: &impl Fn()) {
    let mut idle = 0;
    let mut next = Instant::now();
    while let Some(pulse) = pulse.upgrade() {
        let mut state = pulse.lock();
        idle = if state.jobs == 0 { idle + 1 } else { 0 };
        if idle > IDLE_BEATS {
            state.resting = true;
            let waited = pulse.begun.wait_timeout_while(state, REST, |state| state.jobs == 0);
            waited.unwrap_or_else(PoisonError::into_inner).0.resting = false;
            continue;
        }
        // By the clock and not one after the other: a beat that comes late would make the guests' limit longer.
        let now = Instant::now();
        next = (next + period).max(now);
        let waited = pulse.begun.wait_timeout(state, next - now);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        beat();
    }
}
