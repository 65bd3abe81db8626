//! What happened since: pages that end, events that keep their ids.

use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, cut, failed, hold, shown, skipped};
use crate::world::World;
use remitd_flow::plugin::gateway::{Event, EventPage};
use std::collections::HashSet;

pub(super) const CASES: &[Case] = &[
    case!("events-end", "Reading events page by page comes to an end.", end),
    case!("events-once", "No event is told twice on the way.", once),
    case!("events-again", "The same cursor gives the same events.", again),
    case!("events-keep-their-ids", "The same event has the same id in another instance.", keep_ids),
    case!("events-are-whole", "Each event has what the daemon needs of it.", whole),
    case!("events-in-words", "What happened is said in the contract's words.", words),
    case!("cursor-goes-back", "The cursor reaches the provider as it was given.", cursor_goes_back),
];

/// Of a fixture: more is a circle.
const PAGES_MOST: usize = 100;

type Pages = Vec<(Option<String>, EventPage)>;

async fn page(world: &World, cursor: Option<String>) -> Result<EventPage, Ended> {
    let page = world.gateway()?.events_since(world.job(KEY), cursor.clone()).await;
    page.map_err(|failure| {
        failed(format!("events-since {:?} ends with {}", cursor.as_deref().map(cut), shown(&failure)))
    })
}

/// Every page on the way, as the daemon goes it: until a page has nothing, or leads nowhere new.
async fn pages(world: &World) -> Result<Pages, Ended> {
    let mut pages = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MOST {
        let page = page(world, cursor.clone()).await?;
        let next = page.next.clone();
        let last = page.events.is_empty() || next.is_none() || next == cursor;
        pages.push((cursor, page));
        if last {
            return Ok(pages);
        }
        cursor = next;
    }
    Err(failed(format!(
        "after {PAGES_MOST} pages of events there is always a further one: end with a page without events or with the cursor that was \
         given (has kit.toml an answer for the last cursor?)"
    )))
}

async fn some(bench: &Bench) -> Result<(World, Pages), Ended> {
    let world = bench.fresh().await?;
    let pages = pages(&world).await?;
    if pages.iter().all(|(_, page)| page.events.is_empty()) {
        return Err(skipped("kit.toml has no events"));
    }
    Ok((world, pages))
}

fn all(pages: &Pages) -> impl Iterator<Item = &Event> {
    pages.iter().flat_map(|(_, page)| &page.events)
}

async fn end(bench: &Bench) -> Tried {
    pages(&bench.fresh().await?).await.map(drop)
}

async fn once(bench: &Bench) -> Tried {
    let (_, pages) = some(bench).await?;
    let mut ids = HashSet::new();
    for event in all(&pages) {
        hold(ids.insert(event.id.clone()), || {
            format!(
                "the event {:?} is told twice on the way through the pages, or two events have this id",
                cut(&event.id)
            )
        })?;
    }
    Ok(())
}

async fn again(bench: &Bench) -> Tried {
    let (world, pages) = some(bench).await?;
    for (cursor, first) in pages {
        let second = page(&world, cursor.clone()).await?;
        hold(format!("{first:?}") == format!("{second:?}"), || {
            format!(
                "the cursor {:?} gives other events the second time: the daemon asks again when it was stopped before it had written \
                 them down, and would lose some",
                cursor.as_deref().map(cut)
            )
        })?;
    }
    Ok(())
}

async fn keep_ids(bench: &Bench) -> Tried {
    let (_, first) = some(bench).await?;
    let (_, second) = some(bench).await?;
    let ids = |pages: &Pages| all(pages).map(|event| event.id.clone()).collect::<Vec<_>>();
    hold(ids(&first) == ids(&second), || {
        "the same events have other ids in another instance: hand on the provider's, or a payment counts twice".to_owned()
    })
}

async fn whole(bench: &Bench) -> Tried {
    let (_, pages) = some(bench).await?;
    for event in all(&pages) {
        let lack = |what: &str| format!("the event {:?} ({}) {what}", cut(&event.id), cut(&event.what));
        hold(!event.id.is_empty(), || lack("has no id: the daemon could not tell whether it has seen it"))?;
        hold(!event.checkout.is_empty(), || {
            lack("names no checkout: the daemon's own id, which the provider was given")
        })?;
        let of_payment = event.what.starts_with("payment-") || event.what == "refunded";
        hold(!of_payment || !event.payment.is_empty(), || lack("names no payment"))?;
        let code = &event.amount.currency;
        let iso = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        hold(iso, || lack(&format!("has the currency {:?}: a code of ISO 4217, as USD", cut(code))))?;
        hold(!of_payment || event.amount.amount_minor > 0, || lack("has no amount, or less than nothing"))?;
        // Seconds in place of milliseconds are the usual slip: 2001 was a thousand times as early.
        hold(event.at_ms > 1_000_000_000_000, || {
            lack(&format!("was at {} ms since 1970: that is no milliseconds", event.at_ms))
        })?;
    }
    Ok(())
}

async fn words(bench: &Bench) -> Tried {
    const KNOWN: [&str; 6] = [
        "payment-pending",
        "payment-succeeded",
        "payment-failed",
        "payment-returned",
        "refunded",
        "checkout-expired",
    ];
    let (_, pages) = some(bench).await?;
    let near = |what: &str| {
        let words = what.to_ascii_lowercase().replace(['_', '.', ' '], "-");
        KNOWN
            .iter()
            .find(|known| **known != what && (words == **known || known.ends_with(&format!("-{words}"))))
    };
    for event in all(&pages) {
        if let Some(known) = near(&event.what) {
            return Err(failed(format!(
                "an event says {:?}: the daemon leaves a word alone that it does not know; the contract's is {known:?}",
                cut(&event.what)
            )));
        }
    }
    hold(all(&pages).any(|event| KNOWN.contains(&event.what.as_str())), || {
        format!(
            "no event says a word of the contract ({}): the daemon would take no payment",
            KNOWN.join(", ")
        )
    })
}

async fn cursor_goes_back(bench: &Bench) -> Tried {
    let (world, pages) = some(bench).await?;
    let Some(cursor) = pages.iter().find_map(|(cursor, _)| cursor.clone()) else {
        return Err(skipped("its events have no cursor"));
    };
    let told =
        world.servers.iter().flat_map(|server| server.seen()).any(|seen| crate::spoken::says(&seen, &cursor));
    hold(told, || {
        format!(
            "the cursor {:?} is not in any request: the provider begins from the start each time",
            cut(&cursor)
        )
    })
}
