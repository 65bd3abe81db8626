//! Guests that need nothing from outside to do harm.

use crate::{HELD_WITHIN, House, is};
use remitd_host::{FailureClass, Grants, Services};
use remitd_tests::zoo::{self, FINE, SEVEN};
use serde_json::json;
use std::process::Command;
use tokio::time::Instant;

/// What the failure says beside its code.
fn words(code: &str) -> &'static str {
    match code {
        "time-limit" => "longer than 50 ms",
        "memory-limit" => "more than 48 MiB",
        "table-limit" => "more than 100000 elements",
        "stack-overflow" => "too deeply",
        "answer-too-large" => "more in one piece",
        "too-many-host-calls" => "more than 1000 host calls",
        "panicked" => "no cents left",
        _ => "the plugin was stopped: ",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_animal_is_held_and_the_good_plugin_beside_it_does_not_notice() {
    let house = House::new(Services::default());
    let beside = house.beside();
    let animals = zoo::animals();
    assert!(animals.len() >= 12);
    for animal in animals {
        let plugin = house.load(animal.name, animal.wasm, Grants::default());
        let began = Instant::now();
        let ended = house.call(&plugin, animal.export, json!({})).await;
        let took = began.elapsed();
        let failure = ended.expect_err(animal.name);
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (FailureClass::Bug, animal.code),
            "{}: {failure:?}",
            animal.name
        );
        assert!(failure.message.contains(words(animal.code)), "{}: {failure:?}", animal.name);
        assert!(failure.message.len() <= 4_000, "{}: {} bytes", animal.name, failure.message.len());
        assert!(took < HELD_WITHIN, "{} was held after {took:?}", animal.name);
        if animal.export != FINE {
            assert_eq!(house.call(&plugin, FINE, json!({})).await, Ok(json!(SEVEN)), "after {}", animal.name);
        }
    }
    assert!(beside.end().await > 0);
}

#[tokio::test]
async fn all_at_once_they_hold_up_nobody() {
    let house = House::new(Services::default());
    let animals = zoo::animals();
    let caged: Vec<_> = animals
        .into_iter()
        .map(|animal| (house.load(animal.name, animal.wasm, Grants::default()), animal.export, animal.code))
        .collect();
    let beside = house.beside();
    let all = caged.iter().map(|(plugin, export, code)| async {
        is(&house.call(plugin, export, json!({})).await.unwrap_err(), FailureClass::Bug, code);
    });
    futures_util::future::join_all(all).await;
    assert!(beside.end().await > 0);
}

#[tokio::test]
async fn two_memories_have_one_limit_together() {
    let house = House::new(Services::default());
    // 20 MiB each fit into 48, 30 MiB each do not.
    let modest = house.load("modest", zoo::glutton(20 * 16).wasm, Grants::default());
    assert_eq!(house.call(&modest, "deed", json!({})).await, Ok(json!(1)));
    let glutton = zoo::glutton(30 * 16);
    let plugin = house.load(glutton.name, glutton.wasm, Grants::default());
    is(&house.call(&plugin, "deed", json!({})).await.unwrap_err(), FailureClass::Bug, glutton.code);
}

/// Peak memory of this process, and what it uses now.
fn memory_kib(key: &str) -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Most that the daemon may grow while it refuses a hundred gigabytes.
const GROWTH_MOST_KIB: u64 = 64 << 10;

/// In a process of its own, since memory is the process's.
#[test]
fn aliased_texts_do_not_eat_the_daemons_memory() {
    let myself = std::env::current_exe().unwrap();
    let alone = Command::new(myself)
        .args(["--exact", "compute::alone", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(
        alone.status.success() && said.contains("grew by"),
        "{said}{}",
        String::from_utf8_lossy(&alone.stderr)
    );
}

#[tokio::test]
#[ignore = "measures this process, and is started in one of its own by the test above"]
async fn alone() {
    let house = House::new(Services::default());
    let name = "one-megabyte-a-hundred-thousand-times";
    let animal = zoo::animals().into_iter().find(|animal| animal.name == name).unwrap();
    let plugin = house.load(animal.name, animal.wasm, Grants::default());
    house.call(&plugin, FINE, json!({})).await.unwrap();
    // Writing 5 sets the peak back to what is in use.
    fs_err::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory_kib("VmRSS:");
    let failure = house.call(&plugin, animal.export, json!({})).await.unwrap_err();
    is(&failure, FailureClass::Bug, animal.code);
    let grew = memory_kib("VmHWM:").saturating_sub(before);
    println!("grew by {grew} KiB");
    assert!(grew < GROWTH_MOST_KIB, "{grew} KiB");
}
