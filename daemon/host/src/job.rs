//! One job: what its guest may reach while it runs, and how its time is counted.

use crate::failure::Ended;
use crate::grants::Charter;
use crate::keep::{Keep, Note};
use crate::ledger::{Ledger, Usage};
use crate::limits::{Limits, MemoryCap};
use crate::reach::{Opened, ReadAhead};
use crate::tamper::{Step, Tamper};
use crate::wit::types::{Failure, FailureClass};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;

/// Left to the guest for its answer after the last service gave up.
const GRACE: Duration = Duration::from_millis(250);
/// Refusals of one job that go into the trail: a flood of them says no more than the first.
const NOTES_MOST: usize = 16;
/// The same of one plugin, until it is loaded anew.
const NOTES_A_PLUGIN_MOST: u32 = 500;

/// Which job, and for how long.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// The daemon's id of the job, for logs.
    pub job: String,
    /// The idempotency key: the same for every attempt.
    pub key: String,
    /// Wall time, where it is not the usual.
    pub wall_ms: Option<u64>,
    /// It is known to compute for long, or its services may hold the thread, as those that read a file.
    pub long: bool,
    /// Whether its end says something of how the plugin works.
    pub stands: Stands,
    /// Where it reads a page of a list: what is read ahead of it.
    pub ahead: Option<ReadAhead>,
    /// Filled in when the job has ended, for whoever wants to know what it took.
    pub usage: Option<Arc<Usage>>,
}

impl JobSpec {
    pub fn new(job: impl Into<String>, key: impl Into<String>) -> JobSpec {
        JobSpec {
            job: job.into(),
            key: key.into(),
            wall_ms: None,
            long: false,
            stands: Stands::Counted,
            ahead: None,
            usage: None,
        }
    }
}

/// What all jobs of a host share.
pub(crate) struct Surroundings {
    pub limits: Limits,
    pub opened: Opened,
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub zone: chrono_tz::Tz,
    pub keep: Arc<dyn Keep>,
    pub tamper: Option<Arc<dyn Tamper>>,
    /// Counts the epochs.
    pub ticks: Arc<AtomicU64>,
}

/// The store's data: everything that host functions see of their job.
pub struct JobState {
    pub(crate) charter: Arc<Charter>,
    pub(crate) around: Arc<Surroundings>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) memory: MemoryCap,
    pub(crate) job: String,
    pub(crate) deadline: Instant,
    pub(crate) log_lines: u32,
    pub(crate) ahead: Option<ReadAhead>,
    /// Who listens to the lines.
    pub(crate) usage: Option<Arc<Usage>>,
    table: ResourceTable,
    host_calls: u32,
    noted: Vec<String>,
    pub(crate) applies: u32,
    guest_ticks: u64,
    tick_was_ours: bool,
}

/// Whether a job's end counts when a plugin is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    Counted,
    /// What a plugin is asked beside its work: that it answers well says nothing of the work.
    Beside,
    /// What anybody outside can send it: nobody may have it set aside by that.
    Outside,
}

/// A host call in progress; see [`JobState::enter`].
#[must_use]
pub struct Mark {
    tick: u64,
    /// Before anything is done.
    instead: Option<Failure>,
    lost: Option<Failure>,
    ends: bool,
    stalls: bool,
}

/// The whole of a host function: counted, interposed, its refusal noted, its time not charged to the guest.
#[macro_export]
macro_rules! serve {
    ($state:expr, $call:literal, $answer:expr) => {{
        let mut mark = $state.enter($call)?;
        let answer = match mark.instead().await {
            Some(failure) => Err(failure.into()),
            None => $answer,
        };
        $state.answered(mark, answer)
    }};
}

impl Mark {
    /// What is answered in place of the service.
    pub async fn instead(&mut self) -> Option<Failure> {
        if self.stalls {
            return std::future::pending().await;
        }
        self.instead.take()
    }
}

impl JobState {
    pub(crate) fn new(
        charter: Arc<Charter>,
        around: Arc<Surroundings>,
        ledger: Arc<Ledger>,
        job: String,
        deadline: Instant,
    ) -> JobState {
        let memory = MemoryCap::new(around.limits.memory_bytes, Arc::clone(&ledger));
        JobState {
            charter,
            around,
            ledger,
            memory,
            job,
            deadline,
            log_lines: 0,
            ahead: None,
            usage: None,
            table: ResourceTable::new(),
            host_calls: 0,
            noted: Vec::new(),
            applies: 0,
            guest_ticks: 0,
            tick_was_ours: false,
        }
    }

    /// Resources that the host lends to the guest.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// Begins a host call: counts it, and ends the guest when there were too many. Every host function calls this first and
    /// [`JobState::leave`] or [`JobState::answered`] last; [`serve!`] does both.
    pub fn enter(&mut self, call: &'static str) -> wasmtime::Result<Mark> {
        let most = self.around.limits.host_calls;
        if self.host_calls >= most {
            return Err(Ended::HostCalls(most).into());
        }
        self.host_calls += 1;
        self.ledger.note_call();
        let mut mark = Mark {
            tick: self.around.ticks.load(Ordering::Relaxed),
            instead: None,
            lost: None,
            ends: false,
            stalls: false,
        };
        if let Some(tamper) = &self.around.tamper {
            match tamper.step(self.host_calls, call) {
                Step::Pass => {}
                Step::Refuse(failure) => mark.instead = Some(failure),
                Step::Lose(failure) => mark.lost = Some(failure),
                Step::Stall => mark.stalls = true,
                Step::CrashBefore => return Err(Ended::Crashed.into()),
                Step::CrashAfter => mark.ends = true,
            }
        }
        Ok(mark)
    }

    /// Ends a host call, so that its time is not charged to the guest.
    pub fn leave(&mut self, mark: Mark) {
        let ticks = self.around.ticks.load(Ordering::Relaxed).saturating_sub(mark.tick);
        self.ledger.note_called(ticks);
        if ticks > 0 {
            self.tick_was_ours = true;
        }
    }

    /// Ends a host call that may have been refused: a refusal goes into the trail.
    pub fn answered<T, E: From<Failure> + AsRef<Failure>>(
        &mut self,
        mut mark: Mark,
        answer: Result<T, E>,
    ) -> wasmtime::Result<Result<T, E>> {
        if let Err(error) = &answer
            && error.as_ref().class == FailureClass::Denied
        {
            self.note(error.as_ref());
        }
        let (lost, ends) = (mark.lost.take(), mark.ends);
        self.leave(mark);
        if ends {
            return Err(Ended::Crashed.into());
        }
        Ok(match lost {
            Some(failure) => Err(failure.into()),
            None => answer,
        })
    }

    /// Writes a refusal down, once a job for the same words.
    fn note(&mut self, failure: &Failure) {
        // It repeats what the guest asked for, which may be long, or look like more lines than one.
        let failure = failure.clone().bounded();
        if self.noted.len() >= NOTES_MOST || self.noted.contains(&failure.message) {
            return;
        }
        self.noted.push(failure.message.clone());
        // Whatever anybody sends it, a plugin does not push the rest of the trail out of sight.
        if self.charter.noted.fetch_add(1, Ordering::Relaxed) >= NOTES_A_PLUGIN_MOST {
            return;
        }
        let note = Note {
            plugin: self.charter.plugin.clone(),
            sha256: self.charter.sha256.clone(),
            job: self.job.clone(),
            what: "refused",
            code: failure.code,
            message: failure.message,
        };
        tracing::warn!(
            plugin = note.plugin,
            job = note.job,
            code = note.code,
            "a plugin was refused: {}",
            note.message
        );
        self.around.keep.note(note);
    }

    /// Counts what went through a host call.
    pub fn carry(&self, bytes: usize) {
        self.ledger.carry(bytes);
    }

    /// The epoch moved while the guest ran: one tick is the guest's, unless it fell into a host call.
    pub(crate) fn charge_tick(&mut self, tick_ms: u64) -> Result<(), Ended> {
        if std::mem::take(&mut self.tick_was_ours) {
            return Ok(());
        }
        self.ledger.note_tick();
        self.guest_ticks += 1;
        let most = self.around.limits.guest_ms;
        if self.guest_ticks.saturating_mul(tick_ms) > most {
            return Err(Ended::GuestTime(most));
        }
        Ok(())
    }

    /// Time that a service may still take.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).saturating_sub(GRACE)
    }
}
