//! What a matter database has of what was posted: the second trait of a connector, for those that can tell. Owns the trait and
//! its export, which stands beside `export_connector!`; a connector without it works, and cannot be reconciled.

use crate::connector::Connector;
use crate::wit::receipts::exports::remitd::plugin::receipts as contract;
use crate::{Context, Failure, guest};
use std::marker::PhantomData;

pub use contract::{Receipt, ReceiptPage};

pub trait Receipts: Connector {
    /// Every receipt that has a posting's key and stands after the cursor, in the cursor's order, as it is now.
    fn written_since(
        &self,
        context: &Context,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<ReceiptPage, Failure>;
}

/// Makes an author's type what the contract asks for.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: Receipts> contract::Guest for Exported<T> {
    fn written_since(context: Context, cursor: Option<String>, limit: u32) -> Result<ReceiptPage, Failure> {
        guest::start();
        T::open()?.written_since(&context, cursor.as_deref(), limit)
    }
}

/// Has the connector of this component tell what was posted, too.
#[macro_export]
macro_rules! export_receipts {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::receipts::Exported<$plugin>;
    $crate::wit::receipts::export!(Exported with_types_in $crate::wit::receipts);
        };
    };
}
