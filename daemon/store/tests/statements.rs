//! Every statement of the store, run on both databases with the same rows: what they answer is the same, word for word. A
//! method that no walk calls is found in the sources.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "statements/asked.rs"]
mod asked;
#[path = "statements/effects.rs"]
mod effects;
#[path = "statements/moments.rs"]
mod moments;
#[path = "statements/odd.rs"]
mod odd;
#[path = "statements/paid.rs"]
mod paid;
#[path = "statements/plugins.rs"]
mod plugins;
#[path = "statements/shares.rs"]
mod shares;

use remitd_store::Store;
use remitd_tests::postgres;
use std::fmt::Debug;
use std::path::Path;

const NOW: i64 = 1_768_489_200_000;
const WALKS: [&str; 7] = [
    include_str!("statements.rs"),
    include_str!("statements/asked.rs"),
    include_str!("statements/effects.rs"),
    include_str!("statements/odd.rs"),
    include_str!("statements/paid.rs"),
    include_str!("statements/plugins.rs"),
    include_str!("statements/shares.rs"),
];

/// What a database answered, in the order of the questions.
#[derive(Default)]
struct Answers(Vec<String>);

impl Answers {
    fn note(&mut self, of: &str, answer: impl Debug) {
        self.0.push(format!("{of}: {answer:?}"));
    }
}

async fn walk(url: &str) -> Vec<String> {
    let store = Store::open(url, 7).await.unwrap();
    let mut answers = Answers::default();
    answers.note("ping", store.ping().await);
    answers.note("held before", store.holds().await);
    store.hold().await.unwrap();
    answers.note("held after", store.holds().await);
    asked::walk(&store, &mut answers).await;
    shares::walk(&store, &mut answers).await;
    odd::walk(&store, &mut answers).await;
    effects::walk(&store, url, &mut answers).await;
    paid::walk(&store, &mut answers).await;
    plugins::walk(&store, &mut answers).await;
    plugins::reconciliations(&store, &mut answers).await;
    answers.note("books", store.books().await.unwrap());
    store.close().await;
    answers.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_answer_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = walk(&format!("sqlite:{}", folder.path().join("remitd.sqlite").display())).await;
    let url = tokio::task::spawn_blocking(|| postgres::shared().database("statements")).await.unwrap();
    let postgres = walk(&url).await;
    assert!(sqlite.len() > 60, "the walk asks something");
    for (one, two) in sqlite.iter().zip(&postgres) {
        assert_eq!(one, two, "SQLite, then PostgreSQL");
    }
    assert_eq!(sqlite.len(), postgres.len());
}

/// The public methods of a source, as a walk calls them: `tx.name(` or `store.name(`.
fn methods(source: &str) -> Vec<String> {
    let mut on = "";
    let mut found = Vec::new();
    for line in source.lines() {
        match line {
            "impl Tx {" => on = "tx",
            "impl Store {" => on = "store",
            _ if line.starts_with("impl") => on = "",
            _ => {}
        }
        let name = line.strip_prefix("    pub async fn ").and_then(|rest| rest.split(['(', '<']).next());
        if let (Some(name), false) = (name, on.is_empty()) {
            found.push(format!("{on}.{name}("));
        }
    }
    found
}

#[test]
fn no_method_is_left_out() {
    let called: String = WALKS.concat().split_whitespace().collect();
    let sources = fs_err::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let texts = sources.map(|file| fs_err::read_to_string(file.unwrap().path()).unwrap());
    let all: Vec<String> = texts.flat_map(|text| methods(&text)).collect();
    assert!(all.len() > 60, "the methods are where they were looked for: {all:?}");
    // An associated function: it has no receiver.
    let missing: Vec<_> =
        all.iter().filter(|call| *call != "store.open(" && !called.contains(call.as_str())).collect();
    assert!(missing.is_empty(), "let a walk call each of these: {missing:?}");
}
