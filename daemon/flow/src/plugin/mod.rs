//! Plugins as the road calls them: one typed wrapper a kind, an async method an export. Owns the business half of the contract
//! (drafts in, statements, postings, messages, checkouts); the host knows none of it.

pub mod connector;
pub mod gateway;
mod importer;
mod intake;
mod keeper;
pub mod mail;
#[cfg(test)]
mod tests;
mod world;

pub use connector::Connector;
pub use gateway::Gateway;
pub use importer::{Conventions, HEAD_BYTES, Importer};
pub use intake::{ByteSource, Delivered, extend};
pub use keeper::Keeper;
pub use mail::MailProvider;

pub use remitd_host::JobSpec;

use remitd_host::{Host, HostError, Kind, Plugin};
use std::sync::Arc;

/// A plugin and the host that runs it, known to be of the right kind.
#[derive(Clone)]
struct Seat {
    host: Arc<Host>,
    plugin: Arc<Plugin>,
}

impl Seat {
    fn new(host: Arc<Host>, plugin: Arc<Plugin>, wanted: Kind) -> Result<Seat, HostError> {
        if plugin.kind() != wanted {
            let (plugin, is) = (plugin.id().to_owned(), plugin.kind());
            return Err(HostError::WrongKind { plugin, is, wanted });
        }
        Ok(Seat { host, plugin })
    }

    /// The error of exports whose types are not the contract's.
    fn unfit(&self, error: &wasmtime::Error) -> HostError {
        HostError::Unfit { plugin: self.plugin.id().to_owned(), reason: format!("{error:#}") }
    }
}

/// One export's method: a fresh instance, the call, its answer.
macro_rules! calls {
    ($seat:expr, $pre:expr, $job:expr, $interface:ident, |$guest:ident, $store:ident, $context:ident| $call:expr) => {{
        let bound = $pre.clone();
        $seat
            .host
            .run(&$seat.plugin, $job, move |mut $store, _, $context| async move {
                let instance = bound.instantiate_async(&mut $store).await?;
                let $guest = instance.$interface();
                $call.await
            })
            .await
    }};
}
use calls;
