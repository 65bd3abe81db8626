//! The log: lines for people on a terminal, JSON elsewhere; always on stderr.

use crate::config::{Log, LogFormat, LogLevel};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// For a command that is not the daemon: its answer tells how it went, the log only what went wrong.
pub fn start_quiet(log: &Log) {
    start(&Log { level: LogLevel::Warn, ..*log });
}

pub fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    // Ours at the configured level; the libraries' own talk only where it matters. SQL texts carry no values of ours.
    let filter = EnvFilter::new(format!(
        "warn,remitd={level},remitd_flow={level},remitd_host={level},remitd_web={level},remitd_store={level},remitd_sandbox={level},plugin={level}"
    ));
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start (the demo starts the daemon in its own process) keeps the first.
    let _ = if json { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
}
