//! The least that every plugin answers, what it is, asked through the host: in a fresh sandbox, as every job gets one; against
//! wasmtime alone with the very same engine and component; and on an instance that is kept.

use crate::sandbox::{csv, host, runtime};
use crate::{bound, least, now, ratio, times};
use remitd_host::{Failure, Host, JobSpec, Plugin};
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wasmtime::component::{Component, Func, InstancePre, Linker, Val};
use wasmtime::{AsContextMut, Engine, Store};

const ROUNDS: usize = 5;
const FRESH: u32 = 2_000;
const WARM: u32 = 20_000;
const IN_FLIGHT: u32 = 8;

pub fn run() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path(), 2);
    let plugin = csv(&host);
    let bare = wasmtime_alone(plugin.pre().component());
    let fresh = least(ROUNDS, || runtime.block_on(one_by_one(&host, &plugin)));
    let many = least(ROUNDS, || runtime.block_on(in_flight(&host, &plugin)));
    let hop = least(ROUNDS, || runtime.block_on(hop(&host, &plugin)));
    let warm = least(ROUNDS, || runtime.block_on(kept(&host, &plugin)));
    bound("plugin call in a fresh sandbox", fresh * 1e6, 20.0, "µs");
    ratio("  / wasmtime alone, on one thread", fresh, bare, 1.0 / 1.3);
    ratio("  with 8 in flight on one thread / wasmtime alone", many, bare, 1.0 / 1.3);
    times("  / a job that does nothing", fresh, hop);
    times("  / an instance that is kept", fresh, warm);
    match extism() {
        Some((extism_fresh, extism_warm)) => {
            ratio("plugin call, fresh / extism", fresh, extism_fresh, 5.0);
            ratio("plugin call, kept instance / extism", warm, extism_warm, 5.0);
        }
        None => println!("plugin call / extism: not built here, `make bench` does"),
    }
}

/// Seconds of a call when the caller waits for each answer.
async fn one_by_one(host: &Arc<Host>, plugin: &Arc<Plugin>) -> f64 {
    let mut took = Vec::new();
    for _ in 0..FRESH {
        let began = now();
        once(host, plugin).await.unwrap();
        took.push(began.elapsed().as_secs_f64());
    }
    median(took)
}

/// One call in a thousand meets something else that the machine does; the row is about the others.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Seconds of a call when several callers ask at once.
async fn in_flight(host: &Arc<Host>, plugin: &Arc<Plugin>) -> f64 {
    let began = now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (host, plugin) = (Arc::clone(host), Arc::clone(plugin));
        callers.spawn(async move {
            for _ in 0..FRESH {
                once(&host, &plugin).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    began.elapsed().as_secs_f64() / f64::from(FRESH * IN_FLIGHT)
}

async fn once(host: &Arc<Host>, plugin: &Arc<Plugin>) -> Result<(), Failure> {
    let call = host.run(plugin, JobSpec::new("bench", "bench"), |mut store, pre, _| async move {
        let describe = fresh(&mut store, &pre).await?;
        call(&describe, &mut store).await?;
        Ok(Ok(()))
    });
    call.await
}

/// Seconds of a job that does nothing.
async fn hop(host: &Arc<Host>, plugin: &Arc<Plugin>) -> f64 {
    let mut took = Vec::new();
    for _ in 0..FRESH {
        let began = now();
        let nothing = |store, _, _| async move {
            drop(store);
            Ok(Ok::<(), Failure>(()))
        };
        host.run(plugin, JobSpec::new("bench", "bench"), nothing).await.unwrap();
        took.push(began.elapsed().as_secs_f64());
    }
    median(took)
}

async fn kept(host: &Arc<Host>, plugin: &Arc<Plugin>) -> f64 {
    let warm = host.run(plugin, JobSpec::new("bench", "bench"), |mut store, pre, _| async move {
        let describe = fresh(&mut store, &pre).await?;
        let began = now();
        for _ in 0..WARM {
            call(&describe, &mut store).await?;
        }
        Ok(Ok::<f64, Failure>(began.elapsed().as_secs_f64() / f64::from(WARM)))
    });
    warm.await.unwrap()
}

async fn fresh<T: Send>(
    mut store: impl AsContextMut<Data = T>,
    pre: &InstancePre<T>,
) -> wasmtime::Result<Func> {
    let instance = pre.instantiate_async(&mut store).await?;
    let interface = instance.get_export_index(&mut store, None, "remitd:plugin/importer@1.0.0");
    let describe = instance.get_export_index(&mut store, interface.as_ref(), "describe").unwrap();
    Ok(instance.get_func(&mut store, describe).unwrap())
}

async fn call<T: Send>(describe: &Func, store: impl AsContextMut<Data = T>) -> wasmtime::Result<()> {
    let mut answer = [Val::Bool(false)];
    describe.call_async(store, &[], &mut answer).await
}

/// Seconds of instantiating, calling and dropping, with nothing of ours around it and no thread but this.
fn wasmtime_alone(component: &Component) -> f64 {
    let engine: &Engine = component.engine();
    let mut linker = Linker::<()>::new(engine);
    linker.define_unknown_imports_as_traps(component).unwrap();
    let pre = linker.instantiate_pre(component).unwrap();
    least(ROUNDS, || {
        let mut took = Vec::new();
        for _ in 0..FRESH {
            let began = now();
            let mut store = Store::new(engine, ());
            store.set_epoch_deadline(u64::from(u32::MAX));
            at_once(async {
                let describe = fresh(&mut store, &pre).await.unwrap();
                call(&describe, &mut store).await.unwrap();
            });
            drop(store);
            took.push(began.elapsed().as_secs_f64());
        }
        median(took)
    })
}

/// Nothing in it waits for anything.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

/// Seconds of the same call through extism, fresh and kept, as its own program measured them just now.
fn extism() -> Option<(f64, f64)> {
    let folder = std::env::var_os("REMITD_EXTISM").map(std::path::PathBuf::from)?;
    let mut opponent = Command::new(folder.join("release/extism-opponent"));
    let output =
        opponent.arg(folder.join("wasm32-unknown-unknown/guest/extism_describe.wasm")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut nanoseconds = text.split_whitespace().map(|figure| figure.parse::<f64>().unwrap() / 1e9);
    Some((nanoseconds.next().unwrap(), nanoseconds.next().unwrap()))
}
