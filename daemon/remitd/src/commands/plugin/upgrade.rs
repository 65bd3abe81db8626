//! What an upgrade changes, from what was installed to what is to be. Owns the comparison and its words, never the decision.

use crate::trust::{self, Entry};
use remitd_host::{Grants, Host, Manifest, PluginSpec};
use std::path::Path;

/// What the component that was looked at said of itself.
pub struct Before {
    pub manifest: Manifest,
    pub version: String,
}

/// Of the installed file, where it is still the one that was looked at.
pub async fn before(host: &Host, file: &Path, reviewed: &Entry) -> Option<Before> {
    let wasm = trust::read_component(file).ok()?;
    if wasm.sha256() != reviewed.sha256 {
        return None;
    }
    let (manifest, _) = Manifest::of(&wasm).ok()?;
    let id = reviewed.id.clone();
    let spec = PluginSpec { id, wasm, grants: Grants::default(), settings_json: "{}".to_owned() };
    let plugin = tokio::task::block_in_place(|| host.load(spec)).ok()?;
    let version = host.describe(&plugin).await.ok()?.version;
    Some(Before { manifest, version })
}

/// Line by line: the version, what the lock holds, and what is asked for. Empty where nothing is different.
pub fn told(locked: (&Entry, &Entry), before: Option<&Before>, now: &Before) -> Vec<String> {
    let (reviewed, entry) = locked;
    let mut lines = reviewed.changes(entry);
    match before {
        _ if reviewed.sha256 == entry.sha256 => {}
        None => lines.push(
            "the file that was looked at is not there any more: which version it was, and what it asked for, cannot be told"
                .to_owned(),
        ),
        Some(before) => {
            let version = if before.version == now.version {
                format!("version {}, as before", now.version)
            } else {
                format!("version {} -> {}", before.version, now.version)
            };
            lines.insert(0, version);
            lines.extend(said(&before.manifest, &now.manifest));
        }
    }
    lines
}

/// What one manifest says and the other does not.
fn said(before: &Manifest, now: &Manifest) -> Vec<String> {
    let mut lines = Vec::new();
    if before.about != now.about {
        lines.push(format!("it said of itself: {}", before.about));
    }
    for ask in now.asks.iter().filter(|ask| !before.asks.contains(ask)) {
        let old: Vec<&str> = reasons(before, &ask.grant);
        if old.is_empty() {
            lines.push(format!("asks for {} too: {}", ask.grant, ask.why));
        } else {
            lines.push(format!("asks for {} for another reason: {}", ask.grant, ask.why));
            lines.push(format!("  before: {}", old.join("; ")));
        }
    }
    for ask in before.asks.iter().filter(|ask| reasons(now, &ask.grant).is_empty()) {
        lines.push(format!("asks no more for {}: {}", ask.grant, ask.why));
    }
    lines
}

fn reasons<'a>(manifest: &'a Manifest, grant: &str) -> Vec<&'a str> {
    manifest.asks.iter().filter(|ask| ask.grant == grant).map(|ask| ask.why.as_str()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn asking(asks: &[(&str, &str)]) -> Manifest {
        let asks: String = asks
            .iter()
            .map(|(grant, why)| format!("[[asks]]\ngrant = \"{grant}\"\nwhy = \"{why}\"\n"))
            .collect();
        Manifest::parse(&format!(
            "id = \"acme\"\nkind = \"connector\"\nname = \"Acme\"\nabout = \"Reads Acme.\"\n{asks}"
        ))
        .unwrap()
    }

    #[test]
    fn what_is_asked_is_told_as_new_changed_and_gone() {
        let before = asking(&[("sql", "to read bills"), ("http", "to ask Acme"), ("secrets", "a key")]);
        let now = asking(&[("sql", "to read all"), ("sql_write", "to post"), ("secrets", "a key")]);
        let told = [
            "asks for sql for another reason: to read all",
            "  before: to read bills",
            "asks for sql_write too: to post",
            "asks no more for http: to ask Acme",
        ];
        assert_eq!(said(&before, &now), told);
        assert!(said(&now, &now).is_empty());
    }
}
