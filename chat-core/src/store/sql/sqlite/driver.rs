//! SQLite through rusqlite: connections, arguments, rows and errors.
//!
//! rusqlite runs a statement on the calling thread. A driver with a thread for each connection needs a thread switch in
//! each direction. A switch costs 13 µs on a busy machine, and 75 µs if a core has to wake up. SQLite's own work takes
//! a few microseconds.

use super::{file::DatabaseFile, inspect, memory::MemoryDatabase};
use crate::error_chain;
use crate::store::sql::{
    failure::{Failure, Internal, Kind},
    value::{Arg, Column, Columns, Table},
};
use rusqlite::{
    CachedStatement, Connection, ErrorCode, OpenFlags, Row, Rows,
    config::DbConfig,
    ffi,
    types::{FromSql, ToSqlOutput, Value, ValueRef},
};
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// The page cache of each connection in KiB. SQLite expects a negative number.
///
/// The file is not memory-mapped. Each connection would map it again, and a large file would fill the memory of a small
/// machine.
const CACHE_SIZE: &str = "-8192";
/// The number of prepared statements that each connection caches.
///
/// The program has fewer.
const STATEMENTS: usize = 128;

/// The location of a database.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    File(Arc<DatabaseFile>),
    Memory(MemoryDatabase),
}

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// Write, and create an in-memory database.
    Create,
}

/// SQLite's in-memory file system.
///
/// The connections of a process open the same database in it by name.
const MEMORY: &str = "memdb";

impl Location {
    /// Returns the database if it is in memory.
    pub(crate) fn memory(&self) -> Option<MemoryDatabase> {
        match self {
            Self::File(_) => None,
            Self::Memory(database) => Some(database.clone()),
        }
    }

    /// Opens a connection that waits up to `busy_timeout` for a lock.
    pub(crate) fn open(&self, access: Access, busy_timeout: Duration) -> rusqlite::Result<OpenConnection> {
        let mode = match access {
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            Self::File(file) if file.is_immutable => inspect::open_immutable(&file.real, flags)?,
            Self::File(file) => Connection::open_with_flags(&file.real, flags)?,
            Self::Memory(database) => Connection::open_with_flags_and_vfs(database.name(), flags, MEMORY)?,
        };
        connection.busy_timeout(busy_timeout)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
        // Without this setting, SQLite plans a statement again when a different LIMIT is bound.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let file = match self {
            Self::File(file) => Some(file.clone()),
            Self::Memory(_) => None,
        };
        Ok(OpenConnection { connection, file })
    }
}

/// An open connection and its file.
///
/// The file must not be released before the connection is closed.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    connection: Connection,
    /// Dropped after the connection.
    file: Option<Arc<DatabaseFile>>,
}

impl OpenConnection {
    /// Returns whether the database or its WAL was overwritten by another program than SQLite.
    pub(crate) fn is_overwritten(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_overwritten())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        // When the last connection is closed, SQLite copies the WAL to the database and removes the WAL.
        if self.is_overwritten()
            && let Err(error) =
                self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        {
            tracing::error!(error = %error_chain(&error), "cannot keep the WAL of a database that was overwritten");
        }
    }
}

impl Deref for OpenConnection {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for OpenConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// Names of parameters, at least as many as the longest statement has.
const PARAMETERS: [&str; 11] = ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11"];

/// A prepared statement that finds its parameters by name.
///
/// SQLite numbers parameters in the order of their appearance, so `$2` need not be the second one. A statement shared
/// with Postgres can lack a parameter that only Postgres needs.
struct Prepared<'c> {
    statement: CachedStatement<'c>,
    indexes: [Option<usize>; PARAMETERS.len()],
}

impl<'c> Prepared<'c> {
    /// Prepares a statement for this number of arguments.
    fn new(connection: &'c Connection, sql: &str, arguments: usize) -> Result<Self, Failure> {
        if arguments > PARAMETERS.len() {
            return Err(Internal::TooManyArguments(arguments).into());
        }
        let statement = connection.prepare_cached(sql).map_err(failed)?;
        let mut indexes = [None; PARAMETERS.len()];
        for (index, name) in indexes.iter_mut().zip(PARAMETERS).take(arguments) {
            *index = statement.parameter_index(name).map_err(failed)?;
        }
        Ok(Self { statement, indexes })
    }

    /// Runs the statement with these values.
    fn query<'v>(&mut self, values: impl Iterator<Item = ValueRef<'v>>) -> Result<Rows<'_>, Failure> {
        for (index, value) in self.indexes.iter().zip(values) {
            if let Some(index) = *index {
                self.statement.raw_bind_parameter(index, ToSqlOutput::Borrowed(value)).map_err(failed)?;
            }
        }
        Ok(self.statement.raw_query())
    }
}

/// Runs a statement and passes its rows to `take`.
pub(crate) fn query(
    connection: &Connection,
    sql: &str,
    args: &[Arg<'_>],
    take: impl FnOnce(Rows<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = Prepared::new(connection, sql, args.len())?;
    take(statement.query(args.iter().map(value))?)
}

/// Runs a statement once for each row of a table, and passes the rows of each result to `take`.
pub(crate) fn query_table(
    connection: &Connection,
    sql: &str,
    table: &Table<'_>,
    mut take: impl FnMut(Rows<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let columns = table.columns();
    let mut statement = Prepared::new(connection, sql, columns.len())?;
    for row in 0..table.len() {
        take(statement.query(columns.iter().map(|column| cell(column, row)))?)?;
    }
    Ok(())
}

/// Runs a statement that reads, and passes each row to `take`.
pub(crate) fn read(
    connection: &Connection,
    sql: &str,
    args: &[Arg<'_>],
    mut take: impl FnMut(&Row<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    query(connection, sql, args, |mut rows| {
        while let Some(row) = rows.next().map_err(failed)? {
            take(row)?;
        }
        Ok(())
    })
}

/// Returns a single argument as SQLite's value.
fn value<'a>(arg: &'a Arg<'_>) -> ValueRef<'a> {
    match arg {
        Arg::Int(v) => ValueRef::Integer(*v),
        Arg::OptInt(v) => v.map_or(ValueRef::Null, ValueRef::Integer),
        Arg::Bool(v) => v.map_or(ValueRef::Null, |v| ValueRef::Integer(i64::from(v))),
        Arg::Text(v) => v.map_or(ValueRef::Null, |v| ValueRef::Text(v.as_bytes())),
        Arg::Bytes(v) => ValueRef::Blob(v),
        Arg::Uuid(v) => ValueRef::Blob(v.as_bytes()),
    }
}

/// Returns one cell of a table of rows as SQLite's value.
fn cell<'a>(column: &'a Column<'_>, row: usize) -> ValueRef<'a> {
    match column {
        Column::Ints(v) => v.get(row).map(|v| ValueRef::Integer(*v)),
        Column::OptInts(v) => v.get(row).copied().flatten().map(ValueRef::Integer),
        Column::Bools(v) => v.get(row).map(|v| ValueRef::Integer(i64::from(*v))),
        Column::Texts(v) => v.get(row).map(|v| ValueRef::Text(v.as_bytes())),
        #[cfg(feature = "postgres")]
        Column::OptTexts(v) => v.get(row).copied().flatten().map(|v| ValueRef::Text(v.as_bytes())),
        Column::OptBytes(v) => v.get(row).copied().flatten().map(ValueRef::Blob),
        Column::Uuids(v) => v.get(row).map(|v| ValueRef::Blob(v.as_bytes())),
    }
    .unwrap_or(ValueRef::Null)
}

/// An argument that outlives the caller, for a read on another thread.
#[derive(Debug)]
pub(crate) enum OwnedArg {
    OptInt(Option<i64>),
    Bool(Option<bool>),
    Text(Option<String>),
    Bytes(Vec<u8>),
    Uuid(Uuid),
}

impl OwnedArg {
    pub(crate) fn of(arg: &Arg<'_>) -> Self {
        match *arg {
            Arg::Int(v) => Self::OptInt(Some(v)),
            Arg::OptInt(v) => Self::OptInt(v),
            Arg::Bool(v) => Self::Bool(v),
            Arg::Text(v) => Self::Text(v.map(str::to_owned)),
            Arg::Bytes(v) => Self::Bytes(v.to_vec()),
            Arg::Uuid(v) => Self::Uuid(v),
        }
    }

    pub(crate) fn borrow(&self) -> Arg<'_> {
        match self {
            Self::OptInt(v) => Arg::OptInt(*v),
            Self::Bool(v) => Arg::Bool(*v),
            Self::Text(v) => Arg::Text(v.as_deref()),
            Self::Bytes(v) => Arg::Bytes(v),
            Self::Uuid(v) => Arg::Uuid(*v),
        }
    }
}

/// A row that outlives its statement.
#[derive(Debug)]
pub(crate) struct OwnedRow(Box<[Value]>);

impl OwnedRow {
    pub(crate) fn of(row: &Row<'_>) -> Result<Self, Failure> {
        let columns = 0..row.as_ref().column_count();
        columns.map(|column| row.get(column)).collect::<Result<_, _>>().map(Self).map_err(failed)
    }
}

/// A row with SQLite's values in its columns.
trait Values {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, Failure>;
}

impl Values for Row<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, Failure> {
        self.get_ref(column).map_err(failed)
    }
}

impl Values for OwnedRow {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, Failure> {
        Ok(self.0.get(column).map(ValueRef::from).ok_or(Internal::NoColumn(column))?)
    }
}

impl<V: Values> Columns for V {
    fn int(&self, column: usize) -> Result<i64, Failure> {
        decode(self.value(column)?)
    }
    fn opt_int(&self, column: usize) -> Result<Option<i64>, Failure> {
        decode(self.value(column)?)
    }
    fn bool(&self, column: usize) -> Result<bool, Failure> {
        decode(self.value(column)?)
    }
    fn text(&self, column: usize) -> Result<String, Failure> {
        decode(self.value(column)?)
    }
    fn opt_text(&self, column: usize) -> Result<Option<String>, Failure> {
        decode(self.value(column)?)
    }
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Failure> {
        decode(self.value(column)?)
    }
    fn uuid(&self, column: usize) -> Result<Uuid, Failure> {
        let bytes = self.value(column)?.as_blob().map_err(Failure::fault)?;
        Uuid::from_slice(bytes).map_err(Failure::fault)
    }
}

fn decode<T: FromSql>(value: ValueRef<'_>) -> Result<T, Failure> {
    T::column_result(value).map_err(Failure::fault)
}

/// Converts an error of SQLite into a failure.
pub(crate) fn failed(error: rusqlite::Error) -> Failure {
    Failure::statement(kind(&error), error)
}

/// Classifies the result codes of SQLite; see <https://sqlite.org/rescode.html>.
pub(crate) fn kind(error: &rusqlite::Error) -> Kind {
    let Some(error) = error.sqlite_error() else { return Kind::Fault };
    match error.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            return Kind::UniqueViolation;
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return Kind::ForeignKeyViolation,
        ffi::SQLITE_BUSY_SNAPSHOT => return Kind::SerializationFailure,
        _ => {}
    }
    match error.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::OutOfMemory
        | ErrorCode::ReadOnly
        | ErrorCode::OperationInterrupted
        | ErrorCode::SystemIoFailure
        | ErrorCode::DiskFull
        | ErrorCode::CannotOpen
        | ErrorCode::FileLockingProtocolFailed => Kind::Unavailable,
        _ => Kind::Fault,
    }
}
