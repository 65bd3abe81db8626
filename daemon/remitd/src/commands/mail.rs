//! `mail`: messages and their attempts.

use super::Asked;
use crate::cli::Mail;
use crate::fault::{DONE, Fault};
use crate::show;
use crate::views::{AttemptView, MessageView};
use crate::wiring::Need;
use remitd_flow::{FlowError, Road, deliver};
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    message: MessageView,
    history: Vec<AttemptView>,
}

pub async fn run(asked: &Asked, mail: Mail) -> Result<u8, Fault> {
    let wired = asked.open(Need::Store).await?;
    let road = &wired.road;
    match mail {
        Mail::List { limit } => {
            let views: Vec<_> = road.store.messages(limit).await?.iter().map(MessageView::from).collect();
            if asked.json {
                show::json(&views)?;
            } else {
                show::table(&MessageView::HEADS, views.iter().map(MessageView::row).collect())?;
            }
        }
        Mail::Show { id } => shown(asked, road, id).await?,
        Mail::Resend { id } => {
            deliver::resend(road, id).await?;
            shown(asked, road, id).await?;
        }
    }
    Ok(DONE)
}

async fn shown(asked: &Asked, road: &Road, id: i64) -> Result<(), Fault> {
    let missing = || FlowError::Refused { code: "REMIT-0407", message: format!("there is no message {id}") };
    let message = MessageView::from(&road.store.message(id).await?.ok_or_else(missing)?);
    let history: Vec<_> = road.store.attempts(id).await?.iter().map(AttemptView::from).collect();
    let shown = Shown { message, history };
    if asked.json {
        return show::json(&shown);
    }
    show::table(&MessageView::HEADS, vec![shown.message.row()])?;
    let row = |a: &AttemptView| {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            a.attempt.to_string(),
            a.started.clone(),
            or_dash(&a.ended),
            or_dash(&a.outcome),
            or_dash(&a.detail),
        ]
    };
    show::table(&["attempt", "began", "ended", "outcome", "detail"], shown.history.iter().map(row).collect())
}
