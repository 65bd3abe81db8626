//! A matter database on any of the three, as tests that run on all of them see it: what it is asked, how it ends and comes back, who
//! else is in it, and a hand on the wire in front of it.

use crate::firm::Firm;
use crate::session::Session;
use crate::wire::{Protocol, Wire};
use crate::{mariadb, postgres};

pub enum Matters {
    /// A file, which has no end of its own.
    Sqlite,
    Postgres(postgres::Server),
    MariaDb(mariadb::Server),
}

impl Matters {
    pub fn name(&self) -> &'static str {
        match self {
            Matters::Sqlite => "SQLite",
            Matters::Postgres(_) => "PostgreSQL",
            Matters::MariaDb(_) => "MariaDB",
        }
    }

    pub fn is_server(&self) -> bool {
        !matches!(self, Matters::Sqlite)
    }

    pub fn connect(&self, firm: &mut Firm) {
        match self {
            Matters::Sqlite => firm.add_matters(None),
            Matters::Postgres(server) => firm.add_matters(Some(server)),
            Matters::MariaDb(server) => firm.add_matters_on_mariadb(server),
        }
    }

    pub fn ask(&self, firm: &Firm, sql: &str) -> String {
        match self {
            Matters::Sqlite => firm.ask_matters_file(sql),
            Matters::Postgres(server) => server.ask(&firm.matters_url(), sql),
            Matters::MariaDb(server) => server.ask(&firm.matters_url(), sql),
        }
    }

    /// In the middle of everything.
    pub fn crash(&mut self) {
        match self {
            Matters::Sqlite => {}
            Matters::Postgres(server) => server.crash(),
            Matters::MariaDb(server) => server.crash(),
        }
    }

    pub fn resume(&mut self) {
        match self {
            Matters::Sqlite => {}
            Matters::Postgres(server) => server.resume(),
            Matters::MariaDb(server) => server.resume(),
        }
    }

    /// Somebody else who works in it.
    pub fn session(&self, firm: &Firm) -> Session {
        match self {
            Matters::Sqlite => Session::of_file(&firm.path("matters.sqlite")),
            Matters::Postgres(server) => server.session(&firm.matters_url()),
            Matters::MariaDb(server) => server.session(&firm.matters_url()),
        }
    }

    /// From here on the firm's daemon reaches its server through this wire.
    pub fn wire(&self, firm: &Firm) -> Wire {
        let (protocol, socket, user, plain) = match self {
            Matters::Sqlite => panic!("a file has no wire"),
            Matters::Postgres(server) => {
                (Protocol::Postgres, server.socket_file(), "postgres://postgres", "sslmode=disable")
            }
            Matters::MariaDb(server) => {
                (Protocol::MySql, server.socket(), "mysql://root", "ssl-mode=DISABLED")
            }
        };
        let wire = Wire::before(protocol, &socket);
        let (direct, port) = (firm.matters_url(), wire.port());
        let database = postgres::database_of(&direct);
        firm.change(&direct, &format!("{user}@127.0.0.1:{port}/{database}?{plain}"));
        wire
    }
}
