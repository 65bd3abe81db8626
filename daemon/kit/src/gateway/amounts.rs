//! Amounts on their way to the provider: whole minor units or exact decimals, in currencies of no, two and three decimals.

use super::beginning::begin;
use super::request;
use crate::bench::{Bench, KEY};
use crate::case::{Case, Tried, case, failed, hold, shown, skipped};
use crate::peers::http::Seen;
use crate::spoken::{changing, says, says_amount};
use remitd_flow::plugin::gateway::CheckoutRequest;
use remitd_host::{FailureClass, Money};

pub(super) const CASES: &[Case] = &[
    case!("amount-of-two-decimals", "An amount in USD reaches the provider exactly.", dollars),
    case!("amount-of-no-decimals", "An amount in JPY is exact or refused.", yen),
    case!("amount-of-three-decimals", "An amount in KWD is exact or refused.", dinars),
    case!("amount-of-a-cent", "The smallest amount is exact or refused.", cent),
    case!("amount-beyond-floats", "An amount that no float can hold is exact or refused.", huge),
    case!("currency-arrives", "The currency reaches the provider.", currency),
    case!("currency-unknown", "A currency that is none does no harm.", no_currency),
];

/// The first whole number that a float of 64 bits cannot hold.
const BEYOND_FLOATS: i64 = 9_007_199_254_740_993;

/// What a request for so much sends; none where it is refused as invalid.
async fn sent(
    bench: &Bench,
    amount_minor: i64,
    currency: &str,
) -> Result<Option<Vec<Seen>>, crate::case::Ended> {
    let amount = Money { amount_minor, currency: currency.to_owned() };
    let mut request = CheckoutRequest { amount: amount.clone(), ..request(bench) };
    request.lines.iter_mut().for_each(|line| line.amount = amount.clone());
    let world = bench.fresh().await?;
    match begin(&world, KEY, request).await? {
        Ok(_) => match changing(&world) {
            seen if seen.is_empty() => Err(skipped("it begins checkouts without a request to a provider")),
            seen => Ok(Some(seen)),
        },
        Err(failure) if failure.class == FailureClass::Invalid => Ok(None),
        Err(failure) => Err(failed(format!(
            "a checkout of {amount_minor} minor units of {currency} ends with {}: an amount that cannot be is invalid",
            shown(&failure)
        ))),
    }
}

async fn exact(bench: &Bench, amount_minor: i64, currency: &str, exponent: usize) -> Tried {
    let Some(sent) = sent(bench, amount_minor, currency).await? else { return Ok(()) };
    hold(sent.iter().any(|seen| says_amount(seen, amount_minor, exponent)), || {
        format!(
            "{amount_minor} minor units of {currency} are not in the request, neither whole nor as a decimal number with {exponent} \
             decimals: never scale by a hundred, never go through a float"
        )
    })
}

async fn dollars(bench: &Bench) -> Tried {
    for amount_minor in [12_345, 1_999, 100_029, 4_350] {
        exact(bench, amount_minor, "USD", 2).await?;
    }
    Ok(())
}

async fn yen(bench: &Bench) -> Tried {
    exact(bench, 12_345, "JPY", 0).await
}

async fn dinars(bench: &Bench) -> Tried {
    exact(bench, 12_345, "KWD", 3).await
}

async fn cent(bench: &Bench) -> Tried {
    exact(bench, 1, "USD", 2).await
}

async fn huge(bench: &Bench) -> Tried {
    exact(bench, BEYOND_FLOATS, "USD", 2).await
}

async fn currency(bench: &Bench) -> Tried {
    for currency in ["USD", "EUR"] {
        let Some(sent) = sent(bench, 12_345, currency).await? else { continue };
        let told = |seen: &Seen| says(seen, currency) || says(seen, &currency.to_ascii_lowercase());
        hold(sent.iter().any(told), || {
            format!(
                "{currency} is not in the request: the provider would take the amount for its own currency"
            )
        })?;
    }
    Ok(())
}

async fn no_currency(bench: &Bench) -> Tried {
    for currency in ["", "usd", "ZZZ", "DOLLARS", "U$D"] {
        sent(bench, 12_345, currency).await?;
    }
    Ok(())
}
