//! A second client of a database: somebody at the firm whose transaction stays open while the test looks on.

use crate::process::{Process, Stderr, log_in};
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;

pub struct Session {
    process: Process,
    asked: u32,
}

impl Session {
    /// `client` reads statements from its standard input and answers each at once.
    pub(crate) fn start(name: &str, client: Command, folder: &Path) -> Session {
        let log = log_in(folder, &format!("session-{name}.log"));
        let process = Process::spawn(name, client, Stderr::Lines, &log, Signal::TERM);
        Session { process, asked: 0 }
    }

    /// Of an SQLite file.
    pub fn of_file(file: &Path) -> Session {
        // Its answers come line by line, also into a pipe.
        let mut sqlite = Command::new("stdbuf");
        sqlite.args(["-oL", "sqlite3", "-cmd", ".timeout 10000"]).arg(file);
        Session::start("sqlite3", sqlite, file.parent().expect("a file lies in a folder"))
    }

    /// Statements that end with a semicolon; they are done when this returns.
    pub fn run(&mut self, sql: &str) {
        self.begin(sql);
        self.done();
    }

    /// The same without waiting, for a statement that waits for somebody itself.
    pub fn begin(&mut self, sql: &str) {
        self.asked += 1;
        self.process.say(&format!("{sql}\nSELECT 'answered {}';\n", self.asked));
    }

    /// Waits for what was begun.
    pub fn done(&mut self) {
        let answered = format!("answered {}", self.asked);
        self.process.line(&answered, |line| (line.trim() == answered).then_some(()));
    }
}
