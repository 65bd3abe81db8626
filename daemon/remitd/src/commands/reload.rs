//! `reload`: asks the running daemon to take up changed plugins, their settings, grants and connections; and tells how it went.

use super::Asked;
use crate::fault::{BAD_CONFIGURATION, DONE, Fault};
use crate::{control, show, wiring};

pub async fn run(asked: &Asked) -> Result<u8, Fault> {
    // What does not even load is told as `check` tells it; the daemon would say the same.
    let loaded = asked.load()?;
    let folder = wiring::data_folder(&loaded).unwrap_or_else(|| loaded.base.clone());
    let answer = control::ask_to_reload(&folder).await?;
    if asked.json {
        show::json(&answer)?;
    }
    if !answer.reloaded {
        show::note(&answer.error);
        show::note("nothing was reloaded: the daemon goes on as before");
        return Ok(BAD_CONFIGURATION);
    }
    if !answer.error.is_empty() {
        show::note(&answer.error);
    }
    if !answer.needs_restart.is_empty() {
        let tables = answer.needs_restart.join(", ");
        show::note(&format!("changed too, and taken up by a restart only: {tables}"));
    }
    if !asked.json {
        let row =
            |seat: &crate::reload::Seat| vec![seat.id.clone(), seat.change.clone(), seat.sha256.clone()];
        show::table(&["plugin", "change", "sha256"], answer.plugins.iter().map(row).collect())?;
    }
    Ok(DONE)
}
