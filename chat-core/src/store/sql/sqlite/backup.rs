//! Copying a live SQLite database.

use crate::store::sql::{dialect::Dialect as _, failure::Kind, sqlite::open::MIGRATIONS};
use crate::store::{Source, StoreError};
use rusqlite::{Connection, OpenFlags};
use sqlx::{Sqlite, SqlitePool};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::NamedTempFile;
use tokio::sync::oneshot::{self, Sender};

/// Writes a copy under another name beside the one it is to have, checks it, waits for the disk, and gives it its name:
/// whatever is called so is whole. When this fails or is given up, nothing stays behind; a process that is killed
/// leaves `.NAME.….part`.
pub(crate) async fn backup(pool: &SqlitePool, to: &Path) -> Result<(), StoreError> {
    if to.symlink_metadata().is_ok() {
        return Err(StoreError::Conflict);
    }
    // Its owner's alone, and empty, as SQLite wants it.
    let copy = beside(to).map_err(fault)?;
    let (reply, done) = oneshot::channel();
    // KeyOwner itself, since the driver goes on with a statement when nobody waits for it any more, and would make anew a
    // file that is removed before it gets there.
    tokio::spawn(write(pool.clone(), copy, to.to_owned(), reply));
    done.await.map_err(fault)?
}

async fn write(pool: SqlitePool, copy: NamedTempFile, to: PathBuf, reply: Sender<Result<(), StoreError>>) {
    let written = fill(&pool, copy.path()).await;
    if reply.is_closed() {
        return;
    }
    let done = match written {
        Ok(()) => tokio::task::spawn_blocking(move || finish(copy, &to)).await.map_err(fault).flatten(),
        Err(error) => Err(error),
    };
    // Who has gone does not mind.
    reply.send(done).ok();
}

async fn fill(pool: &SqlitePool, copy: &Path) -> Result<(), StoreError> {
    let path = copy.to_str().ok_or(StoreError::Unsupported("the name of the copy must be UTF-8"))?;
    sqlx::query("vacuum into $1").bind(path).execute(pool).await.map(drop).map_err(
        |error| match Sqlite::kind(&error) {
            Kind::Away | Kind::Collision => StoreError::Unavailable(Arc::new(error)),
            _ => fault(error),
        },
    )
}

/// The folder a file is in.
fn folder(of: &Path) -> &Path {
    of.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

fn beside(to: &Path) -> io::Result<NamedTempFile> {
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
    // The name is on the disk when its folder is. Not every system opens folders, or waits for them.
    #[cfg(unix)]
    std::fs::File::open(folder(to)).and_then(|folder| folder.sync_all()).map_err(fault)?;
    Ok(())
}

/// A copy that is not as it should be.
#[derive(Debug, thiserror::Error)]
#[error("the copy is not good: {0}")]
struct Flawed(String);

/// Reads the whole copy, as restoring it would.
fn check(copy: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags).map_err(fault)?;
    let found: String = connection.query_row("pragma quick_check(1)", [], |row| row.get(0)).map_err(fault)?;
    if found != "ok" {
        return Err(fault(Flawed(found)));
    }
    let version = "select max(version) from _sqlx_migrations where success";
    let version: Option<i64> = connection.query_row(version, [], |row| row.get(0)).map_err(fault)?;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max();
    if version != known {
        return Err(fault(Flawed(format!("its schema is {version:?} and not {known:?}"))));
    }
    Ok(())
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
    use std::{fs, time::Duration};

    async fn store(folder: &Path) -> Arc<dyn Store> {
        sql::open(&format!("sqlite://{}/chat.db", folder.display()), &Options::default()).await.unwrap()
    }

    fn parts(folder: &Path) -> Vec<PathBuf> {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension() == Some("part".as_ref())).collect()
    }

    #[tokio::test]
    async fn one_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        let copy = folder.path().join("copy.db");
        let mut backup = Box::pin(store.backup(&copy));
        assert!((&mut backup).now_or_never().is_none());
        assert_eq!(parts(folder.path()).len(), 1, "half a copy has another name");
        drop(backup);
        let gone = async {
            while !parts(folder.path()).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
        assert!(!copy.exists());
        store.backup(&copy).await.unwrap();
        assert!(parts(folder.path()).is_empty() && copy.exists());
    }

    #[test]
    fn a_damaged_copy_is_not_given_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("copy.db");
        let copy = beside(&to).unwrap();
        let connection = Connection::open(copy.path()).unwrap();
        connection.execute_batch("create table notes (text text); insert into notes values ('x')").unwrap();
        connection.close().unwrap();
        assert!(matches!(finish(copy, &to), Err(StoreError::Fault(_))), "it has no schema");

        let copy = beside(&to).unwrap();
        fs::write(copy.path(), "no database".repeat(1000)).unwrap();
        assert!(matches!(finish(copy, &to), Err(StoreError::Fault(_))));
        assert!(parts(folder.path()).is_empty() && !to.exists());
    }

    #[tokio::test]
    async fn what_came_there_meanwhile_is_left_alone() {
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
