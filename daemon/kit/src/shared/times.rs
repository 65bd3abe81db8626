//! Clocks and random sources: odd times do no harm, and neither stands still.

use crate::act::Act;
use crate::bench::{Bench, Clean, KEY};
use crate::case::{Case, Ended, Tried, case, failed, skipped, unbroken};
use crate::evidence::Evidence;
use crate::tokens::{dates, randoms};
use crate::world::Setup;
use chrono::{DateTime, Days, Utc};

pub(super) const CASES: &[Case] = &[
    case!("at-the-epoch", "It works when the clock stands at 1 January 1970.", epoch),
    case!("on-a-leap-day", "It works on 29 February.", leap_day),
    case!("far-in-the-future", "It works in the year 2099.", future),
    case!(
        "clock-not-frozen",
        "Dates that it makes are the host's, not those of the day it was built.",
        clock_not_frozen
    ),
    case!(
        "random-not-frozen",
        "What it makes up by chance is not the same in each instance.",
        random_not_frozen
    ),
];

const EPOCH_MS: i64 = 0;
const LEAP_DAY_MS: i64 = 1_709_164_800_000;
const FUTURE_MS: i64 = 4_070_908_800_000;
const OTHER_KEY: &str = "kit-d2a9b1c7-0010";

async fn epoch(bench: &Bench) -> Tried {
    at(bench, EPOCH_MS).await
}

async fn leap_day(bench: &Bench) -> Tried {
    at(bench, LEAP_DAY_MS).await
}

async fn future(bench: &Bench) -> Tried {
    at(bench, FUTURE_MS).await
}

fn setup(at_ms: i64) -> Setup {
    Setup { at: DateTime::from_timestamp_millis(at_ms), ..Setup::default() }
}

async fn at(bench: &Bench, at_ms: i64) -> Tried {
    for (act, _) in bench.acts().await? {
        let world = bench.world(&setup(at_ms)).await?;
        act.prepare(&world).await?;
        let said = act.play(&world, world.job(KEY)).await?;
        unbroken(&said, &format!("at {:?}, in {}", DateTime::from_timestamp_millis(at_ms), act.name))?;
    }
    Ok(())
}

/// What a changing act leaves outside at a time and under a key.
async fn made(bench: &Bench, act: &Act, at_ms: i64, key: &str) -> Result<String, Ended> {
    let world = bench.world(&setup(at_ms)).await?;
    act.prepare(&world).await?;
    let before = Evidence::of(&world, key).await?;
    // Where it fails, the cases above say so.
    let _ = act.play(&world, world.job(key)).await?;
    let mut new = Evidence::of(&world, key).await?.beyond(&before).join("\n");
    for server in &world.servers {
        for seen in server.seen() {
            new.push_str(&format!("\n{:?} {}", seen.headers, String::from_utf8_lossy(&seen.body)));
        }
    }
    Ok(new)
}

async fn changing(bench: &Bench) -> Result<Vec<(Act, std::sync::Arc<Clean>)>, Ended> {
    let mut acts = bench.acts().await?;
    acts.retain(|(_, clean)| clean.changes() || clean.called.contains(&"http.send"));
    if acts.is_empty() { Err(skipped("it changes nothing outside")) } else { Ok(acts) }
}

/// Dates that both worlds have, near neither clock, and that the kit or the fixture did not bring.
async fn clock_not_frozen(bench: &Bench) -> Tried {
    for (act, clean) in changing(bench).await? {
        let one = made(bench, &act, LEAP_DAY_MS, KEY).await?;
        let other = made(bench, &act, FUTURE_MS, KEY).await?;
        let given = format!("{:?} {:?} {}", bench.fixture, clean.before, crate::connector::GIVEN_DATES);
        let today = (bench.clock)();
        let near = |date: &str| near(date, today);
        let frozen = dates(&one)
            .intersection(&dates(&other))
            .copied()
            .find(|date| !given.contains(date) && near(date));
        if let Some(date) = frozen {
            return Err(failed(format!(
                "{} writes the date {date} whatever the host's clock says: ask the SDK's clock, since the language's own may \
                 have stopped when the component was built",
                act.name
            )));
        }
    }
    Ok(())
}

/// A component was built at some time in the last years.
fn near(date: &str, today: DateTime<Utc>) -> bool {
    const YEARS_DAYS: u64 = 3_650;
    let Ok(date) = date.parse::<chrono::NaiveDate>() else { return false };
    let today = today.date_naive();
    let (first, last) = (today.checked_sub_days(Days::new(YEARS_DAYS)), today.checked_add_days(Days::new(1)));
    first.is_some_and(|first| date >= first) && last.is_some_and(|last| date <= last)
}

async fn random_not_frozen(bench: &Bench) -> Tried {
    for (act, clean) in changing(bench).await? {
        let one = made(bench, &act, LEAP_DAY_MS, KEY).await?;
        let other = made(bench, &act, LEAP_DAY_MS, OTHER_KEY).await?;
        let given = format!("{:?} {:?} {KEY} {OTHER_KEY}", bench.fixture, clean.before);
        let is_given = |word: &str| given.contains(word) || crate::connector::ORIGINAL.contains(word);
        let frozen = randoms(&one).intersection(&randoms(&other)).copied().find(|word| !is_given(word));
        if let Some(word) = frozen {
            return Err(failed(format!(
                "{} makes up {word} in each fresh instance, whatever its key is: ask the SDK's random, since the language's own \
                 begins anew in each",
                act.name
            )));
        }
    }
    Ok(())
}
