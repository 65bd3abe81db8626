//! What all cases of one run share: the component, the fixture, and how each usual call goes when nothing disturbs it. Makes
//! worlds; judges nothing.

use super::ground::Ground;
use crate::act::{Act, Said, Usual};
use crate::case::Ended;
use crate::error::KitError;
use crate::evidence::Evidence;
use crate::fixture::Fixture;
use crate::peers::sqlite::Template;
use crate::report::Took;
use crate::world::{Setup, World};
use chrono::{DateTime, Utc};
use remitd_host::{Failure, Kind, Usage};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;

/// The time that a plugin is told.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The idempotency key of usual calls: long enough to be found in what was sent.
pub(crate) const KEY: &str = "kit-7f3a9c51-0001";

/// Host calls that can fail; the others (log, clock, random, settings) always answer.
const FALLIBLE: [&str; 17] = [
    "sql.query",
    "sql.transact",
    "sql-once.write",
    "http.send",
    "smtp.send",
    "maildir.put",
    "outbox.look",
    "outbox.stage",
    "outbox.release",
    "outbox.discard",
    "outbox.answer",
    "state.get",
    "state.scan",
    "state.apply",
    "byte-source.read",
    "sink.push",
    "sink.reject",
];
/// Signatures are named by their algorithm.
const FALLIBLE_GROUP: &str = "signature.";
/// Calls of one job that are disturbed: its first, and its last.
const FIRST_MOST: usize = 10;
const LAST_MOST: usize = 4;

pub(crate) struct Bench {
    pub kind: Kind,
    pub fixture: Fixture,
    pub clock: Clock,
    /// The component, compiled once; each world has a host of its own beside this one.
    pub ground: Ground,
    pub templates: Vec<Template>,
    pub record: Arc<Record>,
    usual: Usual,
    acts: OnceCell<Vec<(Act, Arc<Clean>)>>,
}

/// How a call goes undisturbed.
pub(crate) struct Clean {
    /// Its host calls in their order.
    pub called: Vec<&'static str>,
    pub said: Said,
    pub before: Evidence,
    pub after: Evidence,
    /// Whether two clean runs leave the same outside, and answer the same.
    pub steady: bool,
    pub same_answer: bool,
}

impl Clean {
    pub fn changes(&self) -> bool {
        self.before != self.after
    }

    /// Every host call as (nth, name), the midst of many left out.
    pub fn points(&self) -> Vec<(u32, &'static str)> {
        let all: Vec<_> = (1..).zip(self.called.iter().copied()).collect();
        let late = all.len().saturating_sub(LAST_MOST);
        all.into_iter()
            .enumerate()
            .filter(|(at, _)| *at < FIRST_MOST || *at >= late)
            .map(|(_, point)| point)
            .collect()
    }

    /// Those that can fail.
    pub fn fallible(&self) -> Vec<(u32, &'static str)> {
        let mut points = self.points();
        points.retain(|(_, name)| FALLIBLE.contains(name) || name.starts_with(FALLIBLE_GROUP));
        points
    }
}

impl Bench {
    pub async fn open(
        wasm: Vec<u8>,
        fixture: Fixture,
        cache: &Path,
        clock: Clock,
        usual: fn(Kind) -> Usual,
    ) -> Result<Bench, KitError> {
        // Whoever runs the kit may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut templates = Vec::new();
        for (name, sql) in &fixture.sql {
            templates.push(Template::make(name, fixture.file(&sql.script)).await?);
        }
        let record = Arc::<Record>::default();
        let clock = told_time(&fixture).map_or(clock, |now| Arc::new(move || now) as Clock);
        let ground = Ground::lay(wasm, cache, Arc::clone(&clock))?;
        let kind = ground.plugin.kind();
        let usual = usual(kind);
        Ok(Bench { kind, usual, fixture, clock, ground, templates, record, acts: OnceCell::new() })
    }

    pub async fn world(&self, setup: &Setup) -> Result<World, KitError> {
        World::make(self, setup).await
    }

    /// A world as the fixture has it.
    pub async fn fresh(&self) -> Result<World, KitError> {
        self.world(&Setup::default()).await
    }

    /// A world in which the act can be played.
    pub async fn staged(&self, act: &Act) -> Result<World, Ended> {
        let world = self.fresh().await?;
        act.prepare(&world).await?;
        Ok(world)
    }

    /// Every usual call, and how it goes undisturbed.
    pub async fn every(&self) -> Result<&[(Act, Arc<Clean>)], Ended> {
        let acts = self.acts.get_or_try_init(|| async {
            let mut all = Vec::new();
            for act in (self.usual.acts)(self).await? {
                let clean = self.clean(&act).await?;
                all.push((act, Arc::new(clean)));
            }
            Ok::<_, Ended>(all)
        });
        acts.await.map(Vec::as_slice)
    }

    /// Every usual call with `text` in its arguments.
    pub async fn hostile(&self, text: &str) -> Result<Vec<Act>, Ended> {
        (self.usual.hostile)(self, text).await
    }

    /// The usual calls that this plugin answers.
    pub async fn acts(&self) -> Result<Vec<(Act, Arc<Clean>)>, Ended> {
        Ok(self.every().await?.iter().filter(|(_, clean)| clean.said.is_ok()).cloned().collect())
    }

    /// Plays an act in two fresh worlds.
    async fn clean(&self, act: &Act) -> Result<Clean, Ended> {
        let world = self.staged(act).await?;
        let before = Evidence::of(&world, KEY).await?;
        let said = act.play(&world, world.job(KEY)).await?;
        let called = world.hand.take_called();
        let after = Evidence::of(&world, KEY).await?;
        let other = self.staged(act).await?;
        let again = act.play(&other, other.job(KEY)).await?;
        let steady = Evidence::of(&other, KEY).await? == after;
        Ok(Clean { called, same_answer: said == again, said, before, after, steady })
    }
}

/// The time that the fixture fixes.
fn told_time(fixture: &Fixture) -> Option<DateTime<Utc>> {
    let now = fixture.now.as_ref()?.to_string();
    DateTime::parse_from_rfc3339(&now).ok().map(|now| now.to_utc())
}

/// What was heard and used in the course of a run.
#[derive(Default)]
pub(crate) struct Record {
    usages: Mutex<Vec<Arc<Usage>>>,
    failures: Mutex<Vec<(String, Failure)>>,
}

/// Failures that are kept.
const FAILURES_MOST: usize = 2_000;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Record {
    pub fn usage(&self) -> Arc<Usage> {
        let usage = Arc::<Usage>::default();
        locked(&self.usages).push(Arc::clone(&usage));
        usage
    }

    pub fn heard(&self, act: &str, failure: &Failure) {
        let mut failures = locked(&self.failures);
        if failures.len() < FAILURES_MOST {
            failures.push((act.to_owned(), failure.clone()));
        }
    }

    pub fn failures(&self) -> Vec<(String, Failure)> {
        locked(&self.failures).clone()
    }

    /// What was used since it was asked last.
    pub fn take_usage(&self, wall: Duration) -> Took {
        let usages = std::mem::take(&mut *locked(&self.usages));
        let mut took = Took {
            wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
            calls: u64::try_from(usages.len()).unwrap_or(u64::MAX),
            ..Took::default()
        };
        for usage in usages {
            took.memory_bytes = took.memory_bytes.max(usage.memory_bytes.load(Ordering::Relaxed));
            took.carried_bytes += usage.carried_bytes.load(Ordering::Relaxed);
            took.host_calls += usage.host_calls.load(Ordering::Relaxed);
        }
        took
    }
}
