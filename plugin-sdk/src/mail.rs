//! Mail providers: send a message, tell what bounced. Owns the trait and its export.

use crate::wit::mail::exports::remitd::plugin::mail_provider as contract;
use crate::{About, Context, Description, Failure, Webhook, guest};
use std::marker::PhantomData;

pub use contract::{Accepted, Bounce, BounceKind, BouncePage, Mailbox, Message};

pub trait MailProvider: Sized {
    const ABOUT: About;
    /// Whether the same message-id sent again is one message all the same. Where it is not, an attempt whose end is unknown
    /// is held until a person decides.
    const REPEATS_SAFELY: bool;
    /// Reads the settings.
    fn open() -> Result<Self, Failure>;
    fn send(&self, context: &Context, message: &Message) -> Result<Accepted, Failure>;

    /// What bounced after the cursor. A provider that does not tell has nothing to say.
    fn bounces_since(&self, _context: &Context, _cursor: Option<&str>) -> Result<BouncePage, Failure> {
        Ok(BouncePage { bounces: Vec::new(), next: None })
    }

    fn read_webhook(&self, _context: &Context, _webhook: &Webhook) -> Result<Vec<Bounce>, Failure> {
        Err(Failure::not_supported("read webhooks: its provider sends none"))
    }
}

/// Makes an author's type what the contract asks for.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

fn opened<T: MailProvider>() -> Result<T, Failure> {
    guest::start();
    T::open()
}

impl<T: MailProvider> contract::Guest for Exported<T> {
    fn describe() -> Description {
        guest::start();
        T::ABOUT.into()
    }

    fn repeats_safely() -> bool {
        T::REPEATS_SAFELY
    }

    fn send(context: Context, message: Message) -> Result<Accepted, Failure> {
        opened::<T>()?.send(&context, &message)
    }

    fn bounces_since(context: Context, cursor: Option<String>) -> Result<BouncePage, Failure> {
        opened::<T>()?.bounces_since(&context, cursor.as_deref())
    }

    fn read_webhook(context: Context, webhook: Webhook) -> Result<Vec<Bounce>, Failure> {
        opened::<T>()?.read_webhook(&context, &webhook)
    }
}

/// Makes the type the mail provider of this component.
#[macro_export]
macro_rules! export_mail_provider {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::mail::Exported<$plugin>;
    $crate::wit::mail::export!(Exported with_types_in $crate::wit::mail);
        };
    };
}
