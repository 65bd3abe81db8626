//! What the daemon needs goes away under it and comes back: work waits and goes on by itself, nothing is lost or done twice.
//! And plugins that misbehave: their job fails with its own words, everything else goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "outages/commit.rs"]
mod commit;
#[path = "outages/keyless.rs"]
mod keyless;
#[path = "outages/locks.rs"]
mod locks;
#[path = "outages/matters.rs"]
mod matters;
#[path = "outages/plugins.rs"]
mod plugins;
#[path = "outages/reading.rs"]
mod reading;
#[path = "outages/relay.rs"]
mod relay;
#[path = "outages/store.rs"]
mod store;

use remitd_tests::firm::{Firm, dollars};
use remitd_tests::matters::Matters;
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const GOOD_CARD: &str = "4242424242424242";

/// Asks for an amount for an invoice, from a payer with a mail address; the link.
fn ask_for(firm: &Firm, invoice: &str, amount: &str) -> String {
    let args =
        ["request", "create", "--account", "operating", "--amount", amount, "--name", "Dana Whitfield"];
    let to = ["--email", "dana@example.com", "--invoice", invoice, "--matter", "00124.00001"];
    firm.ask(&[args.as_slice(), &to].concat())["link"].as_str().unwrap().to_owned()
}

/// Waits until everything is mailed and posted, and the money is the provider's.
fn settle_down(firm: &Firm, payments: i64) -> Value {
    let kept = firm.provider.totals().kept_minor;
    let books = firm.books("all is mailed, paid and posted", |books| {
        books["unmailed"] == 0 && books["unposted"] == 0 && books["payments"] == payments
    });
    assert_eq!((dollars(&books["paid"]), dollars(&books["posted"])), (kept, kept));
    books
}

fn receipts(firm: &Firm, matters: &Matters) -> usize {
    matters.ask(firm, "SELECT count(*) FROM receipt").parse().unwrap()
}

/// Where a statement of the mapping stands whose line begins so, in the configuration as it is now.
fn place_of(firm: &Firm, begins: &str) -> String {
    let toml = fs_err::read_to_string(firm.path("conf.d/matters.toml")).unwrap();
    let line = toml.lines().position(|line| line.starts_with(begins)).unwrap();
    format!("conf.d/matters.toml:{}", line + 1)
}

/// A posting tells where the statement stands that it was about.
fn placed(firm: &Firm, posting: &Value, begins: &str) {
    let place = posting["place"].as_str().unwrap_or_default();
    assert!(place.ends_with(&place_of(firm, begins)), "{begins}: {posting}");
}
