//! A child process: its lines as events, its log for the one who looks for the fault, and its end, which is never later
//! than that of the test. Never waits without a deadline.

use fs_err::File;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long any one event may take to come, on a machine with much else to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What of the log a failed test shows.
const TAIL_BYTES: usize = 8_000;

/// Where the child's stderr goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stderr {
    /// Into the log only.
    Log,
    /// Among the lines (and into the log), for a program that says there that it is ready.
    Lines,
}

pub struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Mutex<Receiver<String>>,
    log: PathBuf,
    leash: Option<Leash>,
}

impl Process {
    /// Starts `command`; `log` collects what it says beside its lines. `last` is sent to it when the test's process is gone.
    pub fn spawn(name: &str, mut command: Command, stderr: Stderr, log: &Path, last: Signal) -> Process {
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(log).expect("opens the log");
        let (reader, writer) = std::io::pipe().expect("makes a pipe");
        let errors: Stdio = match stderr {
            Stderr::Log => file.try_clone().expect("shares the log").into_parts().0.into(),
            Stderr::Lines => writer.try_clone().expect("shares the pipe").into(),
        };
        // Its own group: a Ctrl-C in the terminal goes to the test, whose end then brings about this one's.
        command.stdin(Stdio::piped()).stdout(writer).stderr(errors).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        // Our copies of the pipe's writing end must go, or its end would never be seen.
        drop(command);
        let leash = Some(Leash::on_process(child.id(), last));
        let (say, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if stderr == Stderr::Lines && writeln!(file, "{line}").is_err() {
                    break;
                }
                // A test that no longer listens is no reason to block the child.
                let _ = say.send(line);
            }
        });
        let input = child.stdin.take();
        Process { name: name.to_owned(), child, input, lines: Mutex::new(lines), log: log.to_owned(), leash }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The first line from now on in which `wanted` finds what it looks for.
    pub fn line<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let lines = self.lines.lock().expect("no other reader failed");
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => match wanted(&line) {
                    Some(found) => return found,
                    None => continue,
                },
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{} did not say {what} in time\n{}", self.name, self.tail())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{} ended before it said {what}\n{}", self.name, self.tail())
                }
            }
        }
    }

    /// Writes to its standard input.
    pub fn say(&mut self, text: &str) {
        let input = self.input.as_mut().expect("it is not waited for yet");
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).expect("it listens");
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        // Not waited for yet, so the id is still this child's, be it dead or alive.
        kill_process(pid, signal).unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
    }

    /// Whether it has ended by now.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("asks for the end").is_some()
    }

    /// Waits for its end by itself, or after a signal.
    pub fn ended(&mut self) -> ExitStatus {
        let lines = self.lines.get_mut().expect("no other reader failed");
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(_) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{} did not end in time\n{}", self.name, self.tail())
                }
            }
        }
        self.let_go();
        self.child.wait().expect("waits for the child")
    }

    pub fn log(&self) -> String {
        fs_err::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The end of the log, as a failed test shows it.
    pub fn tail(&self) -> String {
        let log = self.log();
        let start = log.ceil_char_boundary(log.len().saturating_sub(TAIL_BYTES));
        format!("--- log of {} ---\n{}--- end ---", self.name, &log[start..])
    }

    /// From here on the process may be waited for, and its id may become another's.
    fn let_go(&mut self) {
        drop(self.input.take());
        drop(self.leash.take());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.tail());
        }
        self.let_go();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends a process and removes a folder when the test's own process ends, however it does: a shell that waits for the end
/// of a pipe whose other end only this process holds.
pub(crate) struct Leash(Child);

const LEASH: &str = r#"
cat >/dev/null
[ -z "$2" ] || kill "-$1" "$2"
[ -z "$3" ] || { sleep 1; rm -rf "$3"; }
"#;

impl Leash {
    pub fn on_process(pid: u32, last: Signal) -> Leash {
        Leash::on(&[&last.as_raw().to_string(), &pid.to_string(), ""])
    }

    /// The folder goes a moment after those who use it.
    pub fn on_folder(folder: &Path) -> Leash {
        Leash::on(&["", "", folder.to_str().expect("a folder's name is UTF-8")])
    }

    fn on(what: &[&str]) -> Leash {
        let mut shell = Command::new("sh");
        shell.args(["-c", LEASH, "leash"]).args(what);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Leash(shell.spawn().expect("starts a shell"))
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // Killed before its pipe closes: it must not act any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A log's place in a folder, empty.
pub(crate) fn log_in(folder: &Path, name: &str) -> PathBuf {
    let log = folder.join(name);
    File::create(&log).expect("makes the log");
    log
}

/// Runs a client to its end, which must be a good one; what it said.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
