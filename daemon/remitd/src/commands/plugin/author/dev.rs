//! `plugin dev`: build, pack, kit, figures; and again whenever a source changes.

use super::{build, kit, refuse_unfit};
use crate::commands::Asked;
use crate::fault::{DONE, FINDINGS, Fault};
use crate::show;
use crate::trust::write_whole;
use notify::{RecursiveMode, Watcher};
use remitd_host::manifest;
use remitd_kit::Report;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// An editor writes several files at once: one build for all of them.
const QUIET: Duration = Duration::from_millis(200);
/// What a plugin is made of.
const SOURCES: [&str; 6] = ["src", "tests", "Cargo.toml", "build.rs", "plugin.toml", "settings.schema.json"];

/// One run, for programs.
#[derive(Serialize)]
struct Run {
    file: String,
    size_bytes: usize,
    #[serde(flatten)]
    report: kit::ReportView,
}

/// One that came to nothing.
#[derive(Serialize)]
struct Failed {
    error: String,
}

pub async fn dev(asked: &Asked, dir: &Path, once: bool) -> Result<u8, Fault> {
    if !dir.join("Cargo.toml").exists() {
        let what = format!("there is no plugin in {}", dir.display());
        return Err(Fault::usage(
            what,
            "go into its folder, or begin one: remitd plugin new importer acme-bills",
        ));
    }
    let (say, mut changes) = mpsc::channel(1);
    // Before the first build, so that no change is missed.
    let _watcher = if once { None } else { Some(watch(dir, say)?) };
    loop {
        let built = round(asked, dir).await;
        if once {
            return built.map(|clean| if clean { DONE } else { FINDINGS });
        }
        if let Err(fault) = built {
            show::note(&fault.to_string());
            if asked.json {
                show::line(&Failed { error: fault.to_string() })?;
            }
        }
        show::note("waiting for a change (Ctrl-C ends)");
        if changes.recv().await.is_none() {
            return Ok(DONE);
        }
        while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
    }
}

/// Gives whether the kit found nothing.
async fn round(asked: &Asked, dir: &Path) -> Result<bool, Fault> {
    let component = tokio::task::block_in_place(|| build::build(dir))?;
    let manifest = dir.join("plugin.toml");
    let packed = manifest::embed(&component, &fs_err::read_to_string(&manifest)?).map_err(|error| {
        Fault::usage(format!("{}: {error}", manifest.display()), "see plugin.toml in plugin-sdk/README.md")
    })?;
    refuse_unfit(&packed, &manifest)?;
    let out = packed_file(dir, &packed)?;
    write_whole(&out, &packed)?;
    let size_bytes = packed.len();
    show::note(&format!("built {} ({} KiB)", out.display(), size_bytes >> 10));
    let fixture = dir.join("tests").join("kit.toml");
    let report = kit::play(packed, fixture.exists().then_some(fixture.as_path()), !asked.json).await?;
    if asked.json {
        let file = out.display().to_string();
        show::line(&Run { file, size_bytes, report: kit::view(&report) })?;
    } else {
        figures(&report)?;
    }
    Ok(report.failed() == 0)
}

/// `dist/ID.wasm`, which `plugin install` takes.
fn packed_file(dir: &Path, packed: &[u8]) -> Result<PathBuf, Fault> {
    let (manifest, _) =
        manifest::Manifest::of(packed).map_err(|error| Fault::usage(error.to_string(), ""))?;
    let folder = dir.join("dist");
    fs_err::create_dir_all(&folder)?;
    Ok(folder.join(format!("{}.wasm", manifest.id)))
}

/// What each case took.
fn figures(report: &Report) -> Result<(), Fault> {
    let per_call = |total: u64, calls: u64| total.checked_div(calls).unwrap_or_default();
    let row = |verdict: &remitd_kit::Verdict| {
        let took = verdict.took;
        vec![
            verdict.case.to_owned(),
            took.calls.to_string(),
            format!("{} µs", per_call(took.wall_us, took.calls)),
            format!("{} KiB", took.memory_bytes >> 10),
            per_call(took.carried_bytes, took.calls).to_string(),
            per_call(took.host_calls, took.calls).to_string(),
        ]
    };
    let called = report.verdicts.iter().filter(|verdict| verdict.took.calls > 0);
    let heads = ["case", "calls", "time a call", "memory", "bytes a call", "host calls a call"];
    show::table(&heads, called.map(row).collect())
}

/// The folder itself for the files in it, which editors put in place anew; and what is below `src` and `tests`.
fn watch(dir: &Path, say: mpsc::Sender<()>) -> Result<impl Watcher, Fault> {
    let unwatched =
        |error: notify::Error| Fault::usage(format!("cannot watch the sources: {error}"), "use --once");
    let own = fs_err::canonicalize(dir)?;
    let base = own.clone();
    let heard = move |event: Result<notify::Event, notify::Error>| {
        let Ok(event) = event else { return };
        let source = |path: &PathBuf| {
            let inside = path.strip_prefix(&base).unwrap_or(path);
            SOURCES.iter().any(|source| inside.starts_with(source))
        };
        // Building reads the sources: that is no change.
        if !event.kind.is_access() && event.paths.iter().any(source) {
            // Full means that a build is wanted already.
            let _ = say.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(heard).map_err(unwatched)?;
    watcher.watch(&own, RecursiveMode::NonRecursive).map_err(unwatched)?;
    for folder in ["src", "tests"].map(|name| own.join(name)).iter().filter(|path| path.exists()) {
        watcher.watch(folder, RecursiveMode::Recursive).map_err(unwatched)?;
    }
    Ok(watcher)
}
