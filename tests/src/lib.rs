//! What the tests share: real peers (PostgreSQL, MariaDB, an SMTP server by others, a mock of SQL Server), the daemon as a process, a payer with a
//! browser's manners. Sees remitd as its users do, by files, HTTP and commands: of our crates it knows only the sandbox
//! provider, which stands outside as a peer.
//!
//! Everything that is started here ends with the test's process, however that ends, and waits for events with a deadline.

// A harness fails loudly, at the line that called it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod chance;
mod command;
pub mod daemon;
pub mod firm;
pub mod mariadb;
pub mod matching;
pub mod matters;
pub mod misdeeds;
pub mod mssql;
pub mod payer;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod provider;
pub mod puppet;
pub mod session;
pub mod smtp;
mod user;
pub mod wire;
pub mod zoo;

pub use command::{Output, cli};
pub use payer::pay;
