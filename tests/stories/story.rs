//! A story: how its firm is set up, and its steps. Every story ends with what must hold at the end of all of them.

use crate::invariants;
use crate::step::Step;
use chrono::{DateTime, Utc};
use remitd_tests::firm::Firm;
use remitd_tests::smtp::{self, Mode, Security};
use remitd_tests::{mariadb, postgres};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const SMTP_USER: &str = "billing";
const SMTP_PASSWORD: &str = "correct horse battery staple";
const SMTP_TOML: &str = include_str!("smtp.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    /// For the reader.
    #[allow(dead_code, reason = "says what the story shows")]
    about: String,
    /// Whether the firm has a matter database, set up by `matters.*.sql`.
    #[serde(default)]
    matters: bool,
    /// Mail goes through a server by others with STARTTLS and AUTH; else into a folder.
    smtp: Option<Relay>,
    /// Texts of the configuration, and what stands there instead.
    #[serde(default)]
    change: Vec<(String, String)>,
    /// Folders of the firm that are there before the start.
    #[serde(default)]
    folders: Vec<String>,
    /// More configuration.
    #[serde(default)]
    add: String,
    step: Vec<Step>,
}

/// What the mail server does with a message.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Relay {
    Accept,
    DropAfterData,
    LaterOnce,
    Refuse,
}

/// Which databases a story is told on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Sqlite,
    Postgres,
    /// The store on SQLite.
    MattersOnMariaDb,
    /// Both on SQLite, the matters reached by ODBC.
    #[cfg_attr(not(feature = "odbc"), allow(dead_code, reason = "the binary has no ODBC"))]
    MattersByOdbc,
    /// The store on SQLite, the matters on PostgreSQL, reached by ODBC.
    #[cfg_attr(not(feature = "odbc"), allow(dead_code, reason = "the binary has no ODBC"))]
    MattersByOdbcOnPostgres,
}

/// Where a story is told.
pub struct Scene {
    pub firm: Firm,
    pub place: Place,
    pub relay: Option<smtp::Server>,
    /// Where the payer who pressed Pay last was led to.
    pub checkout: String,
    /// The file that other software took last.
    pub taken: String,
    /// When the story began.
    pub began: DateTime<Utc>,
}

fn all() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/stories")
}

pub fn folders() -> Vec<String> {
    let entries = fs_err::read_dir(all()).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

pub fn with_matters() -> Vec<String> {
    let mut folders = folders();
    folders.retain(|folder| read(&all().join(folder)).matters);
    folders
}

fn read(folder: &Path) -> Story {
    let file = folder.join("story.toml");
    toml::from_str(&fs_err::read_to_string(&file).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub fn tell(name: &str, place: Place) {
    let folder = all().join(name.replace('_', "-"));
    let story = read(&folder);
    let mut scene = set_up(&story, &folder, place);
    scene.firm.start();
    for (at, step) in story.step.iter().enumerate() {
        eprintln!("step {}: {step:?}", at + 1);
        step.take(&mut scene);
    }
    invariants::hold(&mut scene);
}

fn set_up(story: &Story, folder: &Path, place: Place) -> Scene {
    let server = (place == Place::Postgres).then(postgres::shared);
    let mut firm = Firm::new(env!("CARGO_BIN_EXE_remitd"), server);
    match place {
        _ if !story.matters => {}
        Place::MattersOnMariaDb => firm.add_matters_on_mariadb(mariadb::shared()),
        Place::MattersByOdbc => firm.add_matters_by_odbc(),
        Place::MattersByOdbcOnPostgres => firm.add_matters_by_odbc_on_postgres(postgres::shared()),
        Place::Sqlite | Place::Postgres => firm.add_matters(server),
    }
    for entry in fs_err::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), firm.path(entry.file_name().to_str().unwrap())).unwrap();
    }
    for folder in &story.folders {
        fs_err::create_dir_all(firm.path(folder)).unwrap();
    }
    let relay = story.smtp.map(|relay| with_relay(&firm, relay));
    for (from, to) in &story.change {
        firm.change(from, to);
    }
    firm.add("story", &story.add);
    Scene { firm, place, relay, checkout: String::new(), taken: String::new(), began: now() }
}

#[allow(clippy::disallowed_methods, reason = "a story that tells days has a calendar of its own")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Mail by a server instead of the folder.
fn with_relay(firm: &Firm, relay: Relay) -> smtp::Server {
    let mode = match relay {
        Relay::Accept => Mode::Accept,
        Relay::DropAfterData => Mode::DropAfterData,
        Relay::LaterOnce => Mode::LaterFirst(1),
        Relay::Refuse => Mode::Refuse,
    };
    let auth = Some((SMTP_USER, SMTP_PASSWORD));
    let server = smtp::Server::start(&smtp::Options {
        mode,
        security: Security::StartTls,
        auth,
        ..Default::default()
    });
    let secret = firm.path("secrets/smtp-password");
    fs_err::copy(firm.path("secrets/link-key"), &secret).unwrap(); // for its narrow permissions
    fs_err::write(&secret, SMTP_PASSWORD).unwrap();
    fs_err::copy(server.ca_file(), firm.path("relay.pem")).unwrap();
    firm.change("provider = \"mail\"", "provider = \"relay\"");
    firm.add("smtp", &SMTP_TOML.replace("{port}", &server.port.to_string()).replace("{user}", SMTP_USER));
    server
}
