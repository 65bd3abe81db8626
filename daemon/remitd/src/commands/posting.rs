//! `posting`: Manage Postings on the command line.

use super::{Asked, mapping};
use crate::cli::Posting;
use crate::config::Loaded;
use crate::fault::{DONE, Fault};
use crate::show;
use crate::views::PostingView;
use crate::wiring::Need;
use remitd_domain::money::{Currency, Money};
use remitd_domain::posting::State;
use remitd_flow::post::Split;
use remitd_flow::{FlowError, Road, post};
use std::collections::BTreeSet;

pub async fn run(asked: &Asked, posting: Posting) -> Result<u8, Fault> {
    let need = match &posting {
        // What is queued may have been written: its connector is asked.
        Posting::Reallocate { .. } | Posting::Remove { .. } => Need::Plugins,
        _ => Need::Store,
    };
    let wired = asked.open(need).await?;
    let (road, loaded) = (&wired.road, &wired.loaded);
    match posting {
        Posting::List { view, limit } => {
            let view = in_view(&view)?;
            tell(asked, loaded, &road.store.postings(view, limit).await?)?;
        }
        Posting::Post { ids } | Posting::Retry { ids } => {
            post::queue(road, some(&ids)?, "cli").await?;
            tell(asked, loaded, &found(road, &ids).await?)?;
        }
        Posting::Reallocate { id, to, oldest_first, prorated } => {
            let split = match (oldest_first, prorated) {
                (true, _) => Split::OldestFirst,
                (_, true) => Split::Prorated,
                _ => named(road, id, &to).await?,
            };
            tell(asked, loaded, &post::reallocate(road, id, &split, "cli").await?)?;
        }
        Posting::Export { to, view, limit } => {
            let postings = road.store.postings(in_view(&view)?, limit).await?;
            fs_err::write(&to, post::csv(road, &postings).await?)?;
            show::note(&format!("{} postings in {}", postings.len(), to.display()));
        }
        Posting::Written { ids } => {
            post::written(road, some(&ids)?, "cli").await?;
            tell(asked, loaded, &found(road, &ids).await?)?;
        }
        Posting::Remove { ids } => {
            post::remove(road, some(&ids)?, "cli").await?;
            tell(asked, loaded, &found(road, &ids).await?)?;
        }
    }
    Ok(DONE)
}

fn in_view(name: &str) -> Result<Option<State>, Fault> {
    match name {
        "all" => Ok(None),
        name => State::from_name(name).map(Some).ok_or_else(|| {
            let known = "pending, incomplete, queued, posted, removed or all";
            Fault::usage(format!("there is no view \"{name}\""), known)
        }),
    }
}

/// `B-1=120.00`, each in the posting's own currency.
async fn named(road: &Road, id: i64, to: &[String]) -> Result<Split, Fault> {
    let found = found(road, &[id]).await?;
    let currency = found.first().map_or("", |posting| posting.currency.as_str());
    let currency = currency
        .parse::<Currency>()
        .map_err(|error| Fault::usage(error.to_string(), "remitd posting list"))?;
    let part = |text: &String| {
        let wrong = |why: String| Fault::usage(format!("--to \"{text}\": {why}"), "--to B-1=120.00");
        let (statement, amount) =
            text.rsplit_once('=').ok_or_else(|| wrong("it names no amount".to_owned()))?;
        let amount = Money::parse(amount.trim(), currency).map_err(|error| wrong(error.to_string()))?;
        Ok((statement.trim().to_owned(), amount.minor()))
    };
    to.iter().map(part).collect::<Result<_, Fault>>().map(Split::To)
}

fn some(ids: &[i64]) -> Result<&[i64], Fault> {
    if ids.is_empty() { Err(Fault::usage("no posting is named", "remitd posting list")) } else { Ok(ids) }
}

async fn found(road: &Road, ids: &[i64]) -> Result<Vec<remitd_store::Posting>, Fault> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let missing =
            || FlowError::Refused { code: "REMIT-0410", message: format!("there is no posting {id}") };
        found.push(road.store.posting(*id).await?.ok_or_else(missing)?);
    }
    Ok(found)
}

/// Each with the place of the statement that stands in its way.
fn tell(asked: &Asked, loaded: &Loaded, postings: &[remitd_store::Posting]) -> Result<(), Fault> {
    let view = |posting: &remitd_store::Posting| {
        let error = posting.error.as_deref().unwrap_or_default();
        let place = mapping::of_message(loaded, &posting.connector, error);
        PostingView { place, ..PostingView::from(posting) }
    };
    let views: Vec<_> = postings.iter().map(view).collect();
    if asked.json {
        return show::json(&views);
    }
    show::table(&PostingView::HEADS, views.iter().map(PostingView::row).collect())?;
    let mends: BTreeSet<_> = views.iter().filter_map(|view| view.mend).collect();
    mends.into_iter().for_each(|mend| show::note(&format!("  hint: {mend}")));
    Ok(())
}
