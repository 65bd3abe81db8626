//! The services against real peers on the loopback: databases, an HTTP server, a mail server, each as a plugin would call it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod canary;
mod egress;
mod http;
mod job;
mod mssql;
mod mysql;
#[cfg(feature = "odbc")]
mod odbc;
mod once;
#[path = "../../tests/zoo/peer.rs"]
mod peer;
mod postgres;
mod smtp;
mod sqlite;

use crate::engine::{Host, HostConfig};
use crate::grants::Grants;
use crate::job::JobState;
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::plugin::PluginSpec;
use crate::reach::Services;
use crate::wit::types::{Failure, FailureClass};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

/// A job of a plugin with these grants, its guest left out.
struct Job {
    state: JobState,
    _host: Arc<Host>,
    _cache: tempfile::TempDir,
}

impl Deref for Job {
    type Target = JobState;
    fn deref(&self) -> &JobState {
        &self.state
    }
}

impl DerefMut for Job {
    fn deref_mut(&mut self) -> &mut JobState {
        &mut self.state
    }
}

/// Every client needs the provider, whichever test comes first.
fn with_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn job(services: Services, grants: Grants) -> Job {
    with_tls();
    let cache = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let config = HostConfig {
        cache_dir: cache.path().to_owned(),
        limits: limits.clone(),
        guest_threads: 1,
        today: chrono_tz::UTC,
        clock: Arc::new(|| chrono::DateTime::from_timestamp_millis(0).unwrap()),
        keep: Arc::<crate::keep::Forgetful>::default(),
        tamper: None,
    };
    let host = Host::new(config, services, &[]).unwrap();
    let wasm = r#"(component (instance $i) (export "remitd:plugin/connector@1.0.0" (instance $i)))"#;
    let spec = PluginSpec {
        id: "acme".into(),
        wasm: wat::parse_str(wasm).unwrap().into(),
        grants,
        settings_json: "{}".into(),
    };
    let plugin = host.load(spec).unwrap();
    let ledger = Arc::new(Ledger::new(limits.memory_bytes));
    let deadline = Instant::now() + PATIENCE;
    let state =
        JobState::new(Arc::clone(&plugin.charter), Arc::clone(&host.around), ledger, "j1".into(), deadline);
    Job { state, _host: host, _cache: cache }
}

#[track_caller]
fn is(failure: &Failure, class: FailureClass, code: &str) {
    assert_eq!((failure.class, failure.code.as_str()), (class, code), "{failure:?}");
}
