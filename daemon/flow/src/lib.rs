//! The road, a folder a stage: `intake` makes drafts, `request` releases them as links, `deliver` mails them, `collect`
//! takes the payment, `post` writes it back. Stages never call each other: each leaves rows that the next one finds. `run`
//! keeps them all going.

pub mod collect;
pub mod deliver;
pub mod effect;
mod error;
mod fault;
pub mod intake;
pub mod plugin;
pub mod post;
pub mod reconcile;
mod release;
pub mod request;
mod road;
pub mod run;
mod sheet;
pub mod trial;

pub use error::FlowError;
pub use fault::{Crashed, Faults, NoFaults};
pub use release::{Policy, Release};
pub use road::{
    Account, Dated, Entry, Firm, Limits, Mail, Mailbox, OnUnknown, Plugins, Posting, Road, Seats, Wake,
};
