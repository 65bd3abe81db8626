//! A killed provider loses nothing that it said, and says nothing that it lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod provider;

use fs_err as fs;
use provider::{Provider, config, order};
use remitd_sandbox::SandboxError;
use serde_json::json;
use std::io::Write;
use std::sync::Arc;

#[tokio::test]
async fn a_killed_provider_comes_back_with_everything_that_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let provider = Provider::start(Some(journal.clone())).await;
    let (paid, open, bank) = (
        provider.begin(&order("c1")).await,
        provider.begin(&order("c2")).await,
        provider.begin(&order("c3")).await,
    );
    provider.pay(&paid, "4242424242424242", None).await;
    provider.pay(&bank, "000111111116", None).await;
    let cancelled = provider.begin(&order("c4")).await;
    provider.post(&format!("/v1/checkouts/{cancelled}/cancel"), "", &json!({})).await;
    let (events, totals) = (provider.get("/v1/events").await, provider.get("/v1/test/totals").await);
    provider.kill().await;

    let provider = Provider::start(Some(journal)).await;
    assert_eq!(provider.get("/v1/events").await, events);
    assert_eq!(provider.get("/v1/test/totals").await, totals);
    let statuses = [
        provider.status(&paid).await,
        provider.status(&open).await,
        provider.status(&bank).await,
        provider.status(&cancelled).await,
    ];
    assert_eq!(statuses, ["paid", "open", "paid", "cancelled"]);
    assert_eq!(provider.pay(&paid, "4242424242424242", None).await.0, 409);
    let (status, again) = provider.post("/v1/checkouts", "c2", &order("c2")).await;
    assert_eq!(
        (status.as_u16(), again["id"].as_str()),
        (200, Some(open.as_str())),
        "keys are remembered too"
    );
    provider.post("/v1/test/advance", "", &json!({})).await;
    provider.post("/v1/test/advance", "", &json!({})).await;
    let last: Vec<_> = provider.events().await.into_iter().map(|(what, _)| what).skip(2).collect();
    assert_eq!(last, ["payment-succeeded", "payment-returned"], "what was planned still comes");
    provider.stop().await;
}

#[tokio::test]
async fn a_torn_last_line_was_never_said() {
    for torn in [&b"[{\"entry\":\"opened\",\"id\""[..], b"\0\0\0\0\n"] {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let provider = Provider::start(Some(journal.clone())).await;
        let id = provider.begin(&order("c1")).await;
        provider.kill().await;
        let whole = fs::read(&journal).unwrap();
        fs::OpenOptions::new().append(true).open(&journal).unwrap().write_all(torn).unwrap();

        let provider = Provider::start(Some(journal.clone())).await;
        assert_eq!(fs::read(&journal).unwrap(), whole, "the torn line is cut off");
        assert_eq!(provider.pay(&id, "4242424242424242", None).await.0, 303);
        provider.kill().await;

        let provider = Provider::start(Some(journal)).await;
        assert_eq!(provider.status(&id).await, "paid");
        provider.stop().await;
    }
}

#[tokio::test]
async fn damage_inside_and_a_second_process_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let provider = Provider::start(Some(journal.clone())).await;
    let bind = || remitd_sandbox::bind(config(Some(journal.clone()), Arc::default()));
    assert!(matches!(bind().await, Err(SandboxError::JournalInUse { .. })));
    provider.begin(&order("c1")).await;
    provider.stop().await;
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replacen("[{", "[", 1)).unwrap();
    assert!(matches!(bind().await, Err(SandboxError::JournalDamaged { line: 1, .. })));
}
