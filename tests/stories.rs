//! Stories: a folder of `stories/` is a test. Its `story.toml` says what happens step by step, the files beside it are what
//! people drop and what they get. Each story is told twice: on SQLite and on PostgreSQL, store and matter database alike. One
//! with a matter database is told once more with that on MariaDB, and some with it behind ODBC, on SQLite and on PostgreSQL.
//! What comes by itself, at its time, stands beside them: no step begins it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "stories/invariants.rs"]
mod invariants;
#[path = "stories/schedules.rs"]
mod schedules;
#[path = "stories/step.rs"]
mod step;
#[path = "stories/story.rs"]
mod story;

macro_rules! stories {
    ($($name:ident)*) => {
        $(mod $name {
            #[test]
            fn on_sqlite() {
                crate::story::tell(stringify!($name), crate::story::Place::Sqlite);
            }

            #[test]
            fn on_postgres() {
                crate::story::tell(stringify!($name), crate::story::Place::Postgres);
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
    matter_ask
    matter_ask_several
    matter_kinds
    matter_prepare
    matter_search
    matter_test
    matter_test_wrong
    one_link
    partial
    polling_only
    posting_conflict
    posting_entry
    posting_files
    posting_refused
    posting_split
    push
    push_by_hand
    push_offices
    push_one_link
    push_review
    push_shares
    push_rules
    quick_link
    reconcile
    reconcile_uncompared
    reconcile_unheard
    refund
    refund_by_hand
    refund_part
    restart
    review
    several_addresses
    single_use
    smtp
    smtp_later
    smtp_lost
    smtp_refused
    stale_elsewhere
    stale_links
    trust_ledger
    trust_manual
    webhook_only
}

macro_rules! matters_on_mariadb {
    ($($name:ident)*) => {
        mod matters_on_mariadb {
            $(#[test]
            fn $name() {
                crate::story::tell(stringify!($name), crate::story::Place::MattersOnMariaDb);
            })*
        }

        const TOLD_ON_MARIADB: &[&str] = &[$(stringify!($name)),*];
    };
}

matters_on_mariadb! {
    ach_returns
    ach_settles
    matter_ask
    matter_ask_several
    matter_kinds
    matter_prepare
    matter_search
    matter_test
    matter_test_wrong
    one_link
    partial
    polling_only
    posting_conflict
    posting_entry
    posting_refused
    posting_split
    push
    push_by_hand
    push_offices
    push_one_link
    push_review
    push_shares
    push_rules
    quick_link
    reconcile
    reconcile_uncompared
    reconcile_unheard
    refund
    refund_by_hand
    refund_part
    stale_elsewhere
    stale_links
    trust_ledger
    trust_manual
    webhook_only
}

/// Drivers by others, each in a process of its own: the ways that postings and searches take. PostgreSQL's goes those that write, and
/// the push that reads.
#[cfg(feature = "odbc")]
macro_rules! by_odbc {
    ($driver:ident $place:ident $($name:ident)*) => {
        mod $driver {
            $(#[test]
            fn $name() {
                crate::story::tell(stringify!($name), crate::story::Place::$place);
            })*
        }
    };
}

#[cfg(feature = "odbc")]
by_odbc! {
    matters_by_odbc MattersByOdbc
    ach_returns
    matter_ask
    matter_ask_several
    matter_prepare
    matter_test
    posting_conflict
    posting_entry
    posting_refused
    posting_split
    push
    push_one_link
    refund
    stale_links
}

#[cfg(feature = "odbc")]
by_odbc! {
    matters_by_odbc_on_postgres MattersByOdbcOnPostgres
    matter_prepare
    posting_conflict
    posting_entry
    posting_refused
    push
    refund
    stale_links
}

#[test]
fn every_folder_is_told() {
    let mut folders = story::folders();
    folders.retain(|folder| !TOLD.contains(&folder.replace('-', "_").as_str()));
    assert!(folders.is_empty(), "add to the list above: {folders:?}");
    let mut matters = story::with_matters();
    matters.retain(|folder| !TOLD_ON_MARIADB.contains(&folder.replace('-', "_").as_str()));
    assert!(matters.is_empty(), "add to the second list: {matters:?}");
}
