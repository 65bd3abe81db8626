//! `posting`: Manage Postings on the command line.

use super::Asked;
use crate::cli::Posting;
use crate::fault::{DONE, Fault};
use crate::show;
use crate::views::PostingView;
use crate::wiring::Need;
use remitd_domain::posting::State;
use remitd_flow::{FlowError, Road, post};

pub async fn run(asked: &Asked, posting: Posting) -> Result<u8, Fault> {
    let wired = asked.open(Need::Store).await?;
    let road = &wired.road;
    match posting {
        Posting::List { view, limit } => {
            let view = match view.as_str() {
                "all" => None,
                name => Some(State::from_name(name).ok_or_else(|| {
                    Fault::usage(
                        format!("there is no view \"{name}\""),
                        "pending, incomplete, queued, posted, removed or all",
                    )
                })?),
            };
            tell(asked, &road.store.postings(view, limit).await?)?;
        }
        Posting::Post { ids } | Posting::Retry { ids } => {
            let mut queued = Vec::new();
            for id in some(&ids)? {
                queued.push(post::queue(road, *id, "cli").await?);
            }
            tell(asked, &queued)?;
        }
        Posting::Remove { ids } => {
            let mut removed = Vec::new();
            for id in some(&ids)? {
                post::remove(road, *id, "cli").await?;
                removed.push(found(road, *id).await?);
            }
            tell(asked, &removed)?;
        }
    }
    Ok(DONE)
}

fn some(ids: &[i64]) -> Result<&[i64], Fault> {
    if ids.is_empty() { Err(Fault::usage("no posting is named", "remitd posting list")) } else { Ok(ids) }
}

async fn found(road: &Road, id: i64) -> Result<remitd_store::Posting, Fault> {
    let missing = || FlowError::Refused { code: "REMIT-0410", message: format!("there is no posting {id}") };
    Ok(road.store.posting(id).await?.ok_or_else(missing)?)
}

fn tell(asked: &Asked, postings: &[remitd_store::Posting]) -> Result<(), Fault> {
    let views: Vec<_> = postings.iter().map(PostingView::from).collect();
    if asked.json {
        return show::json(&views);
    }
    show::table(&PostingView::HEADS, views.iter().map(PostingView::row).collect())
}
