//! The kit of importers: green on the one that comes with remitd and on a seeded one that is right; for each mistake of an author,
//! the case that is to find it does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod playing;

use playing::{play_bundled, play_seeded, play_seeded_green};

#[tokio::test]
async fn csv_importer() {
    play_bundled("csv-importer").await;
}

#[tokio::test]
async fn fixed_width_importer() {
    play_bundled("fixed-width-importer").await;
}

#[tokio::test]
async fn ledes_importer() {
    play_bundled("ledes-importer").await;
}

#[tokio::test]
async fn xlsx_importer() {
    play_bundled("xlsx-importer").await;
}

#[tokio::test]
async fn what_is_right_passes() {
    play_seeded_green("seeded-importer").await;
}

/// A mistake, and the case that finds it.
const MISTAKES: [(&str, &str); 18] = [
    ("short-read-is-the-end", "cut-into-bytes"),
    ("error-is-the-end", "source-breaks"),
    ("error-is-the-end", "source-fails-at-each-read"),
    ("unwraps-utf-8", "noise"),
    ("last-line-needs-an-end", "no-last-line-end"),
    ("keeps-carriage-returns", "line-ends"),
    ("counts-the-header", "count-agrees"),
    ("bad-rows-uncounted", "count-agrees"),
    ("keeps-every-line", "many-rows"),
    ("claims-everything", "leaves-foreign-files"),
    ("goes-by-the-name", "recognises-by-content"),
    ("lines-from-nought", "lines-are-in-the-file"),
    ("one-line-for-all", "lines-rise"),
    ("amount-by-float", "samples-add-up"),
    ("no-amount-is-nothing", "samples-are-counted"),
    ("finding-says-nothing", "findings-are-whole"),
    ("blank-lines-are-rows", "blank-lines-at-the-end"),
    ("mark-is-a-letter", "byte-order-mark"),
];

#[tokio::test]
async fn each_mistake_is_found() {
    for (bug, case) in MISTAKES {
        play_seeded("seeded-importer", bug, case).await;
    }
}
