//! `demo`: a sample firm with everything embedded. It stays up and says where to look; with `--once` it walks the whole
//! road through real files, mails and HTTP, and ends well only if the books balance.

mod payer;
mod walk;

use super::init::{self, Ports};
use super::run::{Daemon, Orders};
use crate::cli::Demo;
use crate::config;
use crate::fault::{DONE, FINDINGS, Fault};
use crate::wiring::{self, Need};
use crate::{logging, show};
use fs_err as fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use tokio::sync::watch;

const FIRM: &str = "Roe & Partners (sample)";
const MATTERS_SQL: &str = include_str!("../../../../config/demo/matters.sql");
const MATTERS_TOML: &str = include_str!("../../../../config/demo/matters.toml");
const SAMPLE_CSV: &str = include_str!("../../../../config/demo/old-balances.csv");
const SAMPLE_NAME: &str = "old-balances.csv";
/// Where a demo listens when nobody else does.
const FIRST_PORT: u16 = 8787;
const LAST_PORT: u16 = 8999;

pub async fn run(demo: &Demo, json: bool) -> Result<u8, Fault> {
    let temporary = if demo.once && demo.dir.is_none() { Some(temporary_folder()?) } else { None };
    let dir = temporary.clone().or_else(|| demo.dir.clone()).unwrap_or_else(|| PathBuf::from("demo"));
    let result = in_folder(&dir, demo.once, json).await;
    if let Some(folder) = temporary {
        fs::remove_dir_all(folder)?;
    }
    result
}

fn temporary_folder() -> Result<PathBuf, Fault> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    let folder = std::env::temp_dir().join(format!("remitd-demo-{}", hex::encode(bytes)));
    fs::create_dir(&folder)?;
    Ok(folder)
}

async fn in_folder(dir: &Path, once: bool, json: bool) -> Result<u8, Fault> {
    let file = dir.join("remitd.toml");
    let new = !file.exists();
    if once && !new {
        let what = format!("{} has been used before", dir.display());
        return Err(Fault::usage(what, "leave --dir out, or name a new folder"));
    }
    if new {
        make_firm(dir).await?;
    }
    let loaded = config::load(&file, std::env::vars()).map_err(Fault::Configuration)?;
    logging::start(&loaded.config.log);
    let wired = wiring::open(loaded, Need::Plugins).await?;
    let (stopper, stop) = watch::channel(false);
    let daemon = Daemon::start(wired, stop, |_| Ok(())).await?;
    let inbox = dir.join("folders/operating/inbox");
    let result = if once {
        walk::once(&daemon, dir, &inbox, json).await
    } else {
        stay(&daemon, dir, &inbox, new).await.map(|()| true)
    };
    stopper.send_replace(true);
    daemon.ended().await;
    Ok(if result? { DONE } else { FINDINGS })
}

/// The sample firm: a configuration, a matter database, nothing sent yet.
async fn make_firm(dir: &Path) -> Result<(), Fault> {
    let ports = free_ports()?;
    init::make(dir, FIRM, ports, |text| {
        let text = text.replace("# connector = \"matters\"", "connector = \"matters\"");
        format!("{text}scan = \"500ms\"\n\n[log]\nlevel = \"warn\"\n")
            .replace("release = \"send\"", "release = \"send\"\nsettle = \"500ms\"")
    })?;
    fs::write(dir.join("conf.d/matters.toml"), MATTERS_TOML)?;
    let url = format!("sqlite:{}", dir.join("matters.sqlite").display());
    Ok(remitd_host::run_script(&url, MATTERS_SQL, None).await?)
}

/// Three ports that nobody listens on now; kept in the demo's configuration, so that its links go on working.
fn free_ports() -> Result<Ports, Fault> {
    let mut free = (FIRST_PORT..=LAST_PORT).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    match (free.next(), free.next(), free.next()) {
        (Some(public), Some(staff), Some(sandbox)) => Ok([public, staff, sandbox]),
        _ => Err(Fault::usage(
            format!("no three ports are free from {FIRST_PORT} to {LAST_PORT}"),
            "stop other demos",
        )),
    }
}

/// Drops the sample file, pushes the open bills, and stays until it is told to stop.
async fn stay(daemon: &Daemon, dir: &Path, inbox: &Path, new: bool) -> Result<(), Fault> {
    let orders = Orders::listen()?;
    if new {
        walk::drop_file(inbox, SAMPLE_NAME, SAMPLE_CSV)?;
        walk::until(daemon, "the sample file is released", |books| books.files >= 1).await?;
        walk::push(daemon).await?;
        walk::until(daemon, "all mails are out", |books| books.unmailed == 0).await?;
    }
    let newest = walk::newest_link(daemon).await?;
    let config = dir.join("remitd.toml");
    show::text(&format!(
        "remitd is up with a sample firm. Nothing leaves this machine, no money moves.\n\
         \n  drop files here     {}\n  mails arrive here   {}\n  newest pay page     {}\n  receipts land in    {} (table receipt)\n\
         \n  look around         remitd -c {} request list\n                      remitd -c {} posting list\n\
         \nPay with card 4242 4242 4242 4242; the checkout page lists other test numbers. Stop with Ctrl-C.",
        inbox.display(),
        dir.join("mail").display(),
        newest,
        dir.join("matters.sqlite").display(),
        config.display(),
        config.display(),
    ))?;
    orders.stop().await;
    Ok(())
}
