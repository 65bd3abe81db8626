//! Granted folders that other software takes files from.

use super::not_there;
use crate::grants::Right;
use crate::job::JobState;
use crate::reach::Outbox;
use crate::wit::outbox::{Host, Place};
use crate::wit::types::Failure;

type Answer<T> = wasmtime::Result<Result<T, Failure>>;

impl Host for JobState {
    async fn look(&mut self, outbox: String, staged: String, name: String) -> Answer<Place> {
        let looked = move |outbox: Outbox| outbox.look(&staged, &name);
        serve!(self, "outbox.look", self.reading(&outbox, looked).await)
    }

    async fn stage(&mut self, outbox: String, staged: String, content: Vec<u8>) -> Answer<()> {
        self.carry(content.len());
        let write = move |outbox: Outbox| outbox.stage(&staged, &content);
        serve!(self, "outbox.stage", self.changing(&outbox, write).await)
    }

    async fn release(&mut self, outbox: String, staged: String, name: String) -> Answer<()> {
        let moved = move |outbox: Outbox| outbox.release(&staged, &name);
        serve!(self, "outbox.release", self.changing(&outbox, moved).await)
    }

    async fn discard(&mut self, outbox: String, staged: String) -> Answer<()> {
        let removed = move |outbox: Outbox| outbox.discard(&staged);
        serve!(self, "outbox.discard", self.changing(&outbox, removed).await)
    }

    async fn answer(&mut self, outbox: String, name: String) -> Answer<Option<Vec<u8>>> {
        let read = move |outbox: Outbox| outbox.answer(&name);
        serve!(self, "outbox.answer", self.reading(&outbox, read).await)
    }
}

impl JobState {
    fn granted_outbox(&self, outbox: &str) -> Result<Outbox, Failure> {
        self.grant(Right::Outbox, outbox)?;
        let known = self.around.opened.outboxes.get(outbox);
        known.cloned().ok_or_else(|| not_there("outbox", "[[outbox]]", outbox))
    }

    /// A disk that hangs is bounded by the job's own deadline.
    async fn reading<T: Send + 'static>(
        &mut self,
        outbox: &str,
        work: impl FnOnce(Outbox) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let outbox = self.granted_outbox(outbox)?;
        let done = tokio::task::spawn_blocking(move || work(outbox)).await;
        done.unwrap_or_else(|_| Err(Failure::unavailable("stopped", "reading the folder was interrupted")))
    }

    /// The same where it changes something; a change goes on alone and is whole or absent.
    async fn changing(
        &mut self,
        outbox: &str,
        work: impl FnOnce(Outbox) -> Result<(), Failure> + Send + 'static,
    ) -> Result<(), Failure> {
        let outbox = self.granted_outbox(outbox)?;
        let before = self.ledger.touched();
        self.ledger.touch();
        let answer = match tokio::task::spawn_blocking(move || work(outbox)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::unknown("stopped", "writing the file was interrupted")),
        };
        self.settle(before, &answer);
        answer
    }
}
