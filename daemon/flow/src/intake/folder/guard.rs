//! One store a folder. What lies in `work` is worked on by whoever looks there, so that two daemons with stores of their own
//! would take each file in twice. Where the file system has no locks, nothing is guarded.

use crate::error::FlowError;
use fs_err as fs;
use remitd_store::Store;
use std::fs::TryLockError;
use std::path::Path;

/// The kind of store that several daemons share.
const SHARED: &str = "postgres";
/// In the folder, and empty: its lock is what counts.
const FILE: &str = ".remitd.lock";

/// Holds the folder as long as it lives; nothing, where the file system has no locks.
pub(super) struct Guard {
    _locked: Option<fs::File>,
}

impl Guard {
    /// Daemons that share a store share the folder; SQLite has one daemon alone.
    pub(super) fn take(folder: &Path, store: &Store) -> Result<Guard, FlowError> {
        let path = folder.join(FILE);
        let opened = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let Ok(file) = opened.inspect_err(|error| tracing::debug!(%error, "the folder is not guarded"))
        else {
            return Ok(Guard { _locked: None });
        };
        let locked =
            if store.kind() == SHARED { file.file().try_lock_shared() } else { file.file().try_lock() };
        match locked {
            Ok(()) => Ok(Guard { _locked: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(FlowError::refused(
                "REMIT-0251",
                "another remitd with a store of its own watches this folder: give each its own folder, or stop one",
            )),
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "the folder is not guarded");
                Ok(Guard { _locked: None })
            }
        }
    }
}
