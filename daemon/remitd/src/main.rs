//! The binary: commands, configuration, wiring. The only place that reads the environment and the clock, spawns and exits.

mod cli;
mod clock;
mod codes;
mod commands;
mod config;
mod control;
mod fault;
mod faults;
mod logging;
mod odbc;
mod reload;
mod show;
mod trust;
mod views;
mod wiring;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // One provider for every TLS connection of the process, before the first.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("error: another TLS provider was installed first");
        return ExitCode::from(fault::COULD_NOT);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime does not start: {error}");
            return ExitCode::from(fault::COULD_NOT);
        }
    };
    // On a thread that also waits for the network and for timers, so that news reach it without a hand-over.
    let result = runtime.block_on(runtime.spawn(commands::run(cli)));
    let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    match result {
        Ok(status) => ExitCode::from(status),
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::from(fault.status())
        }
    }
}
