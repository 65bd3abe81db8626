//! Stories: a folder of `stories/` is a test. Its `story.toml` says what happens step by step, the files beside it are what
//! people drop and what they get. Each story is told twice: on SQLite and on PostgreSQL, store and matter database alike.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "stories/invariants.rs"]
mod invariants;
#[path = "stories/step.rs"]
mod step;
#[path = "stories/story.rs"]
mod story;

macro_rules! stories {
    ($($name:ident)*) => {
        $(mod $name {
            #[test]
            fn on_sqlite() {
                crate::story::tell(stringify!($name), None);
            }

            #[test]
            fn on_postgres() {
                crate::story::tell(stringify!($name), Some(remitd_tests::postgres::shared()));
            }
        })*

        const TOLD: &[&str] = &[$(stringify!($name)),*];
    };
}

stories! {
    ach_returns
    ach_settles
    batch_edit
    cancel
    declined_then_paid
    expire
    folder
    folder_by_content
    folder_rejected
    import_bad
    import_columns
    import_csv
    import_damaged
    import_duplicates
    import_fixed_width
    import_hold
    import_ledes
    import_odd
    import_twice
    import_xlsx
    import_zeros
    matter_test
    matter_test_wrong
    one_link
    partial
    polling_only
    posting_entry
    posting_refused
    posting_split
    push
    push_one_link
    quick_link
    restart
    review
    several_addresses
    single_use
    stale_links
    smtp
    smtp_later
    smtp_lost
    smtp_refused
    trust_manual
    webhook_only
}

#[test]
fn every_folder_is_told() {
    let mut folders = story::folders();
    folders.retain(|folder| !TOLD.contains(&folder.replace('-', "_").as_str()));
    assert!(folders.is_empty(), "add to the list above: {folders:?}");
}
