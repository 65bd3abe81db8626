//! One world: a plugin in a host of its own, with fresh peers around it. Dropped, everything of it is gone.

use crate::bench::{Bench, Clock, Record};
use crate::case::Ended;
use crate::error::KitError;
use crate::fixture::Fixture;
use crate::hand::Hand;
use crate::peers::http::Server;
use crate::peers::smtp::Relay;
use crate::peers::sqlite::Database;
use chrono::{DateTime, Utc};
use fs_err as fs;
use remitd_flow::plugin::{Connector, Gateway, Importer, MailProvider};
use remitd_host::{
    Grants, Host, HostError, JobSpec, Outbox, Plugin, Security, Services, SmtpRelay, SqlConnection, Tamper,
};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A statement of the plugin's takes at most so long here.
const STATEMENT_MS: u64 = 100;

/// What a case wants otherwise than the fixture has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    pub settings: Option<Map<String, Value>>,
    /// The time that the plugin is told.
    pub at: Option<DateTime<Utc>>,
    pub granted: Granted,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Granted {
    /// All that the fixture names.
    #[default]
    All,
    /// Databases can be read and not written.
    ReadOnly,
    Nothing,
}

pub(crate) struct World {
    pub host: Arc<Host>,
    pub plugin: Arc<Plugin>,
    pub hand: Arc<Hand>,
    pub databases: Vec<Database>,
    pub servers: Vec<Server>,
    pub relays: Vec<Relay>,
    pub maildirs: Vec<(String, PathBuf)>,
    pub outboxes: Vec<(String, Outbox)>,
    pub record: Arc<Record>,
    /// Removed with the world.
    _folder: TempDir,
}

impl World {
    pub async fn make(bench: &Bench, setup: &Setup) -> Result<World, KitError> {
        let fixture = &bench.fixture;
        let folder = tempfile::Builder::new().prefix("remitd-kit-").tempdir()?;
        let databases = bench
            .templates
            .iter()
            .map(|template| template.copy(folder.path()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut servers = Vec::new();
        for (name, http) in &fixture.http {
            servers.push(Server::start(name, http.answers.clone()).await?);
        }
        for server in &servers {
            server.replace(|text| filled(text, &servers));
        }
        let mut relays = Vec::new();
        for name in fixture.smtp.keys() {
            relays.push(Relay::start(name).await?);
        }
        let mut maildirs = Vec::new();
        for name in fixture.maildir.keys() {
            let path = folder.path().join(format!("{name}.mail"));
            fs::create_dir(&path)?;
            maildirs.push((name.clone(), path));
        }
        let mut outboxes = Vec::new();
        for name in fixture.outbox.keys() {
            let path = folder.path().join(format!("{name}.outbox"));
            let staging = path.join(".staging");
            fs::create_dir_all(&staging)?;
            outboxes.push((name.clone(), Outbox { answers: path.clone(), folder: path, staging }));
        }
        let hand = Arc::<Hand>::default();
        let services =
            Services { outboxes: outboxes.clone(), ..services(fixture, &databases, &relays, &maildirs) };
        let clock = setup.at.map(|at| Arc::new(move || at) as Clock);
        let host = bench.ground.host(services, clock, Arc::clone(&hand) as Arc<dyn Tamper>)?;
        let settings = match &setup.settings {
            Some(settings) => Value::Object(settings.clone()).to_string(),
            None => Value::Object(settings_of(fixture)).to_string(),
        };
        let grants = grants(fixture, setup.granted, &servers);
        let plugin = host.load_again(&bench.ground.plugin, grants, filled(&settings, &servers))?;
        let record = Arc::clone(&bench.record);
        Ok(World {
            host,
            plugin,
            hand,
            databases,
            servers,
            relays,
            maildirs,
            outboxes,
            record,
            _folder: folder,
        })
    }

    /// A job under this key; what it takes is counted.
    pub fn job(&self, key: &str) -> JobSpec {
        JobSpec { usage: Some(self.record.usage()), ..JobSpec::new("kit", key) }
    }

    pub fn importer(&self) -> Result<Importer, Ended> {
        seated(Importer::new(Arc::clone(&self.host), Arc::clone(&self.plugin)))
    }

    pub fn connector(&self) -> Result<Connector, Ended> {
        seated(Connector::new(Arc::clone(&self.host), Arc::clone(&self.plugin)))
    }

    pub fn mail_provider(&self) -> Result<MailProvider, Ended> {
        seated(MailProvider::new(Arc::clone(&self.host), Arc::clone(&self.plugin)))
    }

    pub fn gateway(&self) -> Result<Gateway, Ended> {
        seated(Gateway::new(Arc::clone(&self.host), Arc::clone(&self.plugin)))
    }

    /// Takes every peer away: databases, servers, relays, folders.
    pub async fn take_away(&mut self) -> Result<(), KitError> {
        for server in self.servers.drain(..) {
            server.stop().await;
        }
        for relay in self.relays.drain(..) {
            relay.stop().await;
        }
        for database in self.databases.drain(..) {
            fs::remove_file(database.path)?;
        }
        for (_, folder) in self.maildirs.drain(..) {
            fs::remove_dir_all(folder)?;
        }
        for (_, outbox) in self.outboxes.drain(..) {
            fs::remove_dir_all(outbox.folder)?;
        }
        Ok(())
    }
}

fn seated<T>(seat: Result<T, HostError>) -> Result<T, Ended> {
    seat.map_err(|error| Ended::from(KitError::Load(error)))
}

/// The fixture's settings as JSON, the servers' origins not filled in.
pub(crate) fn settings_of(fixture: &Fixture) -> Map<String, Value> {
    match serde_json::to_value(&fixture.settings) {
        Ok(Value::Object(settings)) => settings,
        _ => Map::new(),
    }
}

fn filled(text: &str, servers: &[Server]) -> String {
    servers.iter().fold(text.to_owned(), |text, server| {
        text.replace(&format!("{{http.{}}}", server.name), &server.origin)
    })
}

fn services(
    fixture: &Fixture,
    databases: &[Database],
    relays: &[Relay],
    maildirs: &[(String, PathBuf)],
) -> Services {
    let connection = |database: &Database| SqlConnection {
        name: database.name.clone(),
        url: format!("sqlite:{}", database.path.display()).into(),
        statement_ms: STATEMENT_MS,
    };
    let relay = |relay: &Relay| SmtpRelay {
        name: relay.name.clone(),
        host: "127.0.0.1".to_owned(),
        port: relay.port,
        security: Security::None,
        user: None,
        password: None,
        ca_file: None,
    };
    Services {
        sql: databases.iter().map(connection).collect(),
        odbc: None,
        smtp: relays.iter().map(relay).collect(),
        maildirs: maildirs.to_vec(),
        outboxes: Vec::new(),
        secrets: fixture.secrets.iter().map(|(name, secret)| (name.clone(), secret.clone().into())).collect(),
    }
}

fn grants(fixture: &Fixture, granted: Granted, servers: &[Server]) -> Grants {
    if granted == Granted::Nothing {
        return Grants::default();
    }
    let writable = |(name, sql): (&String, &crate::fixture::Sql)| {
        (!sql.read_only && granted == Granted::All).then(|| name.clone())
    };
    // Without words of the fixture's own, a secret may be put where most providers want it.
    let usual = |name: &String| {
        let to = |server: &Server| format!("{name} as authorization to {}", server.origin);
        std::iter::once(name.clone()).chain(servers.iter().map(to)).collect::<Vec<_>>()
    };
    let secrets = match &fixture.grants.secrets {
        Some(secrets) => secrets.iter().map(|grant| filled(grant, servers)).collect(),
        None => fixture.secrets.keys().flat_map(usual).collect(),
    };
    Grants {
        sql: fixture.sql.keys().cloned().collect(),
        sql_write: fixture.sql.iter().filter_map(writable).collect(),
        http: servers.iter().map(|server| server.origin.clone()).collect(),
        smtp: fixture.smtp.keys().cloned().collect(),
        maildir: fixture.maildir.keys().cloned().collect(),
        outbox: fixture.outbox.keys().cloned().collect(),
        secrets,
    }
}
