//! Rows that wait on the disk: a push reads everything that is open before it asks for any of it, and does not hold it in memory.
//! The file has no name from the moment it is open, so that nothing of it stays behind, however the push ends; only the daemon's
//! user may read it. Pages come back in the order in which they went in.

use crate::error::FlowError;
use fs_err::tokio as fs;
use remitd_domain::draft::Drafts;
use std::io::{ErrorKind, SeekFrom};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

/// Some ten million rows.
const SPOOL_MAX_BYTES: u64 = 4 << 30;

/// Pages on their way in.
pub(super) struct Spool {
    file: fs::File,
    /// The lengths of the pages, in bytes.
    pages: Vec<usize>,
    bytes: u64,
}

impl Spool {
    /// In the daemon's own folder: `/tmp` is memory on many machines, and others read there.
    pub(super) async fn open(folder: &Path) -> Result<Spool, FlowError> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(|error| FlowError::Random(error.to_string()))?;
        let path = folder.join(format!("push-{}.rows", hex::encode(name)));
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.open(&path).await.map_err(|error| failed(&error))?;
        fs::remove_file(&path).await.map_err(|error| failed(&error))?;
        Ok(Spool { file, pages: Vec::new(), bytes: 0 })
    }

    pub(super) async fn keep(&mut self, page: &Drafts) -> Result<(), FlowError> {
        let page = serde_json::to_vec(page).map_err(|error| failed(&error.into()))?;
        self.bytes = self.bytes.saturating_add(page.len() as u64);
        if self.bytes > SPOOL_MAX_BYTES {
            return Err(failed(&std::io::Error::other("they are more than 4 GiB")));
        }
        self.pages.push(page.len());
        self.file.write_all(&page).await.map_err(|error| failed(&error))
    }

    /// From the first page again.
    pub(super) async fn reread(mut self) -> Result<Spooled, FlowError> {
        // A write that is not waited for has not failed yet.
        self.file.flush().await.map_err(|error| failed(&error))?;
        self.file.seek(SeekFrom::Start(0)).await.map_err(|error| failed(&error))?;
        Ok(Spooled { file: self.file, pages: self.pages.into_iter() })
    }
}

/// Pages on their way back.
pub(super) struct Spooled {
    file: fs::File,
    pages: std::vec::IntoIter<usize>,
}

impl Spooled {
    pub(super) async fn next(&mut self) -> Result<Option<Drafts>, FlowError> {
        let Some(length) = self.pages.next() else { return Ok(None) };
        let mut page = vec![0; length];
        self.file.read_exact(&mut page).await.map_err(|error| failed(&error))?;
        serde_json::from_slice(&page).map(Some).map_err(|error| failed(&error.into()))
    }
}

fn failed(error: &std::io::Error) -> FlowError {
    let why = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        _ => error.to_string(),
    };
    let message =
        format!("the rows of a push cannot be kept until they are asked for: {why}; nothing was asked for");
    FlowError::refused("REMIT-0284", message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use remitd_domain::draft::Draft;

    #[tokio::test]
    async fn pages_come_back_as_they_were_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path()).await.unwrap();
        let left = fs_err::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0);
        let page = |number: i64| {
            let share = remitd_domain::shares::Share { payer: "p".into(), of: Vec::new() };
            let share = (number == 2).then_some(share);
            let invoice = format!("é{number}");
            Drafts::from(Draft { amount_minor: number, invoice, share, ..Draft::default() })
        };
        for number in 1..=3 {
            spool.keep(&page(number)).await.unwrap();
        }
        let mut back = spool.reread().await.unwrap();
        for number in 1..=3 {
            assert_eq!(back.next().await.unwrap(), Some(page(number)));
        }
        assert_eq!(back.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_folder_that_is_away_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = Spool::open(&folder.path().join("away")).await.err().unwrap();
        assert_eq!(error.code(), "REMIT-0284");
        assert!(error.to_string().contains("nothing was asked for"), "{error}");
    }
}
