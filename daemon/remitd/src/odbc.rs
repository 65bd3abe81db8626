//! ODBC's workers: this binary once more, as a process that a driver may crash or hang while the daemon goes on. It is told its
//! connection through the socket that is its stdin, so that no password stands in a list of processes.

use remitd_host::SpawnWorker;

/// How a worker starts; none where ODBC is not built in.
#[cfg(feature = "odbc")]
pub const SPAWN: Option<SpawnWorker> = Some(spawn);
#[cfg(not(feature = "odbc"))]
pub const SPAWN: Option<SpawnWorker> = None;

/// The hidden command that a worker is started with.
#[cfg(feature = "odbc")]
pub const COMMAND: &str = "odbc-worker";

#[cfg(feature = "odbc")]
fn spawn(socket: std::os::fd::OwnedFd) -> std::io::Result<tokio::process::Child> {
    use std::process::Stdio;
    // The very file that runs, also where an upgrade has put another in its place.
    let running = std::path::Path::new("/proc/self/exe");
    let program = if running.exists() { running.to_owned() } else { std::env::current_exe()? };
    let mut worker = tokio::process::Command::new(program);
    worker.arg0("remitd").arg(COMMAND);
    // Drivers may print, and nobody listens. A group of its own: a Ctrl-C is for the daemon, which ends in its own time.
    worker.stdin(socket).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).kill_on_drop(true);
    worker.spawn()
}

/// A worker's whole life.
#[cfg(feature = "odbc")]
pub fn serve() -> std::io::Result<()> {
    use std::os::fd::AsFd;
    remitd_host::serve_odbc(std::io::stdin().as_fd().try_clone_to_owned()?)
}
