//! Payment gateways.

use super::world::gateway::{PaymentGatewayPluginPre, exports::remitd::plugin::payment_gateway as bound};
use super::{Seat, calls};
use remitd_host::{Failure, Host, HostError, JobSpec, JobState, Kind, Money, Plugin, Webhook};
use std::sync::Arc;

pub use bound::{Checkout, CheckoutLine, CheckoutRequest, Event, EventPage};

#[derive(Clone)]
pub struct Gateway {
    seat: Seat,
    pre: PaymentGatewayPluginPre<JobState>,
}

impl Gateway {
    /// Refuses a plugin of another kind, and one whose exports are not the contract's.
    pub fn new(host: Arc<Host>, plugin: Arc<Plugin>) -> Result<Gateway, HostError> {
        let seat = Seat::new(host, plugin, Kind::PaymentGateway)?;
        let pre =
            PaymentGatewayPluginPre::new(seat.plugin.pre().clone()).map_err(|error| seat.unfit(&error))?;
        Ok(Gateway { seat, pre })
    }

    /// Begins a checkout, once by the job's key.
    pub async fn begin(&self, job: JobSpec, request: CheckoutRequest) -> Result<Checkout, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_payment_gateway, |guest, store, context| {
            guest.call_begin(&mut store, &context, &request)
        })
    }

    /// After this the checkout cannot be paid; `already-paid` where it is too late.
    pub async fn cancel(&self, job: JobSpec, gateway_ref: String) -> Result<(), Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_payment_gateway, |guest, store, context| {
            guest.call_cancel(&mut store, &context, &gateway_ref)
        })
    }

    pub async fn events_since(&self, job: JobSpec, cursor: Option<String>) -> Result<EventPage, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_payment_gateway, |guest, store, context| {
            guest.call_events_since(&mut store, &context, cursor.as_deref())
        })
    }

    /// Checks the signature, then gives the events; `bad-signature` for a forged one.
    pub async fn read_webhook(&self, job: JobSpec, webhook: Webhook) -> Result<Vec<Event>, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_payment_gateway, |guest, store, context| {
            guest.call_read_webhook(&mut store, &context, &webhook)
        })
    }

    /// Gives the gateway's id of the refund.
    pub async fn refund(&self, job: JobSpec, payment: String, amount: Money) -> Result<String, Failure> {
        calls!(self.seat, self.pre, job, remitd_plugin_payment_gateway, |guest, store, context| {
            guest.call_refund(&mut store, &context, &payment, &amount)
        })
    }
}
