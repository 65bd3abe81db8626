//! `init`: a configuration that works at once, with its secrets, folders and store.

use crate::fault::{DONE, Fault};
use crate::wiring::{self, Need};
use crate::{config, show};
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt;
use serde::Serialize;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

const TEMPLATE: &str = include_str!("../../../../config/init.toml");
const SECRETS: [&str; 3] = ["link-key", "sandbox-key", "sandbox-webhook"];
const SECRET_BYTES: usize = 32;

/// Ports of a new configuration: of payers, of staff, of the sandbox provider.
pub type Ports = [u16; 3];
const PORTS: Ports = [8787, 8788, 8789];

#[derive(Serialize)]
struct Made {
    config: PathBuf,
    inbox: PathBuf,
    mail: PathBuf,
}

pub async fn run(dir: &Path, json: bool) -> Result<u8, Fault> {
    let config = make(dir, "Your Firm", PORTS, |template| template)?;
    let loaded = config::load(&config, std::env::vars()).map_err(Fault::Configuration)?;
    // Opening it once makes the store and its tables.
    wiring::open(loaded, Need::Store).await?.road.store.close().await;
    let made = Made { inbox: dir.join("folders/operating/inbox"), mail: dir.join("mail"), config };
    if json {
        show::json(&made)?;
        return Ok(DONE);
    }
    show::text(&format!("made {}", made.config.display()))?;
    show::note(&format!(
        "  hint: remitd run -c {}\n  hint: drop files into {}; mails become files in {}",
        made.config.display(),
        made.inbox.display(),
        made.mail.display()
    ));
    Ok(DONE)
}

/// Writes everything but the store. Refuses a folder that has a configuration already.
pub fn make(
    dir: &Path,
    firm: &str,
    ports: Ports,
    change: impl Fn(String) -> String,
) -> Result<PathBuf, Fault> {
    let config = dir.join("remitd.toml");
    if config.exists() {
        return Err(Fault::usage(format!("{} is there already", config.display()), "name another folder"));
    }
    for folder in ["folders/operating/inbox", "conf.d"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    // Links, names and amounts are nobody else's business.
    for folder in ["data", "mail", "secrets"] {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir.join(folder))?;
    }
    for name in SECRETS {
        write_secret(&dir.join("secrets").join(name))?;
    }
    let [public, staff, sandbox] = ports.map(|port| port.to_string());
    let text = TEMPLATE
        .replace("{firm}", firm)
        .replace("{public_port}", &public)
        .replace("{staff_port}", &staff)
        .replace("{sandbox_port}", &sandbox);
    fs::write(&config, change(text))?;
    Ok(config)
}

/// Random, for this user's eyes only.
fn write_secret(path: &Path) -> Result<(), Fault> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    let mut file = fs::OpenOptions::new();
    file.write(true).create_new(true).mode(0o600);
    Ok(file.open(path)?.write_all(hex::encode(bytes).as_bytes())?)
}
