//! A component that somebody would install: found out about as far as it goes, and shown to a person. Owns what can never run
//! and is refused; never asks and never writes.

use super::upgrade::Before;
use crate::cli::Install;
use crate::config::{self, Loaded};
use crate::fault::Fault;
use crate::trust::{self, Entry};
use crate::wiring;
use remitd_host::types::Description;
use remitd_host::{Grants, Host, Manifest, PluginSpec, Wasm, settings_faults};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// What was found out about a component.
pub struct Candidate {
    pub id: String,
    pub path: PathBuf,
    pub wasm: Wasm,
    /// Its manifest and its version.
    pub said: Before,
    pub settings_schema: String,
    pub signer: Option<String>,
    /// It is given nothing.
    pub host: Arc<Host>,
}

/// Refuses what can never run, with the name of the thing and the mend.
pub async fn examine(loaded: &Loaded, wanted: &Install) -> Result<Candidate, Fault> {
    let (path, id) = named(loaded, wanted)?;
    let wasm = trust::read_component(&path)?;
    let refused = |why: String| Fault::usage(why, "nothing was installed; show this to the plugin's author");
    let host = wiring::bare_host()?;
    let spec = PluginSpec {
        id: path.display().to_string(),
        wasm: wasm.clone(),
        grants: Grants::default(),
        settings_json: "{}".to_owned(),
    };
    let plugin =
        tokio::task::block_in_place(|| host.load(spec)).map_err(|error| refused(error.to_string()))?;
    let unfit = |error: remitd_host::ManifestError| refused(format!("{}: {error}", path.display()));
    let (manifest, _) = Manifest::of(&wasm).map_err(unfit)?;
    manifest.fits(&plugin).map_err(unfit)?;
    let described = host.describe(&plugin).await;
    let Description { version, settings_schema, .. } = described.map_err(|failure| {
        refused(format!("{}: it does not say what it is: {}", path.display(), failure.message))
    })?;
    let signer = trust::signer_of(loaded, &path, &wasm)
        .map_err(|why| Fault::usage(format!("{}: {why}", path.display()), "remitd explain REMIT-0123"))?;
    let id = id.or_else(|| wanted.id.clone()).unwrap_or_else(|| manifest.id.clone());
    if !config::is_id(&id) {
        return Err(Fault::usage(
            format!("{id:?} is not an id"),
            "use letters, digits, `-` and `_`: --id acme",
        ));
    }
    Ok(Candidate { id, path, wasm, said: Before { manifest, version }, settings_schema, signer, host })
}

/// The file that is meant; and its id, where a configured plugin is looked at again.
fn named(loaded: &Loaded, wanted: &Install) -> Result<(PathBuf, Option<String>), Fault> {
    let given = PathBuf::from(&wanted.plugin);
    if given.exists() {
        return Ok((given, None));
    }
    let Some(plugin) = loaded.config.plugins.iter().find(|plugin| plugin.id == wanted.plugin) else {
        let what = format!(
            "there is no file {} in {}, nor a configured plugin of that id",
            given.display(),
            std::env::current_dir()?.display()
        );
        let hint = match remitd_plugins::bundled(&wanted.plugin) {
            Some(bundled) => {
                format!("it comes with remitd: write file = \"{}\" in a [[plugin]] table", bundled.id)
            }
            None => "name a packed component, as `remitd plugin pack` makes it: dist/acme.wasm".to_owned(),
        };
        return Err(Fault::usage(what, hint));
    };
    if remitd_plugins::bundled(&plugin.file).is_some() {
        let what = format!("\"{}\" comes with remitd: there is nothing to install", plugin.file);
        return Err(Fault::usage(what, "name a .wasm file"));
    }
    let path = loaded.path(&plugin.file);
    if !path.exists() {
        let id = &plugin.id;
        let what = format!("plugin \"{id}\" is configured, but its file {} is not there", path.display());
        let hint = format!("install it from the author's file: remitd plugin install FILE.wasm --id {id}");
        return Err(Fault::usage(what, hint));
    }
    Ok((path, Some(plugin.id.clone())))
}

/// Refuses a grant that would give it what it has no use for.
pub fn refuse_unasked(candidate: &Candidate, granted: &Grants) -> Result<(), Fault> {
    let asks: Vec<&str> = candidate.said.manifest.asks.iter().map(|ask| ask.grant.as_str()).collect();
    let Some((key, name)) = granted.each().find(|(key, _)| !asks.contains(key)) else { return Ok(()) };
    let hint = if asks.is_empty() {
        format!("leave --grant {key}={name} out: it asks for nothing")
    } else {
        format!("leave --grant {key}={name} out: it asks for {}", asks.join(", "))
    };
    Err(Fault::usage(format!("the manifest of \"{}\" does not ask for {key}", candidate.id), hint))
}

pub fn refuse_settings(candidate: &Candidate, settings: &Map<String, Value>) -> Result<(), Fault> {
    let faults = settings_faults(&candidate.settings_schema, settings).map_err(|why| {
        Fault::usage(format!("{}: {why}", candidate.path.display()), "show this to the plugin's author")
    })?;
    if faults.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| match fault.path.as_slice() {
            [] => fault.message.clone(),
            path => format!("{}: {}", path.join("."), fault.message),
        })
        .collect();
    let hint = "give them as --set KEY=VALUE, or mend them in [plugin.settings]";
    Err(Fault::usage(format!("the settings of \"{}\" do not fit: {}", candidate.id, lines.join("; ")), hint))
}

/// What a person is to look at, up to what has changed.
pub fn portrait(candidate: &Candidate, granted: &Grants, configured: Option<&config::Plugin>) -> Vec<String> {
    let Candidate { id, path, wasm, said: Before { manifest, version }, signer, .. } = candidate;
    let mut lines = vec![
        format!("{id}: {} {version} ({}, contract {})", manifest.name, manifest.kind, trust::CONTRACT),
        format!("  {}", manifest.about),
        format!("  {}, {} KiB, SHA-256 {}", path.display(), wasm.len() >> 10, wasm.sha256()),
        match signer {
            Some(signer) => format!("  signed by {signer}"),
            None => "  not signed".to_owned(),
        },
    ];
    if manifest.asks.is_empty() {
        lines.push("  It asks for nothing.".to_owned());
    }
    for ask in &manifest.asks {
        let grant = &ask.grant;
        let names: Vec<&str> = granted.each().filter(|(key, _)| key == grant).map(|(_, name)| name).collect();
        let names = match configured {
            _ if !names.is_empty() => format!("granted: {}", names.join(", ")),
            Some(_) => {
                format!(
                    "not granted: write {grant} = [\"NAME\"] in [plugin.grants] of \"{id}\", if it is to have it"
                )
            }
            None => format!("not granted: add --grant {grant}=NAME, if it is to have it"),
        };
        lines.push(format!("  asks for {grant} {}\n    {names}", ask.why));
    }
    for (key, name) in granted.each().filter(|(key, _)| manifest.asks.iter().all(|ask| ask.grant != *key)) {
        lines.push(format!("  is granted {key} {name}, and does not ask for it: take it out"));
    }
    lines
}

/// How it is beside what was looked at before.
pub fn changes(before: Option<&Entry>, changes: &[String]) -> Vec<String> {
    match (before, changes) {
        (None, _) => vec!["It is new here.".to_owned()],
        (Some(_), []) => vec!["Nothing has changed since it was installed.".to_owned()],
        (Some(_), changes) => {
            let lines = changes.iter().map(|change| format!("  {change}"));
            ["Since it was installed:".to_owned()].into_iter().chain(lines).collect()
        }
    }
}
