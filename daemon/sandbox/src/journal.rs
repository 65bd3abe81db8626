//! The journal: one JSON line an operation, appended and synced before anything is answered. Owns the file; never looks
//! into an entry. A torn last line was never answered and is cut off; damage anywhere else stops the start.

use crate::SandboxError;
use crate::book::Entry;
use fs_err::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

pub(crate) enum Journal {
    Memory,
    File {
        file: File,
        /// Bytes that are whole and synced.
        good_bytes: u64,
        /// A write failed and could not be undone: nothing more is taken until a restart has replayed what is there.
        stopped: bool,
    },
}

impl Journal {
    /// Opens or makes the file and gives every operation in it to `replay`.
    pub fn open(path: Option<&Path>, replay: impl FnMut(Vec<Entry>)) -> Result<Journal, SandboxError> {
        let Some(path) = path else { return Ok(Journal::Memory) };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // Two writers would interleave; the kernel gives the lock back when its holder dies.
        if file.file().try_lock().is_err() {
            return Err(SandboxError::JournalInUse { path: path.to_owned() });
        }
        let good_bytes = read(path, &file, replay)?;
        let mut journal = Journal::File { file, good_bytes, stopped: false };
        journal.cut()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(journal)
    }

    /// Kept for good when this returns; when it fails, it is as if it had never been asked.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), SandboxError> {
        let Journal::File { file, good_bytes, stopped } = self else { return Ok(()) };
        if *stopped {
            return Err(SandboxError::JournalStopped);
        }
        let mut line = serde_json::to_vec(entries).map_err(std::io::Error::from)?;
        line.push(b'\n');
        match file.write_all(&line).and_then(|()| file.sync_data()) {
            Ok(()) => {
                *good_bytes += line.len() as u64;
                Ok(())
            }
            Err(cause) => {
                *stopped = true;
                if self.cut().is_ok()
                    && let Journal::File { stopped, .. } = self
                {
                    *stopped = false;
                }
                Err(cause.into())
            }
        }
    }

    /// Drops everything after the last whole line.
    fn cut(&mut self) -> std::io::Result<()> {
        let Journal::File { file, good_bytes, .. } = self else { return Ok(()) };
        file.set_len(*good_bytes)?;
        file.seek(SeekFrom::Start(*good_bytes))?;
        file.sync_all()
    }
}

/// Reads whole lines; answers how many bytes they are.
fn read(path: &Path, file: &File, mut replay: impl FnMut(Vec<Entry>)) -> Result<u64, SandboxError> {
    let mut reader = BufReader::new(file);
    let mut good_bytes = 0;
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read_bytes = reader.read_until(b'\n', &mut bytes)? as u64;
        if read_bytes == 0 || bytes.last() != Some(&b'\n') {
            break;
        }
        match serde_json::from_slice(&bytes) {
            Ok(entries) => replay(entries),
            // A torn write may have kept its end and lost its middle: still the last line.
            Err(_) if reader.fill_buf()?.is_empty() => break,
            Err(cause) => return Err(SandboxError::JournalDamaged { path: path.to_owned(), line, cause }),
        }
        good_bytes += read_bytes;
    }
    Ok(good_bytes)
}
