//! Why the kit could not play at all. What a plugin does wrong is never in here: that is a case that failed.

use remitd_host::HostError;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum KitError {
    #[error("{}: {fault}", path.display())]
    Fixture { path: PathBuf, fault: String },
    #[error("the component cannot be loaded: {0}")]
    Load(#[from] HostError),
    #[error("the script of [sql.{name}] failed: {fault}")]
    Script { name: String, fault: String },
    #[error("the kit's own peer {peer} failed: {fault}")]
    Peer { peer: String, fault: String },
    #[error("the kit's own folder: {0}")]
    Folder(#[from] std::io::Error),
}

impl KitError {
    pub(crate) fn peer(peer: &str, fault: impl std::fmt::Display) -> KitError {
        KitError::Peer { peer: peer.to_owned(), fault: fault.to_string() }
    }
}
