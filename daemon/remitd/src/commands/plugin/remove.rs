//! `plugin remove`: takes away what `install` put in place. Refuses where the configuration still works with the plugin. What
//! the plugin remembers stays, unless it is asked for.

use super::install::own_file;
use super::row;
use crate::cli::Remove;
use crate::commands::Asked;
use crate::config::Loaded;
use crate::fault::{DONE, Fault};
use crate::trust::{Lock, SIGNATURE_ENDING};
use crate::wiring::plugins::named;
use crate::wiring::{self, Need, Wired};
use crate::{logging, show};
use serde::Serialize;

#[derive(Serialize)]
struct Removed<'a> {
    id: &'a str,
    /// Keys that it remembers, or remembered.
    state_keys: i64,
    purged: bool,
}

pub async fn run(asked: &Asked, wanted: &Remove) -> Result<u8, Fault> {
    let id = wanted.id.as_str();
    let loaded = asked.load_to_mend()?;
    logging::start_quiet(&loaded.config.log);
    if let Some((place, ..)) = named(&loaded.config).into_iter().find(|(_, named, _)| *named == id) {
        return Err(Fault::usage(format!("{place} works with \"{id}\""), "name another plugin there first"));
    }
    let lock = Lock::read(&loaded)?;
    let configured = loaded.config.plugins.iter().any(|plugin| plugin.id == id);
    if configured && !loaded.path("conf.d").join(own_file(id)).exists() {
        let hint = "take its [[plugin]] table out of the configuration first, then remove it";
        return Err(Fault::usage(format!("\"{id}\" is configured by hand"), hint));
    }
    let opened = wiring::open(loaded.clone(), Need::Store).await;
    let opened = match opened {
        // Before anything is taken away.
        Err(fault) if wanted.purge_state => return Err(fault),
        opened => opened,
    };
    let sha256 = lock.get(id).map(|entry| entry.sha256.clone()).unwrap_or_default();
    if configured || lock.get(id).is_some() {
        take_away(&loaded, id).await?;
    } else if !wanted.purge_state || remembered(opened.as_ref().ok(), id).await? == 0 {
        return Err(not_installed(&lock, id));
    }
    let state_keys = match written(opened, wanted, &sha256).await {
        Ok(keys) => keys,
        Err(fault) => {
            show::note(&format!("it is done, but not in the trail (remitd audit show): {fault}"));
            0
        }
    };
    match (state_keys, wanted.purge_state) {
        (0, _) => {}
        (keys, true) => show::note(&format!("what it remembered is deleted: {keys} keys")),
        (keys, false) => show::note(&format!(
            "what it remembers stays, for when it is installed again: {keys} keys (to delete them: remitd plugin remove {id} --purge-state)"
        )),
    }
    show::note(&format!("\"{id}\" is removed; next: remitd reload for a daemon that runs"));
    if asked.json {
        show::json(&Removed { id, state_keys, purged: wanted.purge_state })?;
    }
    Ok(DONE)
}

/// The table first: a crash then leaves a file that nobody names.
async fn take_away(loaded: &Loaded, id: &str) -> Result<(), Fault> {
    let file = loaded.path(format!("plugins/{id}.wasm"));
    let signature = file.with_extension(format!("wasm.{SIGNATURE_ENDING}"));
    let own = loaded.path("conf.d").join(own_file(id));
    if own.exists() {
        fs_err::remove_file(own)?;
    }
    Lock::change(loaded, |lock| lock.remove(id)).await?;
    for path in [file, signature] {
        if path.exists() {
            fs_err::remove_file(&path)?;
        }
    }
    Ok(())
}

fn not_installed(lock: &Lock, id: &str) -> Fault {
    let known: Vec<&str> = lock.entries().iter().map(|entry| entry.id.as_str()).collect();
    let hint =
        if known.is_empty() { "none is".to_owned() } else { format!("installed are {}", known.join(", ")) };
    Fault::usage(format!("\"{id}\" is not installed"), hint)
}

/// Keys that a plugin remembers.
async fn remembered(wired: Option<&Wired>, id: &str) -> Result<i64, Fault> {
    let Some(wired) = wired else { return Ok(0) };
    let mut tx = wired.road.store.begin().await?;
    Ok(tx.remembered_size(id).await?.0)
}

/// The trail, and the end of what it remembers where that is wanted; gives how many keys those are.
async fn written(opened: Result<Wired, Fault>, wanted: &Remove, sha256: &str) -> Result<i64, Fault> {
    let mut tx = opened?.road.store.begin().await?;
    let (keys, _) = tx.remembered_size(&wanted.id).await?;
    let mut message = "taken away".to_owned();
    if wanted.purge_state {
        let deleted = tx.forget(&wanted.id).await?;
        message.push_str(&format!(", with {deleted} keys that it remembered"));
    }
    tx.audit(&row("removed", &wanted.id, sha256, message)).await?;
    tx.commit().await?;
    Ok(keys)
}
