//! `plugin inspect`: what a plugin is, what it asks for and why, who signed it, what it imports and exports.

use super::{PluginView, named};
use crate::commands::Asked;
use crate::config::Loaded;
use crate::fault::{DONE, Fault};
use crate::show;
use crate::trust::{self, CONTRACT, Lock};
use remitd_host::{Ask, Manifest, Wasm};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
struct Inspected {
    #[serde(flatten)]
    plugin: PluginView,
    name: String,
    version: String,
    /// None where it has no manifest.
    about: Option<String>,
    asks: Vec<Ask>,
    /// As plugins.lock has it.
    signer: Option<String>,
    settings_schema: Value,
    imports: Vec<String>,
    exports: Vec<String>,
}

pub async fn run(asked: &Asked, wanted: &str) -> Result<u8, Fault> {
    let (host, plugin) = named(asked, wanted)?;
    let description = host
        .describe(&plugin)
        .await
        .map_err(|failure| Fault::usage(format!("it does not describe itself: {}", failure.message), ""))?;
    let origin = Origin::of(asked, wanted);
    let manifest = origin.manifest();
    let (about, asks) = manifest.map(|manifest| (manifest.about, manifest.asks)).unzip();
    let inspected = Inspected {
        plugin: PluginView::from(&plugin),
        name: description.name,
        version: description.version,
        about,
        asks: asks.unwrap_or_default(),
        signer: origin.signer(),
        settings_schema: serde_json::from_str(&description.settings_schema).unwrap_or(Value::Null),
        imports: plugin.imports(),
        exports: plugin.exports(),
    };
    if asked.json {
        show::json(&inspected)?;
    } else {
        show::text(&text(&inspected, origin.word()))?;
    }
    Ok(DONE)
}

/// Where the plugin comes from: that says where its manifest and its signer stand.
enum Origin {
    Bundled(&'static remitd_plugins::Bundled),
    Installed {
        wasm: Option<Wasm>,
        signer: Option<String>,
    },
    /// A file that nobody configured.
    File(Option<Wasm>),
}

impl Origin {
    fn of(asked: &Asked, wanted: &str) -> Origin {
        let configured = asked.load_to_mend().ok().and_then(|loaded| {
            let plugin = loaded.config.plugins.iter().find(|plugin| plugin.id == wanted)?.clone();
            Some((loaded, plugin))
        });
        let file = configured.as_ref().map_or(wanted, |(_, plugin)| &plugin.file);
        if let Some(bundled) = remitd_plugins::bundled(file) {
            return Origin::Bundled(bundled);
        }
        match &configured {
            Some((loaded, plugin)) => Origin::Installed {
                wasm: trust::read_component(&loaded.path(&plugin.file)).ok(),
                signer: locked_signer(loaded, &plugin.id),
            },
            None => Origin::File(trust::read_component(wanted.as_ref()).ok()),
        }
    }

    fn manifest(&self) -> Option<Manifest> {
        match self {
            Origin::Bundled(bundled) => Manifest::parse(bundled.manifest).ok(),
            Origin::Installed { wasm, .. } | Origin::File(wasm) => {
                Manifest::of(wasm.as_ref()?).ok().map(|(manifest, _)| manifest)
            }
        }
    }

    fn signer(&self) -> Option<String> {
        match self {
            Origin::Installed { signer, .. } => signer.clone(),
            Origin::Bundled(_) | Origin::File(_) => None,
        }
    }

    /// For people.
    fn word(&self) -> String {
        match self {
            Origin::Bundled(_) => "comes with remitd".to_owned(),
            Origin::Installed { signer: Some(signer), .. } => format!("installed, signed by {signer}"),
            Origin::Installed { signer: None, .. } => "installed, not signed".to_owned(),
            Origin::File(_) => "a file: not installed".to_owned(),
        }
    }
}

fn locked_signer(loaded: &Loaded, id: &str) -> Option<String> {
    Lock::read(loaded).ok()?.get(id)?.signer.clone()
}

fn text(inspected: &Inspected, origin: String) -> String {
    let Inspected { plugin, name, version, about, asks, imports, exports, .. } = inspected;
    let mut lines =
        vec![format!("{} ({}, remitd:plugin@{CONTRACT}): {name} {version}", plugin.id, plugin.kind)];
    lines.extend(about.iter().map(|about| format!("  {about}")));
    lines.push(origin);
    lines.push(format!("sha256 {}", plugin.sha256));
    lines.push(match (about, asks.as_slice()) {
        (None, _) => "has no manifest".to_owned(),
        (Some(_), []) => "asks for nothing".to_owned(),
        (Some(_), _) => "asks for".to_owned(),
    });
    lines.extend(asks.iter().map(|ask| format!("  {} {}", ask.grant, ask.why)));
    for (head, names) in [("imports", imports), ("exports", exports)] {
        lines.push(head.to_owned());
        lines.extend(names.iter().map(|name| format!("  {name}")));
    }
    lines.join("\n")
}
