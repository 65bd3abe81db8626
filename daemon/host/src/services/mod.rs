//! What a plugin may call: one file an interface. Each checks its grant first and answers with a typed failure; none of them
//! traps for a reason that the guest could handle.

mod clock;
mod http;
mod log;
mod maildir;
mod outbox;
mod random;
mod settings;
mod signature;
mod smtp;
mod sql;
mod state;

use crate::grants::Right;
use crate::job::JobState;
use crate::wit::types::{Failure, FailureClass};
use secrecy::SecretString;

impl JobState {
    /// Refuses what the plugin was not granted.
    fn grant(&self, right: Right, name: &str) -> Result<(), Failure> {
        self.charter.grants.check(right, name, &self.charter.plugin)
    }

    /// A granted secret.
    fn secret(&self, name: &str) -> Result<&SecretString, Failure> {
        self.charter.may_use(name)?;
        self.around.opened.secrets.get(name).ok_or_else(|| not_there("secret", "[secrets]", name))
    }

    /// Notes that `answer` came from a call begun when the ledger said `before`: a definite refusal changed nothing.
    fn settle<T, E: AsRef<Failure>>(&self, before: bool, answer: &Result<T, E>) {
        if let Err(error) = answer
            && error.as_ref().class != FailureClass::UnknownOutcome
        {
            self.ledger.untouch(before);
        }
    }
}

/// A grant that names something that is not configured.
fn not_there(what: &str, table: &str, name: &str) -> Failure {
    Failure::denied("not-configured", format!("there is no {what} \"{name}\": add it to {table}"))
}
