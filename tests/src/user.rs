//! Whom a database server runs as: never root, which it refuses.

use fs_err::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

/// When we are root: user and group of another.
fn other() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs_err::read_to_string("/etc/passwd").expect("reads the users");
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("a user other than root"))
}

/// The folder or file becomes the other user's.
pub(crate) fn give(path: &Path) {
    if let Some((uid, gid)) = other() {
        chown(path, Some(uid), Some(gid)).expect("gives it away");
    }
}

/// The program as the other user runs it.
pub(crate) fn command(program: &Path) -> Command {
    let Some((uid, gid)) = other() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={uid}"))
        .arg(format!("--regid={gid}"))
        .arg("--clear-groups")
        .arg("--")
        .arg(program);
    // A folder that the other user may not read is no place to start in.
    command.current_dir("/");
    command
}
