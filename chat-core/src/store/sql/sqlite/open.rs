//! Opening an SQLite database: its file, its connections, its schema.

use crate::store::sql::{
    OpenError, Options, SqlStore,
    sqlite::{
        driver::{self, MEMORY, Place},
        readers::Here,
        writer::Writer,
    },
};
use sqlx::{
    ConnectOptions as _, Connection as _, Error, Sqlite, SqliteConnection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use std::{
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a reader waits for a lock, which in a file it hardly ever meets.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before a database that is being made is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// Connections for long reads. SQLite's readers do not wait for its one writer.
const READERS: u32 = 2;

/// A new database in memory. It is there as long as this store.
pub(crate) async fn open_memory() -> Result<SqlStore<Sqlite>, OpenError> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    // A name that begins so is known to the whole process.
    let name = format!("/chat-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let connect = SqliteConnectOptions::new().filename(&name).vfs(MEMORY).create_if_missing(true);
    open(connect, &Place::Memory(name), true, OpenError::database).await
}

/// The database in a file.
pub(crate) async fn open_file(file: &Path, options: &Options) -> Result<SqlStore<Sqlite>, OpenError> {
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
    let connect = SqliteConnectOptions::new().filename(file).journal_mode(SqliteJournalMode::Wal);
    let failed = |error: Error| match result_code(&error) {
        Some(5 | 6) => OpenError::Locked(name()),
        Some(11) => OpenError::Damaged(name()),
        Some(26) => OpenError::NotADatabase(name()),
        _ => OpenError::File(name(), Arc::new(error)),
    };
    open(connect, &Place::File(file.to_owned()), options.sync_every_commit, failed).await
}

async fn open(
    connect: SqliteConnectOptions,
    place: &Place,
    sync_every_commit: bool,
    failed: impl Fn(Error) -> OpenError,
) -> Result<SqlStore<Sqlite>, OpenError> {
    let connect = connect.busy_timeout(BUSY_TIMEOUT).foreign_keys(true);
    // Alone at first: of two connections that turn to a log at once, SQLite refuses one.
    let mut first = patiently(&connect).await.map_err(&failed)?;
    migrate(&mut first, &failed).await?;
    let readers = pool(READERS).connect_with(connect).await.map_err(&failed)?;
    let here = |error| failed(driver::failed(error));
    let writer = Writer::start(place, sync_every_commit).map_err(here)?;
    let store = SqlStore::new(writer, readers, Here::open(place).map_err(here)?);
    first.close().await.map_err(failed)?;
    Ok(store)
}

/// Connects for the first time. A database that another process is making, or bringing into the mode that writes ahead,
/// is locked in a way that SQLite does not wait for: this does.
async fn patiently(connect: &SqliteConnectOptions) -> Result<SqliteConnection, Error> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connect.connect().await {
            Err(error) if result_code(&error) == Some(5) && Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            connected => return connected,
        }
    }
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

/// SQLite's primary result code; the bits above it say more of the kind.
fn result_code(error: &Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// In one transaction, so that of two processes that start insert_batch one does it.
async fn migrate(
    connection: &mut SqliteConnection,
    failed: impl Fn(Error) -> OpenError,
) -> Result<(), OpenError> {
    let mut tx = connection.begin_with("begin immediate").await.map_err(&failed)?;
    // `run` by another name, whose future is `Send`.
    MIGRATIONS.run_direct(None, &mut *tx, false).await.map_err(|error| match error {
        // The file's fault, not the schema's.
        MigrateError::Execute(error) if result_code(&error) == Some(11) => failed(error),
        error => OpenError::migration(error, &MIGRATIONS),
    })?;
    tx.commit().await.map_err(failed)
}

/// An empty file that its owner alone may read.
fn create_private(file: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{ThreadId, Timestamp, UserId},
        store::{NewMessage, NewThread, NewUser, PasswordHash, Slice, Store, StoreError, sql},
    };
    use sqlx::{AssertSqlSafe, Executor as _};
    use std::path::PathBuf;
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

    async fn tamper(file: &Path, statement: &str) {
        let mut connection = SqliteConnection::connect(&url(file)).await.unwrap();
        connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Two users and a thread: a message to it.
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
    async fn what_was_written_is_there_when_opened_again() {
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
    async fn a_new_file_and_a_backup_are_their_owners_alone() {
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
        let nowhere = folder.path().join("nowhere/copy.db");
        assert!(matches!(store.backup(&nowhere).await, Err(StoreError::Fault(_))));
        let restored = open(&copy).await.unwrap();
        assert!(restored.thread(new.sender, new.thread).await.unwrap().is_some());
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
    async fn what_cannot_be_opened_is_named() {
        let (folder, file) = folder();
        let fixed = Options { create_if_missing: false, ..Options::default() };
        assert!(matches!(sql::open(&url(&file), &fixed).await, Err(OpenError::Missing(_))));
        assert!(!file.exists());
        assert!(matches!(open(folder.path()).await, Err(OpenError::Directory(_))));
        assert!(matches!(open(&folder.path().join("no/chat.db")).await, Err(OpenError::File(..))));
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
        tamper(&file, later).await;
        let error = open(&file).await.unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 9999, .. }), "{error}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn several_that_start_together_migrate_once() {
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
    async fn one_that_is_being_made_is_waited_for() {
        let (_folder, file) = folder();
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        other.execute("begin immediate").await.unwrap();
        let mut opening = tokio::spawn(async move { open(&file).await });
        // Not to wait for anything, but long enough for a refusal to come.
        let refused = tokio::time::timeout(Duration::from_millis(300), &mut opening).await;
        assert!(refused.is_err(), "{refused:?}");
        other.execute("rollback").await.unwrap();
        opening.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_message_the_database_refuses_fails_alone() {
        let (_folder, file) = folder();
        let store = open(&file).await.unwrap();
        let good = message(&store).await;
        let refusal = "create trigger refusal before insert on messages when new.text = 'bad' \
             begin select raise(abort, 'refused'); end";
        tamper(&file, refusal).await;
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
