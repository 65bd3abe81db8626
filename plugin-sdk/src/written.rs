//! Whether a posting is written: a further trait of a connector, for those that can look for a key. Owns the trait and its export,
//! which stands beside `export_connector!`; without it, what an attempt left unknown is found only by posting again.

use crate::connector::Connector;
use crate::wit::written::exports::remitd::plugin::written as contract;
use crate::{Context, Failure, guest};
use std::marker::PhantomData;

pub use contract::Entry;

pub trait Written: Connector {
    /// What stands under the key of a posting or of a reversal; none where nothing does. Writes nothing.
    fn by_key(&self, context: &Context, key: &str) -> Result<Option<Entry>, Failure>;
}

/// Makes an author's type what the contract asks for.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: Written> contract::Guest for Exported<T> {
    fn by_key(context: Context, key: String) -> Result<Option<Entry>, Failure> {
        guest::start();
        T::open()?.by_key(&context, &key)
    }
}

/// Has the connector of this component look for a key, too.
#[macro_export]
macro_rules! export_written {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::written::Exported<$plugin>;
    $crate::wit::written::export!(Exported with_types_in $crate::wit::written);
        };
    };
}
