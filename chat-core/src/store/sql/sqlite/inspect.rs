//! Opens a database only to read it.

use super::{
    open_failure::open_failure,
    paths::{beside, follow},
    stale_wal::{self, ServerLocked, WAL},
};
use crate::store::sql::OpenError;
use rusqlite::{Connection, Error, OpenFlags};
use std::path::Path;

/// Opens a database.
///
/// An unused database is opened as immutable, so that SQLite does not create the WAL and its shared-memory index. An
/// immutable database is read without its WAL. Beside any other database, SQLite may create the index.
pub(crate) fn open(file: &Path, unused: bool) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !unused {
        return Connection::open_with_flags(file, flags);
    }
    open_immutable(file, flags)
}

/// Opens a database that no program changes while the connection is open.
///
/// It is read without its WAL.
pub(super) fn open_immutable(file: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let path = file.to_str().ok_or_else(|| Error::InvalidPath(file.to_owned()))?;
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let address = format!("file:{path}?immutable=1");
    Connection::open_with_flags(address, flags | OpenFlags::SQLITE_OPEN_URI)
}

/// Returns whether all data of a database is in the file itself.
pub(crate) fn is_whole(file: &Path, locked: ServerLocked) -> bool {
    let has_own_wal = stale_wal::is_non_empty(&beside(file, WAL)) && stale_wal::refuse(file, locked).is_ok();
    !has_own_wal && !stale_wal::is_non_empty(&beside(file, "-journal"))
}

/// Converts an error of SQLite on a file.
pub(crate) fn failed(file: &Path, error: Error) -> OpenError {
    let real = follow(file).unwrap_or_else(|_| file.to_owned());
    open_failure(file.display().to_string(), &real, error)
}
