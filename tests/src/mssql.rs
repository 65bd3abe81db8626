//! A peer that speaks SQL Server's protocol: Microsoft's mock of a server, built apart (`tests/mssql`), and FreeTDS, which asks it
//! what our driver asks. Where the mock is not built, its tests say that they are skipped.

use crate::process::{Process, Stderr, log_in};
use crate::smtp;
use rustix::process::Signal;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/mssql/debug/mssql-peer");

pub enum Mode<'a> {
    Plain,
    /// With a certificate for localhost, put into the folder as `cert.pem`.
    Tls(&'a Path),
    /// COMMIT gets no answer.
    CommitHangs,
    /// A matter database with one bill, B-1 of 1250.00, which is paid once a receipt is written.
    Firm,
}

pub struct Peer {
    pub port: u16,
    _process: Process,
    _folder: TempDir,
}

pub fn start(mode: &Mode<'_>) -> Option<Peer> {
    if !Path::new(PEER).exists() {
        println!("skipped: there is no target/mssql; `make setup` makes it");
        return None;
    }
    let mut command = Command::new(PEER);
    match mode {
        Mode::Plain => command.arg("plain"),
        Mode::CommitHangs => command.arg("commit-hangs"),
        Mode::Firm => command.arg("firm"),
        Mode::Tls(folder) => {
            smtp::certificate(folder);
            command.arg("tls").arg(folder.join("cert.pem")).arg(folder.join("key.pem"))
        }
    };
    let folder = tempfile::tempdir().expect("makes a folder");
    let log = log_in(folder.path(), "mssql-peer.log");
    let process = Process::spawn("mssql-peer", command, Stderr::Log, &log, Signal::KILL);
    let port = process.line("its port", |line| line.strip_prefix("port ")?.parse().ok());
    Some(Peer { port, _process: process, _folder: folder })
}

impl Peer {
    /// The rows of a statement, columns parted by tabs, as FreeTDS reads them.
    pub fn ask_with_freetds(&self, statement: &str) -> String {
        let mut tsql = Command::new("tsql");
        tsql.args([
            "-H",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "remitd",
            "-P",
            "Sesame",
            "-o",
            "fhq",
        ]);
        tsql.env("TDSVER", "7.4").env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = tsql.spawn().expect("starts tsql: `make setup` installs it");
        let asked = writeln!(child.stdin.take().expect("its input"), "{statement}\ngo\nexit");
        asked.expect("asks");
        let output = child.wait_with_output().expect("waits for tsql");
        String::from_utf8(output.stdout).expect("FreeTDS prints UTF-8").trim_end_matches('\n').to_owned()
    }
}
