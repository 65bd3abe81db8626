//! The hostile zoo in a real host with small limits: whatever a guest does, its job ends with the right word, the good plugin
//! beside it goes on answering, and its own next job is as good as the first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "zoo/compute.rs"]
mod compute;
#[path = "zoo/drip.rs"]
mod drip;
#[path = "zoo/handles.rs"]
mod handles;
#[path = "zoo/logging.rs"]
mod logging;
#[path = "zoo/names.rs"]
mod names;
#[path = "zoo/peer.rs"]
mod peer;
#[path = "zoo/secrets.rs"]
mod secrets;
#[path = "zoo/sql.rs"]
mod sql;
#[path = "zoo/urls.rs"]
mod urls;

use remitd_host::{
    Extend, Failure, FailureClass, Grants, Host, HostConfig, JobSpec, Limits, Plugin, PluginSpec, Services,
};
use remitd_tests::zoo::{self, FINE, SEVEN};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// No animal is held later than this, whatever the machine has to do.
const HELD_WITHIN: Duration = Duration::from_secs(5);

/// Between the good plugin's calls.
const PACE: Duration = Duration::from_millis(2);

/// A host, and the good plugin beside everything that is tried on it.
struct House {
    host: Arc<Host>,
    good: Arc<Plugin>,
    _folder: TempDir,
}

/// Small, and larger than every animal's first memory.
fn limits() -> Limits {
    Limits {
        memory_bytes: 48 << 20,
        guest_ms: 50,
        call_ms: 30_000,
        host_calls: 1_000,
        answer_bytes: 4 << 20,
        ..Limits::default()
    }
}

impl House {
    fn new(services: Services) -> House {
        House::with(services, &[])
    }

    fn with(services: Services, extend: &[Extend]) -> House {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let config = HostConfig {
            cache_dir: folder.path().join("cache"),
            limits: limits(),
            guest_threads: 2,
            today: chrono_tz::UTC,
            clock: Arc::new(|| chrono::DateTime::from_timestamp_millis(0).unwrap()),
            keep: Arc::<remitd_host::keep::Forgetful>::default(),
            tamper: None,
        };
        let host = Host::new(config, services, extend).unwrap();
        let good = load(&host, "good", zoo::good().wasm, Grants::default());
        House { host, good, _folder: folder }
    }

    fn load(&self, id: &str, wasm: Vec<u8>, grants: Grants) -> Arc<Plugin> {
        load(&self.host, id, wasm, grants)
    }

    async fn call(&self, plugin: &Arc<Plugin>, export: &str, args: Value) -> Result<Value, Failure> {
        self.host.call_json(plugin, JobSpec::new("j1", "k1"), export, args).await
    }

    /// Calls the good plugin until [`Beside::end`].
    fn beside(&self) -> Beside {
        let (host, good) = (Arc::clone(&self.host), Arc::clone(&self.good));
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let mut calling = JoinSet::new();
        calling.spawn(async move {
            let (mut calls, mut pace) = (0, tokio::time::interval(PACE));
            // One call at least, however soon the end comes.
            while calls == 0 || !stopped.load(Ordering::Relaxed) {
                let answer = host.call_json(&good, JobSpec::new("good", "good"), FINE, json!({})).await;
                assert_eq!(answer, Ok(json!(SEVEN)), "call {calls} of the good plugin");
                calls += 1;
                // The machine is for the animals too.
                pace.tick().await;
            }
            calls
        });
        Beside { stop, calling }
    }
}

fn load(host: &Arc<Host>, id: &str, wasm: Vec<u8>, grants: Grants) -> Arc<Plugin> {
    let spec = PluginSpec { id: id.to_owned(), wasm: wasm.into(), grants, settings_json: "{}".to_owned() };
    host.load(spec).unwrap_or_else(|error| panic!("{id}: {error}"))
}

/// The good plugin's calls in the background.
struct Beside {
    stop: Arc<AtomicBool>,
    calling: JoinSet<u32>,
}

impl Beside {
    /// All of them answered right; gives their number.
    async fn end(mut self) -> u32 {
        self.stop.store(true, Ordering::Relaxed);
        self.calling.join_next().await.unwrap().unwrap()
    }
}

#[track_caller]
fn is(failure: &Failure, class: FailureClass, code: &str) {
    assert_eq!((failure.class, failure.code.as_str()), (class, code), "{failure:?}");
}
