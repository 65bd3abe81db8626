//! A database of before, whose links have no moment: brought up to date, they are found by their nonces.

use super::asked::{bulk, drafts, new};
use remitd_domain::link::{NONCE_BYTES, Nonce, stamp};
use remitd_domain::request::State;
use remitd_store::Store;
use remitd_tests::postgres;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};

/// As it was.
const BEFORE: [&str; 2] =
    ["UPDATE request SET nonce = substr(nonce, 7)", "DELETE FROM _sqlx_migrations WHERE version = 9"];

async fn first_link(url: &str, back: impl AsyncFnOnce()) {
    let store = Store::open(url, 7).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let batch = tx.insert_batch(&new("first.csv")).await.unwrap();
    let mut nonce = [7; NONCE_BYTES];
    let taken =
        tx.insert_requests(&bulk(batch, State::Draft), &drafts(&["A-1"]), &[0], &nonce).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    back().await;
    let store = Store::open(url, 7).await.unwrap();
    assert!(store.request_by_nonce(Nonce(nonce)).await.unwrap().is_none());
    stamp(&mut nonce, 0);
    let found = store.request_by_nonce(Nonce(nonce)).await.unwrap().unwrap();
    assert_eq!((found.id, found.nonce), (taken.first_id, Nonce(nonce)));
    store.close().await;
}

#[tokio::test]
async fn the_first_links_are_found_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("remitd.sqlite");
    let back = async || {
        let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        for statement in BEFORE {
            connection.execute(statement).await.unwrap();
        }
    };
    first_link(&format!("sqlite:{}", path.display()), back).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_links_are_found_on_postgres() {
    let url = tokio::task::spawn_blocking(|| postgres::shared().database("moments")).await.unwrap();
    let of = url.clone();
    let back = async || {
        tokio::task::spawn_blocking(move || postgres::shared().ask_all(&of, &BEFORE)).await.unwrap();
    };
    first_link(&url, back).await;
}
