//! The daemon's ear: a socket in its data folder, by which `remitd reload` speaks with it and hears how it went, and `remitd
//! status` asks how far it is with a file. Only the daemon's own user can reach it. Owns one word and one answer a connection.

use crate::fault::Fault;
use crate::reload::{Answer, Reload};
use remitd_flow::intake::folder::Folder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

const FILE: &str = "control.sock";
/// Beside it, and empty: whoever has the socket holds this file's lock.
const HELD_BY: &str = "control.lock";
const RELOAD: &str = "reload";
const READING: &str = "reading";
const WORD_MAX_BYTES: u64 = 64;
const ANSWER_MAX_BYTES: u64 = 1 << 20;
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// For the word, which is there at once.
const WORD_WAIT: Duration = Duration::from_secs(5);
/// For the answer: plugins may have to be compiled.
const ANSWER_WAIT: Duration = Duration::from_secs(120);
/// For what is known at once; a daemon that is busy with a reload is not waited for.
const GLANCE_WAIT: Duration = Duration::from_secs(2);

/// A file that is read now, by its name in `work`.
#[derive(Debug, Serialize, Deserialize)]
pub struct BeingRead {
    pub file: String,
    pub rows: u64,
    pub bytes: u64,
}

pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// Locked as long as it is open: on PostgreSQL a folder may have several daemons, and one alone has the socket.
    _held: fs_err::File,
}

impl Control {
    /// Refuses where another daemon of this folder listens; a socket that nobody holds is a dead daemon's.
    pub fn listen(folder: &Path) -> std::io::Result<Control> {
        let path = folder.join(FILE);
        let beside = folder.join(HELD_BY);
        let held = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(beside)?;
        if held.file().try_lock().is_err() {
            let why = format!("another daemon answers at {}: stop it first, or use SIGHUP", path.display());
            return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, why));
        }
        match fs_err::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Control { listener, path, _held: held })
    }

    /// Answers one after the other, for ever.
    pub async fn serve(&self, reload: &Reload) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = answer(stream, reload).await {
                        tracing::warn!(%error, "somebody at the control socket was not answered");
                    }
                }
                Err(error) => {
                    // Too many open files, say: that may pass.
                    tracing::error!(%error, "the control socket does not answer for a moment");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Best effort: the next daemon takes a file that was left for what it is.
        let _ = fs_err::remove_file(&self.path);
    }
}

async fn answer(stream: UnixStream, reload: &Reload) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut word = String::new();
    tokio::time::timeout(WORD_WAIT, (&mut stream).take(WORD_MAX_BYTES).read_line(&mut word)).await??;
    let mut line = match word.trim() {
        RELOAD => serde_json::to_vec(&reload.run().await)?,
        READING => serde_json::to_vec(&being_read(&reload.wired.folders))?,
        other => serde_json::to_vec(&Answer::refused(format!("{other:?} is no word of this daemon")))?,
    };
    line.push(b'\n');
    tokio::time::timeout(WORD_WAIT, stream.write_all(&line)).await?
}

/// Has the daemon of this data folder reload.
pub async fn ask_to_reload(folder: &Path) -> Result<Answer, Fault> {
    let path = folder.join(FILE);
    let nobody = |error: std::io::Error| {
        Fault::usage(
            format!("no daemon answers at {}: {error}", path.display()),
            "start one with `remitd run`",
        )
    };
    ask(&path, RELOAD, ANSWER_WAIT).await.map_err(nobody)
}

/// What the daemon of this data folder reads now; nothing, where none answers at once.
pub async fn ask_what_is_read(folder: &Path) -> Vec<BeingRead> {
    ask(&folder.join(FILE), READING, GLANCE_WAIT).await.unwrap_or_default()
}

async fn ask<T: DeserializeOwned>(path: &Path, word: &str, wait: Duration) -> std::io::Result<T> {
    let asked = async {
        let mut stream = BufReader::new(UnixStream::connect(path).await?);
        stream.write_all(format!("{word}\n").as_bytes()).await?;
        let mut line = String::new();
        (&mut stream).take(ANSWER_MAX_BYTES).read_line(&mut line).await?;
        Ok(serde_json::from_str(&line)?)
    };
    tokio::time::timeout(wait, asked).await?
}

fn being_read(folders: &[Folder]) -> Vec<BeingRead> {
    let now = folders.iter().filter_map(|folder| folder.reading.now());
    now.map(|(file, progress)| BeingRead { file, rows: progress.rows(), bytes: progress.bytes() }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_daemons_in_a_folder_one_has_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join(FILE);
        // Left behind by a daemon that was killed.
        drop(UnixListener::bind(&socket).unwrap());
        let first = Control::listen(folder.path()).unwrap();
        let refused = Control::listen(folder.path()).err().unwrap();
        assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
        assert!(refused.to_string().contains("another daemon answers at"), "{refused}");
        // The second has not taken the first one's away.
        UnixStream::connect(&socket).await.unwrap();
        drop(first);
        assert!(!socket.exists());
        Control::listen(folder.path()).unwrap();
    }
}
