//! Files and folders that the configuration names: there, and not in each other's way.

use super::Check;
use crate::config::problem::nearest;
use crate::config::read::choice;
use std::path::{Component, Path, PathBuf};

impl Check<'_> {
    pub fn files(&mut self) {
        let config = self.config;
        let mut named: Vec<(String, PathBuf)> = Vec::new();
        named.extend(config.firm.logo.iter().map(|path| ("firm.logo".to_owned(), path.clone())));
        named.extend(config.mail.templates.iter().map(|path| ("mail.templates".to_owned(), path.clone())));
        for (at, smtp) in config.smtp.iter().enumerate() {
            let table = self.element("smtp", at);
            named.extend(smtp.ca_file.iter().map(|path| (format!("{table}.ca_file"), path.clone())));
        }
        for (at, push) in config.pushes.iter().enumerate() {
            let table = self.element("push", at);
            named.extend(push.hold_list.iter().map(|path| (format!("{table}.hold_list"), path.clone())));
        }
        for (at, outbox) in config.outboxes.iter().enumerate() {
            let table = self.element("outbox", at);
            named.push((format!("{table}.path"), outbox.path.clone()));
            named.push((format!("{table}.staging"), outbox.staging()));
            named.push((format!("{table}.answers"), outbox.answers().clone()));
        }
        for (at, plugin) in config.plugins.iter().enumerate() {
            let path = format!("{}.file", self.element("plugin", at));
            if plugin.file.ends_with(".wasm") {
                named.push((path, PathBuf::from(&plugin.file)));
            } else if remitd_plugins::bundled(&plugin.file).is_none() {
                let ids = remitd_plugins::BUNDLED.map(|bundled| bundled.id);
                let message =
                    format!("{:?} is no plugin that comes with remitd, nor a .wasm file", plugin.file);
                self.error(&path, "REMIT-0106", message, choice(nearest(&plugin.file, ids), &ids, '"'));
            }
        }
        for (path, file) in named {
            let full = self.base.join(&file);
            if !full.exists() {
                let message = format!("{} is not there", full.display());
                self.error(
                    &path,
                    "REMIT-0118",
                    message,
                    "put it there, or name another; relative paths start at the configuration's folder",
                );
            }
        }
        self.watched_apart();
    }

    /// Two watched folders in each other would take the same file twice.
    fn watched_apart(&mut self) {
        let config = self.config;
        let mut before: Vec<(String, PathBuf)> = Vec::new();
        for (at, folder) in config.folders.iter().enumerate() {
            let path = format!("{}.path", self.element("folder", at));
            if self.left_out.contains(&path) {
                continue;
            }
            let own = plain(&self.base.join(&folder.path));
            if let Some((other, _)) = before.iter().find(|(_, other)| own == *other) {
                let message = format!("`{other}` watches this folder already");
                self.error(&path, "REMIT-0111", message, "give each [[folder]] its own path");
            } else if let Some((other, _)) =
                before.iter().find(|(_, other)| own.starts_with(other) || other.starts_with(&own))
            {
                let message = format!("this folder and that of `{other}` lie in each other");
                self.error(&path, "REMIT-0111", message, "put the folders side by side");
            }
            before.push((path, own));
        }
    }
}

/// Without `.` and `..`, by the text alone: the folder may not be there yet.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
