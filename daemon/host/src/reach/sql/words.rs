//! Which words a statement may begin with and hold, by database and right. Knows no values and no quotes: `params.rs` finds the
//! words, outside of texts and comments.
//!
//! A word alone is weak evidence, so each database's own read-only mode does the refusing where it has one. SQL Server has none,
//! takes a second statement without a semicolon, and may stand behind ODBC too: for both, the words that write, end a transaction
//! or change the connection may stand nowhere. A column of such a name is quoted.

use super::params::{Access, Dialect};

/// The first words that rows are read and written with.
const READING: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];
const WRITING: [&str; 6] = ["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "CALL"];
/// What calls a procedure; the second is SQL Server's word. It may write, whatever it is called for: who asks one needs the right to
/// write (`services/sql.rs`).
const CALL: &str = "CALL";
const EXEC: &str = "EXEC";
/// MySQL's ways to the server's files, and the lock that outlives a transaction: no read-only transaction forbids them.
const MYSQL_REFUSED: [&str; 4] = ["OUTFILE", "DUMPFILE", "LOAD_FILE", "GET_LOCK"];
/// What ends or leaves a transaction, changes the connection, the schema or the server, or reaches another one.
const BREAKING: [&str; 27] = [
    "ALTER",
    "BACKUP",
    "BEGIN",
    "COMMIT",
    "CREATE",
    "DBCC",
    "DECLARE",
    "DENY",
    "DROP",
    "GRANT",
    "IMPLICIT_TRANSACTIONS",
    "KILL",
    "OPENDATASOURCE",
    "OPENQUERY",
    "OPENROWSET",
    "RECONFIGURE",
    "RESTORE",
    "REVOKE",
    "ROLLBACK",
    "SAVE",
    "SAVEPOINT",
    "SHUTDOWN",
    "TRUNCATE",
    "USE",
    "WAITFOR",
    "WRITETEXT",
    "XACT_ABORT",
];
/// What writes, in the middle of a reading statement.
const CHANGING: [&str; 9] = ["CALL", "DELETE", "EXEC", "EXECUTE", "INSERT", "INTO", "MERGE", "SET", "UPDATE"];

/// The first word.
pub(super) fn begins(dialect: Dialect, access: Access, word: &str) -> Result<(), String> {
    let is = |known: &&str| word.eq_ignore_ascii_case(known);
    let reads = READING.iter().any(&is) || calls(dialect, word);
    let writes = access == Access::Write && WRITING.iter().any(&is);
    if !reads && !writes {
        let allowed = match access {
            Access::Read => READING.join(", "),
            Access::Write => [READING.join(", "), WRITING.join(", ")].join(", "),
        };
        let word = word.to_ascii_uppercase();
        return Err(format!("a statement begins with one of {allowed} here, not with {word:?}"));
    }
    if dialect == Dialect::MySql && access == Access::Write && is(&CALL) {
        return Err(
            "a procedure of MySQL may commit by itself, and the transaction would no longer be whole: \
                    write its statements here"
                .to_owned(),
        );
    }
    Ok(())
}

/// Whether a statement that begins so calls a procedure.
pub(super) fn calls(dialect: Dialect, word: &str) -> bool {
    let is = |known: &str| word.eq_ignore_ascii_case(known);
    match dialect {
        Dialect::Sqlite => false,
        Dialect::Postgres | Dialect::MySql => is(CALL),
        Dialect::MsSql | Dialect::Odbc => is(CALL) || is(EXEC),
    }
}

/// A later word that is not quoted.
pub(super) fn bare(dialect: Dialect, access: Access, word: &str) -> Result<(), String> {
    quoted(dialect, word)?;
    let is = |known: &&&str| word.eq_ignore_ascii_case(known);
    let changing: &[&str] = if access == Access::Read { &CHANGING } else { &[] };
    match BREAKING.iter().chain(changing).find(is) {
        Some(known) if matches!(dialect, Dialect::MsSql | Dialect::Odbc) => {
            Err(format!("{known} may not be used here; where it is a name, quote it"))
        }
        _ => Ok(()),
    }
}

/// A quoted name: MySQL calls a function by it too.
pub(super) fn quoted(dialect: Dialect, name: &str) -> Result<(), String> {
    let is = |known: &&&str| name.eq_ignore_ascii_case(known);
    match MYSQL_REFUSED.iter().find(is) {
        Some(known) if matches!(dialect, Dialect::MySql | Dialect::Odbc) => {
            Err(format!("{known} may not be used here"))
        }
        _ => Ok(()),
    }
}
