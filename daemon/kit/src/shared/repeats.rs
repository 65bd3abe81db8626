//! The same again, and several at once.

use crate::act::Repeats;
use crate::bench::{Bench, KEY};
use crate::case::{Case, Tried, case, failed, hold, skipped, unbroken};
use crate::evidence::Evidence;

pub(super) const CASES: &[Case] = &[
    case!("twice-is-once", "The same job twice is one thing outside, and both attempts succeed.", twice),
    case!("same-question-same-answer", "The same question twice has the same answer.", same_answer),
    case!("at-once-is-once", "The same job from two sides at the same time is one thing outside.", at_once),
    case!("questions-have-no-key", "A question has the same answer under another job.", two_keys),
    case!("instances-share-nothing", "Two plugins of the same component do not know of each other.", apart),
];

const OTHER_KEY: &str = "kit-0c41ee72-0009";

async fn twice(bench: &Bench) -> Tried {
    let mut tried = 0;
    for (act, clean) in bench.acts().await? {
        if !clean.changes() || act.repeats == Repeats::Never {
            continue;
        }
        tried += 1;
        let world = bench.staged(&act).await?;
        for attempt in ["the first time", "the second time"] {
            let said = act.play(&world, world.job(KEY)).await?;
            if let Err(failure) = said {
                let why = crate::case::shown(&failure);
                return Err(failed(format!(
                    "{} {attempt} ends with {why}: what is done already is a success",
                    act.name
                )));
            }
        }
        let now = Evidence::of(&world, KEY).await?;
        if let Some(difference) = now.difference(&clean.after, clean.steady) {
            return Err(failed(format!(
                "{} twice with the same key: {difference}. Look for the key before doing it, and write it in the same step",
                act.name
            )));
        }
    }
    if tried == 0 { Err(skipped("it changes nothing outside that it promises to do once")) } else { Ok(()) }
}

async fn same_answer(bench: &Bench) -> Tried {
    let mut tried = 0;
    for (act, clean) in bench.acts().await? {
        if clean.changes() {
            continue;
        }
        tried += 1;
        let world = bench.staged(&act).await?;
        let first = act.play(&world, world.job(KEY)).await?;
        let second = act.play(&world, world.job(KEY)).await?;
        hold(first == second, || {
            let (first, second) = (format!("{first:?}"), format!("{second:?}"));
            let (first, second) = (crate::case::cut(&first), crate::case::cut(&second));
            format!("{} answers {first} and then {second}, though nothing changed", act.name)
        })?;
    }
    if tried == 0 { Err(skipped("all its calls change something")) } else { Ok(()) }
}

async fn at_once(bench: &Bench) -> Tried {
    let mut tried = 0;
    for (act, clean) in bench.acts().await? {
        if !clean.changes() || act.repeats == Repeats::Never {
            continue;
        }
        tried += 1;
        let world = bench.staged(&act).await?;
        let (one, other) = tokio::join!(act.play(&world, world.job(KEY)), act.play(&world, world.job(KEY)));
        let (one, other) = (one?, other?);
        for said in [&one, &other] {
            unbroken(said, &format!("with {} from two sides at once", act.name))?;
        }
        hold(one.is_ok() || other.is_ok(), || {
            format!("{} from two sides at once: neither succeeds", act.name)
        })?;
        let now = Evidence::of(&world, KEY).await?;
        if let Some(difference) = now.difference(&clean.after, clean.steady) {
            return Err(failed(format!(
                "{} from two sides at once: {difference}. Let the database or the provider refuse the second of a key",
                act.name
            )));
        }
    }
    if tried == 0 { Err(skipped("it changes nothing outside that it promises to do once")) } else { Ok(()) }
}

async fn two_keys(bench: &Bench) -> Tried {
    let mut tried = 0;
    for (act, clean) in bench.acts().await? {
        if clean.changes() {
            continue;
        }
        tried += 1;
        let world = bench.staged(&act).await?;
        let one = act.play(&world, world.job(KEY)).await?;
        let other = act.play(&world, world.job(OTHER_KEY)).await?;
        hold(one == other || !clean.same_answer, || {
            format!("{} answers otherwise under another key: a question does not depend on its job", act.name)
        })?;
    }
    if tried == 0 { Err(skipped("all its calls change something")) } else { Ok(()) }
}

async fn apart(bench: &Bench) -> Tried {
    for (act, clean) in bench.acts().await? {
        let (one, other) = (bench.staged(&act).await?, bench.staged(&act).await?);
        let (first, second) = tokio::join!(act.play(&one, one.job(KEY)), act.play(&other, other.job(KEY)));
        let (first, second) = (first?, second?);
        hold(!clean.same_answer || (first == clean.said && second == clean.said), || {
            format!("{} answers otherwise when another instance runs beside it", act.name)
        })?;
        for world in [&one, &other] {
            let now = Evidence::of(world, KEY).await?;
            if let Some(difference) = now.difference(&clean.after, clean.steady) {
                return Err(failed(format!("{} beside another instance: {difference}", act.name)));
            }
        }
    }
    Ok(())
}
