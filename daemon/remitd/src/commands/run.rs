//! `run`: the daemon. It listens, says that it is ready, keeps the road going, and stops in bounded time when it is told to.

use super::Asked;
use crate::clock::SystemClock;
use crate::config::{self, Loaded};
use crate::control::Control;
use crate::fault::{DONE, Fault};
use crate::reload::Reload;
use crate::wiring::{Need, Wired};
use crate::{logging, show, wiring};
use remitd_domain::time::Clock;
use remitd_flow::run;
use remitd_sandbox::Sandbox;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a bank payment stays pending at the built-in sandbox provider.
const SETTLE_MS: u64 = 5_000;

pub async fn run(asked: &Asked) -> Result<u8, Fault> {
    let loaded = asked.load()?;
    logging::start(&loaded.config.log);
    if !loaded.warnings.0.is_empty() {
        show::note(&loaded.warnings.to_string());
    }
    // Before anybody is told that we are ready: from then on an order to stop must be heard.
    let orders = Orders::listen()?;
    let wired = wiring::open(loaded, Need::Plugins).await?;
    let (stopper, stop) = watch::channel(false);
    let ready = |addresses: &Addresses| {
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
        show::line(addresses)
    };
    let daemon = Daemon::start(wired, stop, ready).await?;
    let reload = Reload::new(config::find(asked.config.clone()), daemon.wired.clone());
    orders.obey(Arc::new(reload)).await;
    tracing::info!("stopping: what is in hand is finished");
    let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Stopping]);
    stopper.send_replace(true);
    daemon.ended().await;
    Ok(DONE)
}

/// Orders: SIGTERM and Ctrl-C to stop, SIGHUP and the control socket to reload. What comes from when they are listened for is
/// heard, however late it is asked for.
pub struct Orders {
    term: Signal,
    int: Signal,
    hangup: Signal,
}

impl Orders {
    pub fn listen() -> Result<Orders, Fault> {
        Ok(Orders {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Reloads when it is told to; returns at the first order to stop.
    async fn obey(mut self, reload: Arc<Reload>) {
        let folder = wiring::data_folder(&reload.wired.loaded).unwrap_or_default();
        let mut tasks = JoinSet::new();
        match Control::listen(&folder) {
            Ok(control) => {
                let reload = reload.clone();
                tasks.spawn(async move { control.serve(&reload).await });
            }
            Err(error) => {
                tracing::warn!(%error, "no control socket of its own: SIGHUP reloads this daemon, `remitd reload` does not")
            }
        }
        // Those that come while one is obeyed are obeyed once, together.
        tasks.spawn(async move {
            while self.hangup.recv().await.is_some() {
                reload.run().await;
            }
        });
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }

    /// Returns at the first.
    pub async fn stop(mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

/// Where a daemon answers.
#[derive(Debug, Clone, Serialize)]
pub struct Addresses {
    pub ready: bool,
    pub public: String,
    pub staff: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
}

pub struct Daemon {
    pub addresses: Addresses,
    pub wired: Arc<Wired>,
    tasks: JoinSet<()>,
}

impl Daemon {
    /// Listens and sets everything going; returns once it is ready.
    pub async fn start(
        wired: Wired,
        stop: watch::Receiver<bool>,
        ready: impl FnOnce(&Addresses) -> Result<(), Fault>,
    ) -> Result<Daemon, Fault> {
        let server = &wired.loaded.config.server;
        let public = listen(server.public_listen).await?;
        let staff = listen(server.staff_listen).await?;
        let sandbox = sandbox(&wired.loaded).await?;
        let addresses = Addresses {
            ready: true,
            public: format!("http://{}", public.local_addr()?),
            staff: format!("http://{}", staff.local_addr()?),
            sandbox: sandbox.as_ref().map(Sandbox::url),
        };
        let road = wired.road.clone();
        run::start(&road, &wired.scheduled()).await?;
        let pages = remitd_web::public(road.clone())
            .map_err(|error| Fault::usage(error.to_string(), "this is a fault of remitd itself"))?;
        // Everybody is heard from here on; what comes in waits for the tasks below.
        ready(&addresses)?;
        let mut tasks = JoinSet::new();
        if let Some(sandbox) = sandbox {
            let stop = stopped(stop.clone());
            tasks.spawn(async move { tell("the sandbox provider", sandbox.serve(stop).await) });
        }
        for (name, listener, router) in [
            ("the public listener", public, pages),
            ("the staff listener", staff, remitd_web::staff(road.clone())),
        ] {
            let stop = stopped(stop.clone());
            let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
            tasks.spawn(async move { tell(name, serving.await) });
        }
        tasks.spawn(run::run(road, wired.folders.clone(), stop));
        Ok(Daemon { addresses, wired: Arc::new(wired), tasks })
    }

    /// Waits until everything has ended, and closes the store.
    pub async fn ended(mut self) {
        while self.tasks.join_next().await.is_some() {}
        self.wired.road.store.close().await;
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that whoever could stop us is gone: that is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn tell<E: std::fmt::Display>(what: &str, end: Result<(), E>) {
    if let Err(error) = end {
        tracing::error!(%error, "{what} ended");
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| {
        Fault::usage(
            format!("cannot listen on {address}: {error}"),
            "another remitd may run here; else choose another port under [server]",
        )
    })
}

/// The built-in provider, where the configuration asks for it: its secrets are those that the gateway plugin names.
async fn sandbox(loaded: &Loaded) -> Result<Option<Sandbox>, Fault> {
    let Some(listen) = loaded.config.server.sandbox_listen else { return Ok(None) };
    let gateway = loaded.config.plugins.iter().find(|plugin| plugin.file == "sandbox-gateway");
    let secret = |setting: &str| -> Result<String, Fault> {
        let missing = || Fault::Wiring {
            what: format!(
                "sandbox_listen is set, but no plugin of file \"sandbox-gateway\" names a secret in {setting}"
            ),
            mend: "add the plugin as `remitd init` writes it, or remove sandbox_listen".to_owned(),
        };
        let name = gateway.and_then(|plugin| plugin.settings.get(setting)?.as_str()).ok_or_else(missing)?;
        let secret = loaded.config.secrets.get(name).ok_or_else(missing)?;
        Ok(secret.read(&loaded.base)?.expose_secret().to_owned())
    };
    let clock = SystemClock;
    let config = remitd_sandbox::Config {
        listen,
        journal: wiring::data_folder(loaded).map(|folder| folder.join("sandbox.journal")),
        key: secret("key-secret")?,
        webhook_secret: secret("webhook-secret")?,
        settle_ms: SETTLE_MS,
        clock: Arc::new(move || clock.now_ms()),
    };
    let bound = remitd_sandbox::bind(config).await;
    bound.map(Some).map_err(|error| Fault::usage(error.to_string(), "see sandbox_listen under [server]"))
}
