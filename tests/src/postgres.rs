//! A PostgreSQL server of the test's own: Debian's binaries, a temporary folder, a Unix socket, no port unless it speaks TLS, and
//! no password. As root it runs as another user, since it refuses root itself.

use crate::process::{self, Leash, Process, Stderr, log_in};
use crate::session::Session;
use crate::{ports, smtp, user};
use rustix::process::Signal;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// Whether a commit survives the machine's end. Its own process's end it survives in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    On,
    Off,
}

/// By a socket in any case, whose name has the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Socket,
    /// And on the loopback, with TLS, which a socket does not have.
    Tls(u16),
}

pub struct Server {
    process: Option<Process>,
    bin: PathBuf,
    fsync: Fsync,
    reach: Reach,
    made: AtomicU32,
    // Fields are dropped in this order: the server, the leash, then the folder.
    _leash: Leash,
    folder: TempDir,
}

const USUAL_PORT: u16 = 5432;

/// One server for all tests of this process, without fsync.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(Fsync::Off))
}

impl Server {
    pub fn start(fsync: Fsync) -> Server {
        Server::start_at(fsync, Reach::Socket)
    }

    /// Without fsync; its databases are reached by TLS too, at [`Server::tls_url`].
    pub fn start_with_tls() -> Server {
        let [port] = ports::free();
        Server::start_at(Fsync::Off, Reach::Tls(port))
    }

    fn start_at(fsync: Fsync, reach: Reach) -> Server {
        let bin = binaries();
        let folder = tempfile::Builder::new().prefix("remitd-pg-").tempdir().expect("makes a folder");
        user::give(folder.path());
        if reach != Reach::Socket {
            smtp::certificate(folder.path());
            let key = folder.path().join("key.pem");
            // The server takes no key that others may read.
            fs_err::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("keeps the key");
            user::give(&key);
        }
        let leash = Leash::on_folder(folder.path());
        let cluster = folder.path().join("cluster");
        let mut initdb = user::command(&bin.join("initdb"));
        initdb.args([
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "-D",
        ]);
        run(initdb.arg(&cluster));
        let made = AtomicU32::new(0);
        let mut server = Server { process: None, bin, fsync, reach, made, _leash: leash, folder };
        server.resume();
        server
    }

    /// A fresh, empty database; its URL. Names are made unique.
    pub fn database(&self, name: &str) -> String {
        self.made_from("template0", name)
    }

    /// A copy of a database that nobody is connected to; its URL.
    pub fn copy(&self, url: &str, name: &str) -> String {
        self.made_from(database_of(url), name)
    }

    /// A fresh, empty database that keeps texts in another encoding than UTF-8; its URL.
    pub fn database_in(&self, encoding: &str, name: &str) -> String {
        self.made_with(&["--template=template0", "--locale=C", "--encoding", encoding], name)
    }

    fn made_from(&self, template: &str, name: &str) -> String {
        self.made_with(&["--template", template], name)
    }

    fn made_with(&self, options: &[&str], name: &str) -> String {
        let name = format!("{name}_{}", self.made.fetch_add(1, Ordering::Relaxed));
        let mut createdb = Command::new(self.bin.join("createdb"));
        createdb.args(options).args(["--username=postgres", "--host"]).arg(self.socket());
        run(createdb.arg(format!("--port={}", self.port())).arg(&name));
        let place = self.socket().display();
        match self.reach {
            Reach::Socket => format!("postgres://postgres@localhost/{name}?host={place}"),
            Reach::Tls(port) => format!("postgres://postgres@localhost:{port}/{name}?host={place}"),
        }
    }

    /// The answer of one statement, unaligned, as `psql -At` prints it.
    pub fn ask(&self, url: &str, sql: &str) -> String {
        self.ask_all(url, &[sql])
    }

    /// Of several statements, or commands of psql, in one transaction.
    pub fn ask_all(&self, url: &str, commands: &[impl AsRef<str>]) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "-At", url]);
        // What is asked is UTF-8, whatever the database keeps.
        psql.env("PGCLIENTENCODING", "UTF8");
        if commands.len() > 1 {
            psql.arg("--single-transaction");
        }
        for command in commands {
            psql.arg("-c").arg(command.as_ref());
        }
        run(&mut psql).trim_end().to_owned()
    }

    /// Another client, which stays.
    pub fn session(&self, url: &str) -> Session {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "-At", url]);
        Session::start("psql", psql, self.folder.path())
    }

    /// Runs a script with psql's own commands in it; the files that it includes are found from `folder`.
    pub fn script(&self, url: &str, script: &str, folder: &Path) {
        let mut file = tempfile::NamedTempFile::new().expect("makes a file");
        file.write_all(script.as_bytes()).expect("writes the script");
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--quiet", "--output=/dev/null", "-f"]);
        run(psql.arg(file.path()).arg(url).current_dir(folder));
    }

    /// Ends every connection and the server, as an administrator would; [`Server::resume`] brings it back.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    /// Ends the server in the middle of everything.
    pub fn crash(&mut self) {
        self.end(Signal::QUIT);
    }

    pub fn resume(&mut self) {
        assert!(self.process.is_none(), "the server runs already");
        let mut postgres = user::command(&self.bin.join("postgres"));
        postgres.arg("-D").arg(self.folder.path().join("cluster")).arg("-k").arg(self.socket());
        for setting in [
            "log_destination=stderr",
            "max_connections=200",
            "shared_buffers=32MB",
            match self.fsync {
                Fsync::On => "fsync=on",
                Fsync::Off => "fsync=off",
            },
        ] {
            postgres.arg("-c").arg(setting);
        }
        self.listen(&mut postgres);
        // QUIT even from the leash: killed, it would leave shared memory behind.
        let log = log_in(self.folder.path(), "postgres.log");
        let process = Process::spawn("postgres", postgres, Stderr::Lines, &log, Signal::QUIT);
        process.line("that it is ready", |line| line.contains("ready to accept connections").then_some(()));
        self.process = Some(process);
    }

    fn listen(&self, postgres: &mut Command) {
        postgres.arg("-c").arg(format!("port={}", self.port()));
        if self.reach == Reach::Socket {
            postgres.args(["-c", "listen_addresses="]);
            return;
        }
        // On two addresses, of which the certificate names one.
        postgres.args(["-c", "listen_addresses=127.0.0.1,127.0.0.2", "-c", "ssl=on"]);
        for (setting, name) in [("ssl_cert_file", "cert.pem"), ("ssl_key_file", "key.pem")] {
            let file = self.folder.path().join(name);
            postgres.arg("-c").arg(format!("{setting}={}", file.display()));
        }
    }

    fn end(&mut self, signal: Signal) {
        let mut process = self.process.take().expect("the server runs");
        process.signal(signal);
        process.ended();
    }

    /// The certificate of a server with TLS, to be trusted; it names localhost and 127.0.0.1.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// A database's URL by way of this address of the loopback, without what it says of TLS.
    pub fn tls_url(&self, url: &str, host: &str) -> String {
        assert_ne!(self.reach, Reach::Socket, "a server with TLS");
        format!("postgres://postgres@{host}:{}/{}", self.port(), database_of(url))
    }

    fn port(&self) -> u16 {
        match self.reach {
            Reach::Socket => USUAL_PORT,
            Reach::Tls(port) => port,
        }
    }

    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// The socket itself.
    pub fn socket_file(&self) -> PathBuf {
        self.folder.path().join(format!(".s.PGSQL.{}", self.port()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.crash();
        }
    }
}

/// The database's name in a URL of ours.
pub fn database_of(url: &str) -> &str {
    let place = url.split('?').next().unwrap_or_default();
    place.rsplit('/').next().unwrap_or_default()
}

fn binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = fs_err::read_dir("/usr/lib/postgresql")
        .map(|folders| folders.filter_map(|folder| Some(folder.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    found.retain(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file());
    found.sort();
    found.pop().expect("no PostgreSQL server is installed: run `make setup`")
}

/// Runs a client to its end; it gives up when the server is silent.
fn run(command: &mut Command) -> String {
    process::run(command.env("PGCONNECT_TIMEOUT", "30").env("PGOPTIONS", "-c statement_timeout=60s"))
}
