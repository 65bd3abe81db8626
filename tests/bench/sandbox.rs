//! A host with nothing behind it and the CSV importer, for rows that measure the plugin platform itself.

use remitd_host::{Grants, Host, HostConfig, Limits, Plugin, PluginSpec, Services, Wasm};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The caller's: guests have their own.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

pub fn host(folder: &Path, guest_threads: usize) -> Arc<Host> {
    let limits = Limits { guest_ms: 60_000, call_ms: 120_000, jobs: 128, ..Limits::default() };
    host_with(folder, guest_threads, limits)
}

pub fn host_with(folder: &Path, guest_threads: usize, limits: Limits) -> Arc<Host> {
    // Somebody else in this process may have been first: any provider will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = HostConfig {
        cache_dir: folder.join("cache"),
        limits,
        guest_threads,
        today: chrono_tz::UTC,
        clock: Arc::new(chrono::DateTime::<chrono::Utc>::default),
        keep: Arc::<remitd_host::keep::Forgetful>::default(),
        tamper: None,
    };
    Host::new(config, Services::default(), &[remitd_flow::plugin::extend]).unwrap()
}

pub fn spec(wasm: impl Into<Wasm>) -> PluginSpec {
    PluginSpec {
        id: "bench".to_owned(),
        wasm: wasm.into(),
        grants: Grants::default(),
        settings_json: "{}".to_owned(),
    }
}

pub fn csv(host: &Arc<Host>) -> Arc<Plugin> {
    host.load(spec(remitd_plugins::bundled("csv-importer").unwrap().wasm.to_vec())).unwrap()
}
