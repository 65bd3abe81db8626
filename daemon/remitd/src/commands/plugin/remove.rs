//! `plugin remove`: takes away what `install` put in place. Refuses where the configuration still works with the plugin.

use super::install::own_file;
use super::trail;
use crate::commands::Asked;
use crate::fault::{DONE, Fault};
use crate::trust::{Lock, SIGNATURE_ENDING};
use crate::wiring::plugins::named;
use crate::{logging, show};

pub async fn run(asked: &Asked, id: &str) -> Result<u8, Fault> {
    let loaded = asked.load()?;
    logging::start_quiet(&loaded.config.log);
    if let Some((place, ..)) = named(&loaded.config).into_iter().find(|(_, named, _)| *named == id) {
        return Err(Fault::usage(format!("{place} works with \"{id}\""), "name another plugin there first"));
    }
    let mut lock = Lock::read(&loaded)?;
    let configured = loaded.config.plugins.iter().find(|plugin| plugin.id == id);
    let own = loaded.path("conf.d").join(own_file(id));
    if configured.is_some() && !own.exists() {
        let hint = "take its [[plugin]] table out of the configuration first, then remove it";
        return Err(Fault::usage(format!("\"{id}\" is configured by hand"), hint));
    }
    let sha256 = lock.get(id).map(|entry| entry.sha256.clone());
    if !lock.remove(id) && configured.is_none() {
        let known: Vec<&str> = lock.entries().iter().map(|entry| entry.id.as_str()).collect();
        let hint = if known.is_empty() {
            "none is".to_owned()
        } else {
            format!("installed are {}", known.join(", "))
        };
        return Err(Fault::usage(format!("\"{id}\" is not installed"), hint));
    }
    // The table first: a crash then leaves a file that nobody names.
    if own.exists() {
        fs_err::remove_file(&own)?;
    }
    lock.write()?;
    let file = loaded.path(format!("plugins/{id}.wasm"));
    for path in [file.clone(), file.with_extension(format!("wasm.{SIGNATURE_ENDING}"))] {
        if path.exists() {
            fs_err::remove_file(&path)?;
        }
    }
    trail(&loaded, "removed", id, &sha256.unwrap_or_default(), "taken away".to_owned()).await;
    show::note(&format!("\"{id}\" is removed; next: remitd reload for a daemon that runs"));
    Ok(DONE)
}
