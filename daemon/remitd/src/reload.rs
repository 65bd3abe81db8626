//! Reloading: the configuration is read anew, its plugins are loaded and take their seats all at once, or nothing changes. What
//! is in hand ends on the old code; whatever begins from then on runs on the new.

use crate::clock::SystemClock;
use crate::config::{self, Config, Problems};
use crate::fault::Fault;
use crate::wiring::{self, Wired};
use remitd_domain::time::Clock;
use remitd_flow::run;
use remitd_host::Plugin;
use remitd_store::AuditRow;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Tables that a reload takes up; every other needs a restart.
const TAKEN_UP: [&str; 7] = ["plugin", "sql", "smtp", "maildir", "outbox", "secrets", "signing"];
/// Keys of [limits] that it takes up.
const LIMITS_TAKEN_UP: [&str; 4] = ["plugin_memory", "plugin_time", "call_time", "plugin_failures"];

/// How it went.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Answer {
    pub reloaded: bool,
    pub plugins: Vec<Seat>,
    /// Tables that have changed and are taken up by a restart only.
    pub needs_restart: Vec<String>,
    /// As `remitd check` prints them, where nothing was changed.
    pub problems: Value,
    /// The same for people.
    pub error: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seat {
    pub id: String,
    pub sha256: String,
    /// `unchanged`, `changed`, `new` or `gone`.
    pub change: String,
}

impl Answer {
    pub fn refused(error: String) -> Answer {
        Answer { error, ..Answer::default() }
    }
}

pub struct Reload {
    /// As the daemon was started.
    config: PathBuf,
    pub wired: Arc<Wired>,
    /// One after the other.
    turn: Mutex<()>,
}

impl Reload {
    pub fn new(config: PathBuf, wired: Arc<Wired>) -> Reload {
        Reload { config, wired, turn: Mutex::default() }
    }

    pub async fn run(&self) -> Answer {
        let _turn = self.turn.lock().await;
        match self.try_run().await {
            Ok(answer) => {
                let changed = answer.plugins.iter().filter(|seat| seat.change != "unchanged").count();
                tracing::info!(changed, needs_restart = ?answer.needs_restart, "reloaded");
                answer
            }
            Err(fault) => {
                tracing::error!("nothing was reloaded: {fault}");
                let problems = match &fault {
                    Fault::Configuration(Problems(problems)) => {
                        serde_json::to_value(problems).unwrap_or_default()
                    }
                    _ => Value::Null,
                };
                Answer { problems, ..Answer::refused(fault.to_string()) }
            }
        }
    }

    async fn try_run(&self) -> Result<Answer, Fault> {
        let loaded = config::load(&self.config, std::env::vars()).map_err(Fault::Configuration)?;
        let road = &self.wired.road;
        let (plugins, seated) = wiring::seat(&loaded, wiring::keeper(&road.store)).await?;
        self.refuse_empty_seats(&seated.all)?;
        let mut now = self.wired.seated.lock().await;
        let seats = compare(&now, &seated.all);
        // Whatever can fail comes before the swap.
        self.trail(&seats).await?;
        road.plugins.swap(plugins);
        *now = seated.all;
        let needs_restart = changed_otherwise(&self.wired.loaded.config, &loaded.config);
        let mut answer = Answer { reloaded: true, plugins: seats, needs_restart, ..Answer::default() };
        if let Err(error) = run::reseated(road, &self.wired.scheduled()).await {
            answer.error =
                format!("the plugins are reloaded, but what waited for them is not tried again yet: {error}");
            tracing::warn!("{}", answer.error);
        }
        Ok(answer)
    }

    /// The daemon goes on with the accounts, folders and pushes that it began with: what they name must still be there.
    fn refuse_empty_seats(&self, all: &[Arc<Plugin>]) -> Result<(), Fault> {
        for (place, id, kind) in wiring::plugins::named(&self.wired.loaded.config) {
            let is = all.iter().find(|plugin| plugin.id() == id).map(|plugin| plugin.kind());
            if is != Some(kind) {
                return Err(Fault::Wiring {
                    what: format!(
                        "the running daemon's {place} works with the {kind} \"{id}\", which is not there any more"
                    ),
                    mend: "keep it until a restart, or restart the daemon instead".to_owned(),
                });
            }
        }
        Ok(())
    }

    async fn trail(&self, seats: &[Seat]) -> Result<(), Fault> {
        let mut tx = self.wired.road.store.begin().await?;
        for seat in seats.iter().filter(|seat| seat.change != "unchanged") {
            let row = AuditRow {
                at_ms: SystemClock.now_ms(),
                actor: "daemon".to_owned(),
                what: "reloaded".to_owned(),
                code: seat.id.clone(),
                message: format!("plugin \"{}\" is {}", seat.id, seat.change),
                sha256: seat.sha256.clone(),
                job: String::new(),
            };
            tx.audit(&row).await?;
        }
        Ok(tx.commit().await?)
    }
}

fn compare(before: &[Arc<Plugin>], now: &[Arc<Plugin>]) -> Vec<Seat> {
    let find = |all: &[Arc<Plugin>], id: &str| all.iter().find(|plugin| plugin.id() == id).cloned();
    let seat = |plugin: &Arc<Plugin>, change: &str| Seat {
        id: plugin.id().to_owned(),
        sha256: plugin.sha256().to_owned(),
        change: change.to_owned(),
    };
    let mut seats: Vec<Seat> = now
        .iter()
        .map(|plugin| match find(before, plugin.id()) {
            None => seat(plugin, "new"),
            Some(old) if old.same_as(plugin) => seat(plugin, "unchanged"),
            Some(_) => seat(plugin, "changed"),
        })
        .collect();
    seats.extend(before.iter().filter(|old| find(now, old.id()).is_none()).map(|old| seat(old, "gone")));
    seats
}

/// The tables that differ and are not taken up.
fn changed_otherwise(before: &Config, now: &Config) -> Vec<String> {
    let tables = |config: &Config| -> Map<String, Value> {
        let mut tables = serde_json::to_value(config)
            .ok()
            .and_then(|value| value.as_object().cloned())
            .unwrap_or_default();
        if let Some(limits) = tables.get_mut("limits").and_then(Value::as_object_mut) {
            limits.retain(|key, _| !LIMITS_TAKEN_UP.contains(&key.as_str()));
        }
        tables
    };
    let (before, now) = (tables(before), tables(now));
    let differs = |name: &&String| !TAKEN_UP.contains(&name.as_str()) && before.get(*name) != now.get(*name);
    now.keys().filter(differs).cloned().collect()
}
