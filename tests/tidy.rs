//! The rules of the house, read from the sources themselves. Each says what to do instead, and why. Never changes a file,
//! never runs the code that it reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/contract.rs"]
mod contract;
#[path = "tidy/crates.rs"]
mod crates;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/migrations.rs"]
mod migrations;
#[path = "tidy/reach.rs"]
mod reach;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/stages.rs"]
mod stages;
