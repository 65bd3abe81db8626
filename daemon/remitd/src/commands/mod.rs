//! The commands: each reads as what it does, and answers with data, findings or a fault.

mod audit;
mod bar;
mod batch;
mod check;
mod demo;
mod hands;
mod import;
mod init;
mod mail;
mod mapping;
mod matter;
mod plugin;
mod posting;
mod prepare;
mod reconcile;
mod reload;
mod request;
pub mod run;
mod search;
mod status;
mod template;

use crate::cli::{Cli, Command};
use crate::config::{self, Loaded};
use crate::fault::{DONE, FINDINGS, Fault};
use crate::wiring::{self, Need, Wired};
use crate::{codes, logging, show};
use std::io::IsTerminal;
use std::path::PathBuf;

/// How a command is to answer, and by which configuration.
pub struct Asked {
    pub config: Option<PathBuf>,
    pub json: bool,
}

pub async fn run(cli: Cli) -> Result<u8, Fault> {
    let asked = Asked { config: cli.config, json: cli.json };
    match cli.command {
        Command::Demo(demo) => demo::run(&demo, asked.json).await,
        Command::Init { dir } => init::run(&dir, asked.json).await,
        Command::Run => run::run(&asked).await,
        Command::Check { strict } => check::run(&asked, strict).await,
        Command::Import(import) => import::run(&asked, &import).await,
        Command::Batch(batch) => batch::run(&asked, batch).await,
        Command::Request(request) => request::run(&asked, request).await,
        Command::Matter(matter) => matter::run(&asked, matter).await,
        Command::Posting(posting) => posting::run(&asked, posting).await,
        Command::Reconcile => reconcile::run(&asked).await,
        Command::Mail(mail) => mail::run(&asked, mail).await,
        Command::Plugin(plugin) => plugin::run(&asked, plugin).await,
        Command::Audit(audit) => audit::run(&asked, audit).await,
        Command::Reload => reload::run(&asked).await,
        Command::Status => status::run(&asked).await,
        Command::Explain { code } => explain(&code, asked.json),
        #[cfg(feature = "odbc")]
        Command::OdbcWorker => Ok(crate::odbc::serve().map(|()| DONE)?),
    }
}

impl Asked {
    pub fn load(&self) -> Result<Loaded, Fault> {
        let path = config::find(self.config.clone());
        config::load(&path, std::env::vars()).map_err(Fault::Configuration)
    }

    /// For the commands that look at what is installed, or mend it: a component may be missing.
    pub fn load_to_mend(&self) -> Result<Loaded, Fault> {
        let path = config::find(self.config.clone());
        config::load_with(&path, std::env::vars(), config::Components::MayBeMissing)
            .map_err(Fault::Configuration)
    }

    pub async fn open(&self, need: Need) -> Result<Wired, Fault> {
        let loaded = self.load()?;
        logging::start_quiet(&loaded.config.log);
        wiring::open(loaded, need).await
    }
}

fn explain(code: &str, json: bool) -> Result<u8, Fault> {
    match codes::find(code) {
        Some(code) if json => {
            show::json(code)?;
            Ok(DONE)
        }
        Some(code) => {
            show::text(&code.to_string())?;
            Ok(DONE)
        }
        None => Err(Fault::usage(format!("there is no code \"{code}\""), "codes look like REMIT-0202")),
    }
}

/// A person's yes; anything else, or nothing, is a no.
fn agreed(question: &str) -> Result<bool, Fault> {
    if std::io::stdin().is_terminal() {
        eprint!("{question} [y/N] ");
    }
    let mut answer = String::new();
    tokio::task::block_in_place(|| std::io::stdin().read_line(&mut answer))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Done, or done with findings.
pub fn status(clean: bool) -> u8 {
    if clean { DONE } else { FINDINGS }
}
