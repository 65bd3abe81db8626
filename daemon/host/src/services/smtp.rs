//! Mail over granted relays.

use super::not_there;
use crate::grants::Right;
use crate::job::JobState;
use crate::reach::smtp::{Envelope, TIMEOUT};
use crate::wit::smtp::Host;
use crate::wit::types::Failure;
use tokio::time::Instant;

impl Host for JobState {
    async fn send(
        &mut self,
        connection: String,
        envelope_from: String,
        recipients: Vec<String>,
        message: Vec<u8>,
    ) -> wasmtime::Result<Result<String, Failure>> {
        self.carry(message.len());
        serve!(
            self,
            "smtp.send",
            self.send_mail_granted(&connection, &envelope_from, &recipients, &message).await
        )
    }
}

impl JobState {
    async fn send_mail_granted(
        &mut self,
        connection: &str,
        sender: &str,
        recipients: &[String],
        message: &[u8],
    ) -> Result<String, Failure> {
        self.grant(Right::Smtp, connection)?;
        let relay = self.around.opened.smtp.get(connection);
        let relay = relay.ok_or_else(|| not_there("mail server", "[[smtp]]", connection))?;
        let envelope = Envelope::check(sender, recipients, message)?;
        let before = self.ledger.touched();
        self.ledger.touch();
        let deadline = Instant::now() + TIMEOUT.min(self.left());
        let answer = relay.send(&envelope, deadline).await;
        self.settle(before, &answer);
        answer
    }
}
