//! The reason why SQLite cannot open a database.

use super::paths::folder_is_writable;
use crate::store::sql::OpenError;
use rusqlite::{Error, ErrorCode, ffi};
use std::{path::Path, sync::Arc};

/// Converts an error of SQLite on the file at `real`, which the address names `name`.
pub(super) fn open_failure(name: String, real: &Path, error: Error) -> OpenError {
    let extended = error.sqlite_error().map_or(ffi::SQLITE_ERROR, |error| error.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked(name),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(name),
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(name),
        Some(ErrorCode::DiskFull) => OpenError::DiskFull(name),
        Some(ErrorCode::FileLockingProtocolFailed) => OpenError::FileSystem(name, Arc::new(error)),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) if !folder_is_writable(real) => {
            OpenError::ReadOnlyFolder(name)
        }
        _ if NO_ROOM.contains(&extended) => OpenError::DiskFull(name),
        _ if NO_LOCKS.contains(&extended) => OpenError::FileSystem(name, Arc::new(error)),
        _ => OpenError::File(name, Arc::new(error)),
    }
}

/// The codes of SQLite if the index of the WAL cannot be extended.
const NO_ROOM: [i32; 2] = [ffi::SQLITE_IOERR_SHMOPEN, ffi::SQLITE_IOERR_SHMSIZE];
/// The codes of SQLite if the file system has no locks or no shared memory.
const NO_LOCKS: [i32; 6] = [
    ffi::SQLITE_IOERR_LOCK,
    ffi::SQLITE_IOERR_RDLOCK,
    ffi::SQLITE_IOERR_UNLOCK,
    ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
    ffi::SQLITE_IOERR_SHMLOCK,
    ffi::SQLITE_IOERR_SHMMAP,
];
