//! Granted databases: reading and writing are granted apart.

use super::not_there;
use crate::grants::Right;
use crate::job::JobState;
use crate::reach::sql::Database;
use crate::wit::sql::{Host, Rows, Statement};
use crate::wit::sql_once::{self, Once, Stopped};
use crate::wit::types::Failure;
use std::sync::Arc;

impl Host for JobState {
    async fn query(
        &mut self,
        connection: String,
        statement: Statement,
    ) -> wasmtime::Result<Result<Rows, Failure>> {
        serve!(self, "sql.query", self.query_granted(&connection, &statement).await)
    }

    async fn transact(
        &mut self,
        connection: String,
        statements: Vec<Statement>,
    ) -> wasmtime::Result<Result<Vec<u64>, Failure>> {
        serve!(self, "sql.transact", self.transact_granted(&connection, &statements).await)
    }
}

impl sql_once::Host for JobState {
    async fn write(
        &mut self,
        connection: String,
        find: Statement,
        changes: Vec<Statement>,
    ) -> wasmtime::Result<Result<Once, Stopped>> {
        serve!(self, "sql-once.write", self.write_granted(&connection, &find, &changes).await)
    }
}

impl JobState {
    async fn query_granted(&mut self, connection: &str, statement: &Statement) -> Result<Rows, Failure> {
        self.grant(Right::Sql, connection)?;
        let database = self.database(connection)?;
        if database.calls(statement) {
            self.grant(Right::SqlWrite, connection).map_err(|denied| {
                let message = format!("{}; a procedure may write, whatever it is called for", denied.message);
                Failure { message, ..denied }
            })?;
        }
        match &self.ahead {
            Some(ahead) => ahead.query(database, statement, self.left()).await,
            None => database.query(statement, self.left()).await,
        }
    }

    async fn transact_granted(
        &mut self,
        connection: &str,
        statements: &[Statement],
    ) -> Result<Vec<u64>, Failure> {
        self.grant(Right::SqlWrite, connection)?;
        let database = self.database(connection)?;
        let before = self.ledger.touched();
        self.ledger.touch();
        let answer = database.transact(statements, self.left()).await;
        self.settle(before, &answer);
        answer
    }

    async fn write_granted(
        &mut self,
        connection: &str,
        find: &Statement,
        changes: &[Statement],
    ) -> Result<Once, Stopped> {
        self.grant(Right::Sql, connection).map_err(Stopped::Finding)?;
        self.grant(Right::SqlWrite, connection)?;
        let database = self.database(connection)?;
        let before = self.ledger.touched();
        self.ledger.touch();
        let written = database.write_once(find, changes, self.left()).await;
        self.settle(before, &written);
        if let Ok(Once::Found(_)) = written {
            self.ledger.untouch(before);
        }
        written
    }

    fn database(&self, name: &str) -> Result<&Arc<Database>, Failure> {
        let known = self.around.opened.sql.get(name);
        known.ok_or_else(|| not_there("database", "[[sql]]", name))
    }
}
