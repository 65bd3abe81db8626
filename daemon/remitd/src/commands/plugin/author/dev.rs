//! `plugin dev`: build, pack, kit, figures; and again whenever a source changes.

use super::{build, kit};
use crate::fault::{DONE, FINDINGS, Fault};
use crate::show;
use crate::trust::write_whole;
use notify::{RecursiveMode, Watcher};
use remitd_host::manifest;
use remitd_kit::Report;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// An editor writes several files at once: one build for all of them.
const QUIET: Duration = Duration::from_millis(200);
/// What a plugin is made of.
const SOURCES: [&str; 5] = ["src", "tests", "Cargo.toml", "plugin.toml", "settings.schema.json"];

pub async fn dev(dir: &Path, once: bool) -> Result<u8, Fault> {
    let (say, mut changes) = mpsc::channel(1);
    // Before the first build, so that no change is missed.
    let _watcher = if once { None } else { Some(watch(dir, say)?) };
    loop {
        let built = round(dir).await;
        if once {
            return built.map(|clean| if clean { DONE } else { FINDINGS });
        }
        if let Err(fault) = built {
            show::note(&fault.to_string());
        }
        show::note("waiting for a change (Ctrl-C ends)");
        if changes.recv().await.is_none() {
            return Ok(DONE);
        }
        while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
    }
}

/// Gives whether the kit found nothing.
async fn round(dir: &Path) -> Result<bool, Fault> {
    let component = tokio::task::block_in_place(|| build::build(dir))?;
    let manifest = dir.join("plugin.toml");
    let packed = manifest::embed(&component, &fs_err::read_to_string(&manifest)?).map_err(|error| {
        Fault::usage(format!("{}: {error}", manifest.display()), "see plugin.toml in plugin-sdk/README.md")
    })?;
    let out = packed_file(dir, &packed)?;
    write_whole(&out, &packed)?;
    show::note(&format!("built {} ({} KiB)", out.display(), packed.len() >> 10));
    let fixture = dir.join("tests").join("kit.toml");
    let report = kit::play(packed, fixture.exists().then_some(fixture.as_path()), true).await?;
    figures(&report)?;
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

fn watch(dir: &Path, say: mpsc::Sender<()>) -> Result<impl Watcher, Fault> {
    let unwatched =
        |error: notify::Error| Fault::usage(format!("cannot watch the sources: {error}"), "use --once");
    let heard = move |event: Result<notify::Event, notify::Error>| {
        // Building reads the sources: that is no change.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // Full means that a build is wanted already.
            let _ = say.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(heard).map_err(unwatched)?;
    for source in SOURCES.map(|name| dir.join(name)).iter().filter(|path| path.exists()) {
        watcher.watch(source, RecursiveMode::Recursive).map_err(unwatched)?;
    }
    Ok(watcher)
}
