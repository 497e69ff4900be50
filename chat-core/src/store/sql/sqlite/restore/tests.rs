use super::*;
use crate::store::{
    NewUser, PasswordHash, Store,
    sql::{self, Options, Restored},
};
use crate::{
    api::{Timestamp, UserId},
    store::sql::sqlite::{paths::beside, stale_wal::WAL},
};
use tempfile::TempDir;

/// A folder with a database and a backup.
struct Fixture {
    _folder: TempDir,
    database: PathBuf,
    backup: PathBuf,
}

impl Fixture {
    /// Makes a database with the users `kept` and `lost`, and a backup without `lost`.
    async fn new() -> (Self, Arc<dyn Store>) {
        let folder = tempfile::tempdir().unwrap();
        let (database, backup) = (folder.path().join("chat.db"), folder.path().join("copy.db"));
        let fixture = Self { _folder: folder, database, backup };
        let store = open(&fixture.database).await;
        add(&store, "kept").await;
        store.backup(&fixture.backup).await.unwrap();
        add(&store, "lost").await;
        (fixture, store)
    }

    async fn restore(&self) -> Result<Restored, RestoreError> {
        sql::restore(&url(&self.database), &self.backup).await
    }
}

fn url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

async fn open(file: &Path) -> Arc<dyn Store> {
    sql::open(&url(file), &Options::default()).await.unwrap()
}

async fn add(store: &Arc<dyn Store>, name: &str) {
    let (password, created) = (PasswordHash::unusable(), Timestamp::from_micros(1));
    store.insert_user(NewUser { username: name.to_owned(), password, created }).await.unwrap();
}

/// Returns the number of users, which are numbered from 1.
async fn users(file: &Path) -> i64 {
    let store = open(file).await;
    let mut count = 0;
    while store.account(UserId::new(count + 1)).await.unwrap().is_some() {
        count += 1;
    }
    store.close().await;
    count
}

#[tokio::test]
async fn the_backup_replaces_the_database_and_the_old_one_can_be_opened() {
    let (fixture, store) = Fixture::new().await;
    store.close().await;
    let kept = fixture.restore().await.unwrap().kept;
    assert_eq!(kept, [beside(&fs::canonicalize(&fixture.database).unwrap(), ".before-restore-1")]);
    assert_eq!((users(&fixture.database).await, users(&kept[0]).await), (1, 2));
    assert_eq!(fixture.restore().await.unwrap().kept[0].extension().unwrap(), "before-restore-2");
}

#[tokio::test]
async fn a_database_that_another_connection_has_open_is_not_replaced() {
    let (fixture, store) = Fixture::new().await;
    let refusal = fixture.restore().await.unwrap_err();
    assert!(matches!(refusal, RestoreError::InUse(_)), "{refusal}");
    let wal = fs::metadata(beside(&fixture.database, WAL)).unwrap().len();
    assert!(wal > 0, "the WAL is as it was");
    add(&store, "another").await;
    store.close().await;
    assert_eq!(users(&fixture.database).await, 3);
    assert!(!beside(&fixture.database, ".restoring").exists());
}

#[tokio::test]
async fn an_idle_reader_of_another_program_prevents_the_replacement() {
    let (fixture, store) = Fixture::new().await;
    store.close().await;
    let shell = Connection::open(&fixture.database).unwrap();
    let count: i64 = shell.query_row("select count(*) from users", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 2);
    assert!(matches!(fixture.restore().await, Err(RestoreError::InUse(_))));
    shell.close().unwrap();
    fixture.restore().await.unwrap();
}

#[tokio::test]
async fn an_unusable_backup_leaves_the_database_unchanged() {
    let (fixture, store) = Fixture::new().await;
    store.close().await;
    let before = fs::read(&fixture.database).unwrap();
    let good = fs::read(&fixture.backup).unwrap();

    let mut truncated = good.clone();
    truncated.truncate(good.len() / 2);
    // A page in the middle, which the opening of the file does not read.
    let mut scribbled = good.clone();
    let page = good.len() / 4096 / 2 * 4096;
    scribbled[page..page + 200].fill(0x5a);
    for (content, is_expected) in [
        (truncated, (|error| matches!(error, RestoreError::Backup(OpenError::Damaged(_)))) as fn(&_) -> bool),
        (scribbled, |error| matches!(error, RestoreError::Backup(OpenError::Damaged(_)))),
        (b"certainly not a database".repeat(99), |error| {
            matches!(error, RestoreError::Backup(OpenError::NotADatabase(_)))
        }),
        (Vec::new(), |error| matches!(error, RestoreError::NoSchema(_))),
    ] {
        fs::write(&fixture.backup, content).unwrap();
        let refusal = fixture.restore().await.unwrap_err();
        assert!(is_expected(&refusal), "{refusal:?}");
        assert_eq!(fs::read(&fixture.database).unwrap(), before);
    }
    fs::write(&fixture.backup, good).unwrap();
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values (9999, 'later', true, x'00', 0)";
    Connection::open(&fixture.backup).unwrap().execute_batch(newer).unwrap();
    let refusal = fixture.restore().await.unwrap_err();
    assert!(matches!(refusal, RestoreError::Backup(OpenError::Newer { .. })), "{refusal:?}");
    assert_eq!(fs::read(&fixture.database).unwrap(), before);
    let names = fs::read_dir(fixture.database.parent().unwrap()).unwrap().count();
    assert_eq!(names, 2, "no other file is left");
}

#[tokio::test]
async fn a_backup_may_have_a_wal_of_its_own() {
    let (fixture, store) = Fixture::new().await;
    store.close().await;
    // Some programs copy a database with its WAL.
    let live = open(&fixture.backup).await;
    add(&live, "second").await;
    add(&live, "third").await;
    assert!(stale_wal::is_non_empty(&beside(&fixture.backup, WAL)));
    fixture.restore().await.unwrap();
    live.close().await;
    assert_eq!(users(&fixture.database).await, 3);
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_stays_and_the_permissions_are_those_of_the_old_database() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (mut fixture, store) = Fixture::new().await;
    store.close().await;
    fs::set_permissions(&fixture.database, fs::Permissions::from_mode(0o640)).unwrap();
    let (real, link) = (fixture.database.clone(), fixture.database.with_file_name("link.db"));
    symlink(&real, &link).unwrap();
    fixture.database = link.clone();
    fixture.restore().await.unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(users(&real).await, 1);
}

#[tokio::test]
async fn only_an_sqlite_file_can_be_restored() {
    let backup = Path::new("copy.db");
    assert!(matches!(sql::restore("postgres://db/chat", backup).await, Err(RestoreError::Postgres)));
    assert!(matches!(sql::restore("sqlite::memory:", backup).await, Err(RestoreError::Memory)));
    let refusal = sql::restore("mysql://db/chat", backup).await.unwrap_err();
    assert!(matches!(refusal, RestoreError::Database(OpenError::Address)));
}
