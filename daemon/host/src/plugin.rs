//! One loaded plugin: compiled, linked, its kind known from what it exports. Loading refuses what the daemon cannot give.

use crate::error::HostError;
use crate::grants::{Charter, Grants};
use crate::job::JobState;
use crate::kind::{Kind, PACKAGE, VERSION};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use wasmtime::Engine;
use wasmtime::component::types::{Component as ComponentType, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker};

/// Jobs that begin elsewhere after one that overstayed.
const AWAY_JOBS: u32 = 64;

/// What the operator configured of one plugin.
#[derive(Debug, Clone)]
pub struct PluginSpec {
    pub id: String,
    pub wasm: Wasm,
    pub grants: Grants,
    /// A JSON object.
    pub settings_json: String,
}

/// A component's bytes and the digest that they are known by, worked out once.
#[derive(Debug, Clone)]
pub struct Wasm {
    bytes: Cow<'static, [u8]>,
    sha256: String,
}

impl Wasm {
    /// One that is part of this binary: its digest was worked out when that was built.
    pub fn bundled(bytes: &'static [u8], sha256: &str) -> Wasm {
        Wasm { bytes: bytes.into(), sha256: sha256.to_owned() }
    }

    /// One that was loaded before, whose bytes nobody needs any more.
    pub(crate) fn loaded(sha256: &str) -> Wasm {
        Wasm { bytes: Cow::Borrowed(&[]), sha256: sha256.to_owned() }
    }

    /// In hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

impl From<Vec<u8>> for Wasm {
    fn from(bytes: Vec<u8>) -> Wasm {
        Wasm { sha256: hex::encode(Sha256::digest(&bytes)), bytes: bytes.into() }
    }
}

impl Deref for Wasm {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A plugin that is ready to run.
pub struct Plugin {
    pub(crate) charter: Arc<Charter>,
    pub(crate) kind: Kind,
    pub(crate) pre: InstancePre<JobState>,
    /// Jobs that ended by the plugin's own fault since the last that did not.
    failures: AtomicU32,
    /// So many jobs yet begin elsewhere, since one held its caller's thread for longer than a guest may.
    away: AtomicU32,
    /// Nothing but a reload puts it back.
    aside: AtomicBool,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("id", &self.charter.plugin)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn link(
        linker: &Linker<JobState>,
        component: &Component,
        spec: PluginSpec,
    ) -> Result<Plugin, HostError> {
        let engine = component.engine();
        let shape = component.component_type();
        refuse_foreign_imports(&spec.id, &shape, engine)?;
        let kind = kind_of(&spec.id, &shape, engine)?;
        refuse_other_kinds_services(&spec.id, kind, &shape, engine)?;
        let pre = linker
            .instantiate_pre(component)
            .map_err(|error| HostError::Unfit { plugin: spec.id.clone(), reason: format!("{error:#}") })?;
        let charter = Arc::new(Charter::new(spec.id, spec.wasm.sha256, spec.grants, spec.settings_json)?);
        Ok(Plugin {
            charter,
            kind,
            pre,
            failures: AtomicU32::new(0),
            away: AtomicU32::new(0),
            aside: AtomicBool::new(false),
        })
    }

    pub fn id(&self) -> &str {
        &self.charter.plugin
    }

    /// Of the wasm file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.charter.sha256
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn grants(&self) -> &Grants {
        &self.charter.grants
    }

    /// Whether the other is the same code with the same settings and grants.
    pub fn same_as(&self, other: &Plugin) -> bool {
        let (one, two) = (&self.charter, &other.charter);
        // The keys' order is nobody's meaning.
        let settings = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        one.sha256 == two.sha256
            && one.grants == two.grants
            && settings(&one.settings_json) == settings(&two.settings_json)
    }

    pub fn pre(&self) -> &InstancePre<JobState> {
        &self.pre
    }

    /// The services that it imports, as `sql` and `http`.
    pub fn services(&self) -> Vec<String> {
        let (shape, engine) = self.shape();
        shape.imports(engine).map(|(name, _)| service_of(name).to_owned()).collect()
    }

    /// Whether it exports this interface too, beside that of its kind.
    pub fn offers(&self, interface: &str) -> bool {
        let wanted = format!("{PACKAGE}{interface}{VERSION}");
        let (shape, engine) = self.shape();
        shape.exports(engine).any(|(name, _)| name == wanted)
    }

    /// Whether it failed so often that it is not called any more.
    pub fn is_set_aside(&self) -> bool {
        self.aside.load(Ordering::Relaxed)
    }

    /// Whether its last job ended by its own fault.
    pub(crate) fn failed_last(&self) -> bool {
        self.failures.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed) > 0
    }

    /// Counts a job; one that overstayed counts for many.
    pub(crate) fn note_stay(&self, overstayed: bool) {
        if overstayed {
            return self.away.store(AWAY_JOBS, Ordering::Relaxed);
        }
        let less = |away: u32| away.checked_sub(1);
        // None is left where none was.
        let _ = self.away.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Counts how a job ended; gives whether the plugin is set aside by it.
    pub(crate) fn count(&self, own_fault: bool, most: u32) -> bool {
        if own_fault {
            let too_often = self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= most;
            return too_often && !self.aside.swap(true, Ordering::Relaxed);
        }
        self.failures.store(0, Ordering::Relaxed);
        false
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

/// `sql` of `remitd:plugin/sql@1.0.0`.
fn service_of(import: &str) -> &str {
    import.strip_prefix(PACKAGE).and_then(|rest| rest.strip_suffix(VERSION)).unwrap_or(import)
}

fn refuse_other_kinds_services(
    plugin: &str,
    kind: Kind,
    shape: &ComponentType,
    engine: &Engine,
) -> Result<(), HostError> {
    let has = kind.services();
    match shape.imports(engine).find(|(name, _)| !has.contains(&service_of(name))) {
        None => Ok(()),
        Some((name, _)) => Err(HostError::NotForKind {
            plugin: plugin.to_owned(),
            import: name.to_owned(),
            kind,
            has: has.join(", "),
        }),
    }
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
