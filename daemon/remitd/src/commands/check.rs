//! `check`: `run`, stopped before it starts.

use super::Asked;
use crate::config::{self, Problems};
use crate::fault::{BAD_CONFIGURATION, DONE, FINDINGS, Fault};
use crate::{show, wiring};
use remitd_host::keep::Forgetful;
use std::sync::Arc;

pub async fn run(asked: &Asked, strict: bool) -> Result<u8, Fault> {
    let path = config::find(asked.config.clone());
    let loaded = match config::load(&path, std::env::vars()) {
        Err(problems) => {
            tell(asked, &problems)?;
            return Ok(BAD_CONFIGURATION);
        }
        Ok(loaded) => loaded,
    };
    // The same code that `run` goes through: a plugin that does not load, a setting that its schema refuses.
    match wiring::seat(&loaded, Arc::<Forgetful>::default()).await {
        Err(Fault::Configuration(problems)) => {
            tell(asked, &problems)?;
            return Ok(BAD_CONFIGURATION);
        }
        Err(fault) => return Err(fault),
        Ok((_, seated)) => {
            seated.host.check_http()?;
            tell(asked, &loaded.warnings)?;
        }
    }
    if !asked.json {
        show::note(&format!("{}: good", path.display()));
    }
    Ok(if strict && !loaded.warnings.0.is_empty() { FINDINGS } else { DONE })
}

fn tell(asked: &Asked, problems: &Problems) -> Result<(), Fault> {
    if asked.json {
        return show::json(problems);
    }
    if !problems.0.is_empty() {
        show::note(&problems.to_string());
    }
    Ok(())
}
