//! What left the house for one message: at a relay, in a folder, at a provider. Judges nothing.

use super::message;
use crate::bench::{Bench, KEY};
use crate::case::{Ended, failed, shown, unbroken};
use crate::error::KitError;
use crate::peers::http::Seen;
use crate::peers::smtp::Caught;
use crate::spoken;
use crate::world::World;
use fs_err as fs;
use remitd_flow::plugin::mail::{Accepted, Message};
use remitd_host::Failure;

/// Everything of one world.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub caught: Vec<Caught>,
    /// Files of the mail folders by name.
    pub files: Vec<(String, Vec<u8>)>,
    /// Requests that change something.
    pub requests: Vec<Seen>,
}

impl Left {
    pub fn of(world: &World) -> Result<Left, KitError> {
        let mut files = Vec::new();
        for (_, folder) in &world.maildirs {
            for file in fs::read_dir(folder)? {
                let path = file?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                files.push((name, fs::read(&path)?));
            }
        }
        files.sort();
        let caught = world.relays.iter().flat_map(|relay| relay.caught()).collect();
        Ok(Left { caught, files, requests: spoken::changing(world) })
    }

    pub fn count(&self) -> usize {
        self.caught.len() + self.files.len() + self.requests.len()
    }

    /// Messages in wire form, with the name of where they are.
    pub fn wires(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let caught = self.caught.iter().map(|caught| ("at the mail server", caught.message.as_slice()));
        caught.chain(self.files.iter().map(|(_, bytes)| ("in the mail folder", bytes.as_slice())))
    }
}

pub(super) type Answer = Result<Accepted, Failure>;

pub(super) async fn send(world: &World, key: &str, message: &Message) -> Result<Answer, Ended> {
    let answer = world.mail_provider()?.send(world.job(key), message.clone()).await;
    if let Err(failure) = &answer {
        world.record.heard("send", failure);
    }
    unbroken(&answer, "in send")?;
    Ok(answer)
}

/// One message in a fresh world.
pub(super) async fn sent(bench: &Bench, message: &Message) -> Result<(Answer, Left), Ended> {
    let world = bench.fresh().await?;
    let answer = send(&world, KEY, message).await?;
    Ok((answer, Left::of(&world)?))
}

/// The same, where it must be accepted.
pub(super) async fn accepted(bench: &Bench, message: &Message, what: &str) -> Result<Left, Ended> {
    match sent(bench, message).await? {
        (Ok(_), left) => Ok(left),
        (Err(failure), _) => Err(failed(format!("{what} is not accepted: {}", shown(&failure)))),
    }
}

/// The usual message, changed, its wire form made anew.
pub(super) fn changed(change: impl FnOnce(&mut Message)) -> Message {
    let mut message = message(KEY);
    change(&mut message);
    message.wire = super::wire(&message);
    message
}
