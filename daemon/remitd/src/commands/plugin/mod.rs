//! `plugin`: what is configured, what a component is, one export called by hand; and a file each for what operators and authors do.

mod author;
mod candidate;
mod inspect;
mod install;
mod remove;
mod upgrade;
mod verify;

use super::Asked;
use crate::cli::Plugin as Command;
use crate::config;
use crate::fault::{BAD_CONFIGURATION, DONE, Fault};
use crate::{logging, show, wiring};
use remitd_domain::time::Clock;
use remitd_host::{Grants, Host, JobSpec, Plugin, PluginSpec, Wasm};
use remitd_store::AuditRow;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

#[derive(Serialize)]
struct PluginView {
    id: String,
    kind: &'static str,
    sha256: String,
    services: Vec<String>,
    grants: Grants,
}

impl From<&Arc<Plugin>> for PluginView {
    fn from(plugin: &Arc<Plugin>) -> PluginView {
        PluginView {
            id: plugin.id().to_owned(),
            kind: plugin.kind().name(),
            sha256: plugin.sha256().to_owned(),
            services: plugin.services(),
            grants: plugin.grants().clone(),
        }
    }
}

pub async fn run(asked: &Asked, command: Command) -> Result<u8, Fault> {
    match command {
        Command::List => list(asked),
        Command::Inspect { plugin } => inspect::run(asked, &plugin).await,
        Command::Run { plugin, export, arguments } => call(asked, &plugin, &export, &arguments).await,
        Command::Install(wanted) => install::run(asked, &wanted).await,
        Command::Remove(wanted) => remove::run(asked, &wanted).await,
        Command::Verify { id } => verify::run(asked, id.as_deref()).await,
        Command::New { kind, name, dir } => author::new(kind, &name, dir),
        Command::Dev { dir, once } => author::dev(asked, &dir, once).await,
        Command::Test { file, fixture } => author::test(asked, &file, fixture).await,
        Command::Pack { file, manifest, out } => author::pack(&file, manifest, out),
    }
}

async fn call(asked: &Asked, plugin: &str, export: &str, arguments: &str) -> Result<u8, Fault> {
    let arguments: Value = serde_json::from_str(arguments).map_err(|error| {
        Fault::usage(
            format!("the arguments are no JSON: {error}"),
            r#"write an object by parameter: '{"field": "client", "text": "roe", "limit": 5}'"#,
        )
    })?;
    let (host, found) = named(asked, plugin)?;
    let job = JobSpec::new("plugin run", "plugin run");
    let answer = host.call_json(&found, job, export, arguments).await.map_err(|failure| {
        Fault::usage(
            format!("{export}: {} ({})", failure.message, failure.code),
            format!("its exports and their parameters: remitd plugin inspect {plugin}"),
        )
    })?;
    show::json(&answer)?;
    Ok(DONE)
}

fn list(asked: &Asked) -> Result<u8, Fault> {
    let loaded = asked.load_to_mend()?;
    logging::start_quiet(&loaded.config.log);
    let (found, problems) = wiring::look(&loaded, None)?;
    let views: Vec<_> = found.all.iter().map(PluginView::from).collect();
    if !problems.0.is_empty() {
        show::note(&problems.to_string());
    }
    let end = if problems.0.is_empty() { DONE } else { BAD_CONFIGURATION };
    if asked.json {
        show::json(&views)?;
        return Ok(end);
    }
    let row = |view: &PluginView| {
        let grants: Vec<String> = view.grants.each().map(|(key, name)| format!("{key} {name}")).collect();
        vec![view.id.clone(), view.kind.to_owned(), grants.join(", "), view.sha256.clone()]
    };
    show::table(&["id", "kind", "grants", "sha256"], views.iter().map(row).collect())?;
    Ok(end)
}

/// A bundled plugin or a file of the working folder, with no grants and without any configuration; else a configured one, with
/// its own.
fn named(asked: &Asked, name: &str) -> Result<(Arc<Host>, Arc<Plugin>), Fault> {
    let bundled = remitd_plugins::bundled(name).map(|bundled| Wasm::bundled(bundled.wasm, bundled.sha256));
    let configured = match asked.load_to_mend() {
        Ok(loaded) if loaded.config.plugins.iter().any(|plugin| plugin.id == name) => Some(loaded),
        Err(fault) if bundled.is_none() && !Path::new(name).exists() => return Err(fault),
        _ => None,
    };
    if let Some(loaded) = configured {
        logging::start_quiet(&loaded.config.log);
        let (mut found, problems) = wiring::look(&loaded, Some(name))?;
        let plugin = found.all.pop().ok_or(Fault::Configuration(problems))?;
        return Ok((found.host, plugin));
    }
    let wasm = match bundled {
        Some(wasm) => wasm,
        None if Path::new(name).exists() => fs_err::read(name)?.into(),
        None => return Err(unknown(asked, name)),
    };
    let host = wiring::bare_host()?;
    let (id, settings_json) = (name.to_owned(), "{}".to_owned());
    let plugin = host.load(PluginSpec { id, wasm, grants: Grants::default(), settings_json })?;
    Ok((host, plugin))
}

fn unknown(asked: &Asked, name: &str) -> Fault {
    let mut known: Vec<String> =
        remitd_plugins::BUNDLED.iter().map(|bundled| bundled.id.to_owned()).collect();
    if let Ok(loaded) = asked.load_to_mend() {
        known.extend(loaded.config.plugins.into_iter().map(|plugin| plugin.id));
    }
    known.sort();
    known.dedup();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Fault::usage(format!("there is no plugin and no file \"{name}\""), config::choice_of(name, &known))
}

/// A row of the trail.
fn row(what: &str, id: &str, sha256: &str, message: String) -> AuditRow {
    AuditRow {
        at_ms: crate::clock::SystemClock.now_ms(),
        actor: "cli".to_owned(),
        what: what.to_owned(),
        code: id.to_owned(),
        message,
        sha256: sha256.to_owned(),
        job: String::new(),
    }
}

/// Writes into the trail what was done. A store that is away does not undo it: it is said, and stands in the log.
async fn trail(loaded: &config::Loaded, what: &str, id: &str, sha256: &str, message: String) {
    let row = row(what, id, sha256, message);
    let written = async {
        let wired = wiring::open(loaded.clone(), wiring::Need::Store).await?;
        let mut tx = wired.road.store.begin().await?;
        tx.audit(&row).await?;
        tx.commit().await?;
        Ok::<(), Fault>(())
    };
    if let Err(fault) = written.await {
        show::note(&format!("it is done, but not in the trail (remitd audit show): {fault}"));
    }
}
