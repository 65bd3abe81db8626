//! What an ODBC error means to the caller: by SQLSTATE, and by the database's own number where its driver's state says too
//! little. Numbers mean something only beside their database's name.

use super::frame::Refusal;
use crate::reach::sql::mssql;
use crate::wit::types::Failure;

/// Databases whose numbers are known here, by the drivers' prefix of their messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Sqlite,
    SqlServer,
    MySql,
    Other,
}

impl Refusal {
    fn speaks(&self) -> Speaks {
        let begins = |names: &[&str]| names.iter().any(|name| self.message.contains(name));
        if begins(&["[SQLite]"]) {
            Speaks::Sqlite
        } else if begins(&["[FreeTDS]", "[SQL Server]"]) {
            Speaks::SqlServer
        } else if begins(&["[ma-", "[MySQL]", "[MariaDB]"]) {
            Speaks::MySql
        } else {
            Speaks::Other
        }
    }

    /// The failure, with a message that names the database.
    pub(super) fn meaning(&self, message: String) -> Failure {
        let state = self.state.as_str();
        if let Some(failure) = self.by_number(&message) {
            return failure;
        }
        match state {
            "23505" => Failure::invalid("unique-violation", message),
            "HYT00" | "HYT01" | "57014" | "S1T00" => Failure::unavailable("timeout", message),
            "40001" | "40P01" | "55P03" => Failure::unavailable("locked", message),
            "42501" => Failure::denied("database-permission", message),
            "25006" => Failure::invalid("read-only", message),
            // The connection went in the middle of a statement.
            "40003" => Failure::unavailable("connect", message),
            // Connections, signing in, a database that is not there, an operator's hand, resources; a driver that is not there.
            _ if ["08", "28", "3D", "53", "57", "IM"].iter().any(|class| state.starts_with(class)) => {
                Failure::unavailable("connect", message)
            }
            _ if state.starts_with("23") => Failure::invalid("constraint", message),
            _ => Failure::invalid("statement", message),
        }
    }

    fn by_number(&self, message: &str) -> Option<Failure> {
        let message = || message.to_owned();
        Some(match (self.speaks(), self.native) {
            (Speaks::Sqlite, native) => match native & 0xff {
                5 | 6 => Failure::unavailable("locked", message()),
                8 => Failure::invalid("read-only", message()),
                9 => Failure::unavailable("timeout", message()),
                10 | 13 | 14 => Failure::unavailable("connect", message()),
                19 if self.message.contains("UNIQUE") => Failure::invalid("unique-violation", message()),
                19 => Failure::invalid("constraint", message()),
                _ => return None,
            },
            (Speaks::SqlServer, native) => return mssql::refusal(u32::try_from(native).ok()?, message()),
            (Speaks::MySql, 1062) => Failure::invalid("unique-violation", message()),
            (Speaks::MySql, 1205 | 1213) => Failure::unavailable("locked", message()),
            (Speaks::MySql, 1142 | 1143 | 1227 | 1370) => Failure::denied("database-permission", message()),
            (Speaks::MySql, 1290 | 1792) => Failure::invalid("read-only", message()),
            _ => return None,
        })
    }

    /// Whether a COMMIT that was refused so has kept nothing: a deferred constraint or a lost race, and SQLite's lock. 40003 says of
    /// itself that nobody knows.
    pub(super) fn rolled_back(&self) -> bool {
        let sqlite = self.speaks() == Speaks::Sqlite && matches!(self.native & 0xff, 5 | 6 | 19);
        let lost_race = self.state.starts_with("40") && self.state != "40003";
        sqlite || lost_race || self.state.starts_with("23")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::wit::types::FailureClass::{Denied, Invalid, Unavailable};

    #[test]
    fn states_and_numbers_mean_something() {
        for (state, native, message, class, code) in [
            ("23505", 7, "ERROR: duplicate key", Invalid, "unique-violation"),
            ("23503", 7, "ERROR: foreign key", Invalid, "constraint"),
            ("57014", 1, "canceling statement", Unavailable, "timeout"),
            ("HYT00", 0, "[FreeTDS][SQL Server]Timeout expired", Unavailable, "timeout"),
            ("IM002", 0, "[unixODBC][Driver Manager]Data source name not found", Unavailable, "connect"),
            ("08S01", 0, "[FreeTDS][SQL Server]Communication link failure", Unavailable, "connect"),
            ("28000", 18456, "[FreeTDS][SQL Server]Login failed", Unavailable, "connect"),
            ("40003", 0, "[SomeDriver]Statement completion unknown", Unavailable, "connect"),
            ("HY000", 5, "[SQLite]database is locked (5)", Unavailable, "locked"),
            ("HY000", 8, "[SQLite]attempt to write a readonly database (8)", Invalid, "read-only"),
            ("HY000", 19, "[SQLite]UNIQUE constraint failed: t.n (19)", Invalid, "unique-violation"),
            ("HY000", 19, "[SQLite]NOT NULL constraint failed: t.n (19)", Invalid, "constraint"),
            (
                "23000",
                2627,
                "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Violation",
                Invalid,
                "unique-violation",
            ),
            (
                "23000",
                2601,
                "[FreeTDS][SQL Server]Cannot insert duplicate key row",
                Invalid,
                "unique-violation",
            ),
            ("23000", 547, "[FreeTDS][SQL Server]The INSERT statement conflicted", Invalid, "constraint"),
            ("40001", 1205, "[FreeTDS][SQL Server]Transaction was deadlocked", Unavailable, "locked"),
            (
                "42000",
                1222,
                "[FreeTDS][SQL Server]Lock request time out period exceeded",
                Unavailable,
                "locked",
            ),
            (
                "42000",
                229,
                "[FreeTDS][SQL Server]The SELECT permission was denied",
                Denied,
                "database-permission",
            ),
            ("42000", 1064, "[ma-3.1.15]You have an error", Invalid, "statement"),
            ("23000", 1062, "[ma-3.1.15]Duplicate entry", Invalid, "unique-violation"),
            ("HY000", 1205, "some other", Invalid, "statement"),
        ] {
            let refusal = Refusal { state: state.into(), native, message: message.into() };
            let failure = refusal.meaning(String::new());
            assert_eq!((failure.class, failure.code.as_str()), (class, code), "{refusal:?}");
        }
    }

    #[test]
    fn what_a_refused_commit_has_kept() {
        for (state, native, message, nothing) in [
            ("23503", 7, "ERROR: foreign key", true),
            ("40001", 1, "ERROR: could not serialize access", true),
            ("40P01", 1, "ERROR: deadlock detected", true),
            ("HY000", 5, "[SQLite]database is locked (5)", true),
            ("40003", 0, "[SomeDriver]Statement completion unknown", false),
            ("08007", 0, "[SomeDriver]Connection failure during transaction", false),
            ("08S01", 0, "[FreeTDS][SQL Server]Communication link failure", false),
            ("HYT00", 0, "[FreeTDS][SQL Server]Timeout expired", false),
        ] {
            let refusal = Refusal { state: state.into(), native, message: message.into() };
            assert_eq!(refusal.rolled_back(), nothing, "{refusal:?}");
        }
    }
}
