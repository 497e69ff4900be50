//! Opens an SQLite database: its file, its schema and its connections.

use super::{
    Sqlite,
    driver::{Access, Location, OpenConnection},
    file::DatabaseFile,
    file_watcher::FileWatcher,
    lists::{LIMIT, Lists},
    memory::MemoryDatabase,
    migrations::MIGRATIONS,
    open_failure::open_failure,
    readers::Readers,
    writer::Writer,
};
use crate::runtime;
use crate::store::{
    StoreError,
    sql::{
        Mode, OpenError, Options,
        migrations::{self, APPLIED, Applied},
    },
};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};
use sqlx::migrate::Migration;
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long to wait for another process that creates or migrates the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The time between two attempts to open a database that another process creates.
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// The table of recorded migrations, as sqlx creates it.
const MIGRATIONS_TABLE: &str = "create table if not exists _sqlx_migrations (
    version bigint primary key,
    description text not null,
    installed_on timestamp not null default current_timestamp,
    success boolean not null,
    checksum blob not null,
    execution_time bigint not null
)";

/// Opens a new database in memory. It exists as long as the store.
pub(crate) async fn open_memory() -> Result<Sqlite, OpenError> {
    open(Location::Memory(MemoryDatabase::new()), true).await
}

/// Opens the database in a file.
pub(crate) async fn open_file(path: &Path, mode: Mode, options: &Options) -> Result<Sqlite, OpenError> {
    let mode = if options.create_if_missing { mode } else { mode.min(Mode::ReadWrite) };
    let file = DatabaseFile::open(path, mode, options.server_lock.clone()).await?;
    open(Location::File(file), options.sync_every_commit).await
}

async fn open(location: Location, sync_every_commit: bool) -> Result<Sqlite, OpenError> {
    let failed = |error| open_error(&location, error);
    // This connection keeps a database in memory alive until the others are open.
    let first = connect_first(&location).await?;
    let watcher = Arc::new(FileWatcher::start(&location).map_err(|lost| OpenError::Moved(lost.file))?);
    let mut lists = Lists::new(LIMIT);
    lists.load(&first).map_err(|failure| OpenError::database(StoreError::from(failure)))?;
    let tails = lists.tails();
    let writer = Writer::start(&location, watcher.clone(), lists, sync_every_commit).map_err(failed)?;
    let readers = Readers::open(&location).map_err(failed)?;
    drop(first);
    Ok(Sqlite { writer, readers, tails, watcher })
}

/// Opens the first connection and brings the schema up to date.
///
/// If another process is creating the database or turning on the WAL, SQLite does not wait. It reports a locked
/// database at once, so the attempt is retried.
async fn connect_first(location: &Location) -> Result<OpenConnection, OpenError> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let target = location.clone();
        let attempt = runtime::spawn_blocking(move || connect_and_migrate(&target)).await;
        match attempt.map_err(OpenError::database)? {
            Err(Attempt::Sqlite(error)) if is_locked(&error) && Instant::now() < deadline => {
                tokio::time::sleep(RETRY_DELAY).await;
            }
            Err(Attempt::Sqlite(error)) => return Err(open_error(location, error)),
            Err(Attempt::Refused(error)) => return Err(error),
            Ok(connection) => return Ok(connection),
        }
    }
}

/// The reason why an attempt to open the database failed.
enum Attempt {
    Sqlite(rusqlite::Error),
    Refused(OpenError),
}

impl From<rusqlite::Error> for Attempt {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<OpenError> for Attempt {
    fn from(error: OpenError) -> Self {
        Self::Refused(error)
    }
}

fn connect_and_migrate(location: &Location) -> Result<OpenConnection, Attempt> {
    let mut connection = match location {
        Location::File(file) if file.mode == Mode::ReadOnly => {
            return connect_read_only(location, &file.name);
        }
        Location::File(_) => {
            let connection = location.open(Access::Write, BUSY_TIMEOUT)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection
        }
        Location::Memory(_) => location.open(Access::Create, BUSY_TIMEOUT)?,
    };
    if !migrations::missing(&applied(&connection)?, &MIGRATIONS)?.is_empty() {
        // Of several processes that start together, one migrates and the others wait for its transaction.
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(MIGRATIONS_TABLE)?;
        for migration in migrations::missing(&applied(&tx)?, &MIGRATIONS)? {
            apply(&tx, migration)?;
        }
        Lists::new(LIMIT)
            .build_after_migration(&tx)
            .map_err(|failure| OpenError::migration(StoreError::from(failure)))?;
        tx.commit()?;
    }
    Ok(connection)
}

/// Opens a connection that only reads, to a database whose schema is current.
fn connect_read_only(location: &Location, name: &str) -> Result<OpenConnection, Attempt> {
    let connection = location.open(Access::Read, BUSY_TIMEOUT)?;
    if migrations::missing(&applied(&connection)?, &MIGRATIONS)?.is_empty() {
        return Ok(connection);
    }
    Err(Attempt::Refused(OpenError::Outdated(name.to_owned())))
}

/// Returns the recorded migrations.
pub(super) fn applied(connection: &Connection) -> rusqlite::Result<Vec<Applied>> {
    let is_recorded = "select exists (select 1 from sqlite_schema where name = '_sqlx_migrations')";
    if !connection.query_row(is_recorded, [], |row| row.get::<_, bool>(0))? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(APPLIED)?;
    let rows = statement.query_map([], |row| {
        Ok(Applied { version: row.get(0)?, checksum: row.get(1)?, success: row.get(2)? })
    })?;
    rows.collect()
}

/// Runs a migration and records it.
fn apply(tx: &Transaction<'_>, migration: &Migration) -> Result<(), Attempt> {
    let began = Instant::now();
    tx.execute_batch(migration.sql.as_str()).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => Attempt::Sqlite(error),
        _ => Attempt::Refused(OpenError::migration(error)),
    })?;
    let record = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values ($1, $2, true, $3, $4)";
    let nanoseconds = i64::try_from(began.elapsed().as_nanos()).unwrap_or(i64::MAX);
    tx.execute(
        record,
        params![migration.version, &*migration.description, &*migration.checksum, nanoseconds],
    )?;
    Ok(())
}

fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn open_error(location: &Location, error: rusqlite::Error) -> OpenError {
    match location {
        Location::File(file) => open_failure(file.name.clone(), &file.real, error),
        Location::Memory(_) => OpenError::database(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{ThreadId, Timestamp, UserId},
        store::{NewMessage, NewThread, NewUser, PasswordHash, Slice, Store, sql},
    };
    use std::{fs, path::PathBuf};
    use uuid::Uuid;

    fn url(file: &Path) -> String {
        format!("sqlite://{}", file.display())
    }

    async fn open(file: &Path) -> Result<Arc<dyn Store>, OpenError> {
        sql::open(&url(file), &Options::default()).await
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chat.db");
        (folder, file)
    }

    fn tamper(file: &Path, statement: &str) {
        Connection::open(file).unwrap().execute_batch(statement).unwrap();
    }

    /// Adds two users and their thread, and returns a new message in it.
    async fn message(store: &Arc<dyn Store>) -> NewMessage {
        let created = Timestamp::from_micros(1);
        let mut users = Vec::new();
        for name in ["ann", "ben"] {
            let user = NewUser { username: name.to_owned(), password: PasswordHash::unusable(), created };
            users.push(store.insert_user(user).await.unwrap());
        }
        let id = ThreadId::new(Uuid::new_v4());
        store
            .open_thread(NewThread {
                id,
                participants: crate::api::Participants::pair(users[0], users[1]),
                created,
            })
            .await
            .unwrap();
        NewMessage {
            thread: id,
            sender: users[0],
            text: "good".to_owned(),
            is_read: false,
            created,
            key: None,
        }
    }

    #[tokio::test]
    async fn committed_data_survives_reopening() {
        let (_folder, file) = folder();
        let store = open(&file).await.unwrap();
        let new = message(&store).await;
        let sent = store.insert_messages(vec![new.clone()]).await.unwrap().remove(0).unwrap().message;
        store.close().await;
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        let store = open(&file).await.unwrap();
        assert_eq!(store.message(new.sender, sent.id).await.unwrap(), Some(sent));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read_a_new_file_and_a_backup() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, file) = folder();
        let store = open(&file).await.unwrap();
        let copy = folder.path().join("copy.db");
        store.backup(&copy).await.unwrap();
        for file in ["chat.db", "chat.db-wal", "copy.db"] {
            let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[tokio::test]
    async fn a_backup_is_a_database_and_overwrites_nothing() {
        let (folder, file) = folder();
        let store = open(&file).await.unwrap();
        let new = message(&store).await;
        let copy = folder.path().join("copy.db");
        store.backup(&copy).await.unwrap();
        assert!(matches!(store.backup(&copy).await, Err(StoreError::Conflict)));
        let missing = folder.path().join("missing/copy.db");
        assert!(matches!(store.backup(&missing).await, Err(StoreError::Fault(_))));
        let restored = open(&copy).await.unwrap();
        assert!(restored.thread(new.sender, new.thread).await.unwrap().is_some());
    }

    /// SQLite retries with pauses if a connection reads while another one writes.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn reads_of_a_database_in_memory_wait_for_the_writer_without_retries() {
        let store = sql::open("sqlite::memory:", &Options::default()).await.unwrap();
        let new = message(&store).await;
        let sender = new.sender;
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    for _ in 0..2000 {
                        store.messages(sender, Slice { limit: 10, offset: 0 }).await.unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..300 {
            store.insert_messages(vec![new.clone()]).await.unwrap().remove(0).unwrap();
        }
        for reader in readers {
            reader.await.unwrap();
        }
        let moved: Vec<u64> = store.metrics().pools.iter().map(|pool| pool.moved).collect();
        assert_eq!(moved, [0]);
    }

    #[tokio::test]
    async fn a_database_in_memory_lives_as_long_as_its_store() {
        let store = sql::open("sqlite::memory:", &Options::default()).await.unwrap();
        message(&store).await;
        let other = sql::open("sqlite::memory:", &Options::default()).await.unwrap();
        assert!(other.is_empty().await.unwrap());
        assert!(store.account(UserId::new(1)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_error_names_what_cannot_be_opened() {
        let (folder, file) = folder();
        let fixed = Options::default().create_if_missing(false);
        assert!(matches!(sql::open(&url(&file), &fixed).await, Err(OpenError::Missing(_))));
        assert!(!file.exists());
        assert!(matches!(open(folder.path()).await, Err(OpenError::Directory(_))));
        assert!(matches!(open(&folder.path().join("no/chat.db")).await, Err(OpenError::NoFolder(_))));
        fs::write(&file, "certainly not a database, however long it is".repeat(100)).unwrap();
        assert!(matches!(open(&file).await, Err(OpenError::NotADatabase(_))));
        for address in ["", "chat.db", "sqlite:", "sqlite://", "mysql://localhost/chat"] {
            assert!(matches!(sql::open(address, &fixed).await, Err(OpenError::Address)), "{address}");
        }
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let (_folder, file) = folder();
        open(&file).await.unwrap().close().await;
        let later = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
             values (9999, 'later', true, x'00', 0)";
        tamper(&file, later);
        let error = open(&file).await.unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 9999, .. }), "{error}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn processes_that_start_together_migrate_once() {
        let (_folder, file) = folder();
        let opening: Vec<_> = (0..4)
            .map(|_| {
                let file = file.clone();
                tokio::spawn(async move { open(&file).await })
            })
            .collect();
        for store in opening {
            store.await.unwrap().unwrap().close().await;
        }
    }

    #[tokio::test]
    async fn a_file_that_another_process_creates_is_reported_as_locked() {
        let (_folder, file) = folder();
        let other = Connection::open(&file).unwrap();
        other.execute_batch("begin immediate").unwrap();
        let location = Location::File(DatabaseFile::open(&file, Mode::ReadWrite, None).await.unwrap());
        let refused = connect_and_migrate(&location).err();
        assert!(
            matches!(&refused, Some(Attempt::Sqlite(error)) if is_locked(error)),
            "the attempt can be repeated"
        );
        other.execute_batch("rollback").unwrap();
        assert!(connect_and_migrate(&location).is_ok());
    }

    #[tokio::test]
    async fn a_current_schema_is_opened_while_another_process_writes() {
        let (_folder, file) = folder();
        open(&file).await.unwrap().close().await;
        let other = Connection::open(&file).unwrap();
        other.execute_batch("begin immediate").unwrap();
        open(&file).await.unwrap();
    }

    #[tokio::test]
    async fn a_message_that_the_database_refuses_fails_alone() {
        let (_folder, file) = folder();
        let store = open(&file).await.unwrap();
        let good = message(&store).await;
        let refusal = "create trigger refusal before insert on messages when new.text = 'bad' \
             begin select raise(abort, 'refused'); end";
        tamper(&file, refusal);
        let bad = NewMessage { text: "bad".to_owned(), ..good.clone() };
        let outcomes = store.insert_messages(vec![good.clone(), bad.clone(), good.clone()]).await.unwrap();
        assert!(matches!(outcomes[..], [Ok(_), Err(StoreError::Fault(_)), Ok(_)]), "{outcomes:?}");
        assert!(matches!(store.insert_messages(vec![bad]).await, Err(StoreError::Fault(_))));
        let unread = store
            .unread(good.sender, crate::store::UnreadFilter::All, Slice { limit: 9, offset: 0 })
            .await
            .unwrap();
        assert_eq!((unread.count, unread.items.len()), (2, 2));
    }
}
