//! A firm with its own folder, configuration and daemon, as `remitd init` makes it, quickened for tests: short times, a
//! provider that outlives the daemon, ports that outlive it too.

use crate::command::{Output, cli, cli_told};
use crate::daemon::Daemon;
use crate::process::{PATIENCE, run};
use crate::provider::Provider;
use crate::{mariadb, payer, ports, postgres};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const LOOK_AGAIN: Duration = Duration::from_millis(40);
/// The smallest step of a schedule, and how often it is worth a look whether it has come.
const MINUTE: Duration = Duration::from_secs(60);
const LOOK_AGAIN_LATER: Duration = Duration::from_millis(500);
/// What `remitd init` writes, and what a test makes of it. Of importers it has the one that it names.
const QUICK: [(&str, &str); 4] = [
    ("gateway_poll = \"5s\"", "gateway_poll = \"300ms\"\nscan = \"100ms\""),
    ("release = \"send\"  ", "release = \"send\"\nsettle = \"100ms\"  "),
    ("[[plugin]]\nid = \"xlsx\"\nfile = \"xlsx-importer\"\n\n", ""),
    ("importer = \"auto\"", "importer = \"csv\""),
];
const MATTERS_TOML: &str = include_str!("../stories/matters.toml");
const MATTERS_SQLITE: &str = include_str!("../stories/matters.sqlite.sql");
const MATTERS_POSTGRES: &str = include_str!("../stories/matters.postgres.sql");
const MATTERS_MYSQL: &str = include_str!("../stories/matters.mysql.sql");

/// A sum of the books in dollars, as minor units; nothing of it may be in another currency.
pub fn dollars(sum: &Value) -> i64 {
    let minor = |part: &Value| {
        assert_eq!(part["currency"], "USD", "{sum}");
        let amount = part["amount"].as_str().and_then(|amount| amount.split_once('.'));
        let (whole, cents) = amount.expect("a decimal text");
        assert_eq!(cents.len(), 2, "{sum}");
        format!("{whole}{cents}").parse::<i64>().expect("digits")
    };
    sum.as_array().expect("a list").iter().map(minor).sum()
}

pub struct Firm {
    // Dropped in this order: the daemon, its provider, the folder.
    daemon: Option<Daemon>,
    pub provider: Provider,
    pub bin: PathBuf,
    pub config: PathBuf,
    /// What links begin with.
    pub public: String,
    /// Scheme, host and port of the staff's listener.
    pub staff: String,
    folder: TempDir,
    /// The store and the matter database, where they are on a server.
    store: Option<String>,
    matters: Option<String>,
}

impl Firm {
    /// `bin` is the caller's `env!("CARGO_BIN_EXE_remitd")`; databases are made on `server` where it is given.
    pub fn new(bin: &str, server: Option<&postgres::Server>) -> Firm {
        let bin = PathBuf::from(bin);
        let folder = tempfile::Builder::new().prefix("remitd-firm-").tempdir().expect("makes a folder");
        let at = folder.path().join("firm");
        let at_text = at.to_str().expect("a folder's name is UTF-8");
        cli(&bin, &["init", at_text], &[]).expect(0);
        let secret = |name: &str| fs_err::read_to_string(at.join("secrets").join(name)).expect("a secret");
        let provider = Provider::start(&secret("sandbox-key"), &secret("sandbox-webhook"));
        let [public, staff] = ports::free();
        let config = at.join("remitd.toml");
        let (public, staff) = (format!("http://127.0.0.1:{public}"), format!("http://127.0.0.1:{staff}"));
        let store = server.map(|server| server.database("remitd"));
        let firm = Firm { daemon: None, provider, bin, config, public, staff, folder, store, matters: None };
        share_compiled_plugins(&firm);
        firm.change("sandbox_listen = ", "# sandbox_listen = ");
        firm.change("http://127.0.0.1:8789", &firm.provider.url);
        firm.change("http://127.0.0.1:8787", &firm.public);
        firm.change("127.0.0.1:8787", firm.public.trim_start_matches("http://"));
        firm.change("127.0.0.1:8788", firm.staff.trim_start_matches("http://"));
        for (from, to) in QUICK {
            firm.change(from, to);
        }
        if let Some(url) = &firm.store {
            firm.change("sqlite:data/remitd.sqlite", url);
        }
        firm
    }

    /// With a matter database of the same kind, and a push from it.
    pub fn with_matters(bin: &str, server: Option<&postgres::Server>) -> Firm {
        let mut firm = Firm::new(bin, server);
        firm.add_matters(server);
        firm
    }

    /// A matter database, and a push from it; before the start.
    pub fn add_matters(&mut self, server: Option<&postgres::Server>) {
        let url = match server {
            None => {
                // The line break keeps the comment at its start from being taken for an option.
                let script = format!("\n{MATTERS_SQLITE}");
                run(Command::new("sqlite3").arg("-bail").arg(self.path("matters.sqlite")).arg(script));
                "sqlite:matters.sqlite".to_owned()
            }
            Some(server) => {
                let url = server.database("matters");
                server.ask(&url, MATTERS_POSTGRES);
                self.matters = Some(url.clone());
                url
            }
        };
        self.connect_matters(&url);
    }

    /// On PostgreSQL, in a database of another encoding than UTF-8.
    pub fn add_matters_in(&mut self, server: &postgres::Server, encoding: &str) {
        let url = server.database_in(encoding, "matters");
        server.ask(&url, MATTERS_POSTGRES);
        self.connect_matters(&url);
        self.matters = Some(url);
    }

    /// The file of SQLite's, reached by ODBC.
    pub fn add_matters_by_odbc(&mut self) {
        self.add_matters(None);
        let file = self.path("matters.sqlite").display().to_string();
        let url = format!("odbc:Driver=SQLite3;Database={file};NoCreat=1;FKSupport=1;StepAPI=1;Timeout=5000");
        self.change("sqlite:matters.sqlite", &url);
    }

    /// The database on PostgreSQL, reached by its own driver of ODBC.
    pub fn add_matters_by_odbc_on_postgres(&mut self, server: &postgres::Server) {
        self.add_matters(Some(server));
        let direct = self.matters_url();
        let (place, database) = (server.socket().display(), postgres::database_of(&direct));
        let url = format!(
            "odbc:Driver={{PostgreSQL Unicode}};Server={place};Port=5432;Database={database};UID=postgres;BoolsAsChar=0"
        );
        self.change(&direct, &url);
    }

    /// The same on MariaDB.
    pub fn add_matters_on_mariadb(&mut self, server: &mariadb::Server) {
        let url = server.database("matters");
        server.ask(&url, MATTERS_MYSQL);
        self.connect_matters(&url);
        self.matters = Some(url);
    }

    fn connect_matters(&self, url: &str) {
        self.change("# connector = \"matters\"", "connector = \"matters\"  ");
        self.add("matters", &MATTERS_TOML.replace("{matters}", url));
    }

    /// The address of the store on a server; none where it is a file.
    pub fn store_url(&self) -> Option<&str> {
        self.store.as_deref()
    }

    /// The address of the matter database on a server.
    #[track_caller]
    pub fn matters_url(&self) -> String {
        self.matters.clone().expect("the matter database is on a server")
    }

    /// Somebody changes the matter database by hand, or asks it; the one that is a file.
    pub fn ask_matters_file(&self, sql: &str) -> String {
        self.ask_file("matters.sqlite", sql)
    }

    /// A database of the firm's folder.
    pub fn ask_file(&self, name: &str, sql: &str) -> String {
        let mut sqlite = Command::new("sqlite3");
        sqlite.arg("-cmd").arg(".timeout 10000").arg(self.path(name)).arg(sql);
        run(&mut sqlite).trim().to_owned()
    }

    /// A file of the firm's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("firm").join(name)
    }

    /// Replaces a text of the configuration, wherever it stands.
    #[track_caller]
    pub fn change(&self, from: &str, to: &str) {
        let parts = fs_err::read_dir(self.path("conf.d")).expect("reads the configuration");
        let mut files: Vec<_> = parts.map(|part| part.expect("a file").path()).collect();
        files.push(self.config.clone());
        let mut there = false;
        for file in files {
            let text = fs_err::read_to_string(&file).expect("reads the configuration");
            if text.contains(from) {
                there = true;
                fs_err::write(&file, text.replace(from, to)).expect("writes the configuration");
            }
        }
        assert!(there, "{from:?} is not in the configuration");
    }

    /// Adds a file of configuration.
    pub fn add(&self, name: &str, toml: &str) {
        fs_err::write(self.path("conf.d").join(format!("{name}.toml")), toml)
            .expect("writes the configuration");
    }

    #[track_caller]
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// With variables of the environment, such as a fault.
    #[track_caller]
    pub fn start_with(&mut self, envs: &[(&str, &str)]) {
        assert!(self.daemon.is_none(), "the daemon runs already");
        let daemon = Daemon::start(&self.bin, &self.config, envs);
        assert_eq!(daemon.public, self.public);
        self.daemon = Some(daemon);
    }

    /// SIGKILL.
    #[track_caller]
    pub fn kill(&mut self) {
        self.daemon.take().expect("the daemon runs").kill();
    }

    /// SIGTERM; the end must be a good one.
    #[track_caller]
    pub fn stop(&mut self) {
        self.daemon.take().expect("the daemon runs").stop();
    }

    /// The daemon, to wait for an end that it brings about itself: it is the firm's no more.
    #[track_caller]
    pub fn take_daemon(&mut self) -> Daemon {
        self.daemon.take().expect("the daemon runs")
    }

    pub fn is_running(&self) -> bool {
        self.daemon.is_some()
    }

    /// What the daemon has said since its last start.
    pub fn log(&self) -> String {
        fs_err::read(self.path("remitd.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// A command, with this firm's configuration.
    #[track_caller]
    pub fn cli(&self, args: &[&str]) -> Output {
        let config = self.config.to_str().expect("a path of UTF-8");
        let args: Vec<&str> = ["-c", config].into_iter().chain(args.iter().copied()).collect();
        cli(&self.bin, &args, &[])
    }

    /// A command that is told something on its standard input.
    #[track_caller]
    pub fn cli_told(&self, args: &[&str], input: &str) -> Output {
        let config = self.config.to_str().expect("a path of UTF-8");
        let args: Vec<&str> = ["-c", config].into_iter().chain(args.iter().copied()).collect();
        cli_told(&self.bin, &args, &[], input)
    }

    /// What a command answers that goes well, perhaps with findings.
    #[track_caller]
    pub fn ask(&self, args: &[&str]) -> Value {
        let output = self.cli(&[args, &["--json"]].concat());
        assert!(output.status <= 1, "{args:?}: {output:?}");
        output.json()
    }

    /// Asks again and again until the answer fits, and gives it.
    #[track_caller]
    pub fn until(&self, what: &str, args: &[&str], fits: impl Fn(&Value) -> bool) -> Value {
        self.asked_until(what, args, fits, (PATIENCE, LOOK_AGAIN))
    }

    /// The same for what a schedule brings: its time comes first.
    #[track_caller]
    pub fn in_a_minute(&self, what: &str, args: &[&str], fits: impl Fn(&Value) -> bool) -> Value {
        self.asked_until(what, args, fits, (MINUTE + PATIENCE, LOOK_AGAIN_LATER))
    }

    #[track_caller]
    fn asked_until(
        &self,
        what: &str,
        args: &[&str],
        fits: impl Fn(&Value) -> bool,
        (patience, pause): (Duration, Duration),
    ) -> Value {
        let mut last = None;
        let began = began();
        while began.elapsed() < patience {
            let output = self.cli(&[args, &["--json"]].concat());
            // Where the store is away, the command cannot answer: that too may pass.
            if output.status <= 1 {
                let answer = output.json();
                if fits(&answer) {
                    return answer;
                }
            }
            last = Some(output);
            look_later(pause);
        }
        panic!("{what}: not in time. At last {args:?} said {last:?}\n{}", self.log());
    }

    /// Waits until the books fit.
    #[track_caller]
    pub fn books(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.until(what, &["status"], |status| fits(&status["books"]))["books"].clone()
    }

    /// As a person drops it into the watched folder: written elsewhere, moved in.
    pub fn drop_file(&self, name: &str, bytes: &[u8]) {
        let inbox = self.path("folders/operating/inbox");
        let unfinished = inbox.join(format!("{name}.part"));
        fs_err::write(&unfinished, bytes).expect("writes the file");
        fs_err::rename(&unfinished, inbox.join(name)).expect("moves the file in");
    }

    /// Every mail of the mail folder, oldest first, with soft line breaks undone.
    pub fn mails(&self) -> Vec<String> {
        let folder = fs_err::read_dir(self.path("mail")).expect("reads the mail folder");
        let mut files: Vec<PathBuf> = folder.map(|file| file.expect("a file").path()).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "eml"));
        files.sort();
        let read = |file: PathBuf| fs_err::read_to_string(file).expect("a mail").replace("=\r\n", "");
        files.into_iter().map(read).collect()
    }

    /// Opens the link, pays what it asks for with this number, follows back.
    #[track_caller]
    pub fn pay(&self, link: &str, number: &str) -> payer::Visit {
        self.provider.run(payer::pay(link, number))
    }
}

#[allow(clippy::disallowed_methods, reason = "the harness keeps its own deadlines")]
fn began() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "commands are asked again: their answers send no event")]
fn look_later(pause: Duration) {
    std::thread::sleep(pause);
}

/// One cache for all firms of all tests: its files are named by what they hold. The first firm of a process fills it, so
/// that tests side by side do not each compile the same.
fn share_compiled_plugins(firm: &Firm) {
    static FILLED: Once = Once::new();
    let shared = firm.bin.with_file_name("plugin-cache-of-tests");
    fs_err::create_dir_all(&shared).expect("makes the cache");
    let own = firm.path("data/plugin-cache");
    fs_err::os::unix::fs::symlink(&shared, &own).expect("links the cache");
    FILLED.call_once(|| {
        firm.cli(&["check"]).expect(0);
        for plugin in ["sql-connector", "smtp"] {
            firm.cli(&["plugin", "inspect", plugin]).expect(0);
        }
    });
}
