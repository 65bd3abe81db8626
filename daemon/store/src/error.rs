//! What can go wrong with the store, and whether it may pass.

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database's tables: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{url}: not a database address: use sqlite:PATH or postgres://…")]
    BadUrl { url: String },
    #[error(
        "{path} is on a network file system ({kind}), where SQLite can lose what it was told to keep: move it to a local disk, or use PostgreSQL"
    )]
    NetworkFileSystem { path: String, kind: &'static str },
    #[error("{path} is held by another remitd: one daemon per SQLite database (use PostgreSQL for several)")]
    Held { path: String },
    /// Somebody else holds the effect by now: whatever was being done must not be recorded.
    #[error("the lease of effect {0} is lost")]
    LeaseLost(i64),
    /// A commit that held several changes.
    #[error("{0}")]
    Together(String),
    /// A row that only we write does not read as it must.
    #[error("the row of {table} does not fit: {what}")]
    Misfit { table: &'static str, what: String },
}

impl StoreError {
    /// Whether the same call may go well later: a server that is away, a lock, a full pool.
    pub fn may_pass(&self) -> bool {
        match self {
            StoreError::Database(error) => match error {
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Tls(_) => true,
                // SQLite: busy, locked, full, I/O. PostgreSQL: classes 08 (connection), 40 (rollback), 53 (resources), 57 (shutdown).
                sqlx::Error::Database(inner) => inner.code().is_some_and(|code| {
                    ["08", "40", "53", "57"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                        || (code.len() < 5
                            && matches!(code.parse::<u32>().map(|n| n & 0xff), Ok(5 | 6 | 10 | 13)))
                }),
                _ => false,
            },
            StoreError::Together(_) => true,
            _ => false,
        }
    }

    /// Whether a unique key was taken already.
    pub fn is_taken(&self) -> bool {
        matches!(self, StoreError::Database(sqlx::Error::Database(inner)) if inner.is_unique_violation())
    }
}
