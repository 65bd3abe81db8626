//! File events of a folder, as a hint to look now. Scanning is the truth: a watcher that fails, overflows or never existed
//! only makes the next look come later.

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use tokio::sync::mpsc;

/// One hint is enough: a look sees everything.
const HINTS: usize = 1;

pub(super) struct Hints {
    /// Kept alive: dropped, it is silent.
    _watcher: Option<RecommendedWatcher>,
    hints: mpsc::Receiver<()>,
}

impl Hints {
    pub(super) fn of(folder: &Path) -> Hints {
        let (tell, hints) = mpsc::channel(HINTS);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.as_ref().map_or(true, changes) {
                // Full means that a look is due already.
                let _ = tell.try_send(());
            }
        });
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(folder = %folder.display(), %error, "no file events here: looking from time to time"))
            .ok();
        Hints { _watcher: watcher, hints }
    }

    /// Returns at the next event; never, where there are none.
    pub(super) async fn next(&mut self) {
        if self.hints.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Looking opens and reads the folder, which is an event too: only those that change something may make us look again.
fn changes(event: &notify::Event) -> bool {
    !matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use notify::Event;

    #[test]
    fn a_look_is_no_reason_to_look_again() {
        assert!(!changes(&Event::new(EventKind::Access(AccessKind::Open(AccessMode::Any)))));
        assert!(!changes(&Event::new(EventKind::Access(AccessKind::Close(AccessMode::Read)))));
        assert!(changes(&Event::new(EventKind::Access(AccessKind::Close(AccessMode::Write)))));
        assert!(changes(&Event::new(EventKind::Any)));
    }

    #[tokio::test]
    async fn the_system_tells_of_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut hints = Hints::of(folder.path());
        fs_err::write(folder.path().join("june.csv"), "a").unwrap();
        hints.next().await;
    }
}
