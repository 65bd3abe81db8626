//! Statements that never end, or give too much, on a real SQLite database.

use crate::{HELD_WITHIN, House, is};
use remitd_host::FailureClass::{Invalid, Unavailable};
use remitd_host::{Failure, Grants, Services, SqlConnection, run_script};
use remitd_tests::puppet;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::time::Instant;

/// Long enough for what ends by itself, on a busy machine too.
const STATEMENT_MS: u64 = 10_000;
const BOMB_MS: u64 = 300;
const TABLES: &str = "CREATE TABLE n (x INTEGER PRIMARY KEY);
    INSERT INTO n WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000) SELECT x FROM c;";
/// For ever, each in its own way.
const BOMBS: [&str; 4] = [
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c WHERE x < 0",
    "SELECT count(*) FROM n a, n b, n c, n d",
    "SELECT a.x FROM n a, n b, n c ORDER BY a.x * b.x * c.x % 7, random() LIMIT 1",
];

struct Bomber {
    house: House,
    plugin: Arc<remitd_host::Plugin>,
    _folder: TempDir,
}

impl Bomber {
    async fn new(statement_ms: u64) -> Bomber {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("matters.sqlite").display());
        run_script(&url, TABLES, None).await.unwrap();
        let sql = SqlConnection { name: "matters".into(), url: url.into(), statement_ms };
        let house = House::new(Services { sql: vec![sql], ..Services::default() });
        let all = || vec!["matters".into()];
        let grants = Grants { sql: all(), sql_write: all(), ..Grants::default() };
        let plugin = house.load("bomber", puppet::connector(), grants);
        Bomber { house, plugin, _folder: folder }
    }

    async fn query(&self, text: &str) -> Result<Value, Failure> {
        let statement = json!({ "text": text, "params": [] });
        let args = json!({ "connection": "matters", "statement": statement });
        self.house.call(&self.plugin, "sql-query", args).await
    }

    async fn transact(&self, text: &str) -> Result<Value, Failure> {
        let statements = json!([{ "text": text, "params": [] }]);
        let args = json!({ "connection": "matters", "statements": statements });
        self.house.call(&self.plugin, "sql-transact", args).await
    }
}

#[tokio::test]
async fn a_statement_without_end_is_ended() {
    let bomber = Bomber::new(BOMB_MS).await;
    let beside = bomber.house.beside();
    for bomb in BOMBS {
        let began = Instant::now();
        is(&bomber.query(bomb).await.unwrap_err(), Unavailable, "timeout");
        assert!(began.elapsed() < HELD_WITHIN, "{bomb}: ended after {:?}", began.elapsed());
        // The connection is as good as before.
        assert_eq!(
            bomber.query("SELECT max(x) FROM n").await.unwrap()["rows"],
            json!([[{ "integer": 20000 }]])
        );
    }
    let bomb =
        "INSERT INTO n WITH RECURSIVE c(x) AS (SELECT 30000 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
    is(&bomber.transact(bomb).await.unwrap_err(), Unavailable, "timeout");
    assert_eq!(
        bomber.query("SELECT count(*) FROM n").await.unwrap()["rows"],
        json!([[{ "integer": 20000 }]])
    );
    assert_eq!(bomber.transact("DELETE FROM n WHERE x = 1").await, Ok(json!([1])), "the lock is free");
    assert!(beside.end().await > 0);
}

#[tokio::test]
async fn an_answer_is_capped_in_rows_and_in_bytes() {
    let bomber = Bomber::new(STATEMENT_MS).await;
    let failure = bomber.query("SELECT x FROM n").await.unwrap_err();
    is(&failure, Invalid, "too-many-rows");
    assert!(failure.message.contains("10000 rows"), "{failure:?}");
    is(&bomber.query("SELECT hex(zeroblob(500000)) FROM n").await.unwrap_err(), Invalid, "answer-too-large");
    is(&bomber.query("SELECT zeroblob(20000000)").await.unwrap_err(), Invalid, "answer-too-large");
    // One value that would be most of the daemon's memory, made of a few letters.
    let failure = bomber.query("SELECT hex(zeroblob(450000000))").await.unwrap_err();
    is(&failure, Invalid, "answer-too-large");
    assert!(failure.message.contains("too big"), "SQLite itself refuses to make it: {failure:?}");
    for foul in [
        "PRAGMA query_only = 0",
        "ATTACH 'other.sqlite' AS o",
        "SELECT 1; DELETE FROM n",
        "DELETE FROM n",
        "SELECT load_extension('x')",
        "VACUUM INTO 'copy.sqlite'",
        "WITH a AS (SELECT 1) DELETE FROM n",
    ] {
        assert_eq!(bomber.query(foul).await.unwrap_err().class, Invalid, "{foul}");
    }
    assert_eq!(
        bomber.query("SELECT count(*) FROM n").await.unwrap()["rows"],
        json!([[{ "integer": 20000 }]])
    );
}
