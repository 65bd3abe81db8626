//! Importers: a file in pieces, its drafts in batches.

use super::intake::{ByteSource, Delivered, Sink};
use super::world::importer::ImporterPluginPre;
use super::{Seat, calls};
use remitd_host::{Failure, Host, HostError, JobSpec, JobState, Kind, Plugin, Stands};
use std::sync::Arc;
use tokio::sync::mpsc;
use wasmtime::component::Resource;

pub use super::world::importer::remitd::plugin::intake::Conventions;

/// How much of a file `recognise` is shown, in bytes.
pub const HEAD_BYTES: usize = 16 << 10;

#[derive(Clone)]
pub struct Importer {
    seat: Seat,
    pre: ImporterPluginPre<JobState>,
}

impl Importer {
    /// Refuses a plugin of another kind, and one whose exports are not the contract's.
    pub fn new(host: Arc<Host>, plugin: Arc<Plugin>) -> Result<Importer, HostError> {
        let seat = Seat::new(host, plugin, Kind::Importer)?;
        let pre = ImporterPluginPre::new(seat.plugin.pre().clone()).map_err(|error| seat.unfit(&error))?;
        Ok(Importer { seat, pre })
    }

    /// Whether a file of this name that begins so is for this importer: 0 (no) to 100 (sure).
    pub async fn recognise(&self, file_name: String, mut head: Vec<u8>) -> Result<u8, Failure> {
        head.truncate(HEAD_BYTES);
        let pre = self.pre.clone();
        let job = JobSpec { stands: Stands::Beside, ..JobSpec::new("recognise", "recognise") };
        let call = self.seat.host.run(&self.seat.plugin, job, move |mut store, _, _| async move {
            let instance = pre.instantiate_async(&mut store).await?;
            let importer = instance.remitd_plugin_importer();
            let sure = importer.call_recognise(&mut store, &file_name, &head).await?;
            Ok(Ok(sure.min(100)))
        });
        call.await
    }

    /// Reads `source` to its end; what is found goes out batch by batch as fast as `out` takes it. Gives the number of rows
    /// that the plugin says it saw.
    pub async fn read(
        &self,
        job: JobSpec,
        source: impl Into<ByteSource>,
        out: mpsc::Sender<Delivered>,
        conventions: Conventions,
    ) -> Result<u64, Failure> {
        let (source, job) = (source.into(), JobSpec { long: true, ..job });
        calls!(self.seat, self.pre, job, remitd_plugin_importer, |guest, store, context| {
            let source = store.data_mut().table().push(source)?;
            let sink = store.data_mut().table().push(Sink::new(out))?;
            // The guest borrows both; they go with the store.
            let (source, sink) = (Resource::new_borrow(source.rep()), Resource::new_borrow(sink.rep()));
            async move { guest.call_read(&mut store, &context, source, sink, &conventions).await }
        })
    }
}
