//! Granted folders of .eml files.

use super::not_there;
use crate::grants::Right;
use crate::job::JobState;
use crate::reach::maildir::put;
use crate::wit::maildir::Host;
use crate::wit::types::Failure;

impl Host for JobState {
    async fn put(
        &mut self,
        folder: String,
        name: String,
        message: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Failure>> {
        self.carry(message.len());
        serve!(self, "maildir.put", self.put_granted(&folder, name, message).await)
    }
}

impl JobState {
    async fn put_granted(&mut self, folder: &str, name: String, message: Vec<u8>) -> Result<(), Failure> {
        self.grant(Right::Maildir, folder)?;
        let known = self.around.opened.maildirs.get(folder);
        let path = known.cloned().ok_or_else(|| not_there("mail folder", "[[maildir]]", folder))?;
        let before = self.ledger.touched();
        self.ledger.touch();
        // A disk that hangs is bounded by the job's own deadline; the write then goes on alone and is whole or absent.
        let answer = match tokio::task::spawn_blocking(move || put(&path, &name, &message)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::unknown("stopped", "writing the message was interrupted")),
        };
        self.settle(before, &answer);
        answer
    }
}
