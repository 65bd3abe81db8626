//! The host that runs plugins, with everything that a grant can name: connections, mail servers, folders, secrets.

use super::{data_folder, is_link_key, ms, sql_url};
use crate::clock::SystemClock;
use crate::config::{self, Loaded};
use crate::fault::Fault;
use remitd_domain::time::Clock;
use remitd_flow::plugin;
use remitd_host::keep::{Forgetful, Keep};
use remitd_host::{Host, HostConfig, Outbox, Services, SmtpRelay, SqlConnection};
use secrecy::SecretString;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Jobs of plugins that postings may add to the usual ones: each keeps address space, and little memory.
const POSTINGS_MOST: u32 = 256;
/// Threads for plugins that compute for long.
const GUEST_THREADS: usize = 2;

/// A host with everything that grants can name.
pub fn host(loaded: &Loaded, keep: Arc<dyn Keep>) -> Result<Arc<Host>, Fault> {
    let Loaded { config, base, .. } = loaded;
    let mut services =
        Services { secrets: secrets(loaded)?, odbc: crate::odbc::SPAWN, ..Services::default() };
    for sql in &config.sql {
        services.sql.push(SqlConnection {
            name: sql.id.clone(),
            url: sql_url(loaded, sql)?,
            statement_ms: ms(sql.statement_timeout),
        });
    }
    for smtp in &config.smtp {
        services.smtp.push(SmtpRelay {
            name: smtp.id.clone(),
            host: smtp.host.clone(),
            port: smtp.port,
            security: match smtp.security {
                config::Security::Starttls => remitd_host::Security::Starttls,
                config::Security::Tls => remitd_host::Security::Tls,
                config::Security::None => remitd_host::Security::None,
            },
            user: smtp.user.clone(),
            password: smtp.password.as_ref().map(|secret| secret.read(base)).transpose()?,
            ca_file: smtp.ca_file.as_ref().map(|path| loaded.path(path)),
        });
    }
    services.maildirs =
        config.maildirs.iter().map(|maildir| (maildir.id.clone(), loaded.path(&maildir.path))).collect();
    let outbox = |outbox: &config::Outbox| Outbox {
        folder: loaded.path(&outbox.path),
        staging: loaded.path(outbox.staging()),
        answers: loaded.path(outbox.answers()),
    };
    services.outboxes = config.outboxes.iter().map(|one| (one.id.clone(), outbox(one))).collect();
    let config = HostConfig {
        cache_dir: cache_folder(loaded),
        limits: limits_of(&config.limits),
        today: config.firm.time_zone,
        keep,
        ..bare()
    };
    Ok(Host::new(config, services, &[plugin::extend])?)
}

/// A host for looking at a component that is not configured: it is given nothing.
pub fn bare_host() -> Result<Arc<Host>, Fault> {
    Ok(Host::new(bare(), Services::default(), &[plugin::extend])?)
}

fn bare() -> HostConfig {
    let clock = SystemClock;
    HostConfig {
        cache_dir: bare_cache_folder(),
        limits: remitd_host::Limits::default(),
        guest_threads: GUEST_THREADS,
        today: chrono_tz::UTC,
        clock: Arc::new(move || clock.now()),
        keep: Arc::<Forgetful>::default(),
        tamper: None,
    }
}

/// Where compiled plugins are kept.
fn cache_folder(loaded: &Loaded) -> PathBuf {
    data_folder(loaded).unwrap_or_else(|| loaded.base.clone()).join("plugin-cache")
}

/// For authors, who have no configuration: a folder of their user's own.
pub fn bare_cache_folder() -> PathBuf {
    let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    home.unwrap_or_else(std::env::temp_dir).join("remitd").join("plugin-cache")
}

fn limits_of(limits: &config::Limits) -> remitd_host::Limits {
    let usual = remitd_host::Limits::default();
    remitd_host::Limits {
        memory_bytes: usize::try_from(limits.plugin_memory.get()).unwrap_or(usize::MAX),
        guest_ms: ms(limits.plugin_time),
        call_ms: ms(limits.call_time),
        failures_in_a_row: limits.plugin_failures,
        // Whoever else calls a plugin finds a place, however many postings are in hand.
        jobs: usual.jobs.saturating_add(limits.postings_at_once.min(POSTINGS_MOST)),
        ..usual
    }
}

fn secrets(loaded: &Loaded) -> Result<HashMap<String, SecretString>, Fault> {
    let read = |(name, secret): (&String, &config::secret::Secret)| {
        // The keys that sign links are nobody's but ours.
        (!is_link_key(name)).then(|| Ok((name.clone(), secret.read(&loaded.base)?)))
    };
    loaded.config.secrets.iter().filter_map(read).collect()
}
