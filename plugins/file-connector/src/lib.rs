//! Hands postings over as files, for matter software that imports receipts from a folder. Owns the way of one file: staged, noted,
//! dropped, taken, answered. A posting is dropped once: what is noted says which staged file is its own, and only that one is ever
//! released. Reads nothing of the matter software, which has no way to be asked.

mod answers;
mod layout;
mod note;
mod setup;

use answers::Answered;
use note::{Note, Step};
use remitd_plugin_sdk::connector::{
    Connector, Matter, PostResult, Posted, Posting, Statement, StatementPage,
};
use remitd_plugin_sdk::host::outbox::{self, Place};
use remitd_plugin_sdk::{About, Context, Failure, Money, export_connector, settings};
use setup::{PostedWhen, Setup};

pub struct FileConnector {
    setup: Setup,
}

fn unreadable(call: &str) -> Failure {
    let message = format!("files go one way: {call} cannot be asked of this matter software");
    Failure::invalid("not-configured", message)
}

impl Connector for FileConnector {
    const ABOUT: About = About {
        name: "File connector",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<FileConnector, Failure> {
        let setup: Setup = settings()?;
        setup.check()?;
        Ok(FileConnector { setup })
    }

    fn search_fields(&self) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }

    fn search(&self, _: &Context, _: &str, _: &str, _: u32) -> Result<Vec<Matter>, Failure> {
        Err(unreadable("a search"))
    }

    fn open_statements(&self, _: &Context, _: &str) -> Result<Vec<Statement>, Failure> {
        Err(unreadable("a matter's open statements"))
    }

    fn open_since(&self, _: &Context, _: Option<&str>, _: u32) -> Result<StatementPage, Failure> {
        Err(unreadable("what is open"))
    }

    fn balance(&self, _: &Context, _: &str) -> Result<Option<Money>, Failure> {
        Err(unreadable("a balance"))
    }

    fn post(&self, _: &Context, posting: &Posting) -> Result<PostResult, Failure> {
        self.hand_over(posting, None)
    }

    fn reverse(&self, _: &Context, original_key: &str, posting: &Posting) -> Result<PostResult, Failure> {
        self.hand_over(posting, Some(original_key))
    }
}

impl FileConnector {
    /// Goes on from wherever the last attempt came to.
    fn hand_over(&self, posting: &Posting, original: Option<&str>) -> Result<PostResult, Failure> {
        // What cannot be written is said before anything is noted.
        self.setup.check_posting(posting)?;
        let content = self.setup.layout.file(posting, original)?;
        let mut note = Note::read(&posting.key)?;
        let outcome = if note.is_known() { Posted::Found } else { Posted::Written };
        match note.step {
            Step::Done => return Ok(PostResult { outcome: Posted::Found, external_ref: note.number }),
            Step::New | Step::Rejected => self.stage(&mut note, &content)?,
            Step::Staged => {}
        }
        let (outbox, name) = (&self.setup.outbox, self.setup.file_name(&note));
        match outbox::look(outbox, &note.staged, &name)? {
            Place::Staged => {
                outbox::release(outbox, &note.staged, &name)?;
                if self.setup.posted != PostedWhen::Dropped {
                    return Err(self.not_taken(&name));
                }
            }
            Place::Waiting if self.setup.posted != PostedWhen::Dropped => return Err(self.not_taken(&name)),
            Place::Waiting | Place::Gone => {}
        }
        let number = match self.setup.posted {
            PostedWhen::Dropped | PostedWhen::Taken => None,
            PostedWhen::Answered => match self.setup.answers.read(outbox, &name)? {
                Answered::NotYet => return Err(self.not_answered(&name)),
                Answered::Booked(number) => number,
                Answered::Rejected(words) => {
                    // Noted first: who tries it again hands over a new file, whose answer is its own.
                    note.rejected()?;
                    return Err(Failure::invalid(
                        "rejected",
                        format!("the matter software refused {name}: {words}"),
                    ));
                }
            },
        };
        note.done(number.clone())?;
        Ok(PostResult { outcome, external_ref: number })
    }

    /// Stages the file under a name of chance and notes that name. Of several attempts at once only one is noted, and what the
    /// others have staged is never released.
    fn stage(&self, note: &mut Note, content: &[u8]) -> Result<(), Failure> {
        let staged = note::chance();
        outbox::stage(&self.setup.outbox, &staged, content)?;
        note.staged(&staged).inspect_err(|failure| {
            // Only what is surely not noted: where the answer was lost, the next attempt goes on with this file.
            if note::REFUSED.contains(&failure.code.as_str()) {
                // Best effort: it is out of everybody's sight.
                let _ = outbox::discard(&self.setup.outbox, &staged);
            }
        })
    }

    fn not_taken(&self, name: &str) -> Failure {
        let message =
            format!("{name} lies in the folder of \"{}\", and nobody has taken it yet", self.setup.outbox);
        Failure::unavailable("not-taken", message).retry_after(self.setup.patience_s)
    }

    fn not_answered(&self, name: &str) -> Failure {
        let message = format!("{name} was taken, and its answer is not there yet");
        Failure::unavailable("not-answered", message).retry_after(self.setup.patience_s)
    }
}

export_connector!(FileConnector);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
