//! The settings, and the checks that need no file. Everything wrong is said before the first file is written.

use crate::answers::Answers;
use crate::layout::Layout;
use crate::note::Note;
use remitd_plugin_sdk::connector::Posting;
use remitd_plugin_sdk::{Failure, money};
use serde::Deserialize;

const PATIENCE_S: u32 = 60;
const KEY_MAX_BYTES: usize = 80;

/// When a posting counts as posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostedWhen {
    /// The file lies in the folder.
    Dropped,
    /// The matter software has taken it away.
    #[default]
    Taken,
    /// The matter software has answered.
    Answered,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Setup {
    /// Name of a granted `[[outbox]]`.
    pub outbox: String,
    /// Of every posting.
    pub currency: String,
    #[serde(default = "csv")]
    ending: String,
    #[serde(default)]
    pub posted: PostedWhen,
    #[serde(default)]
    pub answers: Answers,
    /// Not asked again sooner, in seconds.
    #[serde(default = "patience")]
    pub patience_s: u32,
    #[serde(flatten)]
    pub layout: Layout,
}

fn csv() -> String {
    "csv".to_owned()
}

fn patience() -> u32 {
    PATIENCE_S
}

impl Setup {
    pub fn check(&self) -> Result<(), Failure> {
        money::exponent(&self.currency)?;
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.ending.is_empty() || !self.ending.chars().all(good) {
            let message = format!("ending \"{}\": write letters and digits, such as csv", self.ending);
            return Err(Failure::invalid("settings", message));
        }
        self.layout.check()
    }

    /// What no file can say.
    pub fn check_posting(&self, posting: &Posting) -> Result<(), Failure> {
        let (amount, currency) = (&posting.amount, &self.currency);
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if amount.currency != *currency {
            let message = format!("the posting is in {}, the matter software in {currency}", amount.currency);
            return Err(Failure::invalid("currency", message));
        }
        // A reversal arrives above zero too.
        if amount.amount_minor < 0 {
            let message =
                format!("the posting is of {} minor units: below zero there is none", amount.amount_minor);
            return Err(Failure::invalid("amount", message));
        }
        if posting.key.is_empty() || posting.key.len() > KEY_MAX_BYTES || !posting.key.chars().all(good) {
            let message = "the posting's key is no name for a file: letters, digits, - and _, at most 80";
            return Err(Failure::invalid("key", message));
        }
        Ok(())
    }

    /// Of the posting's key; a file after a refusal has a name of its own, so that the old answer is not taken for its.
    pub fn file_name(&self, note: &Note) -> String {
        match note.refused {
            0 => format!("{}.{}", note.key, self.ending),
            refused => format!("{}-{}.{}", note.key, u64::from(refused) + 1, self.ending),
        }
    }
}
