//! Amounts: whole minor units of the connector's own currency, exact at every size, never below zero.

use super::currency;
use super::posting::{post, usual};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Tried, case, failed, hold, shown, skipped};
use crate::evidence::Evidence;
use remitd_flow::plugin::connector::Posting;
use remitd_host::{FailureClass, Money};

pub(super) const CASES: &[Case] = &[
    case!("cents-are-exact", "Amounts that no float has exactly are written to the minor unit.", exact),
    case!(
        "large-amounts-are-exact",
        "An amount of ten thousand million is written to the minor unit, or refused.",
        large
    ),
    case!("amount-of-zero", "A posting of nothing is refused, or changes no balance.", zero),
    case!("amount-below-zero", "A posting below zero is refused: a reversal is one.", negative),
    case!(
        "largest-amount",
        "The largest amount that fits is written or refused, and nothing else happens.",
        largest
    ),
    case!("other-currency-refused", "A posting in another currency is refused.", other_currency),
    case!(
        "unknown-currency-refused",
        "A posting in a currency that does not exist is refused.",
        unknown_currency
    ),
    case!(
        "currency-without-decimals",
        "A currency without decimals is refused, or its amount is exact.",
        no_decimals
    ),
];

/// Of these, floats make something else at one place or another.
const ODD_MINOR: [i64; 5] = [1, 29, 115, 1_001, 99_999];
const LARGE_MINOR: i64 = 999_999_999_999;

async fn written_sum(
    bench: &Bench,
    amount_minor: i64,
) -> Result<Option<Result<i64, String>>, crate::case::Ended> {
    let world = bench.fresh().await?;
    if world.databases.is_empty() {
        return Err(skipped("it writes into no database whose balance the kit can ask for"));
    }
    let usual = usual(bench)?;
    let statement = usual.statement.clone();
    let connector = world.connector()?;
    let before = connector.balance(world.job(KEY), statement.clone()).await.ok().flatten();
    let Some(before) = before else { return Err(skipped("kit.toml's statement has no balance")) };
    let money = Money { amount_minor, ..usual.amount.clone() };
    if let Err(failure) = post(&world, Posting { amount: money, ..usual }).await? {
        return Ok(Some(Err(shown(&failure))));
    }
    let after = connector.balance(world.job(KEY), statement).await.map_err(|failure| {
        failed(format!("after a posting of {amount_minor} its balance ends with {}", shown(&failure)))
    })?;
    Ok(after.map(|after| Ok(before.amount_minor - after.amount_minor)))
}

async fn exact(bench: &Bench) -> Tried {
    for amount_minor in ODD_MINOR {
        match written_sum(bench, amount_minor).await? {
            Some(Ok(lowered)) => hold(lowered == amount_minor, || {
                format!(
                    "a posting of {amount_minor} lowers the balance by {lowered}: carry amounts as decimals or minor units"
                )
            })?,
            Some(Err(why)) => return Err(failed(format!("a posting of {amount_minor} ends with {why}"))),
            None => {
                return Err(failed(format!(
                    "after a posting of {amount_minor} the statement has no balance"
                )));
            }
        }
    }
    Ok(())
}

async fn large(bench: &Bench) -> Tried {
    match written_sum(bench, LARGE_MINOR).await? {
        Some(Ok(lowered)) => hold(lowered == LARGE_MINOR, || {
            format!(
                "a posting of {LARGE_MINOR} lowers the balance by {lowered}: refuse it, or carry it exactly"
            )
        }),
        _ => Ok(()),
    }
}

async fn zero(bench: &Bench) -> Tried {
    match written_sum(bench, 0).await? {
        Some(Ok(lowered)) => {
            hold(lowered == 0, || format!("a posting of nothing lowers the balance by {lowered}"))
        }
        _ => Ok(()),
    }
}

/// Posts what must be refused.
async fn refused(bench: &Bench, money: Money, what: &str) -> Tried {
    let world = bench.fresh().await?;
    let before = Evidence::of(&world, KEY).await?;
    let answer = post(&world, Posting { amount: money, ..usual(bench)? }).await?;
    match answer {
        Ok(_) => Err(failed(format!(
            "{what} is answered as done: refuse it as invalid before anything is written"
        ))),
        Err(failure) => {
            hold(failure.class == FailureClass::Invalid, || {
                format!("{what} ends with {}: it is invalid", shown(&failure))
            })?;
            hold(Evidence::of(&world, KEY).await? == before, || {
                format!("{what} is refused, and something was written all the same")
            })
        }
    }
}

async fn negative(bench: &Bench) -> Tried {
    let money = Money { amount_minor: -100, currency: currency(bench) };
    refused(bench, money, "a posting of minus one").await
}

async fn largest(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    for amount_minor in [i64::MAX, i64::MIN] {
        let money = Money { amount_minor, currency: currency(bench) };
        // Unbroken it must be; both answers are good.
        post(&world, Posting { amount: money, key: format!("{KEY}{amount_minor}"), ..usual(bench)? })
            .await?
            .ok();
    }
    Ok(())
}

async fn other_currency(bench: &Bench) -> Tried {
    let other = if currency(bench) == "CHF" { "EUR" } else { "CHF" };
    let money = Money { amount_minor: 101, currency: other.to_owned() };
    refused(bench, money, &format!("a posting in {other} to a matter database in {}", currency(bench))).await
}

async fn unknown_currency(bench: &Bench) -> Tried {
    let money = Money { amount_minor: 101, currency: "ZZZ".to_owned() };
    refused(bench, money, "a posting in the currency ZZZ").await
}

async fn no_decimals(bench: &Bench) -> Tried {
    if currency(bench) == "JPY" {
        return exact(bench).await;
    }
    let money = Money { amount_minor: 101, currency: "JPY".to_owned() };
    refused(bench, money, "a posting in JPY").await
}
