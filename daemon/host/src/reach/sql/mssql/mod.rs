//! SQL Server: one transaction a call, which rolls back by itself when a statement fails; a read always rolls back. The driver
//! cannot be stopped in the middle: a connection whose time is up is closed, and the server rolls back what was begun.

mod address;
mod framed;
mod stream;
mod values;

use super::params::{Access, Bound, Dialect, bind};
use super::places::{Lease, Places};
use super::work::{Begun, Done, Ends, Work};
use super::{ACQUIRE_TIMEOUT, COMMIT_TIMEOUT, Database, Gathered, READERS_MOST, TIMEOUT_SLACK, WRITERS_MOST};
use crate::wit::sql::{Rows, Statement};
use crate::wit::sql_once::Stopped;
use crate::wit::types::Failure;
use address::Address;
use futures_util::TryStreamExt;
use secrecy::ExposeSecret;
use std::time::Duration;
use stream::Stream;
use tiberius::error::Error;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, Query, QueryItem};
use tokio::time::{Instant, timeout, timeout_at};

/// What every transaction begins with, whatever came before: the standard's reading of texts and NULL, and a whole transaction.
const SESSION: &str = "SET QUOTED_IDENTIFIER, ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, \
     CONCAT_NULL_YIELDS_NULL, XACT_ABORT ON; SET NOCOUNT, IMPLICIT_TRANSACTIONS OFF";
const COMMIT: &str = "COMMIT TRANSACTION";
const ROLLBACK: &str = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION";

type Link = Client<Stream>;

pub(super) struct Pools {
    address: Address,
    reading: Places<Link>,
    writing: Places<Link>,
}

impl Pools {
    pub(super) fn open(url: &str) -> Result<Pools, String> {
        let address = Address::parse(url)?;
        Ok(Pools { address, reading: Places::new(READERS_MOST), writing: Places::new(WRITERS_MOST) })
    }

    pub(super) async fn query(
        &self,
        database: &Database,
        statement: &Statement,
        limit: Duration,
    ) -> Result<Rows, Failure> {
        let bound = bind(statement, Dialect::MsSql, Access::Read)?;
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        let reading = timeout_at(deadline, async {
            let mut lease = self.begun(database, &self.reading, deadline, limit).await?;
            let link = &mut lease.connection;
            let rows = link.read(database, &bound).await?;
            batch(link, ROLLBACK.to_owned()).await.map_err(|error| failed(database, &error))?;
            lease.give_back();
            Ok(rows)
        });
        reading.await.unwrap_or_else(|_| Err(database.timeout()))
    }

    pub(super) async fn work(
        &self,
        database: &Database,
        work: &Work<'_>,
        limit: Duration,
    ) -> Result<Done, Stopped> {
        let deadline = Instant::now() + limit + TIMEOUT_SLACK;
        work.run_to_its_end(database, deadline, self.begun(database, &self.writing, deadline, limit)).await
    }

    /// Statements of ours in one transaction.
    pub(super) async fn script(
        &self,
        database: &Database,
        script: &str,
        limit: Duration,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + limit;
        let running = timeout_at(deadline, async {
            let mut lease = self.begun(database, &self.writing, deadline, limit).await?;
            for text in [script.to_owned(), COMMIT.to_owned()] {
                batch(&mut lease.connection, text).await.map_err(|error| failed(database, &error))?;
            }
            Ok(())
        });
        running.await.unwrap_or_else(|_| Err(database.timeout()))
    }

    /// A connection on which a transaction has begun. Where that fails, nothing has happened, and the next one is tried: all that
    /// rested are gone where the server was started anew. One that has fallen silent is not waited for as long as for a statement.
    async fn begun<'a>(
        &'a self,
        database: &Database,
        places: &'a Places<Link>,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Lease<'a, Link>, Failure> {
        let mut tries = places.most();
        loop {
            let open = async || self.connect().await.map_err(|error| unopened(database, &error));
            let mut lease = places.acquire(database, deadline, |_| true, open).await?;
            let failure = match timeout(ACQUIRE_TIMEOUT, batch(&mut lease.connection, begin(limit))).await {
                Ok(Ok(())) => return Ok(lease),
                Ok(Err(error)) => failed(database, &error),
                Err(_) => database.failed(sqlx::Error::PoolTimedOut),
            };
            if tries == 0 {
                return Err(failure);
            }
            tries -= 1;
        }
    }

    async fn connect(&self) -> Result<Link, Error> {
        let mut config = Config::new();
        let address = &self.address;
        config.host(&address.host);
        config.port(address.port);
        if let Some(name) = &address.database {
            config.database(name);
        }
        config.application_name("remitd");
        config.authentication(AuthMethod::sql_server(&address.user, address.password.expose_secret()));
        // The stream is encrypted already, or goes to this machine.
        config.encryption(EncryptionLevel::NotSupported);
        let stream = Stream::connect(address).await?;
        Client::connect(config, stream).await
    }
}

/// Sets the session and begins; a wait for a lock ends with the statement's time.
fn begin(limit: Duration) -> String {
    format!("{SESSION}; SET LOCK_TIMEOUT {}; BEGIN TRANSACTION", limit.as_millis().max(1))
}

/// A text of ours, with no values in it.
async fn batch(link: &mut Link, text: String) -> Result<(), Error> {
    link.simple_query(text).await?.into_results().await.map(drop)
}

impl Begun for Link {
    async fn read(&mut self, database: &Database, asked: &Bound<'_>) -> Result<Rows, Failure> {
        let mut items = query(asked)?.query(self).await.map_err(|error| failed(database, &error))?;
        let mut gathered = Gathered::new(Vec::new());
        while let Some(item) = items.try_next().await.map_err(|error| failed(database, &error))? {
            match item {
                // A procedure may give several answers: the first is the one that was asked for.
                QueryItem::Metadata(found) if found.result_index() == 0 => {
                    gathered.rows.columns =
                        found.columns().iter().map(|column| column.name().to_owned()).collect();
                }
                QueryItem::Row(row) if row.result_index() == 0 => {
                    let cells = row.cells().map(|(column, cell)| values::read(column, cell));
                    gathered.push(cells.collect::<Result<_, _>>()?)?;
                }
                _ => {}
            }
        }
        Ok(gathered.rows)
    }

    async fn change(&mut self, database: &Database, change: &Bound<'_>) -> Result<u64, Failure> {
        let done = query(change)?.execute(self).await.map_err(|error| failed(database, &error))?;
        // Triggers count their own rows before the statement's.
        Ok(done.rows_affected().last().copied().unwrap_or(0))
    }
}

fn query<'a>(bound: &'a Bound<'_>) -> Result<Query<'a>, Failure> {
    let mut query = Query::new(bound.text.as_str());
    for (name, value) in &bound.values {
        values::bind(&mut query, name, value)?;
    }
    Ok(query)
}

impl Ends for Link {
    async fn roll_back(&mut self) -> bool {
        batch(self, ROLLBACK.to_owned()).await.is_ok()
    }

    /// What the server itself refuses at COMMIT it has rolled back; after any other end nobody can say.
    async fn commit(&mut self, database: &Database) -> Result<(), Failure> {
        match timeout_at(Instant::now() + COMMIT_TIMEOUT, batch(self, COMMIT.to_owned())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Error::Server(token))) if matches!(token.code(), DEADLOCK | SNAPSHOT_CONFLICT) => {
                Err(failed(database, &Error::Server(token)))
            }
            Ok(Err(error)) => Err(database.commit_lost(&said(&error))),
            Err(_) => Err(database.commit_lost("no answer in time")),
        }
    }
}

fn said(error: &Error) -> String {
    match error {
        Error::Server(token) => token.message().to_owned(),
        other => other.to_string(),
    }
}

fn failed(database: &Database, error: &Error) -> Failure {
    let message = format!("database \"{}\": {}", database.name, said(error));
    match error {
        Error::Server(token) => {
            refusal(token.code(), message.clone()).unwrap_or_else(|| Failure::invalid("statement", message))
        }
        Error::Io { .. } | Error::Tls(_) | Error::Protocol(_) | Error::Routing { .. } => {
            Failure::unavailable("connect", message)
        }
        _ => Failure::invalid("statement", message),
    }
}

/// Whatever keeps a connection from opening may pass, a wrong password too.
fn unopened(database: &Database, error: &Error) -> Failure {
    Failure::unavailable("connect", format!("database \"{}\": {}", database.name, said(error)))
}

const DEADLOCK: u32 = 1205;
const SNAPSHOT_CONFLICT: u32 = 3960;

/// What an error's number means to the caller, where it means more than that the statement is wrong (sys.messages).
pub(super) fn refusal(number: u32, message: String) -> Option<Failure> {
    Some(match number {
        2601 | 2627 => Failure::invalid("unique-violation", message),
        515 | 547 => Failure::invalid("constraint", message),
        // A lost race, a wait for a lock that took too long.
        DEADLOCK | 1222 | SNAPSHOT_CONFLICT => Failure::unavailable("locked", message),
        229 | 230 | 262 => Failure::denied("database-permission", message),
        3906 | 3908 => Failure::invalid("read-only", message),
        // Signing in, a database that is not there or not open, memory, full files and logs, shutting down.
        18456 | 4060 | 4064 | 701 | 1105 | 9002 | 6005 | 904 | 983 | 40197 | 40501 | 40613 => {
            Failure::unavailable("connect", message)
        }
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::wit::types::FailureClass::{Denied, Invalid, Unavailable};

    #[test]
    fn numbers_mean_something() {
        for (number, class, code) in [
            (2627, Invalid, "unique-violation"),
            (2601, Invalid, "unique-violation"),
            (547, Invalid, "constraint"),
            (515, Invalid, "constraint"),
            (1205, Unavailable, "locked"),
            (1222, Unavailable, "locked"),
            (229, Denied, "database-permission"),
            (18456, Unavailable, "connect"),
        ] {
            let failure = refusal(number, String::new()).unwrap();
            assert_eq!((failure.class, failure.code.as_str()), (class, code), "{number}");
        }
        assert_eq!(refusal(102, String::new()), None);
    }
}
