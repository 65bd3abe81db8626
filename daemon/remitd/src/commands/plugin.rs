//! `plugin`: what is configured, what a component is, and one export called by hand.

use super::Asked;
use crate::cli::Plugin as Command;
use crate::config::Loaded;
use crate::fault::{DONE, Fault};
use crate::{logging, show, wiring};
use remitd_host::{Grants, Host, JobSpec, Plugin, PluginSpec};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Serialize)]
struct PluginView {
    id: String,
    kind: &'static str,
    sha256: String,
    grants: Grants,
}

impl From<&Arc<Plugin>> for PluginView {
    fn from(plugin: &Arc<Plugin>) -> PluginView {
        PluginView {
            id: plugin.id().to_owned(),
            kind: plugin.kind().name(),
            sha256: plugin.sha256().to_owned(),
            grants: plugin.grants().clone(),
        }
    }
}

pub async fn run(asked: &Asked, command: Command) -> Result<u8, Fault> {
    let loaded = asked.load()?;
    logging::start_quiet(&loaded.config.log);
    match command {
        Command::List => list(asked, &loaded)?,
        Command::Inspect { plugin } => {
            let (host, plugin) = named(&loaded, &plugin)?;
            inspect(asked, &host, &plugin).await?;
        }
        Command::Run { plugin, export, arguments } => {
            let arguments: Value = serde_json::from_str(&arguments).map_err(|error| {
                Fault::usage(
                    format!("the arguments are no JSON: {error}"),
                    r#"'{"text": "roe", "limit": 5}'"#,
                )
            })?;
            let (host, plugin) = named(&loaded, &plugin)?;
            let job = JobSpec::new("plugin run", "plugin run");
            let answer = host.call_json(&plugin, job, &export, arguments).await.map_err(|failure| {
                Fault::usage(
                    format!("{export}: {} ({})", failure.message, failure.code),
                    "remitd plugin inspect",
                )
            })?;
            show::json(&answer)?;
        }
    }
    Ok(DONE)
}

fn list(asked: &Asked, loaded: &Loaded) -> Result<(), Fault> {
    let (_, seated) = wiring::seat(loaded)?;
    let views: Vec<_> = seated.all.iter().map(PluginView::from).collect();
    if asked.json {
        return show::json(&views);
    }
    let row = |view: &PluginView| vec![view.id.clone(), view.kind.to_owned(), view.sha256.clone()];
    show::table(&["id", "kind", "sha256"], views.iter().map(row).collect())
}

/// A configured plugin with its grants; else a bundled one or a file, with none.
fn named(loaded: &Loaded, name: &str) -> Result<(Arc<Host>, Arc<Plugin>), Fault> {
    if loaded.config.plugins.iter().any(|plugin| plugin.id == name) {
        let (_, seated) = wiring::seat(loaded)?;
        let found = seated.all.iter().find(|plugin| plugin.id() == name).cloned();
        let plugin = found.ok_or_else(|| Fault::usage(format!("there is no plugin \"{name}\""), ""))?;
        return Ok((seated.host, plugin));
    }
    let host = wiring::host(loaded)?;
    let wasm = wiring::wasm(loaded, name)?;
    let (id, settings_json) = (name.to_owned(), "{}".to_owned());
    let plugin = host.load(PluginSpec { id, wasm, grants: Grants::default(), settings_json })?;
    Ok((host, plugin))
}

#[derive(Serialize)]
struct Inspected {
    #[serde(flatten)]
    plugin: PluginView,
    name: String,
    version: String,
    settings_schema: Value,
    imports: Vec<String>,
    exports: Vec<String>,
}

async fn inspect(asked: &Asked, host: &Arc<Host>, plugin: &Arc<Plugin>) -> Result<(), Fault> {
    let description = host
        .describe(plugin)
        .await
        .map_err(|failure| Fault::usage(format!("it does not describe itself: {}", failure.message), ""))?;
    let inspected = Inspected {
        plugin: PluginView::from(plugin),
        name: description.name,
        version: description.version,
        settings_schema: serde_json::from_str(&description.settings_schema).unwrap_or(Value::Null),
        imports: plugin.imports(),
        exports: plugin.exports(),
    };
    if asked.json {
        return show::json(&inspected);
    }
    let Inspected { plugin, name, version, imports, exports, .. } = &inspected;
    show::text(&format!(
        "{} ({}, {}): {name} {version}\nsha256 {}",
        plugin.id, plugin.kind, "remitd:plugin@1.0.0", plugin.sha256
    ))?;
    show::text(&format!("imports\n  {}\nexports\n  {}", imports.join("\n  "), exports.join("\n  ")))
}
