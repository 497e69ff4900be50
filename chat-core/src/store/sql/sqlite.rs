//! SQLite's side of the store.

use super::{
    OpenError, Options,
    catalogue::{Own, own},
    dialect::Dialect,
    failure::{self, Kind},
    value::{self, Arg, cells},
};
use crate::store::{Source, StoreError};
use sqlx::{
    Arguments, Error, Pool, Sqlite, SqlitePool,
    migrate::Migrator,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions,
        SqliteRow, SqliteSynchronous,
    },
};
use std::{fs, io, path::Path, sync::Arc, time::Duration};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a transaction waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read. SQLite's readers do not wait for its one writer.
const READERS: u32 = 4;

cells!(SqliteRow);

impl Dialect for Sqlite {
    // A transaction that begins by reading and then writes fails at once when another wrote meanwhile.
    const BEGIN: &'static str = "begin immediate";
    const OWN: Own = own! {
        hold_user_ids: None,
        advance_user_ids: None,
        advance_message_ids: None,
        take_time: None,
        // The insert that follows in the same transaction moves the sequence on.
        reserve_message_ids: "with recursive series(n) as (select 1 union all select n + 1 from series where n < $1) \
             select seq + n from sqlite_sequence join series where name = 'messages'",
        share_users: "",
        lock: "",
        thread_ids: "with batch(id) as (select unhex(value ->> 0) from json_each($1)) ",
        message_ids: "with batch(id) as (select value ->> 0 from json_each($1)) ",
        keys: "with batch(sender, key) as (select value ->> 0, value ->> 1 from json_each($1)) ",
        new_messages: "with batch(id, thread, sender, text, created, is_read, user_low, user_high, key, request) \
             as (select value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
             value ->> 6, value ->> 7, value ->> 8, unhex(value ->> 9) from json_each($1)) ",
        updates: "with batch(id, updated) as (select unhex(value ->> 0), value ->> 1 from json_each($1)) ",
        counts: "with batch(user_id, messages, unread, unread_incoming) \
             as (select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each($1)) ",
        users: "with batch(id, username, name_key, claims_name, password, active, created) as (select value ->> 0, \
             value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 from json_each($1)) ",
        tokens: "with batch(hash, user_id, created) \
             as (select unhex(value ->> 0), value ->> 1, value ->> 2 from json_each($1)) ",
        threads: "with batch(ord, id, user_low, user_high, canonical, strangers, created, updated) as (select key, \
             unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
             from json_each($1)) ",
    };

    fn arguments(args: &[Arg<'_>]) -> Result<SqliteArguments, Error> {
        let mut out = SqliteArguments::default();
        for arg in args {
            match *arg {
                Arg::Int(v) => out.add(v),
                Arg::Bool(v) => out.add(v),
                Arg::Text(v) => out.add(v),
                Arg::Bytes(v) => out.add(v),
                Arg::Uuid(v) => out.add(v),
                Arg::Rows(columns) => out.add(value::json(columns)?),
            }
            .map_err(Error::Encode)?;
        }
        Ok(out)
    }

    async fn rows(
        connection: &mut SqliteConnection,
        sql: &'static str,
        arguments: SqliteArguments,
    ) -> Result<Vec<SqliteRow>, Error> {
        sqlx::query_with(sql, arguments).fetch_all(connection).await
    }

    async fn run(
        connection: &mut SqliteConnection,
        sql: &'static str,
        arguments: SqliteArguments,
    ) -> Result<u64, Error> {
        Ok(sqlx::query_with(sql, arguments).execute(connection).await?.rows_affected())
    }

    fn kind(error: &Error) -> Kind {
        failure::kind(error, of_code)
    }

    async fn backup(pool: &Pool<Self>, to: &Path) -> Result<(), StoreError> {
        let Some(path) = to.to_str() else {
            return Err(StoreError::Unsupported("the name of the copy must be UTF-8"));
        };
        create_private(to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Conflict,
            _ => StoreError::Fault(Arc::new(error)),
        })?;
        let copied = sqlx::query("vacuum into $1").bind(path).execute(pool).await;
        let synced = copied.map_err(|error| match Self::kind(&error) {
            Kind::Away | Kind::Collision => StoreError::Unavailable(Arc::new(error)),
            _ => StoreError::Fault(Arc::new(error)),
        });
        let synced = match synced {
            Ok(_) => sync(to).await,
            Err(error) => Err(error),
        };
        if synced.is_err() {
            // Half a copy is none. That it cannot be removed matters less than why it was to be.
            fs::remove_file(to).ok();
        }
        synced
    }
}

async fn sync(file: &Path) -> Result<(), StoreError> {
    let file = file.to_owned();
    let synced = tokio::task::spawn_blocking(move || fs::File::open(file)?.sync_all()).await;
    synced
        .map_err(|error| Arc::new(error) as Source)
        .and_then(|synced| synced.map_err(|error| Arc::new(error) as Source))
        .map_err(StoreError::Fault)
}

/// Sorts SQLite's result codes; the lower eight bits say the kind.
fn of_code(code: &str) -> Kind {
    const UNIQUE: i32 = 2067;
    const PRIMARY_KEY: i32 = 1555;
    const ROW_ID: i32 = 2579;
    const FOREIGN_KEY: i32 = 787;
    let code: i32 = code.parse().unwrap_or(0);
    match (code, code & 0xff) {
        (UNIQUE | PRIMARY_KEY | ROW_ID, _) => Kind::Taken,
        (FOREIGN_KEY, _) => Kind::Missing,
        // busy, locked, out of memory, read-only, interrupted, I/O, full, cannot open, protocol
        (_, 5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15) => Kind::Away,
        _ => Kind::Fault,
    }
}

/// The pools of a database in memory: one connection for everything, and it never goes, for the data would go
/// with it.
pub(super) async fn open_memory() -> Result<SqlitePool, OpenError> {
    let options = tuned(SqliteConnectOptions::new().filename(":memory:").in_memory(true).shared_cache(false));
    let pool = pool(1).connect_with(options).await.map_err(OpenError::database)?;
    migrate(&pool).await?;
    Ok(pool)
}

/// The pools of a database in a file: the one that writes, and those that read.
pub(super) async fn open_file(file: &Path, options: &Options) -> Result<(SqlitePool, SqlitePool), OpenError> {
    let name = || file.display().to_string();
    match fs::metadata(file) {
        Ok(found) if found.is_dir() => return Err(OpenError::Directory(name())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && options.create_if_missing => {
            match create_private(file) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(OpenError::File(name(), Arc::new(error)));
                }
                _ => {}
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(OpenError::Missing(name())),
        Err(error) => return Err(OpenError::File(name(), Arc::new(error))),
    }
    let connect =
        tuned(SqliteConnectOptions::new().filename(file)).journal_mode(SqliteJournalMode::Wal).synchronous(
            if options.sync_every_commit { SqliteSynchronous::Full } else { SqliteSynchronous::Normal },
        );
    let failed = |error: Error| match error.as_database_error().and_then(|e| e.code()).as_deref() {
        Some("26") => OpenError::NotADatabase(name()),
        _ => OpenError::File(name(), Arc::new(error)),
    };
    let writer = pool(1).connect_with(connect.clone()).await.map_err(failed)?;
    migrate(&writer).await?;
    let readers = pool(READERS).connect_with(connect).await.map_err(failed)?;
    Ok((writer, readers))
}

fn tuned(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("cache_size", "-8192")
        .pragma("mmap_size", "268435456")
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// In one transaction, so that of two processes that start together one does it.
async fn migrate(pool: &SqlitePool) -> Result<(), OpenError> {
    let mut tx = pool.begin_with(Sqlite::BEGIN).await.map_err(OpenError::database)?;
    MIGRATIONS.run(&mut *tx).await.map_err(|error| OpenError::migration(error, &MIGRATIONS))?;
    tx.commit().await.map_err(OpenError::database)
}

/// An empty file that its owner alone may read.
fn create_private(file: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}
