//! `matter prepare`: the table in the matter database that takes a posting's key where the matter software has no place for
//! it, and the statements that use it. Never changes a table that is there.

use super::{Asked, agreed};
use crate::cli::Prepare;
use crate::config::{Loaded, Sql};
use crate::fault::{DONE, Fault};
use crate::{logging, show, wiring};
use remitd_host::run_script;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::path::Path;

/// The table as all databases read it, under the name that is replaced by the wanted one.
const TABLE: &str = include_str!("../../../../config/presets/remitd_posting.sql");
const NAME: &str = "remitd_posting";
/// Fails where the table is not there, or is another's.
const LOOK: &str = "SELECT posting_key, reverses, statement, amount, currency, reference, receipt, posted_at
    FROM remitd_posting WHERE 1 = 0";
const SETTINGS: &str = r#"find = "SELECT receipt AS ref FROM remitd_posting WHERE posting_key = :key"
post = ["""
  INSERT INTO remitd_posting (posting_key, statement, amount, currency, reference)
  VALUES (:key, :statement, :amount, :currency, :reference)""",
  # then what posts it in the matter software; { rows = 1, sql = "…" } where it must change one row
]
reverse = ["""
  INSERT INTO remitd_posting (posting_key, reverses, statement, amount, currency, reference)
  VALUES (:key, :original_key, :statement, 0 - CAST(:amount AS DECIMAL(19, 4)), :currency, :reference)""",
  # then what takes it back
]"#;

#[derive(Serialize)]
struct Prepared<'a> {
    connector: &'a str,
    connection: &'a str,
    table: &'a str,
    /// `there`, `made` or `shown`.
    outcome: &'static str,
    sql: &'a str,
    settings: &'a str,
}

pub async fn run(asked: &Asked, wanted: &Prepare) -> Result<u8, Fault> {
    let loaded = asked.load()?;
    logging::start_quiet(&loaded.config.log);
    check_name(&wanted.table)?;
    let (connector, sql) = connection(&loaded, wanted.connector.as_deref())?;
    let named = |text: &str| text.replace(NAME, &wanted.table);
    let (table, settings) = (named(TABLE), named(SETTINGS));
    let outcome = match (wanted.dry_run, asked.json) {
        (true, true) => "shown",
        (true, false) => {
            show::text(&table)?;
            return Ok(DONE);
        }
        _ => make(&loaded, sql, wanted, &table, &named(LOOK)).await?,
    };
    if asked.json {
        let (connection, sql) = (sql.id.as_str(), table.as_str());
        let table = wanted.table.as_str();
        show::json(&Prepared { connector, connection, table, outcome, sql, settings: &settings })?;
        return Ok(DONE);
    }
    show::note(&format!("the table {} is {outcome} in \"{}\"", wanted.table, sql.id));
    show::note(&format!("what the settings of \"{connector}\" say of it:\n"));
    show::text(&settings)?;
    show::note("\nnext: remitd check, then remitd matter test");
    Ok(DONE)
}

/// Looks, asks, makes.
async fn make(
    loaded: &Loaded,
    sql: &Sql,
    wanted: &Prepare,
    table: &str,
    look: &str,
) -> Result<&'static str, Fault> {
    let url = wiring::sql_url(loaded, sql)?;
    let url = url.expose_secret();
    if let Some(file) = url.strip_prefix("sqlite:").filter(|file| !Path::new(file).exists()) {
        let what = format!("there is no matter database {file}");
        return Err(Fault::usage(what, format!("mend `url` of [[sql]] \"{}\"", sql.id)));
    }
    if run_script(url, look).await.is_ok() {
        return Ok("there");
    }
    show::note(&format!("{table}\nIt is made in \"{}\".", sql.id));
    if !wanted.yes && !agreed("Make it?")? {
        return Err(Fault::usage("nothing was made", "answer y to make it"));
    }
    match run_script(url, table).await {
        Ok(()) => Ok("made"),
        Err(error) => Err(Fault::usage(
            error.to_string(),
            format!(
                "where this user may not make tables, let the database's administrator run what `remitd matter prepare --dry-run` \
                 prints, then GRANT SELECT, INSERT, UPDATE ON {} to the user",
                wanted.table
            ),
        )),
    }
}

/// The connector, and the connection that its settings name.
fn connection<'a>(loaded: &'a Loaded, named: Option<&str>) -> Result<(&'a str, &'a Sql), Fault> {
    let config = &loaded.config;
    let of = |plugin: &crate::config::Plugin| {
        let name = plugin.settings.get("connection")?.as_str()?;
        config.sql.iter().find(|sql| sql.id == name)
    };
    let mut plugins = config.plugins.iter().filter(|plugin| named.is_none_or(|named| plugin.id == named));
    let found = plugins.find_map(|plugin| Some((plugin, of(plugin)?)));
    let Some((plugin, sql)) = found else {
        let what = match named {
            Some(named) => {
                format!("the plugin \"{named}\" has no setting `connection` that is the id of a [[sql]]")
            }
            None => "no plugin has a setting `connection` that is the id of a [[sql]]".to_owned(),
        };
        return Err(Fault::usage(what, "copy a preset into conf.d, or see [[sql]] in config/remitd.toml"));
    };
    if !plugin.grants.sql_write.contains(&sql.id) {
        let what = format!("\"{}\" may not write to \"{}\"", plugin.id, sql.id);
        return Err(Fault::usage(what, format!("add sql_write = [\"{}\"] to its [plugin.grants]", sql.id)));
    }
    Ok((&plugin.id, sql))
}

/// A name that means the same in every database, quoted or not: it is put into the text.
fn check_name(table: &str) -> Result<(), Fault> {
    let plain = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    if table.split('.').count() <= 2 && table.split('.').all(plain) {
        return Ok(());
    }
    Err(Fault::usage(
        format!("{table:?} is no name for a table"),
        "write lower-case letters, digits and `_`, such as remitd_posting or billing.remitd_posting",
    ))
}
