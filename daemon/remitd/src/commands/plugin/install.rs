//! `plugin install`: a person looks at what a component is and what it asks for, and agrees; then it is put in place, and the
//! lock says what was agreed to. Everything that can be found out is found out before anybody is asked.

use super::candidate::{self, Candidate, examine};
use super::{trail, upgrade};
use crate::cli::Install;
use crate::commands::{Asked, agreed};
use crate::config::Loaded;
use crate::fault::{DONE, Fault};
use crate::trust::{Entry, Lock, SIGNATURE_ENDING, grants, write_whole};
use crate::{logging, show};
use remitd_host::Grants;
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Where installed components lie, beside the configuration.
const FOLDER: &str = "plugins";

#[derive(Serialize)]
struct Installed<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    version: &'a str,
    file: String,
    changes: Vec<String>,
}

pub async fn run(asked: &Asked, wanted: &Install) -> Result<u8, Fault> {
    let loaded = asked.load_to_mend()?;
    logging::start_quiet(&loaded.config.log);
    let lock = Lock::read(&loaded)?;
    let candidate = examine(&loaded, wanted).await?;
    let configured = loaded.config.plugins.iter().find(|plugin| plugin.id == candidate.id);
    if let Some(plugin) = configured.filter(|plugin| remitd_plugins::bundled(&plugin.file).is_some()) {
        let what = format!("\"{}\" is the id of \"{}\", which comes with remitd", candidate.id, plugin.file);
        return Err(Fault::usage(what, "give it another id with --id, and name that where it is to work"));
    }
    let (granted, settings) = match configured {
        Some(_) if !wanted.grants.is_empty() || !wanted.settings.is_empty() => {
            let what = format!("\"{}\" is configured already", candidate.id);
            return Err(Fault::usage(
                what,
                "change its settings and grants in its [[plugin]] table, then install it again",
            ));
        }
        Some(plugin) => (grants(&plugin.grants), plugin.settings.clone()),
        None => (granted(&wanted.grants)?, settings(&wanted.settings)?),
    };
    if configured.is_none() {
        candidate::refuse_unasked(&candidate, &granted)?;
    }
    candidate::refuse_settings(&candidate, &settings)?;
    let file = match configured {
        Some(plugin) => plugin.file.clone(),
        None => format!("{FOLDER}/{}.wasm", candidate.id),
    };
    let entry = Entry::of(&candidate.id, &candidate.wasm, &granted, candidate.signer.clone());
    let reviewed = lock.get(&candidate.id);
    let changes = compared(&candidate, &loaded.path(&file), reviewed, &entry).await;
    let mut lines = candidate::portrait(&candidate, &granted, configured);
    lines.extend(candidate::changes(reviewed, &changes));
    show::note(&lines.join("\n"));
    agree(wanted.yes, reviewed == Some(&entry))?;
    place(&candidate, &loaded.path(&file))?;
    let entry = match configured {
        Some(_) => entry,
        None => configure(asked, &loaded, &candidate, table(&candidate.id, &file, &settings, &granted)?)?,
    };
    Lock::change(&loaded, |lock| lock.put(entry.clone())).await?;
    tell(&loaded, &candidate, &entry).await;
    if asked.json {
        show::json(&Installed { entry: &entry, version: &candidate.said.version, file, changes })?;
    }
    Ok(DONE)
}

/// What is different from what was looked at before; nothing for one that is new.
async fn compared(
    candidate: &Candidate,
    installed: &Path,
    reviewed: Option<&Entry>,
    now: &Entry,
) -> Vec<String> {
    let Some(reviewed) = reviewed else { return Vec::new() };
    let before = upgrade::before(&candidate.host, installed, reviewed).await;
    upgrade::told((reviewed, now), before.as_ref(), &candidate.said)
}

async fn tell(loaded: &Loaded, candidate: &Candidate, entry: &Entry) {
    let grants = match entry.grants.as_slice() {
        [] => "no grants".to_owned(),
        grants => grants.join(", "),
    };
    let said = format!("{} {} with {grants}", candidate.said.manifest.name, candidate.said.version);
    trail(loaded, "installed", &candidate.id, &entry.sha256, said).await;
    show::note("next: remitd check, and remitd reload for a daemon that runs");
}

/// The file of conf.d that holds an installed plugin's table.
pub fn own_file(id: &str) -> String {
    format!("plugin-{id}.toml")
}

/// `sql=elite` and the like.
fn granted(words: &[String]) -> Result<Grants, Fault> {
    let mut lists: Map<String, Value> = Map::new();
    for word in words {
        let hint = "write --grant sql=NAME, sql_write=, http=ORIGIN, smtp=, maildir=, outbox= or secrets=";
        let (key, name) =
            word.split_once('=').ok_or_else(|| Fault::usage(format!("{word:?} is no grant"), hint))?;
        let list = lists.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        list.as_array_mut().into_iter().for_each(|list| list.push(Value::from(name)));
    }
    let hint = "the grants are sql, sql_write, http, smtp, maildir, outbox and secrets";
    serde_json::from_value(Value::Object(lists)).map_err(|error| Fault::usage(error.to_string(), hint))
}

/// `key=value`: a TOML value, else a text.
fn settings(words: &[String]) -> Result<Map<String, Value>, Fault> {
    let setting = |word: &String| {
        let hint = "write --set KEY=VALUE";
        let (key, text) =
            word.split_once('=').ok_or_else(|| Fault::usage(format!("{word:?} is no setting"), hint))?;
        let read = toml::from_str::<Map<String, Value>>(&format!("value = {text}")).ok();
        let value = read.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::from(text));
        Ok((key.to_owned(), value))
    };
    words.iter().map(setting).collect()
}

/// A yes of a person; or none is needed, where the lock holds exactly this.
fn agree(yes: bool, unchanged: bool) -> Result<(), Fault> {
    if unchanged {
        return Ok(());
    }
    if yes {
        return Err(Fault::usage(
            "plugins.lock does not hold exactly this, so that somebody has to look at it",
            "run it again without --yes",
        ));
    }
    if agreed("Install it?")? {
        return Ok(());
    }
    Err(Fault::usage("nothing was installed", "answer y to install it"))
}

/// Puts component and signature where the configuration names them.
fn place(candidate: &Candidate, to: &Path) -> Result<(), Fault> {
    let beside = |path: &Path| PathBuf::from(format!("{}.{SIGNATURE_ENDING}", path.display()));
    if fs_err::canonicalize(&candidate.path).ok() == fs_err::canonicalize(to).ok() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs_err::create_dir_all(folder)?;
    }
    if candidate.signer.is_some() {
        write_whole(&beside(to), &fs_err::read(beside(&candidate.path))?)?;
    } else if beside(to).exists() {
        fs_err::remove_file(beside(to))?;
    }
    write_whole(to, &candidate.wasm)
}

/// Writes the plugin's table, and takes it back where the configuration is not right with it: names that are not there, say.
fn configure(asked: &Asked, loaded: &Loaded, candidate: &Candidate, table: String) -> Result<Entry, Fault> {
    let own = loaded.path("conf.d").join(own_file(&candidate.id));
    if own.exists() {
        let what = format!("{} is there, and holds no plugin of the id \"{}\"", own.display(), candidate.id);
        return Err(Fault::usage(what, "take what is in it to another file of conf.d first"));
    }
    fs_err::create_dir_all(loaded.path("conf.d"))?;
    write_whole(&own, table.as_bytes())?;
    let with = match asked.load_to_mend() {
        Ok(with) => with,
        Err(fault) => {
            fs_err::remove_file(&own)?;
            fs_err::remove_file(loaded.path(format!("{FOLDER}/{}.wasm", candidate.id)))?;
            return Err(fault);
        }
    };
    show::note(&format!("its table is in {}", own.display()));
    // As the configuration has read them: an origin may be written in several ways.
    let plugin = with.config.plugins.iter().find(|plugin| plugin.id == candidate.id);
    let granted = plugin.map(|plugin| grants(&plugin.grants)).unwrap_or_default();
    Ok(Entry::of(&candidate.id, &candidate.wasm, &granted, candidate.signer.clone()))
}

/// The plugin's table as a file of conf.d.
fn table(id: &str, file: &str, settings: &Map<String, Value>, granted: &Grants) -> Result<String, Fault> {
    #[derive(Serialize)]
    struct Table<'a> {
        id: &'a str,
        file: &'a str,
        settings: &'a Map<String, Value>,
        grants: &'a Grants,
    }
    #[derive(Serialize)]
    struct Written<'a> {
        plugin: [Table<'a>; 1],
    }
    let written = Written { plugin: [Table { id, file, settings, grants: granted }] };
    let text = toml::to_string(&written).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(format!("# Written by `remitd plugin install`; settings and grants are yours to change.\n\n{text}"))
}
