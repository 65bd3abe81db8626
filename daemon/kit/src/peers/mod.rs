//! What a plugin talks to while it is tried: a database, a server, a relay, all real and all the kit's own. Each remembers what
//! it was told, ends with its world, and knows no case.

pub(crate) mod http;
pub(crate) mod smtp;
pub(crate) mod sqlite;
