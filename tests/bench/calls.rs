//! A call of a plugin in a fresh sandbox, as every job gets one, against the same call on an instance that is kept warm.

use crate::now;
use remitd_host::{Failure, Grants, Host, HostConfig, JobSpec, Limits, PluginSpec, Services};
use std::sync::Arc;
use wasmtime::component::Val;

const FRESH: u32 = 5_000;
const WARM: u32 = 20_000;
const HEAD: &str = "Invoice Number,Recipient Name,Recipient Email,Amount\n";

pub fn run() {
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
    let importer = remitd_flow::plugin::Importer::new(host.clone(), plugin.clone()).unwrap();

    let head = HEAD.as_bytes().to_vec();
    for _ in 0..100 {
        importer.recognise("june.csv".to_owned(), head.clone()).await.unwrap();
    }
    let began = now();
    for _ in 0..FRESH {
        importer.recognise("june.csv".to_owned(), head.clone()).await.unwrap();
    }
    let fresh = began.elapsed().as_secs_f64() / f64::from(FRESH);

    let job = JobSpec::new("bench", "bench");
    let warm = host.run(&plugin, job, move |mut store, pre, _| async move {
        let instance = pre.instantiate_async(&mut store).await?;
        let interface = instance.get_export_index(&mut store, None, "remitd:plugin/importer@1.0.0");
        let recognise = instance.get_export_index(&mut store, interface.as_ref(), "recognise");
        let recognise = instance.get_func(&mut store, recognise.unwrap()).unwrap();
        let bytes = HEAD.bytes().map(Val::U8).collect();
        let arguments = [Val::String("june.csv".to_owned()), Val::List(bytes)];
        let began = now();
        for _ in 0..WARM {
            recognise.call_async(&mut store, &arguments, &mut [Val::U8(0)]).await?;
        }
        Ok(Ok::<f64, Failure>(began.elapsed().as_secs_f64() / f64::from(WARM)))
    });
    (fresh, warm.await.unwrap())
}
