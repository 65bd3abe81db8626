//! Writing by a key, the same on every engine: each has a table `bill` with the key `number`, and a column `open` not below zero.

use super::{Job, is};
use crate::wit::sql::{Host as _, Param, Statement, Value};
use crate::wit::sql_once::{Host as _, Once, Stopped};
use crate::wit::types::FailureClass;

fn of(text: &str, number: &str) -> Statement {
    let param = Param { name: "n".into(), value: Value::Text(number.into()) };
    Statement { text: text.into(), params: vec![param], expect_rows: None }
}

pub fn find(number: &str) -> Statement {
    of("SELECT number FROM bill WHERE number = :n", number)
}

pub fn insert(number: &str) -> Statement {
    of("INSERT INTO bill (number, open) VALUES (:n, 1)", number)
}

pub async fn write(job: &mut Job, find: Statement, changes: Vec<Statement>) -> Result<Once, Stopped> {
    job.write("elite".into(), find, changes).await.unwrap()
}

async fn is_there(job: &mut Job, number: &str) -> bool {
    !job.query("elite".into(), find(number)).await.unwrap().unwrap().rows.is_empty()
}

/// `fails` is an expression that fails where there is a row: after the changes, which are then taken back.
pub async fn writes_once(job: &mut Job, fails: &str) {
    let row = vec![vec![Value::Text("once-1".into())]];
    let Ok(Once::Written(rows)) = write(job, find("once-1"), vec![insert("once-1")]).await else { panic!() };
    assert_eq!(rows.rows, row, "what was written is told");
    assert!(job.ledger.touched());
    job.ledger.untouch(false);
    let Ok(Once::Found(rows)) = write(job, find("once-1"), vec![insert("once-x")]).await else { panic!() };
    assert_eq!(rows.rows, row);
    assert!(!is_there(job, "once-x").await, "what was found is not written");
    assert!(!job.ledger.touched(), "what was found changed nothing");
    refused(job, fails).await;
    // The connection on which it was found, or failed, serves on.
    assert!(matches!(write(job, find("once-3"), vec![insert("once-3")]).await, Ok(Once::Written(_))));
    assert!(is_there(job, "once-3").await);
}

/// Each at its step, and nothing is kept.
async fn refused(job: &mut Job, fails: &str) {
    let raising = Statement { expect_rows: Some(7), ..insert("once-2") };
    let twice = vec![insert("once-2"), insert("once-1")];
    for (changes, code) in [(vec![raising], "rows-changed"), (twice, "unique-violation")] {
        let Err(Stopped::Changing(failure)) = write(job, find("once-2"), changes).await else { panic!() };
        is(&failure, FailureClass::Invalid, code);
        assert!(!is_there(job, "once-2").await, "{code} left something behind");
    }
    let blind = of("SELECT number FROM bill WHERE number = :n AND open > 1", "once-2");
    let Err(Stopped::Finding(failure)) = write(job, blind, vec![insert("once-2")]).await else { panic!() };
    is(&failure, FailureClass::Invalid, "not-found-again");
    assert!(!is_there(job, "once-2").await, "what would be written again is not kept");
    let nowhere = of("SELECT number FROM nowhere WHERE number = :n", "once-2");
    let Err(Stopped::Finding(failure)) = write(job, nowhere, vec![insert("once-2")]).await else { panic!() };
    is(&failure, FailureClass::Invalid, "statement");
    let fails = of(&format!("SELECT {fails} FROM bill WHERE number = :n"), "once-2");
    let Err(Stopped::Finding(failure)) = write(job, fails, vec![insert("once-2")]).await else { panic!() };
    is(&failure, FailureClass::Invalid, "statement");
    assert!(!is_there(job, "once-2").await, "what cannot be found again is not kept");
}
