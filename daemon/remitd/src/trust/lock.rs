//! `plugins.lock`, beside the configuration: one entry for each installed plugin, written by `remitd plugin install` alone.

use crate::config::Loaded;
use crate::fault::Fault;
use remitd_host::{Grants, Manifest, Wasm};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

const FILE: &str = "plugins.lock";
const HEAD: &str = "# What was looked at when each plugin was installed. `remitd plugin install` writes it: keep it with remitd.toml.\n\n";
/// Beside it, and empty: whoever changes plugins.lock holds this file's lock.
const HELD_BY: &str = ".plugins.lock.held";
/// A change takes milliseconds: together these are 5 s.
const TRY_AGAIN: Duration = Duration::from_millis(50);
const TRIES_MOST: u32 = 100;
/// The form of the file.
const FORM: u32 = 1;
/// The version of the contract of plugins.
pub const CONTRACT: &str = "1.0.0";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub id: String,
    /// Of the component, its manifest included.
    pub sha256: String,
    /// Of the manifest alone; empty where there is none.
    pub manifest: String,
    /// The version of the contract.
    pub contract: String,
    /// As `sql elite`, `http https://api.example.com`; sorted.
    pub grants: Vec<String>,
    /// The signer's name in [signing.keys] and its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}

impl Entry {
    pub fn of(id: &str, wasm: &Wasm, grants: &Grants, signer: Option<String>) -> Entry {
        let manifest =
            Manifest::of(wasm).map(|(_, text)| hex::encode(Sha256::digest(text))).unwrap_or_default();
        let mut grants: Vec<String> = grants.each().map(|(key, name)| format!("{key} {name}")).collect();
        grants.sort();
        grants.dedup();
        Entry {
            id: id.to_owned(),
            sha256: wasm.sha256().to_owned(),
            manifest,
            contract: CONTRACT.to_owned(),
            grants,
            signer,
        }
    }

    /// What is different now, in words.
    pub fn changes(&self, now: &Entry) -> Vec<String> {
        let mut changes = Vec::new();
        let short = |digest: &str| digest.get(..16).unwrap_or(digest).to_owned();
        if self.sha256 != now.sha256 {
            changes.push(format!(
                "its bytes have SHA-256 {}…, not {}…",
                short(&now.sha256),
                short(&self.sha256)
            ));
        }
        if self.manifest != now.manifest {
            changes.push("its manifest is another".to_owned());
        }
        if self.contract != now.contract {
            changes.push(format!("the contract is {}, not {}", now.contract, self.contract));
        }
        let beyond = |one: &Entry, other: &Entry| -> Vec<String> {
            one.grants.iter().filter(|grant| !other.grants.contains(grant)).cloned().collect()
        };
        for (grants, word) in [(beyond(now, self), "new"), (beyond(self, now), "no more")] {
            if !grants.is_empty() {
                changes.push(format!("{word} among its grants: {}", grants.join(", ")));
            }
        }
        let name = |signer: &Option<String>| signer.clone().unwrap_or_else(|| "nobody".to_owned());
        if self.signer != now.signer {
            changes.push(format!("it is signed by {}, not by {}", name(&now.signer), name(&self.signer)));
        }
        changes
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    form: u32,
    #[serde(default)]
    plugin: Vec<Entry>,
}

#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl Lock {
    /// Empty where nothing was installed yet.
    pub fn read(loaded: &Loaded) -> Result<Lock, Fault> {
        Lock::at(loaded.path(FILE))
    }

    /// Reads the file, changes it and writes it, while nobody else does: of two installations at once, none is lost.
    pub async fn change<R>(loaded: &Loaded, change: impl FnOnce(&mut Lock) -> R) -> Result<R, Fault> {
        Lock::change_at(loaded.path(FILE), change).await
    }

    async fn change_at<R>(path: PathBuf, change: impl FnOnce(&mut Lock) -> R) -> Result<R, Fault> {
        let beside = path.with_file_name(HELD_BY);
        // Whoever opens it holds it until the file is closed, however the process ends.
        let held = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(&beside)?;
        let mut tries = 0;
        while let Err(error) = held.file().try_lock() {
            tries += 1;
            if tries > TRIES_MOST {
                let what = format!("{}: {error}", beside.display());
                return Err(Fault::usage(what, "another installation is at work: wait for its end"));
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        let mut lock = Lock::at(path)?;
        let answer = change(&mut lock);
        lock.write()?;
        Ok(answer)
    }

    fn at(path: PathBuf) -> Result<Lock, Fault> {
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Lock { path, entries: Vec::new() });
            }
            Err(error) => return Err(error.into()),
        };
        let bad = |why: String| Fault::Wiring {
            what: format!("{}: {}", path.display(), why.trim()),
            mend: "put the file of your last backup back, or install each plugin anew".to_owned(),
        };
        let written: Written = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if written.form != FORM {
            return Err(bad(format!("it has form {}, this remitd knows form {FORM}", written.form)));
        }
        Ok(Lock { entries: written.plugin, path })
    }

    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn put(&mut self, entry: Entry) {
        self.remove(&entry.id.clone());
        self.entries.push(entry);
        self.entries.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// Gives whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        self.entries.len() < before
    }

    /// Whole or not at all.
    fn write(&self) -> Result<(), Fault> {
        let written = Written { form: FORM, plugin: self.entries.clone() };
        let text =
            toml::to_string_pretty(&written).map_err(|error| std::io::Error::other(error.to_string()))?;
        write_whole(&self.path, format!("{HEAD}{text}").as_bytes())
    }
}

/// Writes a file in one step: a crash leaves the old one or the new one.
pub fn write_whole(path: &std::path::Path, bytes: &[u8]) -> Result<(), Fault> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let mut unique = [0u8; 8];
    getrandom::fill(&mut unique).map_err(|error| std::io::Error::other(error.to_string()))?;
    name.push(format!(".{}.new", hex::encode(unique)));
    let new = path.with_file_name(name);
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(fs_err::rename(&new, path)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_many_installations_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let mut all = tokio::task::JoinSet::new();
        for at in 0..24 {
            let path = path.clone();
            all.spawn(async move {
                let entry =
                    Entry::of(&format!("acme-{at}"), &b"one".to_vec().into(), &Grants::default(), None);
                Lock::change_at(path, |lock| lock.put(entry)).await
            });
        }
        while let Some(changed) = all.join_next().await {
            changed.unwrap().unwrap();
        }
        assert_eq!(Lock::at(path).unwrap().entries().len(), 24);
    }

    #[test]
    fn every_change_is_told() {
        let grants = Grants { sql: vec!["elite".into()], ..Grants::default() };
        let old = Entry::of("acme", &b"one".to_vec().into(), &grants, None);
        assert_eq!(old.changes(&old), [""; 0]);
        let grants = Grants { sql_write: vec!["elite".into()], ..Grants::default() };
        let new = Entry::of("acme", &b"two".to_vec().into(), &grants, Some("Acme RWQ".into()));
        let told = old.changes(&new).join("\n");
        for part in [
            "SHA-256",
            "new among its grants: sql_write elite",
            "no more among its grants: sql elite",
            "by Acme RWQ, not by nobody",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
