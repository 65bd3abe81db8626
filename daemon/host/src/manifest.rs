//! What a plugin says that it wants, and why: its manifest, which travels inside the component as a custom section, so that one
//! digest covers both. Owns the manifest's form, and the comparison with what the component can really do.

use crate::kind::Kind;
use crate::plugin::Plugin;
use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};

/// The section's name.
pub const SECTION: &str = "remitd:manifest";
const MANIFEST_MAX_BYTES: usize = 64 << 10;
const TEXT_MAX_BYTES: usize = 500;
const ID_MAX_BYTES: usize = 64;

/// `plugin.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub id: String,
    pub kind: Kind,
    /// For people.
    pub name: String,
    /// One sentence.
    pub about: String,
    #[serde(default)]
    pub asks: Vec<Ask>,
}

/// One grant that the plugin wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// A key of `[plugin.grants]`.
    pub grant: String,
    /// A reason that a person can read.
    pub why: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    #[error("the file is no whole component: {0}")]
    Damaged(String),
    #[error("the component has no manifest in it: make it with `remitd plugin pack`")]
    Missing,
    #[error("the manifest's id {0:?} is none: use lower-case letters, digits and `-`, at most 64")]
    NoId(String),
    #[error(
        "`{0}` of the manifest must be plain text of at most 500 bytes, without line breaks and control characters"
    )]
    NoPlainText(&'static str),
    #[error("the manifest is larger than 64 KiB")]
    TooLarge,
    #[error("the manifest says kind = \"{said}\", the component is of kind {is}")]
    OtherKind { said: Kind, is: Kind },
    #[error(
        "the manifest asks for \"{0}\", which is no grant: there are sql, sql_write, http, smtp, maildir, outbox and secrets"
    )]
    NoSuchGrant(String),
    #[error(
        "the manifest asks for the grant {grant}, but the component does not use {service}: take it out of `asks`"
    )]
    Unused { grant: String, service: &'static str },
    #[error(
        "the component uses {service}, but its manifest does not ask for a grant of it: add [[asks]] grant = \"{grant}\" with its reason"
    )]
    NotAsked { service: &'static str, grant: &'static str },
    #[error(
        "the manifest gives no reason for the grant {0}: write `why` in words that the operator understands"
    )]
    NoReason(String),
}

/// Which services each grant opens.
const OPENS: [(&str, &[&str]); 7] = [
    ("sql", &["sql", "sql-once"]),
    ("sql_write", &["sql", "sql-once"]),
    ("http", &["http"]),
    ("smtp", &["smtp"]),
    ("maildir", &["maildir"]),
    ("outbox", &["outbox"]),
    ("secrets", &["http", "signature"]),
];
/// Which grants each service is of no use without.
const NEEDS: [(&str, &str); 8] = [
    ("sql", "sql"),
    ("sql-once", "sql"),
    ("sql-once", "sql_write"),
    ("http", "http"),
    ("smtp", "smtp"),
    ("maildir", "maildir"),
    ("outbox", "outbox"),
    ("signature", "secrets"),
];

impl Manifest {
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        let unreadable =
            |error: toml::de::Error| ManifestError::Unreadable(error.to_string().trim().to_owned());
        let manifest: Manifest = toml::from_str(text).map_err(unreadable)?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if manifest.id.is_empty() || manifest.id.len() > ID_MAX_BYTES || !manifest.id.chars().all(plain) {
            return Err(ManifestError::NoId(manifest.id));
        }
        let asks = manifest.asks.iter().flat_map(|ask| [("grant", &ask.grant), ("why", &ask.why)]);
        let own = [("id", &manifest.id), ("name", &manifest.name), ("about", &manifest.about)];
        for (key, text) in own.into_iter().chain(asks) {
            // These are what a person judges by, on a terminal: nothing may hide or forge a line there.
            if text.chars().any(hides) || text.len() > TEXT_MAX_BYTES {
                return Err(ManifestError::NoPlainText(key));
            }
        }
        Ok(manifest)
    }

    /// The manifest that a component carries, and its text.
    pub fn of(wasm: &[u8]) -> Result<(Manifest, String), ManifestError> {
        let text = section(wasm)?.ok_or(ManifestError::Missing)?;
        Ok((Manifest::parse(&text)?, text))
    }

    /// Refuses a manifest that asks for more or less than the component uses.
    pub fn fits(&self, plugin: &Plugin) -> Result<(), ManifestError> {
        if self.kind != plugin.kind() {
            return Err(ManifestError::OtherKind { said: self.kind, is: plugin.kind() });
        }
        let services = plugin.services();
        let uses = |service: &&str| services.iter().any(|used| used == service);
        for Ask { grant, why } in &self.asks {
            let opens = OPENS.iter().find(|(name, _)| name == grant);
            let (_, opens) = opens.ok_or_else(|| ManifestError::NoSuchGrant(grant.clone()))?;
            if why.trim().is_empty() {
                return Err(ManifestError::NoReason(grant.clone()));
            }
            if let (false, Some(service)) = (opens.iter().any(uses), opens.first()) {
                return Err(ManifestError::Unused { grant: grant.clone(), service });
            }
        }
        for (service, grant) in NEEDS {
            if uses(&service) && !self.asks.iter().any(|ask| ask.grant == grant) {
                return Err(ManifestError::NotAsked { service, grant });
            }
        }
        Ok(())
    }
}

/// Whether a terminal does something else with a character than showing it.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Puts a manifest into a component that has none.
pub fn embed(wasm: &[u8], text: &str) -> Result<Vec<u8>, ManifestError> {
    Manifest::parse(text)?;
    if text.len() > MANIFEST_MAX_BYTES {
        return Err(ManifestError::TooLarge);
    }
    let mut named = Vec::new();
    leb128(SECTION.len(), &mut named);
    named.extend_from_slice(SECTION.as_bytes());
    named.extend_from_slice(text.as_bytes());
    // A custom section: id 0, its size, its name, its bytes. It may stand at the end of any component.
    let mut whole = wasm.to_vec();
    whole.push(0);
    leb128(named.len(), &mut whole);
    whole.extend(named);
    Ok(whole)
}

fn leb128(mut value: usize, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// The outermost section of our name.
fn section(wasm: &[u8]) -> Result<Option<String>, ManifestError> {
    let damaged = |error: wasmparser::BinaryReaderError| ManifestError::Damaged(error.to_string());
    let mut depth = 0u32;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(damaged)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(custom) if depth == 0 && custom.name() == SECTION => {
                if custom.data().len() > MANIFEST_MAX_BYTES {
                    return Err(ManifestError::TooLarge);
                }
                let text = std::str::from_utf8(custom.data());
                let text = text.map_err(|error| ManifestError::Unreadable(error.to_string()))?;
                return Ok(Some(text.to_owned()));
            }
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const TEXT: &str = "id = \"acme\"\nkind = \"connector\"\nname = \"Acme\"\nabout = \"Reads Acme.\"\n\
                        [[asks]]\ngrant = \"sql\"\nwhy = \"to read matters\"\n";

    #[test]
    fn what_is_put_in_is_read_again() {
        let wasm = wat::parse_str("(component (core module))").unwrap();
        assert!(matches!(Manifest::of(&wasm), Err(ManifestError::Missing)));
        // Longer than one byte of length can say.
        let long = TEXT.replace("Reads Acme.", &"Reads Acme. ".repeat(30));
        let whole = embed(&wasm, &long).unwrap();
        let (manifest, text) = Manifest::of(&whole).unwrap();
        assert_eq!((manifest.id.as_str(), manifest.kind, text), ("acme", Kind::Connector, long));
        let cut = &whole[..whole.len() - 3];
        assert!(matches!(Manifest::of(cut), Err(ManifestError::Damaged(_))));
    }

    #[test]
    fn a_wrong_manifest_names_its_place() {
        let error = Manifest::parse(&TEXT.replace("why", "wy")).unwrap_err().to_string();
        assert!(error.contains("wy") && error.contains("line"), "{error}");
        let error = Manifest::parse(&TEXT.replace("\"connector\"", "\"conector\"")).unwrap_err().to_string();
        assert!(error.contains("payment-gateway"), "{error}");
        for forged in ["\\u001b[2K", "\\nsigned by", "\\u202e"] {
            let text = TEXT.replace("Reads Acme.", forged);
            assert!(matches!(Manifest::parse(&text), Err(ManifestError::NoPlainText("about"))), "{forged}");
        }
    }
}
