//! How far a file is read: counted where it is read, and looked at by whoever wants to know. Nothing is decided by it.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl Progress {
    /// Read by the importer so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Handed over by the importer so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Relaxed)
    }

    pub(super) fn handed_over(&self, rows: u64) {
        self.rows.fetch_add(rows, Relaxed);
    }
}

/// A reader whose bytes are counted.
pub(super) struct Counted<R> {
    pub reader: R,
    pub progress: Arc<Progress>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Counted<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.reader).poll_read(context, buffer);
        let bytes = buffer.filled().len().saturating_sub(before);
        self.progress.bytes.fetch_add(bytes as u64, Relaxed);
        read
    }
}

/// The file that a folder is reading now, by its name in `work`.
#[derive(Debug, Default)]
pub struct Reading(Mutex<Option<(String, Arc<Progress>)>>);

impl Reading {
    pub fn now(&self) -> Option<(String, Arc<Progress>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn begin(&self, file: &str) -> Arc<Progress> {
        let progress = Arc::<Progress>::default();
        self.set(Some((file.to_owned(), progress.clone())));
        progress
    }

    pub(super) fn end(&self) {
        self.set(None);
    }

    fn set(&self, reading: Option<(String, Arc<Progress>)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn what_is_read_is_counted() {
        let reading = Reading::default();
        let progress = reading.begin("june.csv");
        let mut reader = Counted { reader: b"0123456789".as_slice(), progress: progress.clone() };
        let mut piece = [0; 4];
        reader.read_exact(&mut piece).await.unwrap();
        assert_eq!(
            reading.now().map(|(file, progress)| (file, progress.bytes())),
            Some(("june.csv".into(), 4))
        );
        reader.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!((progress.bytes(), progress.rows()), (10, 0));
        reading.end();
        assert!(reading.now().is_none());
    }
}
