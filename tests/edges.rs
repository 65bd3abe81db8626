//! Where files come from in the real world, and how they get here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "edges/dropping.rs"]
mod dropping;
#[path = "edges/folder.rs"]
mod folder;
#[path = "edges/names.rs"]
mod names;
#[path = "edges/outages.rs"]
mod outages;
#[path = "edges/progress.rs"]
mod progress;
#[path = "edges/store.rs"]
mod store;
#[path = "edges/template.rs"]
mod template;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
