//! Reading open statements: pages, limits, what a statement must say.

use super::{AMOUNT_MINOR, LIMIT, PAGE, currency, sought};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::world::World;
use remitd_flow::plugin::connector::Statement;
use remitd_host::{Date, Failure};
use std::collections::BTreeSet;

pub(super) const CASES: &[Case] = &[
    case!(
        "pages-give-each-once",
        "Pages of one, two and a thousand give the same statements, each once, in one order.",
        pages_agree
    ),
    case!("pages-end", "Going on from each page comes to an end.", pages_end),
    case!("page-keeps-its-limit", "No page has more statements than were asked for.", page_limit),
    case!("same-cursor-same-page", "The same cursor again gives the same page.", same_cursor),
    case!("odd-cursor", "A cursor that it never gave is refused or answered.", odd_cursor),
    case!("limit-of-none", "A page of no statements, or of four thousand million, does no harm.", odd_limits),
    case!(
        "statements-are-whole",
        "Each open statement has a number, its own currency and an open amount above zero.",
        whole
    ),
    case!("dates-are-dates", "Dates of statements are days that a calendar has.", real_dates),
    case!("one-matters-statements", "A matter's open statements are those of it that are open.", of_matter),
    case!("unknown-matter", "A matter that is not there has no open statements.", unknown_matter),
    case!("balance-agrees", "A statement's balance is what the open statements say of it.", balance_agrees),
    case!("unknown-balance", "A statement that is not there has no balance.", unknown_balance),
];

/// More pages than a fixture needs: whoever gives more goes round.
const PAGES_MOST: usize = 5_000;
const NOT_THERE: &str = "kit-there-is-no-such-number";

/// Every open statement, page by page.
pub(crate) async fn pages(world: &World, limit: u32) -> Result<Result<Vec<Statement>, Failure>, Ended> {
    let connector = world.connector()?;
    let mut all = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MOST {
        let page = match connector.open_since(world.job(KEY), cursor.clone(), limit).await {
            Ok(page) => page,
            Err(failure) => {
                world.record.heard("open-since", &failure);
                return Ok(Err(failure));
            }
        };
        all.extend(page.statements);
        if page.next.is_none() {
            return Ok(Ok(all));
        }
        if page.next == cursor {
            return Err(failed(
                "open-since gives the same cursor again: a page goes on after its last statement",
            ));
        }
        cursor = page.next;
    }
    Err(failed(format!("open-since with a limit of {limit} gave {PAGES_MOST} pages and did not end")))
}

/// The same, where the plugin knows the call.
async fn open(bench: &Bench, limit: u32) -> Result<Vec<Statement>, Ended> {
    let world = bench.fresh().await?;
    let all = pages(&world, limit)
        .await?
        .map_err(|failure| skipped(format!("open-since answers {}", shown(&failure))))?;
    if all.is_empty() { Err(skipped("kit.toml's database has no open statement")) } else { Ok(all) }
}

fn numbers(statements: &[Statement]) -> Vec<&str> {
    statements.iter().map(|statement| statement.number.as_str()).collect()
}

async fn pages_agree(bench: &Bench) -> Tried {
    let all = open(bench, PAGE).await?;
    let once: BTreeSet<_> = numbers(&all).into_iter().collect();
    hold(once.len() == all.len(), || format!("a statement comes twice: {:?}", numbers(&all)))?;
    for limit in [1, 2] {
        let paged = open(bench, limit).await?;
        hold(numbers(&paged) == numbers(&all), || {
            format!(
                "in pages of {limit} open-since gives {:?}, in one of {PAGE} {:?}: order by a cursor that is unique, and go on \
                 strictly after it",
                numbers(&paged),
                numbers(&all)
            )
        })?;
    }
    Ok(())
}

async fn pages_end(bench: &Bench) -> Tried {
    for limit in [1, 3, PAGE] {
        open(bench, limit).await?;
    }
    Ok(())
}

async fn page_limit(bench: &Bench) -> Tried {
    open(bench, PAGE).await?;
    let world = bench.fresh().await?;
    for limit in [1, 2] {
        let page = world
            .connector()?
            .open_since(world.job(KEY), None, limit)
            .await
            .map_err(|f| failed(shown(&f)))?;
        hold(page.statements.len() <= limit as usize, || {
            format!("a page of {limit} has {} statements: keep to the limit", page.statements.len())
        })?;
    }
    Ok(())
}

async fn same_cursor(bench: &Bench) -> Tried {
    open(bench, PAGE).await?;
    let world = bench.fresh().await?;
    let connector = world.connector()?;
    let first = connector.open_since(world.job(KEY), None, 1).await.map_err(|f| failed(shown(&f)))?;
    let Some(cursor) = first.next else { return Err(skipped("one statement is all there is")) };
    let one = connector.open_since(world.job(KEY), Some(cursor.clone()), 1).await;
    let again = connector.open_since(world.job(KEY), Some(cursor), 1).await;
    let same =
        |one: &Result<_, Failure>, other: &Result<_, Failure>| format!("{one:?}") == format!("{other:?}");
    hold(same(&one.map(|page| page.statements), &again.map(|page| page.statements)), || {
        "the same cursor gives another page the second time: a cursor is not used up".to_owned()
    })
}

async fn odd_cursor(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    for cursor in ["", "-1", "99999999999999999999", "\0", "é", "null", "0 OR 1=1"] {
        let page = world.connector()?.open_since(world.job(KEY), Some(cursor.to_owned()), PAGE).await;
        unbroken(&page, &format!("in open-since with the cursor {cursor:?}"))?;
    }
    Ok(())
}

async fn odd_limits(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    for limit in [0, u32::MAX] {
        let page = world.connector()?.open_since(world.job(KEY), None, limit).await;
        unbroken(&page, &format!("in open-since with the limit {limit}"))?;
        let found = match sought(bench).await? {
            Some((field, text)) => world.connector()?.search(world.job(KEY), field, text, limit).await,
            None => continue,
        };
        unbroken(&found, &format!("in search with the limit {limit}"))?;
    }
    Ok(())
}

async fn whole(bench: &Bench) -> Tried {
    for statement in open(bench, PAGE).await? {
        let Statement { number, matter, total, open, payers, .. } = &statement;
        hold(!number.trim().is_empty() && !matter.trim().is_empty(), || {
            format!("a statement lacks its number or its matter: {statement:?}")
        })?;
        hold(total.currency == open.currency && is_currency(&open.currency), || {
            format!(
                "statement {number} is in {:?} and open in {:?}: give one ISO 4217 code",
                total.currency, open.currency
            )
        })?;
        hold(open.amount_minor > 0, || {
            format!(
                "statement {number} is open with {}: what is paid is no open statement",
                open.amount_minor
            )
        })?;
        let shares: u32 = payers.iter().map(|payer| payer.share).fold(0, u32::saturating_add);
        hold(payers.is_empty() || shares == 10_000, || {
            format!("the shares of statement {number} make {shares}: they make 10,000 together")
        })?;
    }
    Ok(())
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.chars().all(|c| c.is_ascii_uppercase())
}

async fn real_dates(bench: &Bench) -> Tried {
    for statement in open(bench, PAGE).await? {
        for date in [statement.issued, statement.due].into_iter().flatten() {
            let Date { year, month, day } = date;
            let real = chrono::NaiveDate::from_ymd_opt(year, month.into(), day.into()).is_some();
            hold(real, || format!("statement {} has the date {year}-{month}-{day}", statement.number))?;
        }
    }
    Ok(())
}

async fn of_matter(bench: &Bench) -> Tried {
    let Some(matter) = bench.fixture.connector.matter.clone() else {
        return Err(skipped("kit.toml names no matter"));
    };
    let all = open(bench, PAGE).await?;
    let world = bench.fresh().await?;
    let own = world.connector()?.open_statements(world.job(KEY), matter.clone()).await;
    let own = own.map_err(|failure| skipped(format!("open-statements answers {}", shown(&failure))))?;
    let expected: BTreeSet<_> = all
        .iter()
        .filter(|statement| statement.matter == matter)
        .map(|statement| statement.number.as_str())
        .collect();
    let given: BTreeSet<_> = numbers(&own).into_iter().collect();
    hold(given == expected && given.len() == own.len(), || {
        format!(
            "matter {matter} has the open statements {given:?}, and among all of them there are {expected:?}"
        )
    })
}

async fn unknown_matter(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let found = world.connector()?.open_statements(world.job(KEY), NOT_THERE.to_owned()).await;
    unbroken(&found, "in open-statements of a matter that is not there")?;
    match found {
        Ok(found) => {
            hold(found.is_empty(), || format!("a matter that is not there has {:?}", numbers(&found)))
        }
        Err(_) => Ok(()),
    }
}

async fn balance_agrees(bench: &Bench) -> Tried {
    let all = open(bench, PAGE).await?;
    let world = bench.fresh().await?;
    for statement in all.iter().take(LIMIT as usize) {
        let balance = world.connector()?.balance(world.job(KEY), statement.number.clone()).await;
        let balance = balance.map_err(|failure| skipped(format!("balance answers {}", shown(&failure))))?;
        hold(balance.as_ref() == Some(&statement.open), || {
            format!(
                "statement {} is open with {:?}, and its balance is {balance:?}: amounts are whole minor units, never floats",
                statement.number, statement.open
            )
        })?;
    }
    Ok(())
}

async fn unknown_balance(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let balance = world.connector()?.balance(world.job(KEY), NOT_THERE.to_owned()).await;
    unbroken(&balance, "in balance of a statement that is not there")?;
    hold(!matches!(balance, Ok(Some(_))), || {
        format!("a statement that is not there has the balance {balance:?}: answer none")
    })
}

/// The balance of the fixture's statement.
pub(super) async fn balance_of(bench: &Bench, world: &World) -> Result<Option<i64>, Ended> {
    let Some(statement) = bench.fixture.connector.statement.clone() else { return Ok(None) };
    let balance = world.connector()?.balance(world.job(KEY), statement).await;
    let balance = balance.ok().flatten().filter(|money| money.currency == currency(bench));
    Ok(balance.map(|money| money.amount_minor).filter(|open| *open >= AMOUNT_MINOR))
}
