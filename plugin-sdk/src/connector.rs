//! Connectors: one matter database, read for what is owed and written with what was paid. Owns the trait and its export.

use crate::wit::connector::exports::remitd::plugin::connector as contract;
use crate::{About, Context, Description, Failure, Money, guest};
use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

pub use contract::{Detail, Matter, Payer, PostResult, Posted, Posting, Statement, StatementPage};

pub trait Connector: Sized + 'static {
    const ABOUT: About;
    /// Reads the settings, once in an instance: what is made here lives on to the job's next call.
    fn open() -> Result<Self, Failure>;
    /// The names of the fields that `search` knows, the usual first.
    fn search_fields(&self) -> Result<Vec<String>, Failure>;
    fn search(&self, context: &Context, field: &str, text: &str, limit: u32) -> Result<Vec<Matter>, Failure>;
    /// One matter's open statements.
    fn open_statements(&self, context: &Context, matter: &str) -> Result<Vec<Statement>, Failure>;
    /// Every open statement after the cursor, in the cursor's order.
    fn open_since(
        &self,
        context: &Context,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<StatementPage, Failure>;
    /// One statement's balance as it stands; none when it is not there.
    fn balance(&self, context: &Context, statement: &str) -> Result<Option<Money>, Failure>;
    /// Writes one posting, exactly once by its key.
    fn post(&self, context: &Context, posting: &Posting) -> Result<PostResult, Failure>;
    /// Reverses what `original_key` wrote; `posting.key` is the reversal's own.
    fn reverse(
        &self,
        context: &Context,
        original_key: &str,
        posting: &Posting,
    ) -> Result<PostResult, Failure>;
}

/// Makes an author's type what the contract asks for.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

thread_local! {
    static OPENED: RefCell<Option<Rc<dyn Any>>> = const { RefCell::new(None) };
}

/// A job may call an instance more than once, as to ask for a balance and then post: its settings are read at the first call.
fn opened<T: Connector>() -> Result<Rc<T>, Failure> {
    guest::start();
    let before = OPENED.with_borrow(Option::clone).and_then(|opened| opened.downcast::<T>().ok());
    if let Some(opened) = before {
        return Ok(opened);
    }
    let opened = Rc::new(T::open()?);
    OPENED.set(Some(Rc::<T>::clone(&opened)));
    Ok(opened)
}

impl<T: Connector> contract::Guest for Exported<T> {
    fn describe() -> Description {
        guest::start();
        T::ABOUT.into()
    }

    fn search_fields() -> Result<Vec<String>, Failure> {
        opened::<T>()?.search_fields()
    }

    fn search(context: Context, field: String, text: String, limit: u32) -> Result<Vec<Matter>, Failure> {
        opened::<T>()?.search(&context, &field, &text, limit)
    }

    fn open_statements(context: Context, matter: String) -> Result<Vec<Statement>, Failure> {
        opened::<T>()?.open_statements(&context, &matter)
    }

    fn open_since(context: Context, cursor: Option<String>, limit: u32) -> Result<StatementPage, Failure> {
        opened::<T>()?.open_since(&context, cursor.as_deref(), limit)
    }

    fn balance(context: Context, statement: String) -> Result<Option<Money>, Failure> {
        opened::<T>()?.balance(&context, &statement)
    }

    fn post(context: Context, posting: Posting) -> Result<PostResult, Failure> {
        opened::<T>()?.post(&context, &posting)
    }

    fn reverse(context: Context, original_key: String, posting: Posting) -> Result<PostResult, Failure> {
        opened::<T>()?.reverse(&context, &original_key, &posting)
    }
}

/// Makes the type the connector of this component.
#[macro_export]
macro_rules! export_connector {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::connector::Exported<$plugin>;
    $crate::wit::connector::export!(Exported with_types_in $crate::wit::connector);
        };
    };
}
