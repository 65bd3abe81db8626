//! Every configured plugin loaded, trusted, its settings held against its schema, seated where it is named. Everything that is
//! wrong comes back at once, at its place in the configuration: `check` and `run` go through here alike.

use super::services::host;
use crate::config::{self, Loaded, Problem, Problems};
use crate::fault::Fault;
use crate::trust::{self, Distrust, Lock, grants};
use remitd_flow::Plugins;
use remitd_flow::intake::recognise::BY_CONTENT;
use remitd_flow::plugin::{Connector, Gateway, Importer, JobSpec, MailProvider};
use remitd_host::keep::{Forgetful, Keep};
use remitd_host::{FailureClass, Host, HostError, Kind, Plugin, PluginSpec, settings_faults};
use std::sync::Arc;

/// Plugins that are ready, and the host that runs them.
pub struct Seated {
    pub host: Arc<Host>,
    pub all: Vec<Arc<Plugin>>,
}

/// Loads every plugin and seats it by its kind. Takes seconds where something is compiled for the first time.
pub async fn seat(loaded: &Loaded, keep: Arc<dyn Keep>) -> Result<(Plugins, Seated), Fault> {
    let host = host(loaded, keep)?;
    let lock = Lock::read(loaded)?;
    let mut problems = Vec::new();
    let mut all = Vec::new();
    let ready = tokio::task::block_in_place(|| load_all(loaded, &lock, &host, None));
    for (at, plugin) in ready.into_iter().enumerate() {
        match plugin {
            Ok(plugin) => {
                problems.extend(settings_problems(loaded, at, &host, &plugin).await);
                all.push(plugin);
            }
            Err(problem) => problems.push(*problem),
        }
    }
    problems.extend(kind_problems(loaded, &all));
    if !problems.is_empty() {
        return Err(Fault::Configuration(config::in_order(problems)));
    }
    let mut plugins = Plugins::default();
    for plugin in &all {
        let (id, host, seat) = (plugin.id().to_owned(), host.clone(), plugin.clone());
        match plugin.kind() {
            Kind::Importer => drop(plugins.importers.insert(id, Importer::new(host, seat)?)),
            Kind::Connector => drop(plugins.connectors.insert(id, Connector::new(host, seat)?)),
            Kind::MailProvider => drop(plugins.mail_providers.insert(id, MailProvider::new(host, seat)?)),
            Kind::PaymentGateway => drop(plugins.gateways.insert(id, Gateway::new(host, seat)?)),
        }
    }
    let problems = mapping_problems(loaded, &plugins).await;
    if !problems.is_empty() {
        return Err(Fault::Configuration(config::in_order(problems)));
    }
    Ok((plugins, Seated { host, all }))
}

/// Those plugins that load, all or the one that is named, and what is wrong with the others: for whoever looks at them. None takes
/// a seat, and none stands in another's way.
pub fn look(loaded: &Loaded, only: Option<&str>) -> Result<(Seated, Problems), Fault> {
    let host = host(loaded, Arc::<Forgetful>::default())?;
    let lock = Lock::read(loaded)?;
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for plugin in tokio::task::block_in_place(|| load_all(loaded, &lock, &host, only)) {
        match plugin {
            Ok(plugin) => all.push(plugin),
            Err(problem) => problems.push(*problem),
        }
    }
    Ok((Seated { host, all }, config::in_order(problems)))
}

/// Compiling takes seconds and a processor each: side by side.
fn load_all(
    loaded: &Loaded,
    lock: &Lock,
    host: &Host,
    only: Option<&str>,
) -> Vec<Result<Arc<Plugin>, Box<Problem>>> {
    let plugins = loaded.config.plugins.iter().enumerate();
    let plugins = plugins.filter(|(_, wanted)| only.is_none_or(|only| wanted.id == only));
    std::thread::scope(|scope| {
        let loads: Vec<_> =
            plugins.map(|(at, wanted)| scope.spawn(move || load(loaded, lock, host, at, wanted))).collect();
        let lost = || loaded.problem("plugin", "REMIT-0119", "a plugin could not be loaded".to_owned(), None);
        loads.into_iter().map(|load| load.join().unwrap_or_else(|_| Err(Box::new(lost())))).collect()
    })
}

fn load(
    loaded: &Loaded,
    lock: &Lock,
    host: &Host,
    at: usize,
    wanted: &config::Plugin,
) -> Result<Arc<Plugin>, Box<Problem>> {
    let place = |key: &str| format!("plugin[{at}].{key}");
    let wasm = trust::trusted(loaded, lock, wanted).map_err(|distrust| {
        let Distrust { code, key, message, hint } = distrust;
        Box::new(loaded.problem(&place(key), code, message, Some(hint)))
    })?;
    let (id, settings) = (wanted.id.clone(), serde_json::Value::Object(wanted.settings.clone()));
    let spec = PluginSpec { id, wasm, grants: grants(&wanted.grants), settings_json: settings.to_string() };
    host.load(spec).map_err(|error| {
        let key = match error {
            HostError::BadOrigin { .. } => "grants.http",
            HostError::BadSecretGrant { .. } => "grants.secrets",
            _ => "file",
        };
        Box::new(loaded.problem(&place(key), "REMIT-0119", error.to_string(), None))
    })
}

/// What the plugin's own schema has against its settings.
async fn settings_problems(loaded: &Loaded, at: usize, host: &Host, plugin: &Arc<Plugin>) -> Vec<Problem> {
    let unfit = |message: String| {
        let message = format!("plugin \"{}\": {message}", plugin.id());
        vec![loaded.problem(&format!("plugin[{at}].file"), "REMIT-0119", message, None)]
    };
    let description = match host.describe(plugin).await {
        Ok(description) => description,
        Err(failure) => return unfit(format!("it does not say what it is: {}", failure.message)),
    };
    let Some(wanted) = loaded.config.plugins.get(at) else { return Vec::new() };
    let faults = match settings_faults(&description.settings_schema, &wanted.settings) {
        Ok(faults) => faults,
        Err(why) => return unfit(why),
    };
    let problem = |fault: remitd_host::SettingFault| {
        let hint = match fault.known.as_slice() {
            [] => None,
            known => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                Some(config::choice_of(fault.path.last().map_or("", String::as_str), &known))
            }
        };
        loaded.problem(&place_of(at, &fault.path), "REMIT-0120", fault.message, hint)
    };
    faults.into_iter().map(problem).collect()
}

/// What a connector itself has against its settings: it says so before it reaches its database.
async fn mapping_problems(loaded: &Loaded, plugins: &Plugins) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (id, connector) in &plugins.connectors {
        let Err(failure) = connector.search_fields(JobSpec::new("check", "check")).await else { continue };
        if failure.class == FailureClass::Invalid {
            let at = loaded.config.plugins.iter().position(|plugin| plugin.id == *id).unwrap_or_default();
            let place =
                named_setting(at, &failure.message).unwrap_or_else(|| format!("plugin[{at}].settings"));
            problems.push(loaded.problem(&place, "REMIT-0120", failure.message, None));
        }
    }
    problems
}

/// The setting that a plugin's message begins with, as `[plugin.settings.search] name …`; of a list the one that it counts to, as
/// `[plugin.settings] post: statement 2 …` or, by the database's own words, `… post: …, in statement 2: …`.
pub fn named_setting(at: usize, message: &str) -> Option<String> {
    let (table, rest) = message.strip_prefix("[plugin.settings")?.split_once("] ")?;
    let key = rest.split([' ', ':']).next()?;
    let told = rest.strip_prefix(key)?.strip_prefix(": ");
    let counted = told.and_then(|told| {
        told.strip_prefix("statement ")
            .or_else(|| told.split_once(", in statement ").map(|(_, counted)| counted))
    });
    let counted = counted.and_then(|counted| counted.split([' ', ':']).next());
    let counted = counted.and_then(|nth| nth.parse::<usize>().ok()?.checked_sub(1));
    let counted = counted.map(|nth| format!("[{nth}]")).unwrap_or_default();
    Some(format!("plugin[{at}].settings{table}.{key}{counted}"))
}

/// `plugin[0].settings.post[1].rows`.
fn place_of(at: usize, keys: &[String]) -> String {
    let mut place = format!("plugin[{at}].settings");
    for key in keys {
        if key.parse::<usize>().is_ok() {
            place.push_str(&format!("[{key}]"));
        } else {
            place.push_str(&format!(".{key}"));
        }
    }
    place
}

/// Every place that names a plugin, and the kind that it needs.
pub fn named(config: &config::Config) -> Vec<(String, &str, Kind)> {
    let mut named = vec![("mail.provider".to_owned(), config.mail.provider.as_str(), Kind::MailProvider)];
    for (at, account) in config.accounts.iter().enumerate() {
        named.push((format!("account[{at}].gateway"), account.gateway.as_str(), Kind::PaymentGateway));
        if let Some(connector) = &account.connector {
            named.push((format!("account[{at}].connector"), connector.as_str(), Kind::Connector));
        }
    }
    for (at, folder) in config.folders.iter().enumerate() {
        named.push((format!("folder[{at}].importer"), folder.importer.as_str(), Kind::Importer));
        for (of, by) in folder.by_name.iter().enumerate() {
            named.push((
                format!("folder[{at}].by_name[{of}].importer"),
                by.importer.as_str(),
                Kind::Importer,
            ));
        }
    }
    named.retain(|(_, id, kind)| *kind != Kind::Importer || *id != BY_CONTENT);
    for (at, push) in config.pushes.iter().enumerate() {
        named.push((format!("push[{at}].connector"), push.connector.as_str(), Kind::Connector));
    }
    named
}

/// Places that name a plugin of another kind than they need.
fn kind_problems(loaded: &Loaded, all: &[Arc<Plugin>]) -> Vec<Problem> {
    let wrong = |(place, id, needed): (String, &str, Kind)| {
        let is = all.iter().find(|plugin| plugin.id() == id)?.kind();
        let hint = Some(format!("name a plugin of kind {needed}"));
        let message = format!("\"{id}\" is of kind {is}, where {needed} is needed");
        (is != needed).then(|| loaded.problem(&place, "REMIT-0121", message, hint))
    };
    named(&loaded.config).into_iter().filter_map(wrong).collect()
}

/// All of them, as one answer.
impl From<Problem> for Fault {
    fn from(problem: Problem) -> Fault {
        Fault::Configuration(Problems(vec![problem]))
    }
}
