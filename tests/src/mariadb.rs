//! A MariaDB server of the test's own: Debian's binaries, a temporary folder, a Unix socket with TLS on it, no port and no
//! password. As root it runs as another user.

use crate::postgres::database_of;
use crate::process::{Leash, Process, Stderr, log_in, run};
use crate::session::Session;
use crate::{smtp, user};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

const SERVER: &str = "/usr/sbin/mariadbd";
const INSTALL: &str = "/usr/bin/mariadb-install-db";
/// What InnoDB writes ahead: its own default would fill a hundred megabytes for each server.
const SMALL_LOG: &str = "--innodb-log-file-size=8M";

pub struct Server {
    process: Option<Process>,
    made: AtomicU32,
    // Fields are dropped in this order: the server, the leash, then the folder.
    _leash: Leash,
    folder: TempDir,
}

/// One server for all tests of this process.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

impl Server {
    pub fn start() -> Server {
        assert!(Path::new(SERVER).exists(), "no MariaDB server is installed: run `make setup`");
        let folder = tempfile::Builder::new().prefix("remitd-my-").tempdir().expect("makes a folder");
        smtp::certificate(folder.path());
        user::give(folder.path());
        for name in ["cert.pem", "key.pem"] {
            user::give(&folder.path().join(name));
        }
        let leash = Leash::on_folder(folder.path());
        let mut install = user::command(Path::new(INSTALL));
        install.args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            SMALL_LOG,
        ]);
        run(install.arg(format!("--datadir={}", folder.path().join("data").display())));
        let mut server = Server { process: None, made: AtomicU32::new(0), _leash: leash, folder };
        server.resume();
        server
    }

    /// A fresh, empty database; its URL. Names are made unique.
    pub fn database(&self, name: &str) -> String {
        let name = format!("{name}_{}", self.made.fetch_add(1, Ordering::Relaxed));
        let text = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
        run(self.client().args(["--execute", &text]));
        format!("mysql://root@localhost/{name}?socket={}", self.socket().display())
    }

    /// The answer of one or more statements in the database of a URL, without names, columns parted by tabs.
    pub fn ask(&self, url: &str, sql: &str) -> String {
        run(self.client_of(url).args(["--execute", sql])).trim_end().to_owned()
    }

    /// Another client, which stays.
    pub fn session(&self, url: &str) -> Session {
        let mut client = self.client_of(url);
        client.arg("--unbuffered");
        Session::start("mariadb", client, self.folder.path())
    }

    /// Ends every connection and the server, as an administrator would; [`Server::resume`] brings it back.
    pub fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Ends the server in the middle of everything.
    pub fn crash(&mut self) {
        self.end(Signal::KILL);
    }

    pub fn resume(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let mut mariadbd = user::command(Path::new(SERVER));
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        mariadbd.args(["--no-defaults", "--skip-networking", "--max-connections=200", SMALL_LOG]);
        // A commit survives the server's own end, not that of the machine.
        mariadbd.args(["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2"]);
        mariadbd
            .arg(format!("--datadir={}", file("data")))
            .arg(format!("--socket={}", self.socket().display()));
        mariadbd.arg(format!("--pid-file={}", file("pid")));
        mariadbd
            .arg(format!("--ssl-cert={}", file("cert.pem")))
            .arg(format!("--ssl-key={}", file("key.pem")));
        let log = log_in(self.folder.path(), "mariadb.log");
        let process = Process::spawn("mariadbd", mariadbd, Stderr::Lines, &log, Signal::KILL);
        process.line("that it is ready", |line| line.contains("ready for connections").then_some(()));
        self.process = Some(process);
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// The server's certificate, to be trusted.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn client_of(&self, url: &str) -> Command {
        let mut client = self.client();
        client.args(["--batch", "--skip-column-names", "--raw", "--database", database_of(url)]);
        client
    }

    fn client(&self) -> Command {
        let mut client = Command::new("mariadb");
        client.args([
            "--no-defaults",
            "--user=root",
            "--default-character-set=utf8mb4",
            "--connect-timeout=30",
        ]);
        client.arg(format!("--socket={}", self.socket().display()));
        client
    }

    fn end(&mut self, signal: Signal) {
        let mut process = self.process.take().expect("the server runs");
        process.signal(signal);
        process.ended();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.crash();
        }
    }
}
