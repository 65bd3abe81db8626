//! Services that fail: each host call of each usual call in turn is answered with a failure. What comes of it must be true: passed on
//! with a class that lets the daemon do the right thing, or handled so that the work is done all the same.

use crate::act::{Act, Said};
use crate::bench::{Bench, Clean, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::evidence::Evidence;
use crate::hand::Script;
use crate::world::{Granted, Setup, World};
use remitd_host::{Failure, FailureClass, Step};

pub(super) const CASES: &[Case] = &[
    case!(
        "unavailable-stays-retriable",
        "Where a service is away, the call can be tried again later.",
        unavailable
    ),
    case!("denied-stays-denied", "Where a grant is missing, the operator is told so.", denied),
    case!(
        "invalid-is-passed-on",
        "Where a service refuses what it was given, the call does not claim to be done.",
        invalid
    ),
    case!(
        "unknown-outcome-is-passed-on",
        "Where a change may have happened, the call says so or asks.",
        unknown
    ),
    case!("broken-service-is-no-success", "Where a service breaks, the call does not claim to be done.", bug),
    case!("nothing-granted", "Without any grant it changes nothing and says denied.", nothing_granted),
    case!("outside-away", "With every peer away it says unavailable.", outside_away),
];

/// Calls that change something outside.
const CHANGING: [&str; 7] = [
    "sql.transact",
    "sql-once.write",
    "http.send",
    "smtp.send",
    "maildir.put",
    "outbox.stage",
    "outbox.release",
];
const RETRY_AFTER_S: u32 = 7;

async fn unavailable(bench: &Bench) -> Tried {
    refuse_each(bench, FailureClass::Unavailable).await
}

async fn denied(bench: &Bench) -> Tried {
    refuse_each(bench, FailureClass::Denied).await
}

async fn invalid(bench: &Bench) -> Tried {
    refuse_each(bench, FailureClass::Invalid).await
}

async fn unknown(bench: &Bench) -> Tried {
    refuse_each(bench, FailureClass::UnknownOutcome).await
}

async fn bug(bench: &Bench) -> Tried {
    refuse_each(bench, FailureClass::Bug).await
}

/// One disturbed call.
struct Trial<'a> {
    act: &'a Act,
    clean: &'a Clean,
    nth: u32,
    call: &'static str,
    class: FailureClass,
}

async fn refuse_each(bench: &Bench, class: FailureClass) -> Tried {
    let mut tried = 0;
    for (act, clean) in bench.acts().await? {
        let mut kept = None;
        for (nth, call) in clean.fallible() {
            tried += 1;
            // What only reads leaves its world as it was.
            let world = match kept.take() {
                Some(world) if !clean.changes() => world,
                _ => bench.staged(&act).await?,
            };
            Trial { act: &act, clean: &clean, nth, call, class }.play(&world).await?;
            kept = Some(world);
        }
    }
    if tried == 0 { Err(skipped("it makes no host call that can fail")) } else { Ok(()) }
}

impl Trial<'_> {
    async fn play(&self, world: &World) -> Tried {
        let refusal = Failure::new(self.class, "kit-refused", "the kit refuses this call");
        let refusal = match self.class {
            FailureClass::Unavailable => Failure { retry_after_s: Some(RETRY_AFTER_S), ..refusal },
            _ => refusal,
        };
        world.hand.disturb(Script::Nth(self.nth, Step::Refuse(refusal)));
        let said = self.act.play(world, world.job(KEY)).await?;
        world.hand.calm();
        let called = world.hand.take_called();
        let went_on = called.len() > usize::try_from(self.nth).unwrap_or(usize::MAX);
        let now = Evidence::of(world, KEY).await?;
        if self.class != FailureClass::Bug {
            unbroken(&said, &self.doing())?;
        }
        match said {
            Ok(answer) => self.judge_success(&answer, &now),
            Err(failure) => self.judge_failure(&failure, now != self.clean.before, went_on),
        }
    }

    fn doing(&self) -> String {
        let Trial { act, nth, call, .. } = self;
        let class = format!("{:?}", self.class);
        format!("when host call {nth} of {} ({call}) fails with class {class}", act.name)
    }

    /// Success is true where all was done as in a clean run.
    fn judge_success(&self, answer: &str, now: &Evidence) -> Tried {
        if self.clean.changes() {
            return match now.difference(&self.clean.after, self.clean.steady) {
                None => Ok(()),
                Some(difference) => Err(failed(format!(
                    "{}, it answers as if all were done, and it is not: {difference}. Pass the failure on",
                    self.doing()
                ))),
            };
        }
        let same = self.clean.said.as_deref() == Ok(answer) || !self.clean.same_answer;
        hold(same, || {
            format!(
                "{}, it gives an answer all the same, and another one than usual: {}. Pass the failure on",
                self.doing(),
                crate::case::cut(answer)
            )
        })
    }

    fn judge_failure(&self, failure: &Failure, changed: bool, went_on: bool) -> Tried {
        use FailureClass::{Bug, Denied, Invalid, Unavailable, UnknownOutcome};
        let unknown_is_true = changed && failure.class == UnknownOutcome;
        let changing = self.clean.changes() && CHANGING.contains(&self.call);
        let fits = match self.class {
            Unavailable => failure.class == Unavailable,
            Denied => failure.class == Denied,
            // Whoever asked afterwards may know better.
            UnknownOutcome if changing => failure.class == UnknownOutcome || went_on,
            Invalid | UnknownOutcome | Bug => true,
        };
        hold(fits || unknown_is_true, || {
            format!("{}, it ends with {}: pass the failure on with its class", self.doing(), shown(failure))
        })
    }
}

async fn nothing_granted(bench: &Bench) -> Tried {
    let mut tried = 0;
    for (act, clean) in bench.acts().await? {
        if !uses_outside(&clean) {
            continue;
        }
        tried += 1;
        let world = bench.world(&Setup { granted: Granted::Nothing, ..Setup::default() }).await?;
        let before = Evidence::of(&world, KEY).await?;
        let said = act.play(&world, world.job(KEY)).await?;
        unbroken(&said, &format!("without grants, in {}", act.name))?;
        expect(&said, FailureClass::Denied, &format!("without grants, {}", act.name))?;
        hold(Evidence::of(&world, KEY).await? == before, || "something changed without a grant".to_owned())?;
    }
    if tried == 0 { Err(skipped("it uses nothing that is granted")) } else { Ok(()) }
}

async fn outside_away(bench: &Bench) -> Tried {
    let mut tried = 0;
    for (act, clean) in bench.acts().await? {
        if !uses_outside(&clean) {
            continue;
        }
        tried += 1;
        let mut world = bench.staged(&act).await?;
        world.take_away().await?;
        let said = act.play(&world, world.job(KEY)).await?;
        unbroken(&said, &format!("with every peer away, in {}", act.name))?;
        expect(&said, FailureClass::Unavailable, &format!("with every peer away, {}", act.name))?;
    }
    if tried == 0 { Err(skipped("it talks to nobody outside")) } else { Ok(()) }
}

fn uses_outside(clean: &Clean) -> bool {
    clean.called.iter().any(|call| CHANGING.contains(call) || *call == "sql.query")
}

fn expect(said: &Said, class: FailureClass, what: &str) -> Result<(), Ended> {
    match said {
        Err(failure) if failure.class == class => Ok(()),
        Err(failure) => {
            Err(failed(format!("{what} ends with {}: pass the host's failure on as it is", shown(failure))))
        }
        Ok(answer) => Err(failed(format!(
            "{what} answers {}, although nobody can have told it so: pass the host's failure on",
            crate::case::cut(answer)
        ))),
    }
}
