//! Money is given back: once, exactly, and never on a guess.

use super::{REFUND_MINOR, money};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::peers::http::{Manner, Seen};
use crate::spoken::{carries, changing, same, says_amount};
use crate::world::World;
use remitd_host::{Failure, FailureClass, Money};

pub(super) const CASES: &[Case] = &[
    case!("refund-has-an-id", "A refund has the provider's id.", has_id),
    case!("refund-once", "The same job again is the same refund, by its key.", once),
    case!("two-refunds-are-two", "Two refunds of one payment do not share a key.", two_are_two),
    case!(
        "refund-after-lost-answer",
        "A refund whose answer was lost is not known, and goes on under its key.",
        after_lost
    ),
    case!("refund-amount", "The amount of a refund reaches the provider exactly.", amount),
    case!("refund-unknown", "A payment that the provider does not know is invalid.", unknown),
];

const OTHER: &str = "kit-93c0ab17-0005";

async fn refund(
    world: &World,
    key: &str,
    payment: &str,
    amount: Money,
) -> Result<Result<String, Failure>, Ended> {
    let answer = world.gateway()?.refund(world.job(key), payment.to_owned(), amount).await;
    if let Err(failure) = &answer {
        world.record.heard("refund", failure);
    }
    unbroken(&answer, "in refund")?;
    Ok(answer)
}

fn payment(bench: &Bench) -> Result<&str, Ended> {
    bench
        .fixture
        .gateway
        .payment
        .as_deref()
        .ok_or_else(|| skipped("kit.toml names no `payment` in [gateway]"))
}

async fn has_id(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    match refund(&world, KEY, payment(bench)?, money(bench, REFUND_MINOR)).await? {
        Ok(id) => hold(!id.trim().is_empty(), || "a refund has an empty id: give the provider's".to_owned()),
        Err(failure) => {
            Err(failed(format!("a refund of the payment of kit.toml ends with {}", shown(&failure))))
        }
    }
}

async fn once(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    for _ in 0..2 {
        let _ = refund(&world, KEY, payment(bench)?, money(bench, REFUND_MINOR)).await?;
    }
    by_its_key(&changing(&world))
}

fn by_its_key(sent: &[Seen]) -> Tried {
    for seen in sent {
        hold(carries(seen, KEY), || {
            format!(
                "{} {} does not carry the idempotency key: sent again, money is given back twice",
                seen.method, seen.path
            )
        })?;
    }
    let Some(first) = sent.first() else { return Ok(()) };
    let other = sent.iter().any(|seen| seen.path == first.path && !same(first, seen));
    hold(!other, || {
        "the same job again is another request: the provider gives the money back twice, or refuses the key"
            .to_owned()
    })
}

async fn two_are_two(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    for key in [KEY, OTHER] {
        let _ = refund(&world, key, payment(bench)?, money(bench, REFUND_MINOR)).await?;
    }
    let sent = changing(&world);
    for key in [KEY, OTHER] {
        let theirs = sent.iter().filter(|seen| carries(seen, key)).count();
        hold(theirs > 0 && theirs < sent.len(), || {
            "two refunds of one payment do not each send their own key: the second is taken for the first, and never given".to_owned()
        })?;
    }
    Ok(())
}

async fn after_lost(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    world.servers.iter().for_each(|server| server.behave(Manner::Close));
    let lost = refund(&world, KEY, payment(bench)?, money(bench, REFUND_MINOR)).await?;
    if changing(&world).is_empty() {
        return Err(skipped("it refunds without a request to a provider"));
    }
    let class = lost.err().map(|failure| failure.class);
    hold(matches!(class, Some(FailureClass::UnknownOutcome | FailureClass::Unavailable)), || {
        format!(
            "a refund whose answer was lost ends with {class:?}: it may have been given, which is unknown-outcome"
        )
    })?;
    world.servers.iter().for_each(|server| server.behave(Manner::Scripted));
    let again = refund(&world, KEY, payment(bench)?, money(bench, REFUND_MINOR)).await?;
    again.map_err(|failure| {
        failed(format!("after a lost answer, the same refund again ends with {}", shown(&failure)))
    })?;
    by_its_key(&changing(&world))
}

async fn amount(bench: &Bench) -> Tried {
    for (amount_minor, currency, exponent) in
        [(501, "USD", 2), (1_999, "USD", 2), (501, "JPY", 0), (1_234, "KWD", 3)]
    {
        let world = bench.fresh().await?;
        let amount = Money { amount_minor, currency: currency.to_owned() };
        let answer = refund(&world, KEY, payment(bench)?, amount).await?;
        let sent = changing(&world);
        let refused = answer.is_err_and(|failure| failure.class == FailureClass::Invalid) && sent.is_empty();
        hold(refused || sent.iter().any(|seen| says_amount(seen, amount_minor, exponent)), || {
            format!(
                "{amount_minor} minor units of {currency} are not in the request for a refund: never scale, never round"
            )
        })?;
    }
    Ok(())
}

async fn unknown(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    match refund(&world, KEY, "kit-no-such-payment", money(bench, REFUND_MINOR)).await? {
        Ok(id) => Err(failed(format!(
            "a payment that nobody knows is refunded as {id:?}: the provider's refusal was not looked at"
        ))),
        Err(failure) => hold(failure.class == FailureClass::Invalid, || {
            format!("to refund a payment that nobody knows ends with {}: it is invalid", shown(&failure))
        }),
    }
}
