//! How a file looks from outside. That somebody still writes it shows in this, and nowhere else.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub bytes: u64,
    written_ns: i128,
    /// When anything of it was last changed: its bytes, its dates, its name.
    changed_ns: i128,
    inode: u64,
}

impl Look {
    pub fn of(facts: &Metadata) -> Look {
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Look {
            bytes: facts.len(),
            written_ns: ns(facts.mtime(), facts.mtime_nsec()),
            changed_ns: ns(facts.ctime(), facts.ctime_nsec()),
            inode: facts.ino(),
        }
    }

    pub fn changed_ms(&self) -> i64 {
        i64::try_from(self.changed_ns / 1_000_000).unwrap_or_default()
    }
}
