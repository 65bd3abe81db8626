//! One loaded plugin: compiled, linked, its kind known from what it exports. Loading refuses what the daemon cannot give.

use crate::engine::HostError;
use crate::grants::{Grants, Origin};
use crate::job::JobState;
use serde::{Deserialize, Serialize};
use std::fmt;
use wasmtime::Engine;
use wasmtime::component::types::{Component as ComponentType, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker};

/// Every interface of the contract begins so.
pub(crate) const PACKAGE: &str = "remitd:plugin/";
pub(crate) const VERSION: &str = "@1.0.0";

/// What the operator configured of one plugin.
#[derive(Debug, Clone)]
pub struct PluginSpec {
    pub id: String,
    pub wasm: Vec<u8>,
    pub grants: Grants,
    /// A JSON object.
    pub settings_json: String,
}

/// The four kinds, each an interface that a plugin exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Importer,
    Connector,
    MailProvider,
    PaymentGateway,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Importer, Kind::Connector, Kind::MailProvider, Kind::PaymentGateway];

    /// As manifests and commands write it, and as the interface is called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Importer => "importer",
            Kind::Connector => "connector",
            Kind::MailProvider => "mail-provider",
            Kind::PaymentGateway => "payment-gateway",
        }
    }

    /// The exported interface in full.
    pub fn interface(self) -> String {
        format!("{PACKAGE}{}{VERSION}", self.name())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A plugin that is ready to run.
pub struct Plugin {
    pub(crate) id: String,
    pub(crate) sha256: String,
    pub(crate) kind: Kind,
    pub(crate) grants: Grants,
    pub(crate) origins: Vec<Origin>,
    pub(crate) settings_json: String,
    pub(crate) pre: InstancePre<JobState>,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn link(
        linker: &Linker<JobState>,
        component: &Component,
        sha256: String,
        spec: PluginSpec,
    ) -> Result<Plugin, HostError> {
        let engine = component.engine();
        let shape = component.component_type();
        refuse_foreign_imports(&spec.id, &shape, engine)?;
        let kind = kind_of(&spec.id, &shape, engine)?;
        let origins = origins_of(&spec)?;
        let settings: Result<serde_json::Map<String, serde_json::Value>, _> =
            serde_json::from_str(&spec.settings_json);
        if settings.is_err() {
            return Err(HostError::Settings { plugin: spec.id });
        }
        let pre = linker
            .instantiate_pre(component)
            .map_err(|error| HostError::Unfit { plugin: spec.id.clone(), reason: format!("{error:#}") })?;
        let PluginSpec { id, grants, settings_json, .. } = spec;
        Ok(Plugin { id, sha256, kind, grants, origins, settings_json, pre })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Of the wasm file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    pub fn pre(&self) -> &InstancePre<JobState> {
        &self.pre
    }

    pub(crate) fn shape(&self) -> (ComponentType, &Engine) {
        (self.pre.component().component_type(), self.pre.component().engine())
    }
}

fn refuse_foreign_imports(plugin: &str, shape: &ComponentType, engine: &Engine) -> Result<(), HostError> {
    for (name, _) in shape.imports(engine) {
        let rest = name.strip_prefix(PACKAGE);
        if rest.is_some_and(|interface| interface.ends_with(VERSION)) {
            continue;
        }
        let mend = if rest.is_some() {
            "this daemon speaks version 1.0.0 of the contract: build the plugin against plugin-sdk/wit/v1"
        } else if name.starts_with("wasi:") {
            "plugins have no WASI: build for wasm32-unknown-unknown and use the SDK's log, clock and random"
        } else {
            "remove it: a plugin can use the interfaces of remitd:plugin@1.0.0 and nothing else"
        };
        return Err(HostError::ForeignImport { plugin: plugin.to_owned(), import: name.to_owned(), mend });
    }
    Ok(())
}

fn kind_of(plugin: &str, shape: &ComponentType, engine: &Engine) -> Result<Kind, HostError> {
    let is_interface = |item: &ComponentItem| matches!(item, ComponentItem::ComponentInstance(_));
    let exports: Vec<String> = shape
        .exports(engine)
        .filter(|(_, export)| is_interface(&export.ty))
        .map(|(name, _)| name.to_owned())
        .collect();
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| exports.contains(&kind.interface())).collect();
    match kinds.as_slice() {
        [kind] => Ok(*kind),
        _ => Err(HostError::NoKind { plugin: plugin.to_owned(), exports: exports.join(", ") }),
    }
}

fn origins_of(spec: &PluginSpec) -> Result<Vec<Origin>, HostError> {
    let parse = |text: &String| {
        Origin::parse(text)
            .ok_or_else(|| HostError::BadOrigin { plugin: spec.id.clone(), origin: text.clone() })
    };
    spec.grants.http.iter().map(parse).collect()
}
