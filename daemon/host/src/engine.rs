//! The engine and the way of a job through it: one wasmtime engine, threads for guests that compute for long, a pulse that moves
//! the epoch. A guest that loops holds one of these threads for a tick at a time, and its caller's for its first few.

use crate::cache::Cache;
use crate::error::HostError;
use crate::failure;
use crate::grants::Grants;
use crate::job::{JobSpec, JobState, Stands, Surroundings};
use crate::keep::{Keep, Note};
use crate::ledger::Ledger;
use crate::limits::{HANDLES_MOST, Limits, TABLE_ELEMENTS, TICK_MS};
use crate::plugin::{Plugin, PluginSpec, Wasm};
use crate::pulse::Pulse;
use crate::reach::{Opened, Services, egress};
use crate::tamper::Tamper;
use crate::threads::{Begins, Stopped, Threads};
use crate::wit;
use crate::wit::types::{CallContext, Failure, FailureClass};
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Config, Engine, PoolingAllocationConfig, Store, UpdateDeadline};

/// Core instances, memories and tables of one component: what the encoder makes has three, one and two.
const CORE_INSTANCES_MOST: u32 = 8;
const MEMORIES_MOST: u32 = 2;
const TABLES_MOST: u32 = 4;
/// State of one core instance in bytes: functions and globals of the largest guests that we know need 300 kB.
const INSTANCE_MAX_BYTES: usize = 2 << 20;
/// Instances kept warm after use: more would hold memory for nothing.
const WARM_MOST: u32 = 8;
/// The first bytes of a memory or a table, which are written back to their first content in place when an instance goes; what
/// lies beyond is given back to the kernel. Enough for a bundled plugin with its stack and a page of heap, so that a small job
/// causes no page fault at all. (The kernel could name the pages that were written to, but wasmtime's `pagemap_scan` misses a
/// page that is swapped out: the next job would find it.)
const MEMORY_RESIDENT_BYTES: usize = 384 << 10;
const TABLE_RESIDENT_BYTES: usize = 16 << 10;

/// Adds interfaces of another crate to every plugin's linker.
pub type Extend = fn(&mut Linker<JobState>) -> wasmtime::Result<()>;

/// What the daemon hands down.
pub struct HostConfig {
    /// Compiled plugins are kept here.
    pub cache_dir: PathBuf,
    pub limits: Limits,
    /// Threads for guests that compute for longer than a tick.
    pub guest_threads: usize,
    /// The firm's time zone, for `clock.today`.
    pub today: chrono_tz::Tz,
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Where the plugins' state and the trail of refusals are kept.
    pub keep: Arc<dyn Keep>,
    /// For the conformance kit; else nobody stands between a plugin and its services.
    pub tamper: Option<Arc<dyn Tamper>>,
}

/// Runs plugins.
pub struct Host {
    engine: Engine,
    linker: Linker<JobState>,
    cache: Cache,
    pub(crate) around: Arc<Surroundings>,
    places: Arc<Semaphore>,
    /// Shared with the hosts beside it, as the pulse is.
    threads: Arc<Threads>,
    pulse: Arc<Pulse>,
}

impl Host {
    pub fn new(config: HostConfig, services: Services, extend: &[Extend]) -> Result<Arc<Host>, HostError> {
        let engine = Engine::new(&engine_config(&config.limits)).map_err(engine_error)?;
        let mut linker = Linker::new(&engine);
        wit::Services::add_to_linker::<_, HasSelf<JobState>>(&mut linker, |state| state)
            .map_err(engine_error)?;
        for add in extend {
            add(&mut linker).map_err(engine_error)?;
        }
        let threads = Arc::new(Threads::start(config.guest_threads)?);
        let opened = Opened::open(services, egress::Client::default())?;
        let places = Arc::new(Semaphore::new(config.limits.jobs as usize));
        let around = Arc::new(Surroundings {
            limits: config.limits,
            opened,
            clock: config.clock,
            zone: config.today,
            keep: config.keep,
            tamper: config.tamper,
            ticks: Arc::default(),
        });
        let beat = {
            let (engine, ticks) = (engine.weak(), Arc::downgrade(&around.ticks));
            move || {
                let (Some(engine), Some(ticks)) = (engine.upgrade(), ticks.upgrade()) else { return };
                ticks.fetch_add(1, Ordering::Relaxed);
                engine.increment_epoch();
            }
        };
        let pulse = Pulse::start(Duration::from_millis(TICK_MS), beat).map_err(HostError::Runtime)?;
        let cache = Cache::open(&config.cache_dir)?;
        Ok(Arc::new(Host { engine, linker, cache, around, places, threads, pulse }))
    }

    /// Another host on the same engine and threads, with services, a clock and a keeper of its own: for the conformance kit,
    /// which makes many small worlds.
    pub fn beside(
        &self,
        services: Services,
        clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
        keep: Arc<dyn Keep>,
        tamper: Option<Arc<dyn Tamper>>,
    ) -> Result<Arc<Host>, HostError> {
        let opened = Opened::open(services, self.around.opened.http.clone())?;
        let around = Surroundings {
            limits: self.around.limits.clone(),
            opened,
            clock,
            zone: self.around.zone,
            keep,
            tamper,
            ticks: Arc::clone(&self.around.ticks),
        };
        Ok(Arc::new(Host {
            engine: self.engine.clone(),
            linker: self.linker.clone(),
            cache: self.cache.clone(),
            around: Arc::new(around),
            places: Arc::clone(&self.places),
            threads: Arc::clone(&self.threads),
            pulse: Arc::clone(&self.pulse),
        }))
    }

    /// Whether plugins can reach out by HTTP: that this machine's certificates can be read is else seen at the first request.
    pub fn check_http(&self) -> Result<(), HostError> {
        self.around.opened.http.get().map(drop)
    }

    /// A loaded plugin under other grants and settings; nothing is compiled or read again.
    pub fn load_again(
        &self,
        plugin: &Plugin,
        grants: Grants,
        settings_json: String,
    ) -> Result<Arc<Plugin>, HostError> {
        let (id, wasm) = (plugin.id().to_owned(), Wasm::loaded(plugin.sha256()));
        let spec = PluginSpec { id, wasm, grants, settings_json };
        Plugin::link(&self.linker, plugin.pre.component(), spec).map(Arc::new)
    }

    /// Makes a plugin ready: compiles it, or takes it from the cache. Takes seconds the first time.
    pub fn load(&self, spec: PluginSpec) -> Result<Arc<Plugin>, HostError> {
        let component = self
            .cache
            .compiled(&self.engine, &spec.wasm)
            .map_err(|error| HostError::Compile { plugin: spec.id.clone(), reason: format!("{error:#}") })?;
        Plugin::link(&self.linker, &component, spec).map(Arc::new)
    }

    /// Runs one job in a fresh instance that is gone afterwards. `call` is given the store, the linked component and the
    /// context to pass on. Dropping the returned future stops the guest.
    pub async fn run<R, F, Fut>(&self, plugin: &Arc<Plugin>, job: JobSpec, call: F) -> Result<R, Failure>
    where
        F: FnOnce(Store<JobState>, InstancePre<JobState>, CallContext) -> Fut + Send + 'static,
        Fut: Future<Output = wasmtime::Result<Result<R, Failure>>> + Send + 'static,
        R: Send + 'static,
    {
        if plugin.is_set_aside() {
            return Err(failure::set_aside(plugin.id(), self.around.limits.failures_in_a_row));
        }
        let wall_ms = job.wall_ms.unwrap_or(self.around.limits.call_ms);
        let wall = Duration::from_millis(wall_ms);
        let place = tokio::time::timeout(wall, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            return Err(Failure::unavailable(
                "busy",
                "as many jobs of plugins as may run at once are running",
            ));
        };
        let ledger = Arc::new(Ledger::new(self.around.limits.memory_bytes));
        let deadline = Instant::now() + wall;
        let context = self.context(&job, wall_ms);
        let mut store = self.store(plugin, Arc::clone(&ledger), job.job.clone(), deadline);
        store.data_mut().usage.clone_from(&job.usage);
        store.data_mut().ahead.clone_from(&job.ahead);
        let pre = plugin.pre.clone();
        let beating = self.pulse.beat();
        let work = async move {
            let answer = tokio::time::timeout_at(deadline, call(store, pre, context)).await;
            // Held until the instance is gone.
            drop((place, beating));
            answer
        };
        // One that had to be stopped the last time, or held its caller's thread, will be at it again.
        let begins = match job.long || plugin.failed_last() || plugin.is_away() {
            true => Begins::There,
            false => Begins::Here,
        };
        let _stay = Stay(plugin, &ledger);
        let ended = self.threads.run(work, begins, &ledger).await;
        if let Some(usage) = &job.usage {
            ledger.tell(usage);
        }
        let answer = match ended {
            Ok(Ok(Ok(answer))) => answer.map_err(|failure| failure::of_guest(failure, &ledger)),
            Ok(Ok(Err(trap))) => {
                ledger.note_trap();
                Err(failure::of_trap(&trap, &ledger))
            }
            Ok(Err(_)) => Err(failure::deadline(wall_ms, &ledger)),
            Err(Stopped::Panicked) if !ledger.touched() => {
                Err(Failure::bug(failure::HOST_PANICKED, "the daemon's own code failed while the plugin ran"))
            }
            Err(_) if !ledger.touched() => Err(Failure::unavailable("stopping", "the job was stopped")),
            Err(_) => Err(Failure::unknown("stopped", "the job was stopped in the midst of its work")),
        };
        self.judge(plugin, &job, &ledger, answer.as_ref().err());
        answer
    }

    /// Counts failures that are the plugin's own fault. After too many in a row it is set aside: what goes on failing would only
    /// fill the log, and staff are to look at it.
    fn judge(&self, plugin: &Plugin, job: &JobSpec, ledger: &Ledger, failure: Option<&Failure>) {
        let most = self.around.limits.failures_in_a_row;
        let ours = failure.is_some_and(|failure| failure.code == failure::HOST_PANICKED);
        let bug = failure.is_some_and(|failure| failure.class == FailureClass::Bug);
        let own_fault = (bug && !ours) || ledger.trapped();
        let counts = match job.stands {
            Stands::Counted => true,
            Stands::Beside => own_fault,
            Stands::Outside => false,
        };
        if !counts || !plugin.count(own_fault, most) {
            return;
        }
        let last = failure.map(|failure| failure.message.as_str()).unwrap_or_default();
        let aside = failure::set_aside(plugin.id(), most);
        tracing::error!(plugin = plugin.id(), sha256 = plugin.sha256(), last, "a plugin was set aside");
        let note = Note {
            plugin: plugin.id().to_owned(),
            sha256: plugin.sha256().to_owned(),
            job: job.job.clone(),
            what: "set-aside",
            code: aside.code,
            message: format!("{} The last failure: {last}", aside.message),
        };
        self.around.keep.note(note);
    }

    fn context(&self, job: &JobSpec, wall_ms: u64) -> CallContext {
        let now_ms = u64::try_from((self.around.clock)().timestamp_millis()).unwrap_or(0);
        CallContext {
            job: job.job.clone(),
            idempotency_key: job.key.clone(),
            deadline_ms: now_ms.saturating_add(wall_ms),
        }
    }

    fn store(
        &self,
        plugin: &Arc<Plugin>,
        ledger: Arc<Ledger>,
        job: String,
        deadline: Instant,
    ) -> Store<JobState> {
        let around = Arc::clone(&self.around);
        let answer_bytes = around.limits.answer_bytes;
        let state = JobState::new(Arc::clone(&plugin.charter), around, ledger, job, deadline);
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(answer_bytes);
        store.set_max_component_handles(HANDLES_MOST);
        // The first tick may come at once: only the second says that the guest has computed for a whole one.
        store.set_epoch_deadline(2);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().charge_tick(TICK_MS)?;
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

/// Counts how a job stayed, however it ends; also one whose caller went away.
struct Stay<'a>(&'a Plugin, &'a Ledger);

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        self.0.note_stay(self.1.overstayed());
    }
}

fn engine_error(error: wasmtime::Error) -> HostError {
    HostError::Engine(format!("{error:#}"))
}

fn engine_config(limits: &Limits) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.jobs)
        .total_core_instances(limits.jobs.saturating_mul(CORE_INSTANCES_MOST))
        .total_memories(limits.jobs.saturating_mul(MEMORIES_MOST))
        .total_tables(limits.jobs.saturating_mul(TABLES_MOST))
        .total_stacks(limits.jobs)
        .max_core_instances_per_component(CORE_INSTANCES_MOST)
        .max_memories_per_component(MEMORIES_MOST)
        .max_tables_per_component(TABLES_MOST)
        .max_core_instance_size(INSTANCE_MAX_BYTES)
        .max_component_instance_size(INSTANCE_MAX_BYTES)
        .table_elements(TABLE_ELEMENTS)
        .max_unused_warm_slots(WARM_MOST)
        .linear_memory_keep_resident(MEMORY_RESIDENT_BYTES)
        .table_keep_resident(TABLE_RESIDENT_BYTES)
        .max_memory_size(limits.memory_bytes);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        // For profilers and debuggers alone: traps are found without them, and less is read and checked at a start.
        .generate_address_map(false)
        .native_unwind_info(false)
        .memory_reservation(4 << 30)
        .allocation_strategy(pool);
    config
}
