//! A plugin author's first hour: from `plugin new` to a green kit in two commands, offline, for each kind; then to an installed
//! plugin.

// A test fails loudly, as the harness does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_tests::cli;
use remitd_tests::firm::Firm;
use std::path::{Path, PathBuf};
use std::process::Command;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const KINDS: [&str; 4] = ["importer", "connector", "mail-provider", "payment-gateway"];
/// A kit is no kit with fewer.
const CASES_LEAST: usize = 30;

/// One folder for what cargo builds: the four have the same dependencies.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("author")
}

/// Nothing is fetched: what remitd was built with is what a new plugin is built with.
fn environment() -> Vec<(&'static str, String)> {
    vec![("CARGO_TARGET_DIR", target().display().to_string()), ("CARGO_NET_OFFLINE", "true".to_owned())]
}

#[test]
fn two_commands_make_a_plugin_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let envs = environment();
    let envs: Vec<(&str, &str)> = envs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for kind in KINDS {
        let dir = folder.path().join(kind);
        let at = dir.to_str().unwrap();
        cli(Path::new(BIN), &["plugin", "new", kind, "acme-billing", "--dir", at], &[]).expect(0);
        let developed = cli(Path::new(BIN), &["plugin", "dev", at, "--once"], &envs).expect(0);
        assert!(developed.stderr.contains("0 failed"), "{kind}: {developed:?}");
        for head in ["TIME A CALL", "MEMORY", "BYTES A CALL", "HOST CALLS A CALL"] {
            assert!(developed.stdout.contains(head), "{kind}: {head}: {developed:?}");
        }
        let built = dir.join("dist/acme-billing.wasm");
        let fixture = dir.join("tests/kit.toml");
        let tested =
            ["plugin", "test", built.to_str().unwrap(), "--fixture", fixture.to_str().unwrap(), "--json"];
        let report = cli(Path::new(BIN), &tested, &[]).expect(0).json();
        assert_eq!((&report["kind"], &report["failed"]), (&kind.into(), &0.into()));
        let passed = usize::try_from(report["passed"].as_u64().unwrap()).unwrap();
        assert!(passed >= CASES_LEAST, "{kind}: {passed} passed");
        own_tests(&dir, &envs);
    }
    let importer = folder.path().join("importer");
    told_to_programs(&importer, &envs);
    install(&importer.join("dist/acme-billing.wasm"));
    refused_unfit(&importer, &envs);
}

/// One document a run, in one line.
fn told_to_programs(dir: &Path, envs: &[(&str, &str)]) {
    let developed =
        cli(Path::new(BIN), &["plugin", "dev", dir.to_str().unwrap(), "--once", "--json"], envs).expect(0);
    assert_eq!(developed.stdout.trim_end().lines().count(), 1, "{developed:?}");
    let run = developed.json();
    assert_eq!((&run["kind"], &run["failed"]), (&"importer".into(), &0.into()));
    assert!(run["file"].as_str().unwrap().ends_with("dist/acme-billing.wasm"), "{run}");
    assert!(run["size_bytes"].as_u64().unwrap() > 1_000, "{run}");
    assert!(run["cases"].as_array().unwrap().iter().any(|case| case["wall_us"].as_u64() > Some(0)), "{run}");
}

/// What no operator could install is neither made nor packed.
fn refused_unfit(dir: &Path, envs: &[(&str, &str)]) {
    let manifest = dir.join("plugin.toml");
    let text = fs_err::read_to_string(&manifest).unwrap();
    let more = "[[asks]]\ngrant = \"sql\"\nwhy = \"who knows\"\n";
    assert!(text.contains("asks = []"), "{text}");
    let more = text.replace("asks = []", more);
    fs_err::write(&manifest, more).unwrap();
    let built = target().join("wasm32-unknown-unknown/release/acme_billing.wasm");
    let packed = dir.join("packed.wasm");
    let manifest = manifest.to_str().unwrap();
    let dev = ["plugin", "dev", dir.to_str().unwrap(), "--once"];
    let pack = [
        "plugin",
        "pack",
        built.to_str().unwrap(),
        "--manifest",
        manifest,
        "--out",
        packed.to_str().unwrap(),
    ];
    for args in [&dev[..], &pack] {
        let refused = cli(Path::new(BIN), args, envs).expect(2);
        for word in ["plugin.toml", "asks for the grant sql", "take it out of `asks`"] {
            assert!(refused.stderr.contains(word), "{word}: {refused:?}");
        }
    }
    assert!(!packed.exists());
    fs_err::write(manifest, text).unwrap();
    cli(Path::new(BIN), &pack, envs).expect(0);
    assert!(packed.exists());
}

/// `cargo test` in the new crate.
fn own_tests(dir: &Path, envs: &[(&str, &str)]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(dir).args(["test", "--quiet"]).envs(envs.iter().copied());
    let done = cargo.output().unwrap();
    assert!(done.status.success(), "{}: {}", dir.display(), String::from_utf8_lossy(&done.stderr));
}

fn install(component: &Path) {
    let firm = Firm::new(BIN, None);
    let file = component.to_str().unwrap();
    let shown = firm.cli_told(&["plugin", "install", file, "--set", "message=Thanks"], "y\n").expect(0);
    assert!(shown.stderr.contains("It asks for nothing."), "{shown:?}");
    firm.cli(&["check"]).expect(0);
    fs_err::write(firm.path("bills.txt"), "BILLS|1\n1001|2026-12-31|Jane Roe|jane@example.com|1250.00\n")
        .unwrap();
    let bills = firm.path("bills.txt");
    let import = ["import", bills.to_str().unwrap(), "--account", "operating", "--importer", "acme-billing"];
    let taken = firm.ask(&import);
    assert_eq!((&taken["ok"], &taken["rejected"]), (&1.into(), &0.into()), "{taken}");
}

#[test]
fn a_bad_name_and_a_full_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let new = |name: &str| {
        let at = folder.path().to_str().unwrap().to_owned();
        cli(Path::new(BIN), &["plugin", "new", "importer", name, "--dir", &at], &[])
    };
    for name in ["Acme", "acme billing", "1acme", "acme-", ""] {
        assert!(new(name).expect(2).stderr.contains("is no name for a crate"), "{name}");
    }
    fs_err::write(folder.path().join("mine"), "").unwrap();
    assert!(new("acme").expect(2).stderr.contains("is there already"));
}
