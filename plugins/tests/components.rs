//! Each component is what its manifest says, and can do what `plugin-sdk/wit` gives it and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_plugins::{BUNDLED, bundled};
use sha2::{Digest, Sha256};
use wasmparser::{Parser, Payload};

/// A component is loaded by every start of the daemon, and kept once for each. The largest unpacks and reads XML.
const SIZE_MAX_BYTES: usize = 512 * 1024;
const CONTRACT: &str = "remitd:plugin/";

#[derive(Default)]
struct Outside {
    imports: Vec<String>,
    exports: Vec<String>,
    is_component: bool,
}

/// What the outermost component imports and exports; what is nested in it is its own affair.
fn outside(wasm: &[u8]) -> Outside {
    let mut outside = Outside::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.unwrap() {
            Payload::Version { encoding, .. } if depth == 0 => {
                outside.is_component = encoding == wasmparser::Encoding::Component;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 0 => {
                outside
                    .imports
                    .extend(imports.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                outside
                    .exports
                    .extend(exports.into_iter().map(|export| export.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    outside
}

#[test]
fn nothing_but_the_contract_is_imported() {
    for plugin in BUNDLED {
        let outside = outside(plugin.wasm);
        assert!(outside.is_component, "{}", plugin.id);
        assert!(!outside.imports.is_empty(), "{}", plugin.id);
        for import in &outside.imports {
            assert!(import.starts_with(CONTRACT), "{} imports {import}", plugin.id);
        }
    }
}

#[test]
fn a_plugin_imports_only_the_services_of_its_work() {
    let services = |id: &str| {
        let mut services = outside(bundled(id).unwrap().wasm).imports;
        services.retain(|import| !import.contains("/types@"));
        services.iter().map(|i| i[CONTRACT.len()..].split('@').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let check = |id, expect: &[&str]| {
        let mut got = services(id);
        got.sort();
        assert_eq!(got, expect, "{id}");
    };
    check("csv-importer", &["intake", "log", "settings"]);
    check("fixed-width-importer", &["intake", "log", "settings"]);
    check("ledes-importer", &["intake", "log", "settings"]);
    check("xlsx-importer", &["intake", "log", "settings"]);
    check("sql-connector", &["clock", "log", "settings", "sql", "sql-once", "state"]);
    check("file-connector", &["clock", "log", "outbox", "random", "settings", "state"]);
    check("mail-folder", &["log", "maildir", "settings"]);
    check("smtp", &["log", "settings", "smtp"]);
    check("sandbox-gateway", &["clock", "http", "log", "settings", "signature"]);
}

#[test]
fn each_exports_its_kind() {
    for plugin in BUNDLED {
        let manifest: toml::Table = plugin.manifest.parse().unwrap();
        assert_eq!(manifest["id"].as_str(), Some(plugin.id));
        let kind = manifest["kind"].as_str().unwrap();
        let mut expected = vec![format!("{CONTRACT}{kind}@1.0.0")];
        // What it can tell beside its kind.
        if plugin.id == "sql-connector" {
            expected.extend(["receipts", "written"].map(|beside| format!("{CONTRACT}{beside}@1.0.0")));
        }
        let mut exports = outside(plugin.wasm).exports;
        exports.sort();
        assert_eq!(exports, expected, "{}", plugin.id);
    }
}

#[test]
fn what_a_manifest_asks_for_has_its_reason() {
    let grants = ["sql", "sql_write", "http", "smtp", "maildir", "outbox", "secrets"];
    for plugin in BUNDLED {
        let manifest: toml::Table = plugin.manifest.parse().unwrap();
        for ask in manifest["asks"].as_array().unwrap() {
            assert!(grants.contains(&ask["grant"].as_str().unwrap()), "{}: {ask}", plugin.id);
            assert!(ask["why"].as_str().unwrap().len() > 20, "{}: {ask}", plugin.id);
        }
    }
}

#[test]
fn components_are_small() {
    for plugin in BUNDLED {
        assert!(plugin.wasm.len() < SIZE_MAX_BYTES, "{} has {} bytes", plugin.id, plugin.wasm.len());
    }
    assert!(bundled("no-such-plugin").is_none());
}

#[test]
fn each_is_known_by_its_own_digest() {
    for plugin in BUNDLED {
        assert_eq!(plugin.sha256, hex::encode(Sha256::digest(plugin.wasm)), "{}", plugin.id);
    }
}
