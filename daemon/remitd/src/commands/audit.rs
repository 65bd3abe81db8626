//! `audit`: the trail of what plugins were refused, and of what was done to them.

use super::Asked;
use crate::cli::Audit as Command;
use crate::fault::{DONE, Fault};
use crate::show;
use crate::views::instant;
use crate::wiring::Need;
use remitd_store::AuditRow;
use serde::Serialize;

#[derive(Serialize)]
struct AuditView {
    at: String,
    actor: String,
    what: String,
    code: String,
    message: String,
    sha256: String,
    job: String,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> AuditView {
        let AuditRow { at_ms, actor, what, code, message, sha256, job } = row;
        AuditView { at: instant(at_ms), actor, what, code, message, sha256, job }
    }
}

pub async fn run(asked: &Asked, command: Command) -> Result<u8, Fault> {
    let Command::Show { limit } = command;
    let wired = asked.open(Need::Store).await?;
    let views: Vec<_> = wired.road.store.audits(limit).await?.into_iter().map(AuditView::from).collect();
    if asked.json {
        show::json(&views)?;
        return Ok(DONE);
    }
    let row = |view: &AuditView| {
        vec![view.at.clone(), view.actor.clone(), view.what.clone(), view.code.clone(), view.message.clone()]
    };
    show::table(&["at", "who", "what", "code", "message"], views.iter().map(row).collect())?;
    Ok(DONE)
}
