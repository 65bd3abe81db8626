//! The files in hand: dropped and not done with yet, as they lie in the folders.

use crate::views::instant;
use remitd_flow::intake::folder::{Contents, Dropped, Folder, Left};
use serde::Serialize;

#[derive(Serialize)]
pub struct InHand {
    pub folder: String,
    /// `inbox` or `work`.
    pub stage: &'static str,
    pub file: String,
    pub bytes: u64,
    /// When it came to where it lies.
    pub since: String,
    /// Read so far, where a daemon that reads it could be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Why it is not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

impl InHand {
    /// For people.
    pub fn line(&self) -> String {
        let InHand { folder, stage, file, bytes, since, .. } = self;
        let rows = self.rows.map(|rows| format!(", {rows} rows read")).unwrap_or_default();
        let left = self.left.as_ref().map(|why| format!(": left alone, {why}")).unwrap_or_default();
        format!("in hand: {folder}/{stage}/{file}, {bytes} bytes, since {since}{rows}{left}")
    }
}

/// What lies in `inbox` and `work`, and the folders in which a file named `stop` lies.
pub fn look(folders: &[Folder]) -> (Vec<InHand>, Vec<String>) {
    let (mut in_hand, mut paused) = (Vec::new(), Vec::new());
    for folder in folders {
        let path = folder.path.display().to_string();
        for stage in ["inbox", "work"] {
            // A folder that is away has nothing in hand: the log says that it is.
            let Ok(contents) = Contents::of(&folder.path.join(stage)) else { continue };
            if stage == "inbox" && contents.stopped {
                paused.push(path.clone());
            }
            let lying = contents.dropped.into_iter().filter(|dropped| dropped.left != Some(Left::Marker));
            in_hand.extend(lying.map(|Dropped { name, look, left }| InHand {
                folder: path.clone(),
                stage,
                file: name.to_string_lossy().into_owned(),
                bytes: look.bytes,
                since: instant(look.changed_ms()),
                rows: None,
                // What is in work is the daemon's, whatever its name.
                left: left.filter(|_| stage == "inbox").map(|left| left.to_string()),
            }));
        }
    }
    (in_hand, paused)
}
