//! The daemon as a process: started, asked, stopped, killed.

use crate::process::{Process, Stderr, log_in};
use rustix::process::Signal;
use std::path::Path;
use std::process::{Command, ExitStatus};

pub struct Daemon {
    process: Process,
    /// Scheme, host and port of the payers' listener.
    pub public: String,
    /// Scheme, host and port of the staff's listener.
    pub staff: String,
}

impl Daemon {
    /// `bin run -c config`, until it says that it is ready. `bin` is the caller's `env!("CARGO_BIN_EXE_remitd")`.
    pub fn start(bin: &Path, config: &Path, envs: &[(&str, &str)]) -> Daemon {
        let process = Daemon::launch(bin, config, envs);
        let (public, staff) = process.line("that it is ready", |line| {
            let said: serde_json::Value = serde_json::from_str(line).ok()?;
            let url = |key: &str| said[key].as_str().map(str::to_owned);
            said["ready"].as_bool().filter(|ready| *ready)?;
            url("public").zip(url("staff"))
        });
        Daemon { process, public, staff }
    }

    /// The same without waiting: for a daemon that is to refuse its start or to die on the way.
    pub fn launch(bin: &Path, config: &Path, envs: &[(&str, &str)]) -> Process {
        let folder = config.parent().expect("a configuration lies in a folder");
        let mut command = Command::new(bin);
        command.arg("run").arg("-c").arg(config).envs(envs.iter().copied()).current_dir(folder);
        // A test says what it wants known; the machine that it runs on does not.
        command.env_remove("REMITD_CONFIG").env_remove("NOTIFY_SOCKET");
        Process::spawn("remitd", command, Stderr::Log, &log_in(folder, "remitd.log"), Signal::KILL)
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// SIGKILL: no time to say goodbye.
    pub fn kill(mut self) {
        self.process.signal(Signal::KILL);
        self.process.ended();
    }

    /// SIGTERM, and the end in bounded time; it must be a good one.
    pub fn stop(mut self) {
        self.process.signal(Signal::TERM);
        let status = self.process.ended();
        assert!(status.success(), "remitd stopped with {status}\n{}", self.process.tail());
    }

    /// Waits for an end that the daemon brings about itself, as at a fail point.
    pub fn ended(&mut self) -> ExitStatus {
        self.process.ended()
    }

    /// Whether it has ended by now.
    pub fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }

    /// What it has said on stderr since this start.
    pub fn log(&self) -> String {
        self.process.log()
    }
}
