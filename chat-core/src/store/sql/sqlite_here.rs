//! Reading an SQLite file on the thread that asks.
//!
//! sqlx keeps a thread for each connection and hands every statement over to it: 13 µs a hop on a busy machine, 75 µs
//! when a core has to be woken, against a few microseconds of SQLite's own work. Short look-ups therefore go through
//! connections of their own, that only read. Whatever is out of the ordinary there, a lock held by somebody, an
//! error, all of them in use, is left to sqlx, which waits and sorts errors.

use super::value::{Arg, Cells};
use rusqlite::{
    Connection, OpenFlags,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};
use sqlx::Error;
use std::{
    fmt,
    path::Path,
    sync::{Mutex, PoisonError, TryLockError},
    time::Duration,
};
use uuid::Uuid;

/// Connections that read where they are asked. `None` once they are closed.
pub(crate) struct Here(Box<[Mutex<Option<Connection>>]>);

/// Kibibytes of pages that a busy connection keeps, as SQLite writes it. The file is not mapped into memory: each
/// connection would map it anew, and a large one would fill what a small machine has.
pub(super) const CACHE: &str = "-8192";
/// Statements prepared at most on each; more than there are.
const STATEMENTS: usize = 64;

impl Here {
    /// Opens a file that has been opened, and migrated, already.
    pub(super) fn open(file: &Path) -> Result<Self, rusqlite::Error> {
        // Those who ask are the runtime's threads, of which there are as many as cores.
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
        let open = |_| {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(file, flags)?;
            // This thread has other things to do than to wait.
            connection.busy_timeout(Duration::ZERO)?;
            connection.pragma_update(None, "cache_size", CACHE)?;
            // Otherwise a statement is planned anew whenever another limit is bound.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            Ok(Mutex::new(Some(connection)))
        };
        Ok(Self((0..threads).map(open).collect::<Result<_, rusqlite::Error>>()?))
    }

    /// Runs a statement that reads and gives its rows to `take`; `false` when that is not to be done here, whatever
    /// was taken so far.
    pub(super) fn read(
        &self,
        sql: &str,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&dyn Cells) -> Result<(), Error>,
    ) -> bool {
        for connection in &self.0 {
            match connection.try_lock() {
                Ok(connection) => {
                    let Some(connection) = connection.as_ref() else { return false };
                    return run(connection, sql, args, take).is_ok();
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Poisoned(_)) => return false,
            }
        }
        false
    }

    /// Closes them all.
    pub(super) fn close(&self) {
        for connection in &self.0 {
            connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

fn run(
    connection: &Connection,
    sql: &str,
    args: &[Arg<'_>],
    take: &mut dyn FnMut(&dyn Cells) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |error: rusqlite::Error| Error::Decode(error.into());
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    for (place, arg) in (1..).zip(args) {
        let value = match arg {
            Arg::Int(v) => ToSqlOutput::from(*v),
            Arg::OptInt(v) => v.map_or(ToSqlOutput::Borrowed(ValueRef::Null), ToSqlOutput::from),
            Arg::Bool(v) => v.map_or(ToSqlOutput::Borrowed(ValueRef::Null), ToSqlOutput::from),
            Arg::Text(v) => v.map_or(ToSqlOutput::Borrowed(ValueRef::Null), ToSqlOutput::from),
            Arg::Bytes(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
            Arg::Uuid(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v.as_bytes())),
            Arg::Rows(columns) => ToSqlOutput::from(super::json::table(columns)?),
        };
        statement.raw_bind_parameter(place, value).map_err(failed)?;
    }
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        take(row)?;
    }
    Ok(())
}

impl Cells for rusqlite::Row<'_> {
    fn int(&self, column: usize) -> Result<i64, Error> {
        self.get(column).map_err(unreadable)
    }
    fn opt_int(&self, column: usize) -> Result<Option<i64>, Error> {
        self.get(column).map_err(unreadable)
    }
    fn bool(&self, column: usize) -> Result<bool, Error> {
        self.get(column).map_err(unreadable)
    }
    fn text(&self, column: usize) -> Result<String, Error> {
        self.get(column).map_err(unreadable)
    }
    fn opt_text(&self, column: usize) -> Result<Option<String>, Error> {
        self.get(column).map_err(unreadable)
    }
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Error> {
        self.get(column).map_err(unreadable)
    }
    fn uuid(&self, column: usize) -> Result<Uuid, Error> {
        let bytes = self.get_ref(column).map_err(unreadable)?;
        let bytes = bytes.as_blob().map_err(|error| Error::Decode(error.into()))?;
        Uuid::from_slice(bytes).map_err(|error| Error::Decode(error.into()))
    }
}

fn unreadable(error: rusqlite::Error) -> Error {
    Error::Decode(error.into())
}

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Here({} connections)", self.0.len())
    }
}
