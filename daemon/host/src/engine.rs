//! The engine and the way of a job through it: one wasmtime engine, a runtime of its own for guests, a thread that moves the
//! epoch. A guest that loops holds one of these threads for a tick at a time and no thread of the daemon's.

use crate::cache::Cache;
use crate::error::HostError;
use crate::failure;
use crate::job::{JobSpec, JobState, Surroundings};
use crate::ledger::Ledger;
use crate::limits::{Limits, TABLE_ELEMENTS, TICK_MS};
use crate::plugin::{Plugin, PluginSpec};
use crate::reach::{Opened, Services};
use crate::wit;
use crate::wit::types::{CallContext, Failure};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
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

/// Adds interfaces of another crate to every plugin's linker.
pub type Extend = fn(&mut Linker<JobState>) -> wasmtime::Result<()>;

/// What the daemon hands down.
pub struct HostConfig {
    /// Compiled plugins are kept here.
    pub cache_dir: PathBuf,
    pub limits: Limits,
    /// Threads that guests run on.
    pub guest_threads: usize,
    /// The firm's time zone, for `clock.today`.
    pub today: chrono_tz::Tz,
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

/// Runs plugins.
pub struct Host {
    engine: Engine,
    linker: Linker<JobState>,
    cache: Cache,
    pub(crate) around: Arc<Surroundings>,
    places: Arc<Semaphore>,
    /// Taken when the host is dropped: a runtime may not be dropped where waiting is forbidden.
    runtime: Option<Runtime>,
    /// Dropping it ends the ticking thread.
    _ticking: mpsc::Sender<()>,
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
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.guest_threads.max(1))
            .thread_name("guest")
            .enable_all()
            .build()
            .map_err(HostError::Runtime)?;
        let opened = {
            // Pools and clients belong to the guests' runtime, where they are used.
            let _inside = runtime.enter();
            Opened::open(services)?
        };
        let places = Arc::new(Semaphore::new(config.limits.jobs as usize));
        let around = Arc::new(Surroundings {
            limits: config.limits,
            opened,
            clock: config.clock,
            zone: config.today,
            ticks: 0.into(),
        });
        let ticking = start_ticking(&engine, &around)?;
        let cache = Cache::open(&config.cache_dir)?;
        let runtime = Some(runtime);
        Ok(Arc::new(Host { engine, linker, cache, around, places, runtime, _ticking: ticking }))
    }

    /// Makes a plugin ready: compiles it, or takes it from the cache. Takes seconds the first time.
    pub fn load(&self, spec: PluginSpec) -> Result<Arc<Plugin>, HostError> {
        let component = self
            .cache
            .compiled(&self.engine, &spec.wasm)
            .map_err(|error| HostError::Compile { plugin: spec.id.clone(), reason: format!("{error:#}") })?;
        let sha256 = hex::encode(Sha256::digest(&spec.wasm));
        Plugin::link(&self.linker, &component, sha256, spec).map(Arc::new)
    }

    /// Runs one job in a fresh instance that is gone afterwards. `call` is given the store, the linked component and the
    /// context to pass on. Dropping the returned future stops the guest.
    pub async fn run<R, F, Fut>(&self, plugin: &Arc<Plugin>, job: JobSpec, call: F) -> Result<R, Failure>
    where
        F: FnOnce(Store<JobState>, InstancePre<JobState>, CallContext) -> Fut + Send + 'static,
        Fut: Future<Output = wasmtime::Result<Result<R, Failure>>> + Send + 'static,
        R: Send + 'static,
    {
        let Some(runtime) = &self.runtime else {
            return Err(Failure::unavailable("stopping", "the daemon is stopping"));
        };
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
        let store = self.store(plugin, Arc::clone(&ledger), job.job, deadline);
        let pre = plugin.pre.clone();
        let task = runtime.spawn(async move {
            let _place = place;
            tokio::time::timeout_at(deadline, call(store, pre, context)).await
        });
        let _stop = StopOnDrop(task.abort_handle());
        match task.await {
            Ok(Ok(Ok(answer))) => answer.map_err(Failure::bounded),
            Ok(Ok(Err(trap))) => Err(failure::of_trap(&trap, &ledger)),
            Ok(Err(_)) => Err(failure::deadline(wall_ms, &ledger)),
            Err(gone) if gone.is_panic() && !ledger.touched() => {
                Err(Failure::bug("host-panicked", "the daemon's own code failed while the plugin ran"))
            }
            Err(_) if !ledger.touched() => Err(Failure::unavailable("stopping", "the job was stopped")),
            Err(_) => Err(Failure::unknown("stopped", "the job was stopped in the midst of its work")),
        }
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
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().charge_tick(TICK_MS)?;
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Stops a job whose caller went away.
struct StopOnDrop(AbortHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
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
        .max_memory_size(limits.memory_bytes);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .memory_reservation(4 << 30)
        .allocation_strategy(pool);
    config
}

/// Moves the epoch until the host is dropped.
fn start_ticking(engine: &Engine, around: &Arc<Surroundings>) -> Result<mpsc::Sender<()>, HostError> {
    let (alive, ended) = mpsc::channel::<()>();
    let (engine, around) = (engine.weak(), Arc::downgrade(around));
    let tick = move || {
        while ended.recv_timeout(Duration::from_millis(TICK_MS)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let (Some(engine), Some(around)) = (engine.upgrade(), around.upgrade()) else { return };
            around.ticks.fetch_add(1, Ordering::Relaxed);
            engine.increment_epoch();
        }
    };
    std::thread::Builder::new().name("epoch".to_owned()).spawn(tick).map_err(HostError::Runtime)?;
    Ok(alive)
}
