//! The hand between the plugin and its services: disturbs the host calls that a case names, and remembers what was called and
//! logged. Decides nothing about right and wrong.

use remitd_host::{Step, Tamper};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Which host calls of a job are disturbed.
#[derive(Debug, Clone, Default)]
pub(crate) enum Script {
    #[default]
    Calm,
    /// The nth of the job, from 1.
    Nth(u32, Step),
    /// Every call of this name.
    Named(&'static str, Step),
}

/// Log lines that are kept of one world.
const LINES_MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Hand {
    script: Mutex<Script>,
    called: Mutex<Vec<&'static str>>,
    lines: Mutex<Vec<String>>,
    stalled: Notify,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hand {
    pub fn disturb(&self, script: Script) {
        *locked(&self.script) = script;
    }

    pub fn calm(&self) {
        self.disturb(Script::Calm);
    }

    /// The names of the host calls since it was asked last.
    pub fn take_called(&self) -> Vec<&'static str> {
        std::mem::take(&mut locked(&self.called))
    }

    /// The log lines since it was asked last.
    pub fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.lines))
    }

    /// Until a call stalls.
    pub async fn until_stalled(&self) {
        self.stalled.notified().await;
    }
}

impl Tamper for Hand {
    fn step(&self, nth: u32, call: &'static str) -> Step {
        locked(&self.called).push(call);
        let step = match &*locked(&self.script) {
            Script::Nth(at, step) if *at == nth => step.clone(),
            Script::Named(name, step) if *name == call => step.clone(),
            _ => Step::Pass,
        };
        if step == Step::Stall {
            self.stalled.notify_one();
        }
        step
    }

    fn heard(&self, line: &str) {
        let mut lines = locked(&self.lines);
        if lines.len() < LINES_MOST {
            lines.push(line.to_owned());
        }
    }
}
