//! A checkout is cancelled: after that it cannot be paid, or the daemon hears that it is too late.

use super::request;
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::spoken::changing;
use crate::world::World;
use remitd_host::{Failure, FailureClass};

pub(super) const CASES: &[Case] = &[
    case!("cancel-twice", "To cancel what is cancelled is no error.", twice),
    case!("cancel-too-late", "A checkout that is paid says already-paid.", too_late),
    case!("cancel-unknown", "A checkout that the provider does not know is invalid.", unknown),
    case!(
        "references-stay-in-place",
        "A reference never leads to another address of the provider.",
        in_place
    ),
];

pub(super) async fn cancel(world: &World, gateway_ref: &str) -> Result<Result<(), Failure>, Ended> {
    let answer = world.gateway()?.cancel(world.job(KEY), gateway_ref.to_owned()).await;
    if let Err(failure) = &answer {
        world.record.heard("cancel", failure);
    }
    unbroken(&answer, "in cancel")?;
    Ok(answer)
}

/// The usual checkout, begun in this world.
async fn begun(bench: &Bench, world: &World) -> Result<String, Ended> {
    let checkout = world.gateway()?.begin(world.job(KEY), request(bench)).await;
    checkout.map(|checkout| checkout.gateway_ref).map_err(|_| skipped("the usual checkout does not begin"))
}

async fn twice(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let gateway_ref = begun(bench, &world).await?;
    for attempt in ["first", "second"] {
        let answer = cancel(&world, &gateway_ref).await?;
        answer.map_err(|failure| {
            failed(format!("the {attempt} time to cancel a checkout ends with {}", shown(&failure)))
        })?;
    }
    Ok(())
}

async fn too_late(bench: &Bench) -> Tried {
    let paid = bench.fixture.gateway.paid.as_ref();
    let paid = paid.ok_or_else(|| skipped("kit.toml names no `paid` checkout in [gateway]"))?;
    let world = bench.fresh().await?;
    let mend = "`invalid` with code already-paid, so that the daemon waits for the payment";
    match cancel(&world, paid).await? {
        Ok(()) => Err(failed(format!("a paid checkout is cancelled: say {mend}"))),
        Err(failure) => {
            let fits = failure.class == FailureClass::Invalid && failure.code == "already-paid";
            hold(fits, || format!("to cancel a paid checkout ends with {}: say {mend}", shown(&failure)))
        }
    }
}

async fn unknown(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    match cancel(&world, "kit-no-such-checkout").await? {
        Ok(()) => {
            Err(failed("a checkout that nobody knows is cancelled: the provider's refusal was not looked at"))
        }
        Err(failure) => {
            hold(failure.class == FailureClass::Invalid && failure.code != "already-paid", || {
                format!("to cancel a checkout that nobody knows ends with {}: it is invalid", shown(&failure))
            })
        }
    }
}

/// What stands in a reference is escaped or refused, never a step in the address.
async fn in_place(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let gateway_ref = begun(bench, &world).await?;
    let before = changing(&world).len();
    let _ = cancel(&world, &gateway_ref).await?;
    let usual = changing(&world).into_iter().nth(before).map(|seen| seen.path);
    let Some(usual) = usual.filter(|path| path.contains(&gateway_ref)) else {
        return Err(skipped("its addresses have no reference in them"));
    };
    let shape = |path: &str| path.chars().filter(|letter| matches!(letter, '/' | '?' | '#' | '&')).count();
    for odd in ["..", ".", "../../payments/pay_1/refunds", "a/b", "a?b=c", "a#b", "a&b=c", "%2e%2e", "a\\b"] {
        let world = bench.fresh().await?;
        let _ = cancel(&world, odd).await?;
        for seen in changing(&world) {
            let climbs = seen.path.split('/').any(|step| step == "..");
            hold(shape(&seen.path) == shape(&usual) && !climbs, || {
                format!(
                    "the reference {odd:?} makes the address {}: escape it, or refuse what is no reference",
                    seen.path
                )
            })?;
        }
    }
    Ok(())
}
