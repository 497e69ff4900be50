//! Replaces a database file with a copy of a backup.
//!
//! The order of the steps makes it safe to kill the process at any point. The copy is written and synced under another
//! name. The old files get a second name. Then one rename replaces the old database. After that, the WAL of the old
//! database is removed. Between these two steps the header of the copy says that it has no WAL, so that the copy is
//! refused until the WAL is removed: see `stale_wal`.

mod files;

use super::{
    MIGRATIONS, inspect,
    open::applied,
    stale_wal::{self, ServerLocked},
};
use crate::{
    runtime,
    store::sql::{OpenError, RestoreError, migrations},
};
use files::Files;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long to wait for another program that uses the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Replaces `database` with a copy of `backup`.
///
/// Returns the new names of the old files.
pub(crate) async fn restore(database: &Path, backup: &Path) -> Result<Vec<PathBuf>, RestoreError> {
    let (database, backup) = (database.to_owned(), backup.to_owned());
    let restored = runtime::spawn_blocking(move || replace(&database, &backup)).await;
    restored.map_err(|error| OpenError::Database(Arc::new(error)))?
}

fn replace(database: &Path, backup: &Path) -> Result<Vec<PathBuf>, RestoreError> {
    let files = Files::of(database)?;
    let source = open_backup(backup, &files.real)?;
    check(&source, backup)?;
    let copy = files.create_copy()?;
    let write = |error: rusqlite::Error| files.write_error("write", copy.path(), error);
    source.execute("vacuum into $1", [copy.path().to_str()]).map_err(write)?;
    let written = inspect::open(copy.path(), true).map_err(write)?;
    let intact: bool = written
        .query_row("pragma quick_check(1)", [], |row| Ok(row.get_ref(0)?.as_str()? == "ok"))
        .map_err(write)?;
    drop((source, written));
    if !intact {
        return Err(files.write_error(
            "write",
            copy.path(),
            io::Error::other("the copy is damaged; check the disk"),
        ));
    }
    copy.sync()?;
    let lock = lock_out(&files.real, database)?;
    // Windows replaces no file that is open.
    let _lock = lock.filter(|_| cfg!(unix));
    files.replace(copy)
}

/// Opens a backup to read it.
///
/// The database itself is accepted if it is a copy that was put beside the WAL of another database.
fn open_backup(backup: &Path, database: &Path) -> Result<Connection, RestoreError> {
    let name = || backup.display().to_string();
    let real = fs::canonicalize(backup).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RestoreError::Backup(OpenError::Missing(name())),
        _ => RestoreError::Backup(OpenError::File(name(), Arc::new(error))),
    })?;
    if real.is_dir() {
        return Err(RestoreError::Backup(OpenError::Directory(name())));
    }
    // The caller holds the lock of the server for the database.
    let locked = if real == database { ServerLocked::Here } else { ServerLocked::NotHere };
    match stale_wal::refuse(&real, locked) {
        Ok(()) if real == database => return Err(RestoreError::Same(name())),
        Ok(()) | Err(OpenError::ForeignWal(_)) => {}
        Err(error) => return Err(RestoreError::Backup(error)),
    }
    let opened = inspect::open(&real, inspect::is_whole(&real, locked));
    opened.map_err(|error| RestoreError::Backup(inspect::failed(backup, error)))
}

/// Checks every page of the backup, its indexes and its schema version.
fn check(source: &Connection, backup: &Path) -> Result<(), RestoreError> {
    let failed = |error| RestoreError::Backup(inspect::failed(backup, error));
    let name = || backup.display().to_string();
    let found: String =
        source.query_row("pragma integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(RestoreError::Backup(OpenError::Damaged(name())));
    }
    let applied = applied(source).map_err(failed)?;
    if applied.is_empty() {
        return Err(RestoreError::NoSchema(name()));
    }
    migrations::missing(&applied, &MIGRATIONS).map(drop).map_err(RestoreError::Backup)
}

/// Locks the old database, so that no other program uses it during the replacement.
///
/// Returns `None` if there is no database, if its WAL belongs to another one, or if SQLite cannot read it. No store can
/// then use it. The lock changes no file, except that SQLite may apply the rollback journal of a crash, and may create
/// an empty WAL.
fn lock_out(real: &Path, name: &Path) -> Result<Option<Connection>, RestoreError> {
    if !stale_wal::is_non_empty(real) || stale_wal::refuse(real, ServerLocked::Here).is_err() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let locked = Connection::open_with_flags(real, flags).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // The WAL of the old database is kept as it is.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // In this mode, a WAL is used only under an exclusive lock of the database file.
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection.execute_batch("begin exclusive")?;
        Ok(connection)
    });
    match locked {
        Err(error) if is_locked(&error) => Err(RestoreError::InUse(name.display().to_string())),
        locked => Ok(locked.ok()),
    }
}

fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests;
