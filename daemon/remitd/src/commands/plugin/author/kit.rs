//! `plugin test`: the conformance kit, told as it goes.

use crate::clock::SystemClock;
use crate::commands::{Asked, status};
use crate::fault::Fault;
use crate::{show, wiring};
use remitd_domain::time::Clock;
use remitd_kit::{Fixture, KitError, Outcome, Report, Verdict};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Serialize)]
struct CaseView {
    case: &'static str,
    about: &'static str,
    result: &'static str,
    why: String,
    wall_us: u64,
    memory_bytes: u64,
    carried_bytes: u64,
    host_calls: u64,
    calls: u64,
}

#[derive(Serialize)]
pub struct ReportView {
    kind: &'static str,
    passed: usize,
    failed: usize,
    skipped: usize,
    cases: Vec<CaseView>,
}

pub async fn test(asked: &Asked, file: &Path, fixture: Option<PathBuf>) -> Result<u8, Fault> {
    // Beside the file, beside its folder (`dist`), or here.
    let folder = file.parent().unwrap_or(Path::new(""));
    let places = [folder.join("tests"), folder.join("../tests"), PathBuf::from("tests")];
    let found = places.into_iter().map(|tests| tests.join("kit.toml")).find(|path| path.exists());
    let path = fixture.or(found);
    let report = play(fs_err::read(file)?, path.as_deref(), !asked.json).await?;
    if asked.json {
        show::json(&view(&report))?;
    }
    Ok(status(report.failed() == 0))
}

/// Plays the kit; each case is a line as it ends, where a person looks on.
pub async fn play(wasm: Vec<u8>, fixture: Option<&Path>, told: bool) -> Result<Report, Fault> {
    let fixture = match fixture {
        Some(path) => Fixture::read(path).map_err(fault)?,
        None => {
            show::note(
                "no tests/kit.toml (give one with --fixture): the plugin is tried without settings, connections and samples",
            );
            Fixture::bare()
        }
    };
    let mut tell = |verdict: &Verdict| {
        if told {
            show::note(&line(verdict));
        }
    };
    let clock = Arc::new(|| SystemClock.now());
    let report = remitd_kit::run(wasm, &fixture, &wiring::bare_cache_folder(), clock, &mut tell)
        .await
        .map_err(fault)?;
    show::note(&format!(
        "{}: {} cases passed, {} failed, {} skipped",
        report.kind,
        report.passed(),
        report.failed(),
        report.skipped()
    ));
    Ok(report)
}

fn fault(error: KitError) -> Fault {
    Fault::usage(error.to_string(), "what the kit is and what it can be given: plugin-sdk/README.md")
}

fn line(verdict: &Verdict) -> String {
    match &verdict.result {
        Outcome::Passed => format!("pass  {}", verdict.case),
        Outcome::Skipped(why) => format!("skip  {}: {why}", verdict.case),
        Outcome::Failed(why) => format!("FAIL  {}: {}\n      {why}", verdict.case, verdict.about),
    }
}

pub fn view(report: &Report) -> ReportView {
    let case = |verdict: &Verdict| {
        let (result, why) = match &verdict.result {
            Outcome::Passed => ("passed", String::new()),
            Outcome::Failed(why) => ("failed", why.clone()),
            Outcome::Skipped(why) => ("skipped", why.clone()),
        };
        let took = verdict.took;
        CaseView {
            case: verdict.case,
            about: verdict.about,
            result,
            why,
            wall_us: took.wall_us,
            memory_bytes: took.memory_bytes,
            carried_bytes: took.carried_bytes,
            host_calls: took.host_calls,
            calls: took.calls,
        }
    };
    ReportView {
        kind: report.kind.name(),
        passed: report.passed(),
        failed: report.failed(),
        skipped: report.skipped(),
        cases: report.verdicts.iter().map(case).collect(),
    }
}
