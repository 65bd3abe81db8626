//! A bar on the terminal while a file is read: how much of it, rows a second, and the time left.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use remitd_flow::intake::progress::Progress;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(200);
const FORM: &str = "{percent:>3}% {bar:30} {msg}, {eta} left";

/// Awaits the reading of a file of so many bytes, and shows how far it is.
pub async fn shown<T>(bytes: u64, progress: &Progress, reading: impl Future<Output = T>) -> T {
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    let bar =
        bar.with_style(ProgressStyle::with_template(FORM).unwrap_or_else(|_| ProgressStyle::default_bar()));
    tokio::pin!(reading);
    loop {
        tokio::select! {
            read = &mut reading => {
                bar.finish_and_clear();
                return read;
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                let elapsed_ms = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
                let rows = progress.rows();
                bar.set_message(format!("{rows} rows, {} a second", rows.saturating_mul(1000) / elapsed_ms));
                bar.set_position(progress.bytes());
            }
        }
    }
}
