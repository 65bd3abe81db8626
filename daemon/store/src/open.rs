//! Opening the store: which database, its settings, its tables; and who may hold it.

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::posted::Desk;
use fs_err as fs;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// How long a writer waits for another one, also one of another process.
const BUSY_WAIT: Duration = Duration::from_secs(60);
const ACQUIRE_WAIT: Duration = Duration::from_secs(60);
/// The class of the advisory locks by which daemons on PostgreSQL know each other: "RMTD".
const HOLD_CLASS: i32 = 0x524d_5444;
const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 24;
/// Page cache of one SQLite connection, in KiB (negative by SQLite's convention); see [`Tx::with_room`].
const SQLITE_CACHE: &str = "-4096";

/// Our database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
    /// Marks the effects that this process has leased.
    pub(crate) owner: i64,
    /// The SQLite file, where there is one.
    path: Option<PathBuf>,
    /// What says that this process is alive: a lock on a file, or a session of its own with an advisory lock.
    hold: Arc<tokio::sync::Mutex<Option<Hold>>>,
    pub(crate) desk: Arc<Desk>,
}

enum Hold {
    File(#[allow(dead_code)] fs::File),
    Session(#[allow(dead_code)] sqlx::PgConnection),
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its tables up to date. `owner` is a random number of this process.
    pub async fn open(url: &str, owner: u32) -> Result<Store, StoreError> {
        let owner = i64::from(owner & 0x7fff_ffff);
        let (hold, desk) = (Arc::default(), Arc::default());
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = PathBuf::from(path.trim_start_matches("//"));
            let db = open_sqlite(&path).await?;
            return Ok(Store { db, owner, path: Some(path), hold, desk });
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(url)?.application_name("remitd");
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(ACQUIRE_WAIT)
                .connect_with(options)
                .await?;
            sqlx::migrate!("../../migrations/postgres").run(&pool).await?;
            return Ok(Store { db: Db::Postgres(pool), owner, path: None, hold, desk });
        }
        // The address may hold a password: only its beginning is shown.
        let url = url.split("//").next().unwrap_or_default().to_owned();
        Err(StoreError::BadUrl { url })
    }

    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.db.begin().await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.db.rows("SELECT 1", &[]).await.map(drop)
    }

    /// "postgres" or "sqlite".
    pub fn kind(&self) -> &'static str {
        match self.db {
            Db::Sqlite { .. } => "sqlite",
            Db::Postgres(_) => "postgres",
        }
    }

    /// Takes this process's place as a daemon: alone on SQLite, beside others on PostgreSQL. The place is given back by the
    /// operating system or the server when the process ends, however it ends; what it had leased is then free at once.
    pub async fn hold(&self) -> Result<(), StoreError> {
        let hold = match (&self.db, &self.path) {
            (Db::Sqlite { .. }, Some(path)) => {
                let lock = path.with_extension("lock");
                let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&lock)?;
                rustix::fs::flock(file.file(), rustix::fs::FlockOperation::NonBlockingLockExclusive)
                    .map_err(|_| StoreError::Held { path: path.display().to_string() })?;
                Hold::File(file)
            }
            (Db::Postgres(pool), _) => {
                let mut session = pool.acquire().await?.detach();
                sqlx::query("SELECT pg_advisory_lock($1, $2)")
                    .bind(HOLD_CLASS)
                    .bind(i32::try_from(self.owner).unwrap_or_default())
                    .execute(&mut session)
                    .await?;
                Hold::Session(session)
            }
            (Db::Sqlite { .. }, None) => return Ok(()),
        };
        *self.hold.lock().await = Some(hold);
        Ok(())
    }

    /// Whether the session that [`Store::hold`] took is still there; after a restart of the server it must be taken anew.
    pub async fn holds(&self) -> bool {
        match self.hold.lock().await.as_mut() {
            Some(Hold::File(_)) => true,
            Some(Hold::Session(session)) => sqlx::Connection::ping(session).await.is_ok(),
            None => false,
        }
    }

    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(path: &Path) -> Result<Db, StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        refuse_network_folder(folder)?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: what is committed is on the disk, also after a loss of power.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_WAIT)
        .pragma("cache_size", SQLITE_CACHE)
        .pragma("temp_store", "memory");
    // A file is there, or the statement itself says that it is not: to ask beforehand costs as much as many a statement.
    let pool = SqlitePoolOptions::new().acquire_timeout(ACQUIRE_WAIT).test_before_acquire(false);
    let pool = |most: u32| pool.clone().max_connections(most);
    let write = pool(1).connect_with(options.clone()).await?;
    sqlx::migrate!("../../migrations/sqlite").run(&write).await?;
    let read = pool(READERS).connect_lazy_with(options.pragma("query_only", "on"));
    Ok(Db::Sqlite { write, read })
}

/// SQLite's locks and syncs are not to be trusted on these.
fn refuse_network_folder(folder: &Path) -> Result<(), StoreError> {
    let Ok(facts) = rustix::fs::statfs(folder) else { return Ok(()) };
    // The kernel's magic numbers; their width differs by machine.
    let kind = match facts.f_type as u32 {
        0x6969 => "NFS",
        0x517b => "SMB",
        0xff53_4d42 => "CIFS",
        0xfe53_4d42 => "SMB2",
        0x0102_1997 => "9P",
        0x5346_414f => "AFS",
        _ => return Ok(()),
    };
    Err(StoreError::NetworkFileSystem { path: folder.display().to_string(), kind })
}
