//! What bounced since: pages that end, each bounce once.

use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, cut, failed, hold, shown, skipped};
use crate::world::World;
use remitd_flow::plugin::mail::{Bounce, BouncePage};
use std::collections::HashSet;

pub(super) const CASES: &[Case] = &[
    case!("bounces-end", "Reading bounces page by page comes to an end.", end),
    case!("bounces-once", "No bounce is told twice on the way.", once),
    case!("bounces-again", "The same cursor gives the same bounces.", again),
    case!("bounces-name-their-message", "Each bounce says of which message and address it is.", named),
];

/// Of a fixture: more is a circle.
const PAGES_MOST: usize = 100;

async fn page(world: &World, cursor: Option<String>) -> Result<BouncePage, Ended> {
    let page = world.mail_provider()?.bounces_since(world.job(KEY), cursor.clone()).await;
    page.map_err(|failure| {
        failed(format!("bounces-since {:?} ends with {}", cursor.as_deref().map(cut), shown(&failure)))
    })
}

/// Every page on the way, as the daemon goes it: until a page has nothing, or leads nowhere new.
async fn pages(world: &World) -> Result<Vec<(Option<String>, BouncePage)>, Ended> {
    let mut pages = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MOST {
        let page = page(world, cursor.clone()).await?;
        let next = page.next.clone();
        let last = page.bounces.is_empty() || next.is_none() || next == cursor;
        pages.push((cursor, page));
        if last {
            return Ok(pages);
        }
        cursor = next;
    }
    Err(failed(format!(
        "after {PAGES_MOST} pages of bounces there is always a further one: end with a page without bounces or without `next` (has \
         kit.toml an answer for the last cursor?)"
    )))
}

async fn some(bench: &Bench) -> Result<(World, Vec<(Option<String>, BouncePage)>), Ended> {
    let world = bench.fresh().await?;
    let pages = pages(&world).await?;
    if pages.iter().all(|(_, page)| page.bounces.is_empty()) {
        return Err(skipped("it tells of no bounces"));
    }
    Ok((world, pages))
}

async fn end(bench: &Bench) -> Tried {
    pages(&bench.fresh().await?).await.map(drop)
}

async fn once(bench: &Bench) -> Tried {
    let (_, pages) = some(bench).await?;
    let mut seen = HashSet::new();
    for bounce in pages.iter().flat_map(|(_, page)| &page.bounces) {
        let one = format!("{bounce:?}");
        hold(!seen.contains(&one), || {
            format!("a bounce is told twice on the way through the pages: {}", cut(&one))
        })?;
        seen.insert(one);
    }
    Ok(())
}

async fn again(bench: &Bench) -> Tried {
    let (world, pages) = some(bench).await?;
    for (cursor, first) in pages {
        let second = page(&world, cursor.clone()).await?;
        let same = format!("{first:?}") == format!("{second:?}");
        hold(same, || {
            format!(
                "the cursor {:?} gives other bounces the second time: the daemon asks again when it heard no answer",
                cursor.as_deref().map(cut)
            )
        })?;
    }
    Ok(())
}

async fn named(bench: &Bench) -> Tried {
    let (_, pages) = some(bench).await?;
    let fits = |bounce: &Bounce| {
        let bare = !bounce.message_id.is_empty() && !bounce.message_id.contains(['<', '>']);
        bare && bounce.address.contains('@') && !bounce.address.contains(['<', '>'])
    };
    for bounce in pages.iter().flat_map(|(_, page)| &page.bounces) {
        hold(fits(bounce), || {
            format!(
                "a bounce has message-id {:?} and address {:?}: both are given, without angle brackets, or the daemon does not find its \
                 message",
                cut(&bounce.message_id),
                cut(&bounce.address)
            )
        })?;
    }
    Ok(())
}
