//! `plugin verify`: every installed plugin held against the lock, its manifest against what it can do.

use crate::commands::{Asked, status};
use crate::config::Loaded;
use crate::fault::Fault;
use crate::trust::{self, Lock, grants};
use crate::{logging, show, wiring};
use remitd_host::{Host, Manifest, PluginSpec, Wasm};
use serde::Serialize;

#[derive(Serialize)]
struct Verified {
    id: String,
    file: String,
    sha256: String,
    signer: Option<String>,
    good: bool,
    /// What is wrong, and the mend.
    faults: Vec<String>,
}

pub async fn run(asked: &Asked, only: Option<&str>) -> Result<u8, Fault> {
    let loaded = asked.load_to_mend()?;
    logging::start_quiet(&loaded.config.log);
    let lock = Lock::read(&loaded)?;
    let host = wiring::bare_host()?;
    let wanted = loaded.config.plugins.iter().filter(|plugin| only.is_none_or(|id| plugin.id == id));
    let verified: Vec<Verified> = wanted.map(|plugin| verify(&loaded, &lock, &host, plugin)).collect();
    if let (Some(id), []) = (only, verified.as_slice()) {
        return Err(Fault::usage(format!("there is no plugin \"{id}\""), "see remitd plugin list"));
    }
    let clean = verified.iter().all(|plugin| plugin.good);
    if asked.json {
        show::json(&verified)?;
        return Ok(status(clean));
    }
    let row = |plugin: &Verified| {
        let word = if plugin.good { "good".to_owned() } else { plugin.faults.join("\n") };
        let signer = plugin.signer.clone().unwrap_or_default();
        vec![plugin.id.clone(), plugin.file.clone(), plugin.sha256.clone(), signer, word]
    };
    show::table(&["id", "file", "sha256", "signed by", "result"], verified.iter().map(row).collect())?;
    Ok(status(clean))
}

fn verify(loaded: &Loaded, lock: &Lock, host: &Host, plugin: &crate::config::Plugin) -> Verified {
    let mut faults = Vec::new();
    let mut sha256 = String::new();
    // One whose file is gone is told of like any other.
    match trust::trusted(loaded, lock, plugin) {
        Err(distrust) => faults.push(format!("{} ({})", distrust.message, distrust.hint)),
        Ok(wasm) => {
            wasm.sha256().clone_into(&mut sha256);
            if remitd_plugins::bundled(&plugin.file).is_none() {
                faults.extend(unfit(host, plugin, wasm));
            }
        }
    }
    let signer = lock.get(&plugin.id).and_then(|entry| entry.signer.clone());
    let (id, file) = (plugin.id.clone(), plugin.file.clone());
    Verified { id, file, sha256, signer, good: faults.is_empty(), faults }
}

/// What its manifest and its imports have against each other.
fn unfit(host: &Host, plugin: &crate::config::Plugin, wasm: Wasm) -> Option<String> {
    let manifest = match Manifest::of(&wasm) {
        Ok((manifest, _)) => manifest,
        Err(error) => return Some(error.to_string()),
    };
    let (id, grants) = (plugin.id.clone(), grants(&plugin.grants));
    let spec = PluginSpec { id, wasm, grants, settings_json: "{}".to_owned() };
    match host.load(spec) {
        Ok(loaded) => manifest.fits(&loaded).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}
