//! What the CSV importer says of itself (name, version, settings' schema), given the way that extism's authors give it. As one
//! text, without JSON around it: the opponent is not to lose by its encoding.

use extism_pdk::{FnResult, plugin_fn};

const SCHEMA: &str = include_str!("../../../../plugins/csv-importer/settings.schema.json");

#[plugin_fn]
pub fn describe() -> FnResult<String> {
    Ok(format!("CSV and TXT files\n{}\n{SCHEMA}", env!("CARGO_PKG_VERSION")))
}
