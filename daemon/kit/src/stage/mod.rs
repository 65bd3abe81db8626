//! What cases are played on: worlds with a plugin in them, the calls that are made there, and what was seen. Knows no kind and
//! judges nothing.

pub mod act;
pub mod bench;
pub mod case;
pub mod evidence;
pub mod ground;
pub mod report;
pub mod world;
