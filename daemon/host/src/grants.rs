//! Grants: what the operator allowed one plugin. Nothing is allowed that is not named; a refusal says which line to add.

use crate::error::HostError;
use crate::wit::types::Failure;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::sync::atomic::AtomicU32;

/// Names of what a plugin may reach, as `[plugin.grants]` gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Connections it may read.
    pub sql: Vec<String>,
    /// Connections it may change.
    pub sql_write: Vec<String>,
    /// Origins, as in `https://api.example.com`.
    pub http: Vec<String>,
    pub smtp: Vec<String>,
    pub maildir: Vec<String>,
    pub outbox: Vec<String>,
    /// `mail-key`, or with the place it may be put: `mail-key as x-api-key to https://api.example.com`.
    pub secrets: Vec<String>,
}

/// The header that a secret without a place of its own may be put into.
const USUAL_HEADER: &str = "authorization";

/// The keys of [`Grants`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Sql,
    SqlWrite,
    Http,
    Smtp,
    Maildir,
    Outbox,
    Secrets,
}

impl Right {
    const ALL: [Right; 7] = [
        Right::Sql,
        Right::SqlWrite,
        Right::Http,
        Right::Smtp,
        Right::Maildir,
        Right::Outbox,
        Right::Secrets,
    ];

    fn key(self) -> &'static str {
        match self {
            Right::Sql => "sql",
            Right::SqlWrite => "sql_write",
            Right::Http => "http",
            Right::Smtp => "smtp",
            Right::Maildir => "maildir",
            Right::Outbox => "outbox",
            Right::Secrets => "secrets",
        }
    }
}

impl Grants {
    /// Every grant as (key, name).
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        Right::ALL
            .into_iter()
            .flat_map(|right| self.names(right).iter().map(move |name| (right.key(), name.as_str())))
    }

    fn names(&self, right: Right) -> &[String] {
        match right {
            Right::Sql => &self.sql,
            Right::SqlWrite => &self.sql_write,
            Right::Http => &self.http,
            Right::Smtp => &self.smtp,
            Right::Maildir => &self.maildir,
            Right::Outbox => &self.outbox,
            Right::Secrets => &self.secrets,
        }
    }

    /// Refuses `name` unless it is granted to `plugin`.
    pub(crate) fn check(&self, right: Right, name: &str, plugin: &str) -> Result<(), Failure> {
        if self.names(right).iter().any(|granted| granted == name) {
            return Ok(());
        }
        Err(self.missing(right, name, plugin))
    }

    /// The refusal of a grant, in words that mend it: the whole line, as it is to stand there.
    pub(crate) fn missing(&self, right: Right, name: &str, plugin: &str) -> Failure {
        let key = right.key();
        let names: Vec<String> = self
            .names(right)
            .iter()
            .map(String::as_str)
            .chain([name])
            .map(|name| format!("\"{name}\""))
            .collect();
        let message = format!(
            "plugin \"{plugin}\" has no grant {key} for \"{name}\": write {key} = [{}] in [plugin.grants] of \"{plugin}\"",
            names.join(", ")
        );
        Failure::denied("grant-missing", message)
    }
}

/// What the operator gave one plugin.
#[derive(Debug)]
pub(crate) struct Charter {
    /// The plugin's id.
    pub plugin: String,
    pub grants: Grants,
    /// Of its wasm, in hexadecimal.
    pub sha256: String,
    /// The granted origins, read.
    pub origins: Vec<Origin>,
    secrets: Vec<SecretGrant>,
    pub settings_json: String,
    /// Refusals of the plugin that are in the trail since it was loaded.
    pub noted: AtomicU32,
}

/// A secret, and the one place where it may be put.
#[derive(Debug)]
struct SecretGrant {
    name: String,
    place: Option<(String, Origin)>,
}

impl SecretGrant {
    fn parse(text: &str) -> Option<SecretGrant> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [name] => Some(SecretGrant { name: (*name).to_owned(), place: None }),
            [name, "as", header, "to", origin] => {
                let place = Some((header.to_ascii_lowercase(), Origin::parse(origin)?));
                Some(SecretGrant { name: (*name).to_owned(), place })
            }
            _ => None,
        }
    }
}

impl Charter {
    pub(crate) fn new(
        plugin: String,
        sha256: String,
        grants: Grants,
        settings_json: String,
    ) -> Result<Charter, HostError> {
        let settings: Result<serde_json::Map<String, serde_json::Value>, _> =
            serde_json::from_str(&settings_json);
        if settings.is_err() {
            return Err(HostError::Settings { plugin });
        }
        let origin = |text: &String| {
            let bad = || HostError::BadOrigin { plugin: plugin.clone(), origin: text.clone() };
            Origin::parse(text).ok_or_else(bad)
        };
        let origins = grants.http.iter().map(origin).collect::<Result<_, _>>()?;
        let secret = |text: &String| {
            let bad = || HostError::BadSecretGrant { plugin: plugin.clone(), grant: text.clone() };
            SecretGrant::parse(text).ok_or_else(bad)
        };
        let secrets = grants.secrets.iter().map(secret).collect::<Result<_, _>>()?;
        let noted = AtomicU32::new(0);
        Ok(Charter { plugin, sha256, grants, origins, secrets, settings_json, noted })
    }

    /// The secrets that are granted, wherever they may be put.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|granted| granted.name.as_str())
    }

    /// Refuses a secret that is not granted at all.
    pub(crate) fn may_use(&self, secret: &str) -> Result<(), Failure> {
        if self.secrets.iter().any(|granted| granted.name == secret) {
            return Ok(());
        }
        Err(self.grants.missing(Right::Secrets, secret, &self.plugin))
    }

    /// Refuses a secret where its grant does not put it: a plugin with two origins must not hand the key of one to the other,
    /// nor have it come back from a header that a server repeats.
    pub(crate) fn may_put(&self, secret: &str, header: &str, origin: &Origin) -> Result<(), Failure> {
        self.may_use(secret)?;
        let header = header.to_ascii_lowercase();
        let fits = |granted: &SecretGrant| match &granted.place {
            Some((at, to)) => *at == header && to == origin,
            None => header == USUAL_HEADER && self.origins.len() == 1,
        };
        if self.secrets.iter().any(|granted| granted.name == secret && fits(granted)) {
            return Ok(());
        }
        let plugin = &self.plugin;
        Err(Failure::denied(
            "secret-place",
            format!(
                "plugin \"{plugin}\" may not put the secret \"{secret}\" into the header \"{header}\" for {origin}: if it is meant, \
                 write secrets = [\"{secret} as {header} to {origin}\"] in [plugin.grants] of \"{plugin}\""
            ),
        ))
    }
}

/// Where HTTP may go: scheme, host and port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of any URL of `http` or `https`.
    pub(crate) fn of(url: &Url) -> Option<Origin> {
        let scheme = url.scheme();
        if scheme != "http" && scheme != "https" {
            return None;
        }
        let host = url.host_str()?.to_ascii_lowercase();
        Some(Origin { scheme: scheme.to_owned(), host, port: url.port_or_known_default()? })
    }

    /// An origin as a grant writes it: a URL without user, path, query or fragment.
    pub(crate) fn parse(text: &str) -> Option<Origin> {
        let url = Url::parse(text).ok()?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none();
        if bare { Origin::of(&url) } else { None }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let usual = matches!((self.scheme.as_str(), self.port), ("http", 80) | ("https", 443));
        if usual {
            write!(f, "{}://{}", self.scheme, self.host)
        } else {
            write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::wit::types::FailureClass;

    #[test]
    fn a_refusal_names_plugin_grant_and_mend() {
        let grants = Grants { sql: vec!["elite".into()], ..Grants::default() };
        assert_eq!(grants.check(Right::Sql, "elite", "acme"), Ok(()));
        let refused = grants.check(Right::SqlWrite, "elite", "acme").unwrap_err();
        assert_eq!((refused.class, refused.code.as_str()), (FailureClass::Denied, "grant-missing"));
        assert!(
            refused.message.contains("write sql_write = [\"elite\"] in [plugin.grants] of \"acme\""),
            "{refused:?}"
        );
        let refused = grants.check(Right::Sql, "other", "acme").unwrap_err();
        let line = "write sql = [\"elite\", \"other\"] in [plugin.grants] of \"acme\"";
        assert!(
            refused.message.contains(line),
            "a second line of the same key would be refused: {refused:?}"
        );
    }

    #[test]
    fn origins() {
        let same =
            |a: &str, b: &str| Origin::parse(a).unwrap() == Origin::of(&Url::parse(b).unwrap()).unwrap();
        assert!(same("https://API.example.com", "https://api.example.com:443/v1?x=1"));
        assert!(same("http://127.0.0.1:8080", "http://127.0.0.1:8080/"));
        assert!(!same("https://api.example.com", "http://api.example.com/"));
        assert!(!same("https://api.example.com", "https://api.example.com:8443/"));
        assert!(!same("https://example.com", "https://example.com.evil.net/"));
        for bad in ["api.example.com", "ftp://a.b", "https://u:p@a.b", "https://a.b/path", "https://a.b?q"] {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }
}
