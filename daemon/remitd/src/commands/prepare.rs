//! `matter prepare`: the table in the matter database that takes a posting's key where the matter software has no place for
//! it, and the statements that use it. Never changes a table that is there.

use super::{Asked, agreed};
use crate::cli::Prepare;
use crate::config::{Loaded, Sql};
use crate::fault::{DONE, Fault};
use crate::odbc::SPAWN;
use crate::{show, wiring};
use remitd_host::{is_sql_server, run_script};
use secrecy::ExposeSecret;
use serde::Serialize;
use std::path::Path;

/// The table as all databases read it, and as SQL Server does, under the name that is replaced by the wanted one.
const TABLE: &str = include_str!("../../../../config/presets/remitd_posting.sql");
const SQL_SERVER_TABLE: &str = include_str!("../../../../config/presets/remitd_posting.mssql.sql");
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

pub async fn run(asked: &Asked, loaded: &Loaded, connector: &str, wanted: &Prepare) -> Result<u8, Fault> {
    check_name(&wanted.table)?;
    let sql = connection(loaded, connector)?;
    let url = wiring::sql_url(loaded, sql)?;
    let url = url.expose_secret();
    let named = |text: &str| text.replace(NAME, &wanted.table);
    let table = if is_sql_server(url, SPAWN).await? { SQL_SERVER_TABLE } else { TABLE };
    let (table, settings) = (named(table), named(SETTINGS));
    let outcome = match (wanted.dry_run, asked.json) {
        (true, true) => "shown",
        (true, false) => {
            show::text(&table)?;
            return Ok(DONE);
        }
        _ => make(url, sql, wanted, &table, &named(LOOK)).await?,
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
    url: &str,
    sql: &Sql,
    wanted: &Prepare,
    table: &str,
    look: &str,
) -> Result<&'static str, Fault> {
    if let Some(file) = url.strip_prefix("sqlite:").filter(|file| !Path::new(file).exists()) {
        let what = format!("there is no matter database {file}");
        return Err(Fault::usage(what, format!("mend `url` of [[sql]] \"{}\"", sql.id)));
    }
    if run_script(url, look, SPAWN).await.is_ok() {
        return Ok("there");
    }
    show::note(&format!("{table}\nIt is made in \"{}\".", sql.id));
    if !wanted.yes && !agreed("Make it?")? {
        return Err(Fault::usage("nothing was made", "answer y to make it"));
    }
    match run_script(url, table, SPAWN).await {
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

/// The connection that the connector's settings name, and that it may write to.
fn connection<'a>(loaded: &'a Loaded, connector: &str) -> Result<&'a Sql, Fault> {
    let config = &loaded.config;
    let plugin = config.plugins.iter().find(|plugin| plugin.id == connector);
    let named = plugin.and_then(|plugin| plugin.settings.get("connection")?.as_str());
    let Some(sql) = config.sql.iter().find(|sql| named == Some(sql.id.as_str())) else {
        let what =
            format!("the plugin \"{connector}\" has no setting `connection` that is the id of a [[sql]]");
        return Err(Fault::usage(what, "name a plugin of sql-connector with --connector"));
    };
    if !plugin.is_some_and(|plugin| plugin.grants.sql_write.contains(&sql.id)) {
        let what = format!("\"{connector}\" may not write to \"{}\"", sql.id);
        return Err(Fault::usage(what, format!("add sql_write = [\"{}\"] to its [plugin.grants]", sql.id)));
    }
    Ok(sql)
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
