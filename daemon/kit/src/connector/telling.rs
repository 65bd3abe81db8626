//! Telling what was posted, for connectors that export it: pages, and that a receipt is what its posting was.

use super::posting::{posted, usual};
use super::reversing::{reversed, written};
use super::{AMOUNT_MINOR, ORIGINAL, PAGE};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::world::World;
use remitd_flow::plugin::connector::{Posting, Receipt};

pub(super) const CASES: &[Case] = &[
    case!("receipts-of-nothing", "Where nothing was posted, no receipt has a posting's key.", nothing),
    case!(
        "receipt-is-its-posting",
        "A posting's receipt has its key, its statement and its amount, once.",
        its_posting
    ),
    case!(
        "receipt-of-a-reversal",
        "A reversal's receipt is below zero, beside its posting's.",
        of_a_reversal
    ),
    case!(
        "receipts-pages-give-each-once",
        "Pages of one and of a thousand give the same receipts, and end.",
        pages_agree
    ),
    case!(
        "receipts-same-cursor-same-page",
        "The same cursor again gives the same page of receipts.",
        same_cursor
    ),
    case!("receipts-odd-cursor", "A cursor that it never gave is refused or answered.", odd_cursor),
];

/// More pages than the kit posts receipts.
const PAGES_MOST: usize = 1_000;

/// A connector that cannot tell, or is not set to, is a connector all the same.
async fn receipts(world: &World, limit: u32) -> Result<Vec<Receipt>, Ended> {
    let connector = world.connector()?;
    if !connector.tells_receipts() {
        return Err(skipped("it does not export `receipts`: its postings cannot be reconciled"));
    }
    let mut all = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MOST {
        let page = connector.written_since(world.job(KEY), cursor.clone(), limit).await;
        unbroken(&page, "in written-since")?;
        let page = page.map_err(|failure| {
            world.record.heard("written-since", &failure);
            match failure.code.as_str() {
                "not-configured" => skipped(format!("written-since answers {}", shown(&failure))),
                _ => failed(format!("written-since ended with {}", shown(&failure))),
            }
        })?;
        let count = page.receipts.len();
        hold(count <= limit as usize, || {
            format!("a page of {limit} has {count} receipts: keep to the limit")
        })?;
        all.extend(page.receipts);
        if page.next.is_none() {
            return Ok(all);
        }
        hold(page.next != cursor, || {
            "written-since gives the same cursor again: a page goes on after its last receipt".to_owned()
        })?;
        cursor = page.next;
    }
    Err(failed(format!("written-since with a limit of {limit} gave {PAGES_MOST} pages and did not end")))
}

fn of_key<'a>(receipts: &'a [Receipt], key: &str) -> Vec<&'a Receipt> {
    receipts.iter().filter(|receipt| receipt.key == key).collect()
}

async fn nothing(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let all = receipts(&world, PAGE).await?;
    hold(of_key(&all, KEY).is_empty(), || format!("nothing was posted, and there is a receipt: {all:?}"))
}

async fn its_posting(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    receipts(&world, PAGE).await?;
    let posting = usual(bench)?;
    posted(&world, posting.clone()).await?;
    is_written(&receipts(&world, PAGE).await?, &posting, posting.amount.amount_minor)
}

/// Whether the posting has this one receipt.
fn is_written(all: &[Receipt], posting: &Posting, minor: i64) -> Tried {
    let same = |receipt: &&Receipt| {
        receipt.statement == posting.statement
            && receipt.amount.amount_minor == minor
            && receipt.amount.currency == posting.amount.currency
    };
    let theirs = of_key(all, &posting.key);
    hold(theirs.len() == 1 && theirs.iter().all(same), || {
        format!(
            "{minor} minor units were written for {} with the key {}, and of that key there is {theirs:?}: tell each receipt as it \
             stands, once, a reversal's below zero",
            posting.statement, posting.key
        )
    })
}

async fn of_a_reversal(bench: &Bench) -> Tried {
    let world = written(bench).await?;
    receipts(&world, PAGE).await?;
    let reversal = usual(bench)?;
    reversed(&world, reversal.clone()).await?;
    let all = receipts(&world, PAGE).await?;
    is_written(&all, &reversal, -AMOUNT_MINOR)?;
    is_written(&all, &Posting { key: ORIGINAL.to_owned(), ..reversal }, AMOUNT_MINOR)
}

async fn pages_agree(bench: &Bench) -> Tried {
    let world = written(bench).await?;
    posted(&world, usual(bench)?).await?;
    let keys = |all: Vec<Receipt>| all.into_iter().map(|receipt| receipt.key).collect::<Vec<_>>();
    let all = keys(receipts(&world, PAGE).await?);
    let paged = keys(receipts(&world, 1).await?);
    hold(all == paged && all.len() >= 2, || {
        format!(
            "in pages of one written-since gives {paged:?}, in one of {PAGE} {all:?}: go on strictly after the cursor"
        )
    })
}

async fn same_cursor(bench: &Bench) -> Tried {
    let world = written(bench).await?;
    posted(&world, usual(bench)?).await?;
    receipts(&world, PAGE).await?;
    let connector = world.connector()?;
    let first = connector.written_since(world.job(KEY), None, 1).await.map_err(|f| failed(shown(&f)))?;
    let one = connector.written_since(world.job(KEY), first.next.clone(), 1).await;
    let again = connector.written_since(world.job(KEY), first.next, 1).await;
    hold(format!("{one:?}") == format!("{again:?}"), || {
        "the same cursor gives another page the second time: a cursor is not used up".to_owned()
    })
}

async fn odd_cursor(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    receipts(&world, PAGE).await?;
    for cursor in ["", "-1", "99999999999999999999", "\0", "é", "0 OR 1=1"] {
        let page = world.connector()?.written_since(world.job(KEY), Some(cursor.to_owned()), PAGE).await;
        unbroken(&page, &format!("in written-since with the cursor {cursor:?}"))?;
    }
    Ok(())
}
