//! File events of a folder, as a hint to look now. Scanning is the truth: a watcher that fails, overflows or never existed
//! only makes the next look come later.

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
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
        let watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
            // Full means that a look is due already.
            let _ = tell.try_send(());
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
