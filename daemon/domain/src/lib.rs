//! The rules of the road: money, drafts, requests, links, payments and postings. Owns every decision that can be taken
//! without looking outside. Never does I/O, never reads a clock or a random source, never waits: both are handed in.

pub mod account;
pub mod draft;
pub mod email;
pub mod id;
pub mod link;
pub mod money;
pub mod payment;
pub mod policy;
pub mod posting;
pub mod push;
pub mod reconcile;
pub mod request;
pub mod shares;
pub mod stale;
pub mod time;
pub mod trust;
pub mod zeros;
