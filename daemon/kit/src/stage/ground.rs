//! The ground that all worlds of a run stand on: one engine and the component compiled for it, so that a world costs next to
//! nothing.

use crate::bench::Clock;
use crate::error::KitError;
use remitd_flow::plugin::extend;
use remitd_host::keep::Forgetful;
use remitd_host::{Grants, Host, HostConfig, Limits, Plugin, PluginSpec, Services, Tamper};
use std::path::Path;
use std::sync::Arc;

/// The id of the plugin in every world.
const PLUGIN: &str = "tried";
const MEMORY_BYTES: usize = 256 << 20;
const GUEST_MS: u64 = 5_000;
const CALL_MS: u64 = 10_000;
const HOST_CALLS: u32 = 50_000;
const JOBS: u32 = 16;
const THREADS: usize = 2;

pub(crate) struct Ground {
    host: Arc<Host>,
    pub plugin: Arc<Plugin>,
    clock: Clock,
}

impl Ground {
    /// Compiles the component, or takes it from the cache.
    pub fn lay(wasm: Vec<u8>, cache: &Path, clock: Clock) -> Result<Ground, KitError> {
        let limits = Limits {
            memory_bytes: MEMORY_BYTES,
            guest_ms: GUEST_MS,
            call_ms: CALL_MS,
            host_calls: HOST_CALLS,
            jobs: JOBS,
            failures_in_a_row: u32::MAX,
            ..Limits::default()
        };
        let config = HostConfig {
            cache_dir: cache.to_owned(),
            limits,
            guest_threads: THREADS,
            today: chrono_tz::UTC,
            clock: Arc::clone(&clock),
            keep: Arc::<Forgetful>::default(),
            tamper: None,
        };
        let host = Host::new(config, Services::default(), &[extend])?;
        let (grants, settings_json) = (Grants::default(), "{}".to_owned());
        let plugin =
            host.load(PluginSpec { id: PLUGIN.to_owned(), wasm: wasm.into(), grants, settings_json })?;
        Ok(Ground { host, plugin, clock })
    }

    /// A host for one world; without a clock of its own, it has the run's.
    pub fn host(
        &self,
        services: Services,
        clock: Option<Clock>,
        hand: Arc<dyn Tamper>,
    ) -> Result<Arc<Host>, KitError> {
        let clock = clock.unwrap_or_else(|| Arc::clone(&self.clock));
        Ok(self.host.beside(services, clock, Arc::<Forgetful>::default(), Some(hand))?)
    }
}
