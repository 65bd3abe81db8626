//! What a firm has decided for a door: what becomes of bad rows, which rows share a link, and what counts as asked for
//! already. The names are those of the configuration, the command line and the store.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$of])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            pub const NAMES: &'static [($name, &'static str)] = &[$(($name::$variant, $text)),+];

            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            pub fn from_name(name: &str) -> Option<$name> {
                $name::NAMES.iter().find(|(_, known)| *known == name).map(|(policy, _)| *policy)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

named! {
    /// What becomes of a file with bad rows.
    OnError {
        /// Nothing of it is taken.
        #[default]
        Reject = "reject",
        /// The good rows go on; the bad ones are kept until a person mends or deletes them.
        Hold = "hold",
    }
}

named! {
    /// What one link asks for.
    OneLink {
        #[default]
        Row = "row",
        /// The rows of one payer and client in a batch, together.
        Payer = "payer",
    }
}

named! {
    /// When a row is a duplicate of an earlier request for the same invoice of the same account.
    Duplicates {
        /// While the earlier link can still be paid.
        #[default]
        Live = "live",
        /// Also when it was paid, in whole or in part.
        Paid = "paid",
        /// Also when it was cancelled or has expired.
        Ever = "ever",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for (policy, name) in Duplicates::NAMES {
            assert_eq!((Duplicates::from_name(name), policy.to_string().as_str()), (Some(*policy), *name));
        }
        assert_eq!((OnError::from_name("hold"), OneLink::from_name("Payer")), (Some(OnError::Hold), None));
        assert_eq!((OnError::default(), OneLink::default()), (OnError::Reject, OneLink::Row));
    }
}
