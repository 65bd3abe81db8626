//! `kit.toml`: what an author says about the world that the plugin is tried in. Owns its form and the reading of the files that
//! it names; everything in it may be left out.

use crate::error::KitError;
use fs_err as fs;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fixture {
    /// `{http.NAME}` in a text stands for the origin of that scripted server.
    pub settings: toml::Table,
    pub secrets: BTreeMap<String, String>,
    /// The time that the plugin is told, as in `2026-11-25T12:00:00Z`: a webhook is genuine for a while only. Left out, it is now.
    pub now: Option<toml::value::Datetime>,
    pub sql: BTreeMap<String, Sql>,
    pub http: BTreeMap<String, Http>,
    pub smtp: BTreeMap<String, Smtp>,
    pub maildir: BTreeMap<String, Maildir>,
    pub outbox: BTreeMap<String, Outbox>,
    pub grants: Granted,
    pub importer: Importer,
    pub connector: Connector,
    pub gateway: Gateway,
    pub mail: Mail,
    #[serde(skip)]
    files: BTreeMap<String, Vec<u8>>,
}

/// A SQLite database, made from a script.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// Beside `kit.toml`.
    pub script: String,
    #[serde(default)]
    pub read_only: bool,
}

/// A server that answers from a list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// The first that fits; else 404.
    pub answers: Vec<Answer>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub method: String,
    /// With the query where there is a `?` in it; with `*` at its end, whatever begins so.
    pub path: String,
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    /// Only where the request's body has this text in it.
    #[serde(default)]
    pub body_contains: Option<String>,
}

fn ok() -> u16 {
    200
}

/// A relay that keeps what it is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {}

/// A mail folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maildir {}

/// A folder that files are put into, and that nobody takes them from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {}

/// What the plugin is granted beside all that the fixture names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Granted {
    /// As in `api-key as x-api-key to {http.api}`; left out, each secret may stand in `authorization`.
    pub secrets: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Importer {
    pub samples: Vec<Sample>,
    /// Nothing in its files shows that they are for it: it is chosen by its name, and claims none.
    pub by_name: bool,
    /// Files that are for others.
    pub foreign: Vec<String>,
    pub currency: Option<String>,
    pub date_order: Option<String>,
    pub decimal_mark: Option<String>,
}

/// A file, and how many of its rows are good and bad.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    pub file: String,
    pub ok: u64,
    pub rejected: u64,
    /// What the good rows make together, in minor units.
    #[serde(default)]
    pub sum_minor: Option<i64>,
}

/// What there is to be found in the author's database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connector {
    /// The search field; the first that the plugin names where it is left out.
    pub field: Option<String>,
    /// A text that finds something.
    pub text: Option<String>,
    /// A matter with open statements.
    pub matter: Option<String>,
    /// An open statement.
    pub statement: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gateway {
    /// A payment that can be refunded.
    pub payment: Option<String>,
    /// A checkout that is paid, so that it is too late to cancel it.
    pub paid: Option<String>,
    /// One that is genuine.
    pub webhook: Option<Webhook>,
    pub currency: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// One that is genuine.
    pub webhook: Option<Webhook>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body, beside `kit.toml`.
    pub file: String,
}

impl Fixture {
    /// Nothing at all: for a plugin that needs nothing.
    pub fn bare() -> Fixture {
        Fixture::default()
    }

    /// Reads `kit.toml` and every file that it names.
    pub fn read(path: &Path) -> Result<Fixture, KitError> {
        let faulty = |fault: String| KitError::Fixture { path: path.to_owned(), fault };
        let text = fs::read_to_string(path).map_err(|error| faulty(error.to_string()))?;
        let mut fixture: Fixture = toml::from_str(&text).map_err(|error| {
            faulty(format!(
                "{}\nhint: take it out, or write it as plugin-sdk's templates do",
                error.to_string().trim()
            ))
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        for name in fixture.named_files() {
            let bytes = fs::read(folder.join(&name)).map_err(|error| {
                faulty(format!("it names the file {name}, which stands beside kit.toml: {error}"))
            })?;
            fixture.files.insert(name, bytes);
        }
        Ok(fixture)
    }

    fn named_files(&self) -> Vec<String> {
        let webhooks = [&self.gateway.webhook, &self.mail.webhook];
        let scripts = self.sql.values().map(|sql| &sql.script);
        let samples = self.importer.samples.iter().map(|sample| &sample.file);
        let webhooks = webhooks.into_iter().flatten().map(|webhook| &webhook.file);
        scripts.chain(samples).chain(&self.importer.foreign).chain(webhooks).cloned().collect()
    }

    /// A file that the fixture names; every such file was read with it.
    pub fn file(&self, name: &str) -> &[u8] {
        self.files.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Fixture, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kit.toml");
        fs::write(&path, text).unwrap();
        fs::write(folder.path().join("good.csv"), b"a,b\n").unwrap();
        Fixture::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_read_with_it() {
        let fixture =
            read("[importer]\nsamples = [{ file = \"good.csv\", ok = 1, rejected = 0 }]\n").unwrap();
        assert_eq!(fixture.file("good.csv"), b"a,b\n");
        assert_eq!(fixture.importer.samples[0].ok, 1);
        assert!(read("").unwrap().settings.is_empty());
    }

    #[test]
    fn a_fault_has_its_place_and_its_mend() {
        let unknown = read("[importer]\nsample = 1\n").unwrap_err();
        assert!(
            unknown.contains("line 2") && unknown.contains("`samples`") && unknown.contains("hint:"),
            "{unknown}"
        );
        let missing = read("[sql.matters]\nscript = \"away.sql\"\n").unwrap_err();
        assert!(missing.contains("kit.toml") && missing.contains("away.sql"), "{missing}");
    }
}
