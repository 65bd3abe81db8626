//! One command of remitd, as a script would call it.

use crate::process::{Leash, PATIENCE};
use rustix::process::Signal;
use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

pub struct Output {
    /// The exit status; a command ended by a signal fails the test before this.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The one JSON document that `--json` prints.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}) from {self:?}"))
    }

    /// Itself, where the exit status is this one; otherwise the test fails with all that was said.
    #[track_caller]
    pub fn expect(self, status: i32) -> Output {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit {}\n--- stdout ---\n{}\n--- stderr ---\n{}\n---",
            self.status, self.stdout, self.stderr
        )
    }
}

/// Runs `bin` to its end, with nothing on its standard input.
#[track_caller]
pub fn cli<A: AsRef<OsStr>>(bin: &Path, args: &[A], envs: &[(&str, &str)]) -> Output {
    cli_told(bin, args, envs, "")
}

/// With `input` on its standard input, as a person would type it.
#[track_caller]
pub fn cli_told<A: AsRef<OsStr>>(bin: &Path, args: &[A], envs: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(bin);
    command.args(args).envs(envs.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", bin.display()));
    let leash = Leash::on_process(child.id(), Signal::KILL);
    // A command that asks nothing may be gone before it is told anything.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let (say, told) = channel();
    std::thread::spawn(move || {
        let output = child.wait_with_output();
        let _ = say.send(output);
    });
    // On a time-out the test fails here and the leash, left behind, ends the command together with the test.
    let Ok(output) = told.recv_timeout(PATIENCE) else {
        std::mem::forget(leash);
        panic!(
            "{} {:?} did not end in time",
            bin.display(),
            args.iter().map(AsRef::as_ref).collect::<Vec<_>>()
        );
    };
    drop(leash);
    let output = output.expect("reads the command's output");
    Output {
        status: output.status.code().unwrap_or_else(|| panic!("{} was ended by a signal", bin.display())),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
