//! A good plugin's calls, one every few milliseconds, beside hostile plugins that are called again as soon as they are
//! stopped: how much later the last of a hundred answers comes, against the same without them.

use crate::sandbox::{csv, host_with, runtime, spec};
use crate::{bound, grown, now};
use remitd_host::{Host, JobSpec, Limits, Plugin};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const CALLS: usize = 1_000;
const ROUNDS: usize = 9;
const PACE: Duration = Duration::from_millis(1);
/// How long a hostile plugin may compute before it is stopped.
const GUEST_MS: u64 = 1_000;

/// Name and component of each; its export `go` never ends well.
pub fn zoo() -> Vec<(&'static str, Vec<u8>)> {
    let loops = "(memory 1) (func (export \"go\") (result i32) (loop $again (br $again)) unreachable)";
    let recursion = "(memory 1) (func $go (export \"go\") (result i32) call $go i32.const 1 i32.add)";
    // Touches each page that it was given.
    let bomb = r#"(memory 1)
        (func (export "go") (result i32) (local $at i32)
            (loop $more
                (if (i32.ge_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))
                    (then (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))))
                (i32.store (local.get $at) (i32.const 1))
                (local.set $at (i32.add (local.get $at) (i32.const 4096)))
                (br $more))
            unreachable)"#;
    vec![("loop", component(loops)), ("recursion", component(recursion)), ("memory bomb", component(bomb))]
}

/// A connector of which nothing is known but `go`.
fn component(core: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m {core})
            (core instance $i (instantiate $m))
            (func $go (result u32) (canon lift (core func $i "go")))
            (instance $out (export "go" (func $go)))
            (export "remitd:plugin/connector@1.0.0" (instance $out)))"#
    );
    wat::parse_str(text).unwrap()
}

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_with(
        folder.path(),
        2,
        Limits { guest_ms: GUEST_MS, failures_in_a_row: u32::MAX, ..Limits::default() },
    );
    let good = csv(&host);
    let bad: Vec<_> = zoo()
        .into_iter()
        .map(|(name, wasm)| {
            (name, host.load(remitd_host::PluginSpec { id: name.into(), ..spec(wasm) }).unwrap())
        })
        .collect();
    let runtime = runtime();
    let mut quiet = Vec::new();
    let mut beside = Vec::new();
    // In turn, so that what else the machine does falls on both.
    for _ in 0..ROUNDS {
        quiet.push(runtime.block_on(p99(&host, &good)));
        beside.push(runtime.block_on(async {
            let mut hostile = JoinSet::new();
            for (_, plugin) in &bad {
                hostile.spawn(again_and_again(Arc::clone(&host), Arc::clone(plugin)));
            }
            let figure = p99(&host, &good).await;
            hostile.shutdown().await;
            figure
        }));
    }
    let (beside, quiet) = (median(beside), median(quiet));
    grown("p99 of a call beside hostile ones / alone", (beside * 1e6, quiet * 1e6), "µs", 1.1);
    stops(&host, &runtime);
}

/// How long after its limit the slowest of the zoo is stopped.
fn stops(host: &Arc<Host>, runtime: &tokio::runtime::Runtime) {
    let animals = remitd_tests::zoo::animals();
    let mut latest = ("", 0.0);
    for animal in &animals {
        let spec = remitd_host::PluginSpec { id: animal.name.into(), ..spec(animal.wasm.clone()) };
        let plugin = host.load(spec).unwrap();
        let began = now();
        let call = host.call_json(&plugin, JobSpec::new("bad", "bad"), animal.export, serde_json::json!([]));
        let failure = runtime.block_on(call).unwrap_err();
        let took_ms = began.elapsed().as_secs_f64() * 1e3;
        assert_eq!(failure.code, animal.code, "{}", animal.name);
        let limit_ms = if animal.code == "time-limit" { GUEST_MS } else { 0 };
        let beyond_ms = took_ms - f64::from(u32::try_from(limit_ms).unwrap());
        if beyond_ms > latest.1 {
            latest = (animal.name, beyond_ms);
        }
    }
    bound(&format!("{} hostile ones, beyond the limit ({})", animals.len(), latest.0), latest.1, 100.0, "ms");
}

async fn again_and_again(host: Arc<Host>, plugin: Arc<Plugin>) {
    loop {
        let ended = host.call_json(&plugin, JobSpec::new("bad", "bad"), "go", serde_json::json!([])).await;
        assert!(ended.is_err(), "{ended:?}");
    }
}

/// Seconds within which 99 of 100 answers are there.
async fn p99(host: &Arc<Host>, plugin: &Arc<Plugin>) -> f64 {
    let mut pace = tokio::time::interval(PACE);
    let mut took = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        pace.tick().await;
        let began = now();
        host.describe(plugin).await.unwrap();
        took.push(began.elapsed().as_secs_f64());
    }
    took.sort_by(f64::total_cmp);
    took[CALLS * 99 / 100]
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
