//! The plugin that is written in JavaScript, as `make js` has built it: the conformance kit, and a mail on its way.

// A test fails loudly, as the harness does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_tests::cli;
use std::path::{Path, PathBuf};

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
/// Every service of the kind that the plugin uses, and no other: no WASI.
const SERVICES: [&str; 5] = ["log", "clock", "random", "settings", "http"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
#[ignore = "needs Node.js and the network's packages: `make js` builds the component, `make test` then runs this"]
fn it_passes_the_same_kit_as_any_other() {
    let component = root().join("target/plugins/mail-api.wasm");
    let file = component.to_str().unwrap();
    let inspected = cli(Path::new(BIN), &["plugin", "inspect", file, "--json"], &[]).expect(0).json();
    let services: Vec<&str> =
        inspected["services"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    assert!(SERVICES.iter().all(|service| services.contains(service)), "{services:?}");
    assert!(services.iter().all(|service| !service.contains("wasi")), "{services:?}");
    let fixture = root().join("plugins/mail-api/test/kit.toml");
    let tested = ["plugin", "test", file, "--fixture", fixture.to_str().unwrap(), "--json"];
    let report = cli(Path::new(BIN), &tested, &[]).expect(0).json();
    assert_eq!(report["failed"], 0, "{report}");
    assert!(report["passed"].as_u64().unwrap() >= 30, "{report}");
}
