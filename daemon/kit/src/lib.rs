//! The conformance kit: plays cases against one component, as an author runs them with `remitd plugin test FILE.wasm`. Owns the
//! cases, the peers that a plugin talks to meanwhile, and the words that say what failed and how to mend it. The plugin runs in
//! the daemon's own sandbox; the peers are real and stand on loopback and in a temporary folder. No daemon, no database server,
//! no network.
//!
//! A case ends passed, failed with a reason that an author can act on, or skipped because the plugin does nothing of the kind.

mod connector;
mod error;
pub mod fixture;
mod gateway;
mod hand;
mod importer;
mod mail;
mod peers;
mod shared;
mod spoken;
mod stage;
mod tokens;
mod webhooks;

pub use error::KitError;
pub use fixture::Fixture;
pub use report::{Outcome, Report, Took, Verdict};
pub use stage::bench::Clock;
pub use stage::{case, report};

use case::Case;
use remitd_host::Kind;
use stage::act::Usual;
use stage::bench::Bench;
use stage::{act, bench, evidence, world};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The usual calls of one kind's module.
macro_rules! usual {
    ($kind:ident) => {
        Usual {
            acts: |bench| Box::pin($kind::acts(bench)),
            hostile: |bench, text| Box::pin($kind::hostile(bench, text)),
        }
    };
}

/// For one case with all its worlds.
const CASE_MS: u64 = 30_000;

/// Every case that is played against a plugin of this kind, in their order.
pub fn cases(kind: Kind) -> Vec<Case> {
    let own = match kind {
        Kind::Importer => importer::cases(),
        Kind::Connector => connector::cases(),
        Kind::MailProvider => mail::cases(),
        Kind::PaymentGateway => gateway::cases(),
    };
    let over_http = if kind == Kind::Importer { Vec::new() } else { shared::over_http() };
    // The words of failures are judged over all that were heard before.
    [shared::first(), own, over_http, shared::last()].concat()
}

/// The usual calls of a kind.
fn usual(kind: Kind) -> Usual {
    match kind {
        Kind::Importer => usual!(importer),
        Kind::Connector => usual!(connector),
        Kind::MailProvider => usual!(mail),
        Kind::PaymentGateway => usual!(gateway),
    }
}

/// Plays every case of the component's kind; `told` hears each verdict as it falls. `cache` is a folder for compiled code, and
/// `clock` the time that the plugin is told.
pub async fn run(
    wasm: Vec<u8>,
    fixture: &Fixture,
    cache: &Path,
    clock: Clock,
    told: &mut (dyn FnMut(&Verdict) + Send),
) -> Result<Report, KitError> {
    play_all(wasm, fixture, cache, clock, told, |_| true).await
}

/// Plays only the cases of these names: for an author who mends one, and for the kit's own tests.
pub async fn run_only(
    wasm: Vec<u8>,
    fixture: &Fixture,
    cache: &Path,
    clock: Clock,
    names: &[&str],
) -> Result<Report, KitError> {
    play_all(wasm, fixture, cache, clock, &mut |_| {}, |case| names.contains(&case.name)).await
}

async fn play_all(
    wasm: Vec<u8>,
    fixture: &Fixture,
    cache: &Path,
    clock: Clock,
    told: &mut (dyn FnMut(&Verdict) + Send),
    wanted: impl Fn(&Case) -> bool,
) -> Result<Report, KitError> {
    let bench = Bench::open(wasm, fixture.clone(), cache, clock, usual).await?;
    let mut verdicts = Vec::new();
    for case in cases(bench.kind).into_iter().filter(wanted) {
        let verdict = play(&bench, case).await;
        told(&verdict);
        verdicts.push(verdict);
    }
    Ok(Report { kind: bench.kind, verdicts })
}

async fn play(bench: &Bench, case: Case) -> Verdict {
    let began = Instant::now();
    let ended = timeout(Duration::from_millis(CASE_MS), (case.run)(bench)).await;
    let result = match ended {
        Ok(tried) => Outcome::from(tried),
        Err(_) => Outcome::Failed(format!(
            "the case was not through after {CASE_MS} ms: a call of the plugin goes on for ever, or takes very long"
        )),
    };
    let took = bench.record.take_usage(began.elapsed());
    Verdict { case: case.name, about: case.about, result, took }
}
