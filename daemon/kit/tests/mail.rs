//! The kit of mail providers: green on the two that come with remitd and on a seeded one that is right; for each mistake of an
//! author, the case that is to find it does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod playing;

use playing::{play_bundled, play_seeded, play_seeded_green};

#[tokio::test]
async fn mail_folder() {
    play_bundled("mail-folder").await;
}

#[tokio::test]
async fn smtp() {
    play_bundled("smtp").await;
}

#[tokio::test]
async fn what_is_right_passes() {
    play_seeded_green("seeded-mail").await;
}

/// A mistake, and the case that finds it.
const MISTAKES: [(&str, &str); 19] = [
    ("key-by-chance", "same-message-same-request"),
    ("one-key-for-all", "two-are-two"),
    ("promise-over-smtp", "promise-holds"),
    ("adds-a-footer", "wire-untouched"),
    ("file-of-the-recipient", "two-are-two"),
    ("lost-is-sent", "unknown-end-is-said"),
    ("lost-is-refused", "unknown-end-is-said"),
    ("error-is-a-no", "provider-errs"),
    ("no-key-is-invalid", "provider-knows-no-key"),
    ("asks-again-at-once", "provider-is-busy"),
    ("answer-unwrapped", "provider-speaks-html"),
    ("to-the-sender", "recipient-as-given"),
    ("no-reply-to", "reply-to-arrives"),
    ("ascii-subject", "letters-arrive"),
    ("no-html", "parts-arrive"),
    ("no-headers", "headers-arrive"),
    ("mail-by-hand", "no-header-injected"),
    ("cursor-forgotten", "bounces-once"),
    ("endless-bounces", "bounces-end"),
];

/// Mistakes with webhooks.
const FORGED: [(&str, &str); 3] = [
    ("believes-all", "webhook-altered"),
    ("signature-over-trimmed-body", "webhook-altered"),
    ("header-in-one-case", "webhook-genuine"),
];

#[tokio::test]
async fn each_mistake_is_found() {
    for (bug, case) in MISTAKES.into_iter().chain(FORGED) {
        play_seeded("seeded-mail", bug, case).await;
    }
}
