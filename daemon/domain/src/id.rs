//! Identities: a newtype each, so that a payment's id cannot be passed where a request's is due.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    )*};
}

id! {
    /// A batch of drafts.
    BatchId,
    /// A payment request, from draft to its end.
    RequestId,
    /// One visit to the gateway's checkout.
    CheckoutId,
    PaymentId,
    PostingId,
    /// One e-mail.
    MessageId,
    /// One piece of work that reaches outside.
    EffectId,
}
