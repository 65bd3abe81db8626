//! The kit of payment gateways: green on the sandbox gateway and on a seeded one that is right; for each mistake of an author,
//! the case that is to find it does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod playing;

use playing::{play_bundled, play_seeded, play_seeded_green};

#[tokio::test]
async fn sandbox_gateway() {
    play_bundled("sandbox-gateway").await;
}

#[tokio::test]
async fn what_is_right_passes() {
    play_seeded_green("seeded-gateway").await;
}

/// A mistake, and the case that finds it.
const MISTAKES: [(&str, &str); 29] = [
    ("no-key", "begin-carries-its-key"),
    ("key-by-chance", "begin-again-is-the-same"),
    ("one-key-for-all", "two-checkouts-are-two"),
    ("a-hundred-cents-always", "amount-of-three-decimals"),
    ("yen-times-hundred", "amount-of-no-decimals"),
    ("amount-through-a-float", "amount-beyond-floats"),
    ("dollars-only", "currency-arrives"),
    ("label-escaped", "lines-arrive"),
    ("partial-forgotten", "partial-is-told"),
    ("reference-forgotten", "reference-arrives"),
    ("error-is-a-no", "provider-errs"),
    ("no-key-is-invalid", "provider-knows-no-key"),
    ("asks-again-at-once", "provider-is-busy"),
    ("answer-unwrapped", "provider-speaks-html"),
    ("address-as-given", "references-stay-in-place"),
    ("cancel-always-fine", "cancel-unknown"),
    ("too-late-unsaid", "cancel-too-late"),
    ("refund-key-of-the-payment", "two-refunds-are-two"),
    ("lost-refund-is-refused", "refund-after-lost-answer"),
    ("ids-by-chance", "events-keep-their-ids"),
    ("words-of-the-provider", "events-in-words"),
    ("checkout-of-the-provider", "events-are-whole"),
    ("seconds", "events-are-whole"),
    ("cursor-forgotten", "events-once"),
    ("endless-events", "events-end"),
    ("believes-all", "webhook-unsigned"),
    ("believes-all", "webhook-altered"),
    ("signature-over-trimmed-body", "webhook-altered"),
    ("header-in-one-case", "webhook-genuine"),
];

#[tokio::test]
async fn each_mistake_is_found() {
    for (bug, case) in MISTAKES {
        play_seeded("seeded-gateway", bug, case).await;
    }
}
