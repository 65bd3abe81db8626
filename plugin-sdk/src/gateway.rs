//! Payment gateways: begin a checkout, cancel it, tell what happened, give money back. Owns the trait and its export.

use crate::wit::gateway::exports::remitd::plugin::payment_gateway as contract;
use crate::{About, Context, Description, Failure, Money, Webhook, guest};
use std::marker::PhantomData;

pub use contract::{Checkout, CheckoutLine, CheckoutRequest, Event, EventPage};

pub trait PaymentGateway: Sized {
    const ABOUT: About;
    /// Reads the settings.
    fn open() -> Result<Self, Failure>;
    /// Begins a checkout, once by the context's key.
    fn begin(&self, context: &Context, request: &CheckoutRequest) -> Result<Checkout, Failure>;
    /// After this the checkout cannot be paid. `invalid` with code `already-paid` where it is too late.
    fn cancel(&self, context: &Context, gateway_ref: &str) -> Result<(), Failure>;
    fn events_since(&self, context: &Context, cursor: Option<&str>) -> Result<EventPage, Failure>;
    /// Checks the signature, then gives the events. `invalid` with code `bad-signature` for a forged one.
    fn read_webhook(&self, context: &Context, webhook: &Webhook) -> Result<Vec<Event>, Failure>;
    /// Gives back so much of a payment, once by the context's key; the gateway's id of the refund.
    fn refund(&self, context: &Context, payment: &str, amount: &Money) -> Result<String, Failure>;
}

/// Makes an author's type what the contract asks for.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

fn opened<T: PaymentGateway>() -> Result<T, Failure> {
    guest::start();
    T::open()
}

impl<T: PaymentGateway> contract::Guest for Exported<T> {
    fn describe() -> Description {
        guest::start();
        T::ABOUT.into()
    }

    fn begin(context: Context, request: CheckoutRequest) -> Result<Checkout, Failure> {
        opened::<T>()?.begin(&context, &request)
    }

    fn cancel(context: Context, gateway_ref: String) -> Result<(), Failure> {
        opened::<T>()?.cancel(&context, &gateway_ref)
    }

    fn events_since(context: Context, cursor: Option<String>) -> Result<EventPage, Failure> {
        opened::<T>()?.events_since(&context, cursor.as_deref())
    }

    fn read_webhook(context: Context, webhook: Webhook) -> Result<Vec<Event>, Failure> {
        opened::<T>()?.read_webhook(&context, &webhook)
    }

    fn refund(context: Context, payment: String, amount: Money) -> Result<String, Failure> {
        opened::<T>()?.refund(&context, &payment, &amount)
    }
}

/// Makes the type the payment gateway of this component.
#[macro_export]
macro_rules! export_payment_gateway {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::gateway::Exported<$plugin>;
    $crate::wit::gateway::export!(Exported with_types_in $crate::wit::gateway);
        };
    };
}
