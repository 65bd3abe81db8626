//! A checkout begins: once by its key, with everything that the payer and the daemon need.

use super::{CHECKOUT, request};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, cut, failed, hold, shown, skipped, unbroken};
use crate::peers::http::{Manner, Seen};
use crate::spoken::{carries, changing, same, says};
use crate::world::World;
use remitd_flow::plugin::gateway::{Checkout, CheckoutLine, CheckoutRequest};
use remitd_host::Failure;

pub(super) const CASES: &[Case] = &[
    case!(
        "begin-gives-an-address",
        "A checkout has a reference, and an address for the payer's browser.",
        gives_address
    ),
    case!("begin-carries-its-key", "The request to the provider carries the idempotency key.", carries_key),
    case!("begin-again-is-the-same", "The same job again is the same request, to the letter.", again_same),
    case!(
        "begin-after-lost-answer",
        "After an answer that was lost, the same job goes on with the same key.",
        after_lost
    ),
    case!("two-checkouts-are-two", "Two jobs do not share a key.", two_are_two),
    case!("reference-arrives", "The daemon's id of the checkout reaches the provider.", reference),
    case!(
        "return-address-arrives",
        "The address to which the payer comes back reaches the provider.",
        return_address
    ),
    case!("lines-arrive", "What is paid for reaches the provider, markup and all.", lines),
    case!("partial-is-told", "Whether less may be paid changes the request.", partial),
    case!("expiry-is-told", "When the checkout expires changes the request.", expiry),
    case!("begin-without-webhook", "A checkout begins without an address for webhooks.", without_webhook),
    case!("begin-of-many-lines", "A checkout of 500 lines begins or is refused.", many_lines),
];

const OTHER: &str = "kit-1a9f34c2-0004";
const LINES_MANY: usize = 500;

pub(super) async fn begin(
    world: &World,
    key: &str,
    request: CheckoutRequest,
) -> Result<Result<Checkout, Failure>, Ended> {
    let answer = world.gateway()?.begin(world.job(key), request).await;
    if let Err(failure) = &answer {
        world.record.heard("begin", failure);
    }
    unbroken(&answer, "in begin")?;
    Ok(answer)
}

/// Begins one that must begin, and gives the requests that changed something.
pub(super) async fn begun(bench: &Bench, request: CheckoutRequest, what: &str) -> Result<Vec<Seen>, Ended> {
    let world = bench.fresh().await?;
    match begin(&world, KEY, request).await? {
        Ok(_) => sent(&world),
        Err(failure) => Err(failed(format!("{what} does not begin: {}", shown(&failure)))),
    }
}

fn sent(world: &World) -> Result<Vec<Seen>, Ended> {
    let requests = changing(world);
    if requests.is_empty() {
        Err(skipped("it begins checkouts without a request to a provider"))
    } else {
        Ok(requests)
    }
}

async fn gives_address(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let checkout = begin(&world, KEY, request(bench)).await?;
    let checkout = checkout
        .map_err(|failure| failed(format!("the usual checkout does not begin: {}", shown(&failure))))?;
    hold(!checkout.gateway_ref.trim().is_empty(), || {
        "gateway-ref is empty: give the provider's id of the checkout".to_owned()
    })?;
    let url = &checkout.url;
    let address = url.starts_with("https://") || url.starts_with("http://");
    hold(address, || format!("url is {:?}: the payer's browser needs a whole address, https://…", cut(url)))
}

async fn carries_key(bench: &Bench) -> Tried {
    for seen in begun(bench, request(bench), "the usual checkout").await? {
        hold(carries(&seen, KEY), || {
            format!(
                "{} {} does not carry the idempotency key: sent again, it is a second checkout",
                seen.method, seen.path
            )
        })?;
    }
    Ok(())
}

async fn again_same(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    for _ in 0..2 {
        // How it ends is another case's matter.
        let _ = begin(&world, KEY, request(bench)).await?;
    }
    all_the_same(&sent(&world)?)
}

async fn after_lost(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    world.servers.iter().for_each(|server| server.behave(Manner::Close));
    // Not known, says the one case; here it counts what comes then.
    let _ = begin(&world, KEY, request(bench)).await?;
    world.servers.iter().for_each(|server| server.behave(Manner::Scripted));
    let again = begin(&world, KEY, request(bench)).await?;
    let sent = sent(&world)?;
    again.map_err(|failure| {
        failed(format!("after a lost answer, the same job again ends with {}", shown(&failure)))
    })?;
    all_the_same(&sent)
}

fn all_the_same(sent: &[Seen]) -> Tried {
    let Some(first) = sent.first() else { return Ok(()) };
    let other = sent.iter().find(|seen| seen.path == first.path && !same(first, seen));
    hold(other.is_none(), || {
        "the same job again is another request (a key or a time of its own making?): the provider begins a second checkout, or refuses \
         the key"
            .to_owned()
    })
}

async fn two_are_two(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    for key in [KEY, OTHER] {
        let _ = begin(&world, key, request(bench)).await?;
    }
    let sent = sent(&world)?;
    for key in [KEY, OTHER] {
        let theirs = sent.iter().filter(|seen| carries(seen, key)).count();
        hold(theirs > 0 && theirs < sent.len(), || {
            "two jobs with two keys do not each send their own: the provider takes the second checkout for the first".to_owned()
        })?;
    }
    Ok(())
}

async fn arrives(bench: &Bench, request: CheckoutRequest, what: &str, text: &str, mend: &str) -> Tried {
    let sent = begun(bench, request, "a checkout").await?;
    hold(sent.iter().any(|seen| says(seen, text)), || {
        format!("{what} {text:?} is not in the request to the provider: {mend}")
    })
}

async fn reference(bench: &Bench) -> Tried {
    let mend = "it comes back in every event, and by it the daemon finds its checkout";
    arrives(bench, request(bench), "the checkout's id", CHECKOUT, mend).await
}

async fn return_address(bench: &Bench) -> Tried {
    let usual = request(bench);
    let url = usual.return_url.clone();
    arrives(bench, usual, "the return address", &url, "without it the payer is lost after paying").await
}

async fn lines(bench: &Bench) -> Tried {
    let label = "Invoice <b>1001</b> & \"costs\" – Müller";
    let mut odd = request(bench);
    odd.lines = vec![CheckoutLine { label: label.to_owned(), amount: odd.amount.clone() }];
    arrives(
        bench,
        odd,
        "the line's label",
        label,
        "the payer sees by it what is paid for; it is text, not markup",
    )
    .await
}

/// Whether a change of the request makes another request to the provider.
async fn tells(bench: &Bench, other: CheckoutRequest) -> Result<bool, Ended> {
    let usual = begun(bench, request(bench), "the usual checkout").await?;
    let other = begun(bench, other, "another checkout").await?;
    let told =
        |sent: &[Seen]| sent.iter().map(|seen| (seen.path.clone(), seen.body.clone())).collect::<Vec<_>>();
    Ok(told(&usual) != told(&other))
}

async fn partial(bench: &Bench) -> Tried {
    let other = CheckoutRequest { partial: true, ..request(bench) };
    hold(tells(bench, other).await?, || {
        "a checkout of which less may be paid sends the same request as one that must be paid in full: hand `partial` on, or refuse it \
         as not-supported"
            .to_owned()
    })
}

async fn expiry(bench: &Bench) -> Tried {
    let usual = request(bench);
    let later = usual.expires_ms + 7 * 86_400_000;
    if tells(bench, CheckoutRequest { expires_ms: later, ..usual }).await? {
        return Ok(());
    }
    Err(skipped("it tells its provider no expiry; the daemon cancels the checkout when its time is over"))
}

async fn without_webhook(bench: &Bench) -> Tried {
    begun(
        bench,
        CheckoutRequest { webhook_url: None, ..request(bench) },
        "a checkout without an address for webhooks",
    )
    .await
    .map(drop)
}

async fn many_lines(bench: &Bench) -> Tried {
    let mut long = request(bench);
    let line = |at| CheckoutLine { label: format!("Invoice {at}"), amount: long.amount.clone() };
    long.lines = (0..LINES_MANY).map(line).collect();
    let world = bench.fresh().await?;
    // A refusal is as good: it may be what the provider takes.
    begin(&world, KEY, long).await.map(drop)
}
