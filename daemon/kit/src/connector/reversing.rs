//! Reversals: what a posting took, a reversal gives back, once.

use super::posting::{posted, usual};
use super::{AMOUNT_MINOR, ORIGINAL};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::evidence::Evidence;
use crate::world::World;
use remitd_flow::plugin::connector::{PostResult, Posted, Posting};

pub(super) const CASES: &[Case] = &[
    case!("reverse-restores-the-balance", "A reversal gives back what its posting took.", restores),
    case!("reverse-twice-says-found", "The same reversal again is found.", twice),
    case!(
        "reverse-is-not-its-posting",
        "A reversal is not taken for the posting that it reverses.",
        not_its_posting
    ),
    case!(
        "posting-again-after-reversal",
        "After a reversal, the posting's own key is still found.",
        posting_again
    ),
];

pub(super) async fn reversed(world: &World, reversal: Posting) -> Result<PostResult, Ended> {
    let answer = world.connector()?.reverse(world.job(&reversal.key), ORIGINAL.to_owned(), reversal).await;
    unbroken(&answer, "in reverse")?;
    answer.map_err(|failure| {
        world.record.heard("reverse", &failure);
        match failure.code.as_str() {
            "not-configured" | "not-supported" => skipped(format!("reverse answers {}", shown(&failure))),
            _ => failed(format!("reverse ended with {}", shown(&failure))),
        }
    })
}

/// A world in which the original is written.
pub(super) async fn written(bench: &Bench) -> Result<World, Ended> {
    let world = bench.fresh().await?;
    posted(&world, Posting { key: ORIGINAL.to_owned(), ..usual(bench)? }).await?;
    Ok(world)
}

async fn balance(bench: &Bench, world: &World) -> Result<i64, Ended> {
    if world.databases.is_empty() {
        return Err(skipped("it writes into no database whose balance the kit can ask for"));
    }
    let balance = world.connector()?.balance(world.job(KEY), usual(bench)?.statement).await;
    let balance = balance.ok().flatten().map(|money| money.amount_minor);
    balance.ok_or_else(|| skipped("kit.toml's statement has no balance"))
}

async fn restores(bench: &Bench) -> Tried {
    let world = written(bench).await?;
    let before = balance(bench, &world).await?;
    reversed(&world, usual(bench)?).await?;
    let after = balance(bench, &world).await?;
    hold(after == before + AMOUNT_MINOR, || {
        format!(
            "the balance was {before} after the posting, and is {after} after its reversal of {AMOUNT_MINOR}: the amount of a \
             reversal arrives above zero, and is written below it"
        )
    })
}

async fn twice(bench: &Bench) -> Tried {
    let world = written(bench).await?;
    reversed(&world, usual(bench)?).await?;
    let once = Evidence::of(&world, KEY).await?;
    let again = reversed(&world, usual(bench)?).await?;
    hold(again.outcome == Posted::Found || !world.servers.is_empty(), || {
        "the same reversal again is answered as written: look for its own key first".to_owned()
    })?;
    hold(Evidence::of(&world, KEY).await? == once, || {
        "the same reversal again has changed something".to_owned()
    })
}

async fn not_its_posting(bench: &Bench) -> Tried {
    let world = written(bench).await?;
    let before = Evidence::of(&world, KEY).await?;
    let first = reversed(&world, usual(bench)?).await?;
    hold(first.outcome == Posted::Written, || {
        "a new reversal is answered as found: look for the reversal's own key, not for the original's"
            .to_owned()
    })?;
    let now = Evidence::of(&world, KEY).await?;
    hold(!now.beyond(&before).is_empty(), || {
        "reverse says written, and nothing has changed outside".to_owned()
    })
}

async fn posting_again(bench: &Bench) -> Tried {
    let world = written(bench).await?;
    reversed(&world, usual(bench)?).await?;
    let reversed = Evidence::of(&world, KEY).await?;
    let again = posted(&world, Posting { key: ORIGINAL.to_owned(), ..usual(bench)? }).await?;
    hold(again.outcome == Posted::Found || !world.servers.is_empty(), || {
        "after its reversal a posting is written again: a reversal does not take the posting's key away"
            .to_owned()
    })?;
    hold(Evidence::of(&world, KEY).await? == reversed, || {
        "after its reversal the posting's own key writes once more".to_owned()
    })
}
