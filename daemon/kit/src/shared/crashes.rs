//! The same job again after a misfortune: whatever host call the first attempt ended at, the outside is in the end as after one
//! clean run.

use crate::act::{Act, Repeats};
use crate::bench::{Bench, Clean, KEY};
use crate::case::{Case, Ended, Tried, Trying, case, failed, hold, shown, skipped, unbroken};
use crate::evidence::Evidence;
use crate::hand::Script;
use crate::world::World;
use futures_util::{StreamExt, TryStreamExt, stream};
use remitd_host::{Failure, FailureClass, Step};

pub(super) const CASES: &[Case] = &[
    case!(
        "repeat-after-crash",
        "Ended before or after any host call, the same job again makes it one.",
        crashed
    ),
    case!(
        "repeat-after-lost-answer",
        "With the answer of any host call lost, the same job again makes it one.",
        lost
    ),
    case!(
        "repeat-after-deadline",
        "Stopped by its deadline at any host call, the same job again makes it one.",
        deadline
    ),
    case!(
        "repeat-after-cancel",
        "Dropped by the daemon at any host call, the same job again makes it one.",
        cancelled
    ),
];

/// A call that stalls is given so long. The daemon keeps a quarter of a second for the answer, so it must be more.
const STALL_MS: u64 = 300;
/// Worlds at once: stalls wait, and do nothing meanwhile.
const AT_ONCE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    CrashBefore,
    CrashAfter,
    Lost,
    Deadline,
    Cancel,
}

async fn crashed(bench: &Bench) -> Tried {
    each(bench, &[Blow::CrashBefore, Blow::CrashAfter]).await
}

async fn lost(bench: &Bench) -> Tried {
    each(bench, &[Blow::Lost]).await
}

async fn deadline(bench: &Bench) -> Tried {
    each(bench, &[Blow::Deadline]).await
}

async fn cancelled(bench: &Bench) -> Tried {
    each(bench, &[Blow::Cancel]).await
}

async fn each(bench: &Bench, blows: &[Blow]) -> Tried {
    let acts = bench.acts().await?;
    let mut trials = Vec::new();
    for (act, clean) in &acts {
        for (nth, call) in clean.points() {
            // Only what can fail waits for anything.
            let waits = clean.fallible().contains(&(nth, call));
            let fitting =
                blows.iter().filter(|blow| waits || matches!(blow, Blow::CrashBefore | Blow::CrashAfter));
            trials.extend(fitting.map(|blow| Trial { bench, act, clean, nth, call, blow: *blow }));
        }
    }
    if trials.is_empty() {
        return Err(skipped("it makes no host call at which it could be interrupted"));
    }
    let playing: Vec<Trying<'_>> =
        trials.iter().map(|trial| -> Trying<'_> { Box::pin(trial.play()) }).collect();
    stream::iter(playing).buffer_unordered(AT_ONCE).try_collect::<()>().await
}

struct Trial<'a> {
    bench: &'a Bench,
    act: &'a Act,
    clean: &'a Clean,
    nth: u32,
    call: &'static str,
    blow: Blow,
}

impl Trial<'_> {
    async fn play(&self) -> Tried {
        let world = self.bench.staged(self.act).await?;
        let first = self.interrupted(&world).await?;
        if let Some(said) = &first
            && !matches!(self.blow, Blow::CrashBefore | Blow::CrashAfter)
        {
            unbroken(said, &self.doing())?;
        }
        if self.act.repeats == Repeats::Never {
            return self.judge_held(&world, first.as_ref()).await;
        }
        let again = self.act.play(&world, world.job(KEY)).await?;
        let now = Evidence::of(&world, KEY).await?;
        if let Some(difference) = now.difference(&self.clean.after, self.clean.steady) {
            return Err(failed(format!(
                "{}, then the same job again: {difference}. Look for what the key has done already before doing it, and write the \
                 key in the same step",
                self.doing()
            )));
        }
        match again {
            Ok(answer) => self.judge_answer(&answer),
            Err(failure) => Err(failed(format!(
                "{}, then the same job again: it ends with {}. What is done already is a success",
                self.doing(),
                shown(&failure)
            ))),
        }
    }

    /// The first attempt; none where nobody waited for its end.
    async fn interrupted(&self, world: &World) -> Result<Option<Result<String, Failure>>, Ended> {
        let step = match self.blow {
            Blow::CrashBefore => Step::CrashBefore,
            Blow::CrashAfter => Step::CrashAfter,
            Blow::Lost => Step::Lose(Failure::unknown("kit-lost", "the kit lost the answer of this call")),
            Blow::Deadline | Blow::Cancel => Step::Stall,
        };
        world.hand.disturb(Script::Nth(self.nth, step));
        let mut job = world.job(KEY);
        if self.blow == Blow::Deadline {
            job.wall_ms = Some(STALL_MS);
        }
        let said = if self.blow == Blow::Cancel {
            tokio::select! {
                said = self.act.play(world, job) => Some(said?),
                () = world.hand.until_stalled() => None,
            }
        } else {
            Some(self.act.play(world, job).await?)
        };
        world.hand.calm();
        Ok(said)
    }

    fn doing(&self) -> String {
        let Trial { act, nth, call, blow, .. } = self;
        let what = match blow {
            Blow::CrashBefore => "the guest ended before",
            Blow::CrashAfter => "the guest ended after",
            Blow::Lost => "the answer lost of",
            Blow::Deadline => "the deadline passed in",
            Blow::Cancel => "the job dropped in",
        };
        format!("with {what} host call {nth} of {} ({call})", act.name)
    }

    fn judge_answer(&self, answer: &str) -> Tried {
        let same =
            self.clean.changes() || !self.clean.same_answer || self.clean.said.as_deref() == Ok(answer);
        hold(same, || {
            format!(
                "{}, then the same job again answers otherwise: {}",
                self.doing(),
                crate::case::cut(answer)
            )
        })
    }

    /// Where a repeat would be two, what has happened must not be called anything but unknown.
    async fn judge_held(&self, world: &World, first: Option<&Result<String, Failure>>) -> Tried {
        let changed = Evidence::of(world, KEY).await? != self.clean.before;
        let Some(Err(failure)) = first else { return Ok(()) };
        hold(!changed || failure.class == FailureClass::UnknownOutcome, || {
            format!(
                "{}, it ends with {}, although it has happened: that is unknown-outcome, or it would happen twice",
                self.doing(),
                shown(failure)
            )
        })
    }
}
