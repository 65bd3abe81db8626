//! An act: one call of one export with usual arguments, its answer as a text that can be compared. The shared cases play every
//! act of a kind without knowing what it means.

use crate::bench::Bench;
use crate::case::Ended;
use crate::world::World;
use remitd_host::{Failure, JobSpec};
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

/// What a call said.
pub(crate) type Said = Result<String, Failure>;
pub(crate) type Acting<'w> = Pin<Box<dyn Future<Output = Result<Said, Ended>> + Send + 'w>>;

/// How an act is played.
type Play = dyn for<'w> Fn(&'w World, JobSpec) -> Acting<'w> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Act {
    /// As an author calls it: `post`, `read good.csv`.
    pub name: String,
    /// Whether the same job again is promised to be one thing outside.
    pub repeats: Repeats,
    /// What must have gone before it, under a key of its own.
    first: Option<Box<(Act, &'static str)>>,
    play: Arc<Play>,
}

/// What the contract says about the same job again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// It is one thing outside, however often it is done.
    Safely,
    /// The plugin itself says that it would be two: the daemon asks a person first.
    Never,
}

impl Act {
    pub fn new<F>(name: impl Into<String>, play: F) -> Act
    where
        F: for<'w> Fn(&'w World, JobSpec) -> Acting<'w> + Send + Sync + 'static,
    {
        Act { name: name.into(), repeats: Repeats::Safely, first: None, play: Arc::new(play) }
    }

    pub fn repeating(mut self, repeats: Repeats) -> Act {
        self.repeats = repeats;
        self
    }

    /// After another one, which is played undisturbed.
    pub fn after(mut self, first: Act, key: &'static str) -> Act {
        self.first = Some(Box::new((first, key)));
        self
    }

    /// Plays what must have gone before.
    pub async fn prepare(&self, world: &World) -> Result<(), Ended> {
        if let Some(before) = &self.first {
            let (act, key) = before.as_ref();
            // Where that fails, its own cases say so.
            let _ = (act.play)(world, world.job(key)).await?;
            world.hand.take_called();
        }
        Ok(())
    }

    /// Plays it; the outer error is the kit's own.
    pub async fn play(&self, world: &World, job: JobSpec) -> Result<Said, Ended> {
        let said = (self.play)(world, job).await?;
        if let Err(failure) = &said {
            world.record.heard(&self.name, failure);
        }
        Ok(said)
    }
}

/// An answer as a text.
pub(crate) fn said<T: Debug>(answer: Result<T, Failure>) -> Result<Said, Ended> {
    Ok(answer.map(|value| format!("{value:?}")))
}

/// A kind's acts, once they are known.
pub(crate) type Acts<'a> = Pin<Box<dyn Future<Output = Result<Vec<Act>, Ended>> + Send + 'a>>;

/// The acts of one kind.
#[derive(Clone, Copy)]
pub(crate) struct Usual {
    /// As far as the fixture gives what they need.
    pub acts: for<'a> fn(&'a Bench) -> Acts<'a>,
    /// The same with a text in every argument that takes one.
    pub hostile: for<'a> fn(&'a Bench, &'a str) -> Acts<'a>,
}
