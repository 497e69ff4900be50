//! Backs up a live SQLite database.

use super::{
    driver::{failed, kind},
    migrations::MIGRATIONS,
    readers::Readers,
};
use crate::runtime;
use crate::store::{
    Source, StoreError,
    sql::{address::is_uri, failure::Kind, migrations::newest},
};
use rusqlite::{Connection, OpenFlags};
use std::{ffi::OsString, io, path::Path, sync::Arc};
use tempfile::NamedTempFile;

/// Writes a consistent copy of the database to the new file `to`.
///
/// The copy is written to a temporary file beside `to`, checked, synced, and renamed to `to`. The file `to` is
/// therefore always complete. If the backup fails or its future is dropped, the temporary file is removed. If the
/// process is killed, the file `.NAME.….part` remains.
pub(crate) async fn backup(readers: &Readers, to: &Path) -> Result<(), StoreError> {
    if to.to_str().is_some_and(is_uri) {
        return Err(StoreError::Unsupported(
            "the name of the copy begins with file:, which SQLite would read as a URI",
        ));
    }
    if to.symlink_metadata().is_ok() {
        return Err(StoreError::Conflict);
    }
    // Readable only by its owner, and empty, as SQLite requires.
    let copy = temporary_file(to).map_err(fault)?;
    let path = copy.path().to_str().ok_or(StoreError::Unsupported("the name of the copy must be UTF-8"))?;
    let path = path.to_owned();
    // The closure owns the temporary file: if this future is dropped, the file is removed after SQLite has closed it.
    let copied = readers.run_long(move |connection| {
        connection.execute("vacuum into $1", [path]).map_err(|error| match kind(&error) {
            Kind::Unavailable | Kind::SerializationFailure => failed(error),
            _ => StoreError::Fault(Arc::new(error)).into(),
        })?;
        Ok(copy)
    });
    let copy = copied.await?;
    let to = to.to_owned();
    runtime::spawn_blocking(move || finish(copy, &to)).await?
}

/// Returns the folder of a file.
fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Creates an empty temporary file in the folder of `to`.
fn temporary_file(to: &Path) -> io::Result<NamedTempFile> {
    let mut prefix = OsString::from(".");
    prefix.push(to.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    prefix.push(".");
    tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(folder(to))
}

fn finish(copy: NamedTempFile, to: &Path) -> Result<(), StoreError> {
    check(copy.path())?;
    copy.as_file().sync_all().map_err(fault)?;
    copy.persist_noclobber(to).map_err(|failure| match failure.error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::Conflict,
        _ => fault(failure.error),
    })?;
    // The name is durable once its folder is synced. Not every system can open or sync a folder.
    #[cfg(unix)]
    std::fs::File::open(folder(to)).and_then(|folder| folder.sync_all()).map_err(fault)?;
    Ok(())
}

/// A copy that does not pass the check.
#[derive(Debug, thiserror::Error)]
#[error("the copy is damaged: {0}")]
struct Damaged(String);

/// Checks the pages and the schema version of the copy.
fn check(copy: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags).map_err(fault)?;
    let found: String = connection.query_row("pragma quick_check(1)", [], |row| row.get(0)).map_err(fault)?;
    if found != "ok" {
        return Err(fault(Damaged(found)));
    }
    let version = "select max(version) from _sqlx_migrations where success";
    let version: Option<i64> = connection.query_row(version, [], |row| row.get(0)).map_err(fault)?;
    let known = newest(&MIGRATIONS);
    match version {
        Some(version) if version == known => Ok(()),
        Some(version) => {
            Err(fault(Damaged(format!("its schema version is {version}, and {known} was expected"))))
        }
        None => Err(fault(Damaged("it has no schema version".to_owned()))),
    }
}

fn fault(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Fault(Arc::new(error) as Source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        Store,
        sql::{self, Options},
    };
    use futures_util::FutureExt as _;
    use std::{fs, path::PathBuf, time::Duration};

    async fn store(folder: &Path) -> Arc<dyn Store> {
        sql::open(&format!("sqlite://{}/chat.db", folder.display()), &Options::default()).await.unwrap()
    }

    fn parts(folder: &Path) -> Vec<PathBuf> {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension() == Some("part".as_ref())).collect()
    }

    #[tokio::test]
    async fn a_dropped_backup_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let copy = folder.path().join("copy.db");
        let mut backup = Box::pin(store.backup(&copy));
        assert!((&mut backup).now_or_never().is_none());
        assert_eq!(parts(folder.path()).len(), 1, "a copy in progress has a temporary name");
        drop(backup);
        let removed = async {
            while !parts(folder.path()).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), removed).await.unwrap();
        assert!(!copy.exists());
        store.backup(&copy).await.unwrap();
        assert!(parts(folder.path()).is_empty() && copy.exists());
    }

    #[test]
    fn a_damaged_copy_is_not_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("copy.db");
        let copy = temporary_file(&to).unwrap();
        let connection = Connection::open(copy.path()).unwrap();
        connection.execute_batch("create table notes (text text); insert into notes values ('x')").unwrap();
        connection.close().unwrap();
        assert!(matches!(finish(copy, &to), Err(StoreError::Fault(_))), "it has no schema");

        for (versions, expected) in [
            ("", "the copy is damaged: it has no schema version"),
            ("insert into _sqlx_migrations values (0, true)", "its schema version is 0, and "),
        ] {
            let copy = temporary_file(&to).unwrap();
            let connection = Connection::open(copy.path()).unwrap();
            let table = "create table _sqlx_migrations (version integer, success boolean);";
            connection.execute_batch(&format!("{table} {versions}")).unwrap();
            connection.close().unwrap();
            let refusal = crate::error_chain(&finish(copy, &to).unwrap_err()).to_string();
            assert!(refusal.contains(expected), "{refusal}");
        }

        let copy = temporary_file(&to).unwrap();
        fs::write(copy.path(), "no database".repeat(1000)).unwrap();
        assert!(matches!(finish(copy, &to), Err(StoreError::Fault(_))));
        assert!(parts(folder.path()).is_empty() && !to.exists());
    }

    #[tokio::test]
    async fn a_file_created_in_the_meantime_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let to = folder.path().join("copy.db");
        let mut backup = Box::pin(store.backup(&to));
        assert!((&mut backup).now_or_never().is_none());
        fs::write(&to, "precious").unwrap();
        assert!(matches!(backup.await, Err(StoreError::Conflict)));
        assert_eq!(fs::read_to_string(&to).unwrap(), "precious");
        assert!(parts(folder.path()).is_empty());
    }
}
