//! A plugin's lines in the daemon's log, marked with plugin and job, capped in number and length.

use crate::failure::{one_line, truncate};
use crate::job::JobState;
use crate::wit::log::{Host, Level};
use std::sync::PoisonError;

const LINE_MAX_BYTES: usize = 2_000;
/// What the standard library's panic message has in it.
const PANIC_WORDS: &str = "panicked at";

impl crate::wit::types::Host for JobState {}

impl Host for JobState {
    fn write(&mut self, level: Level, mut message: String) -> wasmtime::Result<()> {
        let mark = self.enter("log.write")?;
        truncate(&mut message, LINE_MAX_BYTES);
        if let Some(tamper) = &self.around.tamper {
            tamper.heard(&message);
        }
        // The line may be the last thing before a trap, which does not say why.
        if level == Level::Error && message.contains(PANIC_WORDS) {
            self.ledger.note_panic(message.clone());
        }
        let most = self.around.limits.log_lines;
        if self.log_lines < most {
            let mut line = one_line(&message);
            truncate(&mut line, LINE_MAX_BYTES);
            emit(level, &self.charter.plugin, &self.job, &line);
            if let Some(usage) = &self.usage {
                usage.said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        } else if self.log_lines == most {
            emit(Level::Warn, &self.charter.plugin, &self.job, "further lines of this job are dropped");
        }
        self.log_lines = self.log_lines.saturating_add(1);
        self.leave(mark);
        Ok(())
    }
}

fn emit(level: Level, plugin: &str, job: &str, line: &str) {
    match level {
        Level::Debug => tracing::debug!(target: "plugin", plugin, job, "{line}"),
        Level::Info => tracing::info!(target: "plugin", plugin, job, "{line}"),
        Level::Warn => tracing::warn!(target: "plugin", plugin, job, "{line}"),
        Level::Error => tracing::error!(target: "plugin", plugin, job, "{line}"),
    }
}
