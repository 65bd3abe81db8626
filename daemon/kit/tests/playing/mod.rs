//! Runs the kit for its own tests, and shows what it found.

#![allow(dead_code, reason = "each test uses its own part")]

use remitd_kit::{Fixture, Outcome, Report};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The least number of cases of a kind.
const CASES_LEAST: usize = 30;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compiled once for all tests that share a target folder.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("kit-cache")
}

fn clock() -> remitd_kit::Clock {
    Arc::new(|| chrono::DateTime::from_timestamp_millis(1_767_225_600_000).unwrap())
}

pub async fn play(wasm: &[u8], fixture: &Fixture) -> Report {
    let report = remitd_kit::run(wasm.to_vec(), fixture, &cache(), clock(), &mut |_| {}).await;
    report.unwrap_or_else(|error| panic!("{error}"))
}

/// The cases that failed, with their reasons.
pub fn failures(report: &Report) -> Vec<(&'static str, String)> {
    let failed = |verdict: &remitd_kit::Verdict| match &verdict.result {
        Outcome::Failed(why) => Some((verdict.case, why.clone())),
        _ => None,
    };
    report.verdicts.iter().filter_map(failed).collect()
}

pub fn shown(report: &Report) -> String {
    let line = |verdict: &remitd_kit::Verdict| {
        let took = verdict.took;
        format!(
            "{:32} {:?} ({} ms, {} calls, {} KiB, {} host calls)\n",
            verdict.case,
            verdict.result,
            took.wall_us / 1_000,
            took.calls,
            took.memory_bytes >> 10,
            took.host_calls
        )
    };
    report.verdicts.iter().map(line).collect()
}

/// All green, and enough of it.
pub async fn play_green(wasm: &[u8], fixture: &Fixture) {
    let report = play(wasm, fixture).await;
    println!("{}", shown(&report));
    assert_eq!(failures(&report), [], "{}", shown(&report));
    assert!(report.passed() >= CASES_LEAST, "{} passed:\n{}", report.passed(), shown(&report));
}

pub async fn play_bundled(id: &str) {
    let bundled = remitd_plugins::bundled(id).expect("is one of ours");
    let fixture = Fixture::read(&root().join("plugins").join(id).join("tests/kit.toml"));
    play_green(bundled.wasm, &fixture.unwrap_or_else(|error| panic!("{error}"))).await;
}

/// The seeded guest of a kind, with one mistake; `none` is right.
fn seeded(name: &str, bug: &str) -> Fixture {
    let path = root().join("tests/seeded").join(name).join("tests/kit.toml");
    let mut fixture = Fixture::read(&path).unwrap_or_else(|error| panic!("{error}"));
    fixture.settings.insert("bug".to_owned(), bug.into());
    fixture
}

pub async fn play_seeded_green(name: &str) {
    play_green(guest(name), &seeded(name, "none")).await;
}

/// The named case finds the mistake.
pub async fn play_seeded(name: &str, bug: &str, case: &str) {
    // What looks back on failures needs some.
    let names = [case, "outside-away", "tables-gone", "provider-errs"];
    let names = if case.starts_with("failures-") { &names[..] } else { &names[..1] };
    let wasm = guest(name).to_vec();
    let report = remitd_kit::run_only(wasm, &seeded(name, bug), &cache(), clock(), names).await;
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let found = failures(&report);
    assert!(
        found.iter().any(|(failed, _)| *failed == case),
        "{bug} is not found by {case}:\n{}",
        shown(&report)
    );
}

fn guest(name: &str) -> &'static [u8] {
    remitd_seeded::guest(name)
}
