//! Looking for a posting's key, for connectors that export it: what is written is there, and nothing else.

use super::posting::{posted, usual};
use super::reversing::{reversed, written};
use super::{AMOUNT_MINOR, ORIGINAL};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::evidence::Evidence;
use crate::world::World;
use remitd_flow::plugin::connector::Entry;

pub(super) const CASES: &[Case] = &[
    case!("by-key-of-nothing", "A key that nothing was written with is not there.", nothing),
    case!("by-key-finds-its-posting", "What was posted is there by its key, with its receipt.", its_posting),
    case!("by-key-finds-a-reversal", "A reversal is there by its own key, beside its posting.", a_reversal),
    case!("by-key-writes-nothing", "Looking for a key changes nothing outside.", writes_nothing),
];

/// A connector that cannot look is a connector all the same.
async fn by_key(world: &World, key: &str) -> Result<Option<Entry>, Ended> {
    let connector = world.connector()?;
    if !connector.knows_keys() {
        return Err(skipped("it does not export `written`: an attempt whose end is unknown is posted again"));
    }
    let found = connector.by_key(world.job(key), key.to_owned()).await;
    unbroken(&found, "in by-key")?;
    found.map_err(|failure| {
        world.record.heard("by-key", &failure);
        match failure.code.as_str() {
            "not-configured" => skipped(format!("by-key answers {}", shown(&failure))),
            _ => failed(format!("by-key ended with {}", shown(&failure))),
        }
    })
}

async fn nothing(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    is_not_there(by_key(&world, KEY).await?.as_ref())?;
    // Another posting of the same amount is not this one.
    posted(&world, usual(bench)?).await?;
    is_not_there(by_key(&world, ORIGINAL).await?.as_ref())
}

fn is_not_there(found: Option<&Entry>) -> Tried {
    hold(found.is_none(), || {
        "nothing was written with this key, and by-key finds it: compare the key, not amount or date"
            .to_owned()
    })
}

async fn its_posting(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    by_key(&world, KEY).await?;
    let result = posted(&world, usual(bench)?).await?;
    let found = by_key(&world, KEY).await?;
    hold(found.as_ref().map(|entry| &entry.external_ref) == Some(&result.external_ref), || {
        format!(
            "post gave the receipt {:?}, and by-key finds {found:?}: give what is written, with the same number",
            result.external_ref
        )
    })
}

async fn a_reversal(bench: &Bench) -> Tried {
    let world = written(bench).await?;
    by_key(&world, KEY).await?;
    reversed(&world, usual(bench)?).await?;
    for key in [KEY, ORIGINAL] {
        hold(by_key(&world, key).await?.is_some(), || {
            format!(
                "{AMOUNT_MINOR} minor units were posted and reversed, and by-key does not find the key {key}: a reversal does not \
                 take its posting's place"
            )
        })?;
    }
    Ok(())
}

async fn writes_nothing(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let before = Evidence::of(&world, KEY).await?;
    by_key(&world, KEY).await?;
    hold(Evidence::of(&world, KEY).await? == before, || {
        "by-key changed something outside: it only looks".to_owned()
    })
}
