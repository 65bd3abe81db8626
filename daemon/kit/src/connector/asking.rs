//! Searching: fields, limits, what is found.

use super::{LIMIT, sought};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use remitd_flow::plugin::connector::Matter;
use remitd_host::{Failure, FailureClass};
use std::collections::BTreeSet;

pub(super) const CASES: &[Case] = &[
    case!("search-fields-have-names", "The fields of its search have names, each once.", fields),
    case!("search-finds", "What kit.toml says is there is found.", finds),
    case!("search-keeps-its-limit", "No search gives more than it was asked for.", limit),
    case!("search-finds-each-once", "A matter is found once, with its number.", each_once),
    case!(
        "unknown-field-refused",
        "A field that it does not know is invalid, and not searched by another.",
        unknown_field
    ),
    case!("search-takes-quotes", "A text with quotes and signs in it is looked for as it is.", takes_quotes),
    case!("search-for-nothing-there", "A text that is nowhere finds nothing.", nothing_there),
];

async fn fields_of(bench: &Bench) -> Result<Vec<String>, Ended> {
    let world = bench.fresh().await?;
    let fields = world.connector()?.search_fields(world.job(KEY)).await;
    fields
        .map_err(|failure| failed(format!("search-fields ended with {}: it always answers", shown(&failure))))
}

async fn fields(bench: &Bench) -> Tried {
    let fields = fields_of(bench).await?;
    let once: BTreeSet<_> = fields.iter().collect();
    hold(once.len() == fields.len() && fields.iter().all(|field| !field.trim().is_empty()), || {
        format!("its fields are {fields:?}: each needs a name of its own")
    })
}

async fn search(bench: &Bench, text: Option<&str>, limit: u32) -> Result<Vec<Matter>, Ended> {
    let Some((field, usual)) = sought(bench).await? else {
        return Err(skipped("kit.toml says nothing that a search finds: [connector] text = \"…\""));
    };
    let world = bench.fresh().await?;
    let text = text.map_or(usual, str::to_owned);
    let found = world.connector()?.search(world.job(KEY), field, text.clone(), limit).await;
    unbroken(&found, &format!("in a search for {:?}", crate::case::cut(&text)))?;
    found.map_err(|failure: Failure| failed(format!("a search for {text:?} ended with {}", shown(&failure))))
}

async fn finds(bench: &Bench) -> Tried {
    let found = search(bench, None, LIMIT).await?;
    hold(!found.is_empty(), || "the search finds nothing for the text of kit.toml".to_owned())
}

async fn limit(bench: &Bench) -> Tried {
    for limit in [1, 2] {
        let found = search(bench, None, limit).await?;
        hold(found.len() <= limit as usize, || {
            format!("a search with the limit {limit} gives {}: keep to it", found.len())
        })?;
    }
    Ok(())
}

async fn each_once(bench: &Bench) -> Tried {
    let found = search(bench, None, LIMIT).await?;
    let numbers: BTreeSet<_> = found.iter().map(|matter| &matter.number).collect();
    hold(numbers.len() == found.len() && found.iter().all(|matter| !matter.number.trim().is_empty()), || {
        format!(
            "the search gives {:?}: each matter once, with its number",
            found.iter().map(|m| &m.number).collect::<Vec<_>>()
        )
    })
}

async fn unknown_field(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let found = world
        .connector()?
        .search(world.job(KEY), "kit-no-such-field".to_owned(), "a".to_owned(), LIMIT)
        .await;
    match found {
        Err(failure) if failure.class == FailureClass::Invalid => Ok(()),
        Err(failure) => {
            Err(failed(format!("a field that it does not know ends with {}: it is invalid", shown(&failure))))
        }
        Ok(found) => Err(failed(format!(
            "a field that it does not know is searched all the same and gives {} matters: refuse it as invalid, naming the \
             fields that there are",
            found.len()
        ))),
    }
}

async fn nothing_there(bench: &Bench) -> Tried {
    let found = search(bench, Some("kit-zzz-nobody-has-this-name"), LIMIT).await?;
    hold(found.is_empty(), || format!("a text that is nowhere finds {} matters", found.len()))
}

/// Text that means something to a database, and finds nothing where it is taken as text.
const SIGNS: [&str; 4] = ["O'Neill kit", "' OR '1'='1", "kit\" --", "kit); ;"];

async fn takes_quotes(bench: &Bench) -> Tried {
    for text in SIGNS {
        let found = search(bench, Some(text), LIMIT).await?;
        hold(found.is_empty(), || {
            format!("a search for {text:?} finds {} matters: bind the text as a parameter", found.len())
        })?;
    }
    Ok(())
}
