//! The kit of connectors: green on the one that comes with remitd and on a seeded one that is right; for each mistake of an
//! author, the case that is to find it does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod playing;

use playing::{play_bundled, play_seeded, play_seeded_green};

#[tokio::test]
async fn sql_connector() {
    play_bundled("sql-connector").await;
}

#[tokio::test]
async fn file_connector() {
    play_bundled("file-connector").await;
}

#[tokio::test]
async fn what_is_right_passes() {
    play_seeded_green("seeded-connector").await;
}

/// A mistake, and the case that finds it.
const MISTAKES: [(&str, &str); 31] = [
    ("key-by-chance", "twice-is-once"),
    ("key-by-chance", "repeat-after-lost-answer"),
    ("key-in-a-second-step", "repeat-after-crash"),
    ("key-in-a-second-step", "repeat-after-deadline"),
    ("remembers-first", "repeat-after-crash"),
    ("remembers-first", "repeat-after-cancel"),
    ("found-by-amount", "two-postings-are-two"),
    ("failure-is-written", "unavailable-stays-retriable"),
    ("lost-is-written", "unknown-outcome-is-passed-on"),
    ("all-is-unavailable", "denied-stays-denied"),
    ("all-is-invalid", "outside-away"),
    ("all-is-invalid", "database-locked"),
    ("code-of-many-words", "failures-have-codes"),
    ("text-in-the-statement", "search-takes-quotes"),
    ("any-field-will-do", "unknown-field-refused"),
    ("page-begins-with-the-last", "pages-give-each-once"),
    ("page-of-all", "page-keeps-its-limit"),
    ("paid-is-open-too", "statements-are-whole"),
    ("panics-without-address", "usual-calls-work"),
    ("nothing-is-nought", "unknown-balance"),
    ("any-currency-will-do", "other-currency-refused"),
    ("below-zero-will-do", "amount-below-zero"),
    ("amount-by-float", "cents-are-exact"),
    ("ascii-only", "post-keeps-its-narrative"),
    ("reversal-adds", "reverse-restores-the-balance"),
    ("day-of-the-build", "clock-not-frozen"),
    ("chance-of-the-build", "random-not-frozen"),
    ("receipts-begin-with-the-last", "receipts-pages-give-each-once"),
    ("receipts-without-sign", "receipt-of-a-reversal"),
    ("any-key-will-do", "by-key-of-nothing"),
    ("key-without-its-receipt", "by-key-finds-its-posting"),
];

#[tokio::test]
async fn each_mistake_is_found() {
    for (bug, case) in MISTAKES {
        play_seeded("seeded-connector", bug, case).await;
    }
}

#[tokio::test]
async fn a_payers_address_in_the_log_is_found() {
    play_seeded("seeded-connector", "logs-the-payer", "log-without-secrets").await;
}
