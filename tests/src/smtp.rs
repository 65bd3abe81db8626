//! An SMTP server by others (aiosmtpd) as the peer, with STARTTLS, AUTH and the misfortunes that real ones bring. Each
//! message that was received whole lies in a folder as a file.

use crate::process::{Process, Stderr, log_in};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const PEER: &str = include_str!("smtp_peer.py");

/// What happens to a message once its text has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Accept,
    /// The message is kept, and the connection dropped before the answer: the sender cannot know.
    DropAfterData,
    /// 451 for the first so many, then accepted.
    LaterFirst(u32),
    /// 550 for every recipient.
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    None,
    StartTls,
}

pub struct Options {
    pub mode: Mode,
    pub security: Security,
    /// User and password; without, nobody has to sign in.
    pub auth: Option<(&'static str, &'static str)>,
    /// 0 for one of the kernel's choice.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Options {
        Options { mode: Mode::Accept, security: Security::None, auth: None, port: 0 }
    }
}

/// What the peer saw of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The answer: `250`, `451`, or `dropped`.
    pub answer: String,
    pub from: String,
    pub to: Vec<String>,
    /// Where its text is kept, when it was.
    pub file: Option<PathBuf>,
    /// Whether the connection was encrypted by then.
    pub encrypted: bool,
}

pub struct Server {
    pub port: u16,
    process: Process,
    folder: TempDir,
}

impl Server {
    pub fn start(options: &Options) -> Server {
        let folder = tempfile::Builder::new().prefix("remitd-smtp-").tempdir().expect("makes a folder");
        let script = folder.path().join("smtp_peer.py");
        fs_err::write(&script, PEER).expect("writes the peer");
        let mail = folder.path().join("mail");
        fs_err::create_dir(&mail).expect("makes the mail folder");
        let mut command = Command::new(python());
        command.arg("-u").arg(&script).arg("--folder").arg(&mail);
        command.args(["--port", &options.port.to_string()]);
        match options.mode {
            Mode::Accept => {}
            Mode::DropAfterData => drop(command.arg("--drop-after-data")),
            Mode::LaterFirst(first) => drop(command.args(["--later-first", &first.to_string()])),
            Mode::Refuse => drop(command.arg("--refuse")),
        }
        if options.security == Security::StartTls {
            command.arg("--tls").arg(certificate(folder.path()));
        }
        if let Some((user, password)) = options.auth {
            command.args(["--user", user, "--password", password]);
        }
        let log = log_in(folder.path(), "smtp.log");
        let process = Process::spawn("the SMTP peer", command, Stderr::Log, &log, Signal::KILL);
        let port = process.line("its port", |line| json(line)?["port"].as_u64());
        Server { port: u16::try_from(port).expect("a port"), process, folder }
    }

    /// PEM of the certificate that a client must trust (for the names `localhost` and 127.0.0.1).
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// The next message that arrived, in order.
    pub fn next(&self) -> Received {
        self.process.line("that a message came", |line| {
            let said = json(line)?;
            let text = |key: &str| said[key].as_str().map(str::to_owned);
            Some(Received {
                answer: text("answer")?,
                from: text("from")?,
                to: said["to"].as_array()?.iter().filter_map(|to| Some(to.as_str()?.to_owned())).collect(),
                file: text("file").map(PathBuf::from),
                encrypted: said["encrypted"].as_bool()?,
            })
        })
    }

    /// The texts of all messages kept so far, in the order in which they came.
    pub fn kept(&self) -> Vec<String> {
        let mut files: Vec<PathBuf> = fs_err::read_dir(self.folder.path().join("mail"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "eml"));
        files.sort();
        files.into_iter().map(|file| fs_err::read_to_string(file).expect("a message is text")).collect()
    }
}

fn json(line: &str) -> Option<serde_json::Value> {
    serde_json::from_str(line).ok()
}

/// Makes `cert.pem` and `key.pem`; their common start.
pub(crate) fn certificate(folder: &Path) -> PathBuf {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("makes a certificate");
    fs_err::write(folder.join("cert.pem"), made.cert.pem()).expect("writes the certificate");
    fs_err::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("writes the key");
    folder.to_owned()
}

/// A Python that has aiosmtpd: the system's, else the first on the path.
fn python() -> &'static str {
    let has = |python: &&str| {
        let mut probe = Command::new(python);
        probe
            .args(["-c", "import aiosmtpd"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(has)
        .expect("aiosmtpd is not installed: run `make setup`")
}
