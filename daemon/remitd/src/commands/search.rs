//! `matter search`: matters by whatever field, page by page. What is not a matter (how many more there are, which fields were not
//! looked at) goes to standard error.

use super::Asked;
use crate::cli;
use crate::fault::Fault;
use crate::show;
use remitd_flow::Road;
use remitd_flow::intake::search::{self, Found, Hit, MATTERS_MAX, More, Search};
use serde::Serialize;

#[derive(Serialize)]
struct MatterView {
    number: String,
    client: String,
    client_name: String,
    description: String,
    /// By which it was found.
    field: String,
}

impl From<Hit> for MatterView {
    fn from(Hit { matter, field }: Hit) -> MatterView {
        MatterView {
            number: matter.number,
            client: matter.client,
            client_name: matter.client_name,
            description: matter.description,
            field,
        }
    }
}

pub async fn run(asked: &Asked, road: &Road, connector: &str, wanted: &cli::Search) -> Result<(), Fault> {
    let search = Search {
        connector,
        text: &wanted.text,
        field: wanted.field.as_deref(),
        limit: wanted.limit,
        page: wanted.page,
    };
    let Found { hits, more, fields, others, failed } = search::search(road, &search).await?;
    let views: Vec<_> = hits.into_iter().map(MatterView::from).collect();
    if asked.json {
        show::json(&views)?;
    } else {
        let row = |m: &MatterView| {
            vec![
                m.number.clone(),
                m.client.clone(),
                m.client_name.clone(),
                m.description.clone(),
                m.field.clone(),
            ]
        };
        let heads = ["matter", "client", "name", "description", "found by"];
        show::table(&heads, views.iter().map(row).collect())?;
    }
    let next = wanted.page.saturating_add(1);
    match more {
        More::Exactly(0) => {}
        More::Exactly(more) => show::note(&format!("{more} more: --page {next}")),
        More::AtLeast(more) => show::note(&format!("{more} more or above: --page {next}")),
        More::Capped => {
            show::note(&format!(
                "a search reads {MATTERS_MAX} matters at most, and there may be more: narrow the text"
            ));
        }
    }
    if !others.is_empty() {
        let (by, others) = (fields.join(", "), others.join(", "));
        show::note(&format!("searched by {by} alone; not by {others}: --field"));
    }
    for (field, why) in failed {
        show::note(&format!("not searched by {field}: {why}"));
    }
    Ok(())
}
