//! Mail providers.

use super::world::mail::{MailProviderPluginPre, exports::remitd::plugin::mail_provider as bound};
use super::{Seat, calls};
use remitd_host::{Failure, Host, HostError, JobSpec, JobState, Kind, Plugin, Webhook};
use std::sync::Arc;

pub use bound::{Accepted, Bounce, BounceKind, BouncePage, Mailbox, Message};

#[derive(Clone)]
pub struct MailProvider {
    seat: Seat,
    pre: MailProviderPluginPre<JobState>,
}

impl MailProvider {
    /// Refuses a plugin of another kind, and one whose exports are not the contract's.
    pub fn new(host: Arc<Host>, plugin: Arc<Plugin>) -> Result<MailProvider, HostError> {
        let seat = Seat::new(host, plugin, Kind::MailProvider)?;
        let pre =
            MailProviderPluginPre::new(seat.plugin.pre().clone()).map_err(|error| seat.unfit(&error))?;
        Ok(MailProvider { seat, pre })
    }

    /// Whether the same message-id sent again is one message all the same.
    pub async fn repeats_safely(&self, job: JobSpec) -> Result<bool, Failure> {
        let pre = self.pre.clone();
        let call = self.seat.host.run(&self.seat.plugin, job, move |mut store, _, _| async move {
            let instance = pre.instantiate_async(&mut store).await?;
            let safe = instance.remitd_plugin_mail_provider().call_repeats_safely(&mut store).await?;
            Ok(Ok(safe))
        });
        call.await
    }

    pub async fn send(&self, job: JobSpec, message: Message) -> Result<Accepted, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_mail_provider, |guest, store, context| {
            guest.call_send(&mut store, &context, &message)
        })
    }

    pub async fn bounces_since(&self, job: JobSpec, cursor: Option<String>) -> Result<BouncePage, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_mail_provider, |guest, store, context| {
            guest.call_bounces_since(&mut store, &context, cursor.as_deref())
        })
    }

    pub async fn read_webhook(&self, job: JobSpec, webhook: Webhook) -> Result<Vec<Bounce>, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_mail_provider, |guest, store, context| {
            guest.call_read_webhook(&mut store, &context, &webhook)
        })
    }
}
