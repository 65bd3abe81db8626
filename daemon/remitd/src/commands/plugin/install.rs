//! `plugin install`: a person looks at what a component is and what it asks for, and agrees; then it is put in place, and the
//! lock says what was agreed to. Everything that can be found out is found out before anybody is asked.

use super::trail;
use crate::cli::Install;
use crate::commands::Asked;
use crate::config::Loaded;
use crate::fault::{DONE, Fault};
use crate::trust::{self, Entry, Lock, SIGNATURE_ENDING, grants, write_whole};
use crate::{logging, show, wiring};
use remitd_host::types::Description;
use remitd_host::{Grants, Manifest, PluginSpec, settings_faults};
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Where installed components lie, beside the configuration.
const FOLDER: &str = "plugins";

/// What was found out about a component.
struct Candidate {
    id: String,
    path: PathBuf,
    wasm: Vec<u8>,
    manifest: Manifest,
    description: Description,
    signer: Option<String>,
}

#[derive(Serialize)]
struct Installed<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    version: &'a str,
    file: String,
    changes: Vec<String>,
}

pub async fn run(asked: &Asked, wanted: &Install) -> Result<u8, Fault> {
    let loaded = asked.load()?;
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
    refuse_settings(&candidate, &settings)?;
    let entry = Entry::of(&candidate.id, &candidate.wasm, &granted, candidate.signer.clone());
    let before = lock.get(&candidate.id).cloned();
    let changes = before.as_ref().map(|before| before.changes(&entry)).unwrap_or_default();
    show::note(&portrait(&candidate, &granted, before.as_ref(), &changes));
    agree(wanted.yes, before.as_ref() == Some(&entry))?;
    let file = match configured {
        Some(plugin) => plugin.file.clone(),
        None => format!("{FOLDER}/{}.wasm", candidate.id),
    };
    place(&candidate, &loaded.path(&file))?;
    let entry = match configured {
        Some(_) => entry,
        None => configure(asked, &loaded, &candidate, table(&candidate.id, &file, &settings, &granted)?)?,
    };
    // Somebody may have installed another one while this one was looked at.
    let mut lock = Lock::read(&loaded)?;
    lock.put(entry.clone());
    lock.write()?;
    let said =
        format!("{} {}: {}", candidate.manifest.name, candidate.description.version, entry.grants.join(", "));
    trail(&loaded, "installed", &candidate.id, &entry.sha256, said).await;
    show::note("next: remitd check, and remitd reload for a daemon that runs");
    if asked.json {
        show::json(&Installed { entry: &entry, version: &candidate.description.version, file, changes })?;
    }
    Ok(DONE)
}

/// The file of conf.d that holds an installed plugin's table.
pub fn own_file(id: &str) -> String {
    format!("plugin-{id}.toml")
}

/// Refuses what can never run, with the name of the thing and the mend.
async fn examine(loaded: &Loaded, wanted: &Install) -> Result<Candidate, Fault> {
    let configured = loaded.config.plugins.iter().find(|plugin| plugin.id == wanted.plugin);
    let (path, id) = match configured {
        Some(plugin) if !Path::new(&wanted.plugin).exists() => {
            if remitd_plugins::bundled(&plugin.file).is_some() {
                let what = format!("\"{}\" comes with remitd: there is nothing to install", plugin.file);
                return Err(Fault::usage(what, "name a .wasm file"));
            }
            (loaded.path(&plugin.file), Some(plugin.id.clone()))
        }
        _ => (PathBuf::from(&wanted.plugin), None),
    };
    let wasm = trust::read_component(&path)?;
    let refused = |why: String| Fault::usage(why, "nothing was installed; show this to the plugin's author");
    let host = wiring::bare_host()?;
    let name = path.display().to_string();
    let spec = PluginSpec {
        id: name,
        wasm: wasm.clone(),
        grants: Grants::default(),
        settings_json: "{}".to_owned(),
    };
    let plugin = host.load(spec).map_err(|error| refused(error.to_string()))?;
    let unfit = |error: remitd_host::ManifestError| refused(format!("{}: {error}", path.display()));
    let (manifest, _) = Manifest::of(&wasm).map_err(unfit)?;
    manifest.fits(&plugin).map_err(unfit)?;
    let described = host.describe(&plugin).await;
    let description = described.map_err(|failure| {
        refused(format!("{}: it does not say what it is: {}", path.display(), failure.message))
    })?;
    let signer = trust::signer_of(loaded, &path, &wasm)
        .map_err(|why| Fault::usage(format!("{}: {why}", path.display()), "remitd explain REMIT-0123"))?;
    let id = id.or_else(|| wanted.id.clone()).unwrap_or_else(|| manifest.id.clone());
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        return Err(Fault::usage(
            format!("{id:?} is not an id"),
            "use letters, digits, `-` and `_`: --id acme",
        ));
    }
    Ok(Candidate { id, path, wasm, manifest, description, signer })
}

/// `sql=elite` and the like.
fn granted(words: &[String]) -> Result<Grants, Fault> {
    let mut lists: Map<String, Value> = Map::new();
    for word in words {
        let hint = "write --grant sql=NAME, sql_write=, http=ORIGIN, smtp=, maildir= or secrets=";
        let (key, name) =
            word.split_once('=').ok_or_else(|| Fault::usage(format!("{word:?} is no grant"), hint))?;
        let list = lists.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        list.as_array_mut().into_iter().for_each(|list| list.push(Value::from(name)));
    }
    let hint = "the grants are sql, sql_write, http, smtp, maildir and secrets";
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

fn refuse_settings(candidate: &Candidate, settings: &Map<String, Value>) -> Result<(), Fault> {
    let faults = settings_faults(&candidate.description.settings_schema, settings).map_err(|why| {
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

/// What a person is to look at.
fn portrait(candidate: &Candidate, granted: &Grants, before: Option<&Entry>, changes: &[String]) -> String {
    let Candidate { id, path, wasm, manifest, description, signer } = candidate;
    let mut lines = vec![
        format!("{id}: {} {} ({}, contract 1.0.0)", manifest.name, description.version, manifest.kind),
        format!("  {}", manifest.about),
        format!("  {}, {} KiB, SHA-256 {}", path.display(), wasm.len() >> 10, trust::sha256(wasm)),
        match signer {
            Some(signer) => format!("  signed by {signer}"),
            None => "  not signed".to_owned(),
        },
    ];
    if manifest.asks.is_empty() {
        lines.push("  It asks for nothing.".to_owned());
    }
    for ask in &manifest.asks {
        let names: Vec<&str> =
            granted.each().filter(|(key, _)| *key == ask.grant).map(|(_, name)| name).collect();
        let names = if names.is_empty() {
            "not granted".to_owned()
        } else {
            format!("granted: {}", names.join(", "))
        };
        lines.push(format!("  asks for {} {}\n    {names}", ask.grant, ask.why));
    }
    for (key, name) in granted.each().filter(|(key, _)| manifest.asks.iter().all(|ask| ask.grant != *key)) {
        lines.push(format!("  is granted {key} {name}, and does not ask for it: take it out"));
    }
    match (before, changes) {
        (None, _) => lines.push("It is new here.".to_owned()),
        (Some(_), []) => lines.push("Nothing has changed since it was installed.".to_owned()),
        (Some(_), changes) => {
            lines.push("Since it was installed:".to_owned());
            lines.extend(changes.iter().map(|change| format!("  {change}")));
        }
    }
    lines.join("\n")
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
    if std::io::stdin().is_terminal() {
        eprint!("Install it? [y/N] ");
    }
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
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
    let with = match asked.load() {
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
