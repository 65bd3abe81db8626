//! One harness over all kinds of effects, on both databases: each performed twice, crashed at every point that it passes, and
//! with the outside away; then the races in which one effect is wanted by many. Nothing is mocked: the plugins are those that
//! come with remitd, the provider, the mails and the matter database are real.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "effects/case.rs"]
mod case;
#[path = "effects/evidence.rs"]
mod evidence;
#[path = "effects/faults.rs"]
mod faults;
#[path = "effects/firm.rs"]
mod firm;
#[path = "effects/gone.rs"]
mod gone;
#[path = "effects/judge.rs"]
mod judge;
#[path = "effects/mail.rs"]
mod mail;
#[path = "effects/model.rs"]
mod model;
#[path = "effects/provider.rs"]
mod provider;
#[path = "effects/races.rs"]
mod races;
#[path = "effects/road.rs"]
mod road;
#[path = "effects/told.rs"]
mod told;
#[path = "effects/trials.rs"]
mod trials;

use case::Case;
use firm::Books;

macro_rules! every_case {
    ($($name:ident: $case:ident),* $(,)?) => {
        const CASES: &[Case] = &[$(Case::$case),*];

        mod on_sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                trials::all(Case::$case, Books::Sqlite).await;
            })*
        }

        mod on_postgres {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                trials::all(Case::$case, Books::Postgres).await;
            })*
        }
    };
}

every_case! {
    mail: Mail,
    mails: Mails,
    checkout: Checkout,
    close: Close,
    close_of_a_checkout_never_heard_of: CloseUnheard,
    post: Post,
    reversal: Reversal,
    poll: Poll,
    push: Push,
    reconcile: Reconcile,
}

#[test]
fn no_kind_is_left_out() {
    let missing: Vec<_> = remitd_flow::effect::KINDS
        .iter()
        .filter(|kind| !CASES.iter().any(|case| case.kind() == **kind))
        .collect();
    assert!(missing.is_empty(), "add a case for each of these kinds: {missing:?}");
}
