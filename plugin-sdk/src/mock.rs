//! The daemon for `cargo test`: [`install`] sets the services that it answers with, [`read`] hands an importer a file. Never part of
//! a component.

mod reading;

pub use crate::services::{Services, folder as outbox, install, logged};
pub use reading::{Reading, conventions, read};
