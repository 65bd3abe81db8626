//! A call of a plugin in a fresh sandbox, as every job gets one, against the same call on an instance that is kept warm. The
//! call is the least that every plugin answers: what it is.

use crate::now;
use remitd_host::{Failure, Grants, Host, HostConfig, JobSpec, JobState, Limits, PluginSpec, Services};
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::{Func, InstancePre, Val};

const FIRST: u32 = 200;
const FRESH: u32 = 10_000;
const WARM: u32 = 100_000;

pub fn run() {
    // Somebody else in this process may have been first: any provider will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (fresh, warm) = runtime.block_on(measure());
    crate::times("plugin call: fresh sandbox / warm instance", fresh, warm);
}

async fn measure() -> (f64, f64) {
    let cache = tempfile::tempdir().unwrap();
    let config = HostConfig {
        cache_dir: cache.path().join("cache"),
        limits: Limits { guest_ms: 60_000, call_ms: 120_000, ..Limits::default() },
        guest_threads: 1,
        today: chrono_tz::UTC,
        clock: Arc::new(chrono::DateTime::<chrono::Utc>::default),
    };
    let host = Host::new(config, Services::default(), &[remitd_flow::plugin::extend]).unwrap();
    let wasm = remitd_plugins::bundled("csv-importer").unwrap().wasm.to_vec();
    let (id, settings_json) = ("csv".to_owned(), "{}".to_owned());
    let plugin = host.load(PluginSpec { id, wasm, grants: Grants::default(), settings_json }).unwrap();

    let once = || {
        host.run(&plugin, JobSpec::new("bench", "bench"), |mut store, pre, _| async move {
            let describe = fresh(&mut store, &pre).await?;
            call(&describe, &mut store).await
        })
    };
    for _ in 0..FIRST {
        once().await.unwrap();
    }
    let began = now();
    for _ in 0..FRESH {
        once().await.unwrap();
    }
    let fresh_s = began.elapsed().as_secs_f64() / f64::from(FRESH);

    let warm = host.run(&plugin, JobSpec::new("bench", "bench"), |mut store, pre, _| async move {
        let describe = fresh(&mut store, &pre).await?;
        let began = now();
        for _ in 0..WARM {
            call(&describe, &mut store).await?.unwrap();
        }
        Ok(Ok::<f64, Failure>(began.elapsed().as_secs_f64() / f64::from(WARM)))
    });
    (fresh_s, warm.await.unwrap())
}

async fn fresh(store: &mut Store<JobState>, pre: &InstancePre<JobState>) -> wasmtime::Result<Func> {
    let instance = pre.instantiate_async(&mut *store).await?;
    let interface = instance.get_export_index(&mut *store, None, "remitd:plugin/importer@1.0.0");
    let describe = instance.get_export_index(&mut *store, interface.as_ref(), "describe").unwrap();
    Ok(instance.get_func(&mut *store, describe).unwrap())
}

async fn call(describe: &Func, store: &mut Store<JobState>) -> wasmtime::Result<Result<(), Failure>> {
    let mut answer = [Val::Bool(false)];
    describe.call_async(store, &[], &mut answer).await?;
    Ok(Ok(()))
}
