//! rusqlite in the terms of the store: arguments in, rows and errors out.
//!
//! sqlx keeps a thread for each connection to SQLite and hands every statement over to it: 13 µs a hop on a busy
//! machine, 75 µs when a core has to be woken, against a few microseconds of SQLite's own work. So short look-ups
//! (`sqlite_here`) and everything that writes (`sqlite_writer`) go through connections that work on the thread that
//! asks.

use crate::store::sql::value::{Arg, Cells, Column};
use rusqlite::{
    CachedStatement, Connection, OpenFlags, Row, Rows,
    config::DbConfig,
    types::{FromSql, ToSqlOutput, Value, ValueRef},
};
use sqlx::{
    Error,
    error::{DatabaseError, ErrorKind},
};
use std::{borrow::Cow, fmt, path::PathBuf, time::Duration};
use uuid::Uuid;

/// Kibibytes of pages that a busy connection keeps, as SQLite writes it. The file is not mapped into memory: each
/// connection would map it anew, and a large one would fill what a small machine has.
const CACHE: &str = "-8192";
/// Statements prepared at most on each connection; more than there are.
const STATEMENTS: usize = 128;

/// Where a database is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(PathBuf),
    /// In this process's memory under a name, for as long as it has a connection.
    Memory(String),
}

impl Place {
    /// Opens a database that is there already.
    pub(crate) fn open(&self, write: bool, patience: Duration) -> Result<Connection, rusqlite::Error> {
        let mode = if write { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            Self::File(path) => Connection::open_with_flags(path, flags)?,
            Self::Memory(name) => Connection::open_with_flags_and_vfs(name, flags, MEMORY)?,
        };
        connection.busy_timeout(patience)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", CACHE)?;
        // Otherwise a statement is planned anew whenever another limit is bound.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }
}

/// SQLite's file system in memory, where several connections of a process find one database by its name.
pub(crate) const MEMORY: &str = "memdb";

/// Runs a statement, for a table of rows once for each, and hands what it answers to `take`.
pub(crate) fn query(
    connection: &Connection,
    sql: &str,
    args: &[Arg<'_>],
    mut take: impl FnMut(Rows<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    // SQLite counts `$2` as a name, in the order names appear. One that only the other database needs is absent.
    let mut places = [None; PARAMETERS.len()];
    let given = if let [Arg::Rows(columns)] = args { columns.len() } else { args.len() };
    for (place, name) in places.iter_mut().zip(PARAMETERS).take(given) {
        *place = statement.parameter_index(name).map_err(failed)?;
    }
    let bind = |statement: &mut CachedStatement<'_>, values: &mut dyn Iterator<Item = ValueRef<'_>>| {
        for (place, value) in places.iter().zip(values) {
            if let Some(place) = *place {
                statement.raw_bind_parameter(place, ToSqlOutput::Borrowed(value)).map_err(failed)?;
            }
        }
        Ok::<_, Error>(())
    };
    if let [Arg::Rows(columns)] = args {
        for row in 0..columns.first().map_or(0, Column::len) {
            bind(&mut statement, &mut columns.iter().map(|column| cell(column, row)))?;
            take(statement.raw_query())?;
        }
        return Ok(());
    }
    bind(&mut statement, &mut args.iter().map(value))?;
    take(statement.raw_query())
}

/// A single argument.
fn value<'a>(arg: &'a Arg<'_>) -> ValueRef<'a> {
    match arg {
        Arg::Int(v) => ValueRef::Integer(*v),
        Arg::OptInt(v) => v.map_or(ValueRef::Null, ValueRef::Integer),
        Arg::Bool(v) => v.map_or(ValueRef::Null, |v| ValueRef::Integer(i64::from(v))),
        Arg::Text(v) => v.map_or(ValueRef::Null, |v| ValueRef::Text(v.as_bytes())),
        Arg::Bytes(v) => ValueRef::Blob(v),
        Arg::Uuid(v) => ValueRef::Blob(v.as_bytes()),
        Arg::Rows(_) => ValueRef::Null,
    }
}

/// An argument from a table of rows.
fn cell<'a>(column: &'a Column<'_>, row: usize) -> ValueRef<'a> {
    match column {
        Column::Ints(v) => v.get(row).map(|v| ValueRef::Integer(*v)),
        Column::OptInts(v) => v.get(row).copied().flatten().map(ValueRef::Integer),
        Column::Bools(v) => v.get(row).map(|v| ValueRef::Integer(i64::from(*v))),
        Column::Texts(v) => v.get(row).map(|v| ValueRef::Text(v.as_bytes())),
        Column::OptTexts(v) => v.get(row).copied().flatten().map(|v| ValueRef::Text(v.as_bytes())),
        Column::OptBytes(v) => v.get(row).copied().flatten().map(ValueRef::Blob),
        Column::Uuids(v) => v.get(row).map(|v| ValueRef::Blob(v.as_bytes())),
    }
    .unwrap_or(ValueRef::Null)
}

/// What the arguments of a statement are called: as many as any has.
const PARAMETERS: [&str; 11] = ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11"];

/// A row that outlives its statement.
pub(crate) struct OwnedRow(Box<[Value]>);

impl OwnedRow {
    pub(crate) fn of(row: &Row<'_>) -> Result<Self, Error> {
        let columns = 0..row.as_ref().column_count();
        columns.map(|column| row.get(column)).collect::<Result<_, _>>().map(Self).map_err(failed)
    }
}

/// Something with values in columns.
trait Values {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, Error>;
}

impl Values for Row<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, Error> {
        self.get_ref(column).map_err(failed)
    }
}

impl Values for OwnedRow {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, Error> {
        let len = self.0.len();
        self.0.get(column).map(ValueRef::from).ok_or(Error::ColumnIndexOutOfBounds { index: column, len })
    }
}

impl<V: Values> Cells for V {
    fn int(&self, column: usize) -> Result<i64, Error> {
        read(self.value(column)?)
    }
    fn opt_int(&self, column: usize) -> Result<Option<i64>, Error> {
        read(self.value(column)?)
    }
    fn bool(&self, column: usize) -> Result<bool, Error> {
        read(self.value(column)?)
    }
    fn text(&self, column: usize) -> Result<String, Error> {
        read(self.value(column)?)
    }
    fn opt_text(&self, column: usize) -> Result<Option<String>, Error> {
        read(self.value(column)?)
    }
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Error> {
        read(self.value(column)?)
    }
    fn uuid(&self, column: usize) -> Result<Uuid, Error> {
        let bytes = self.value(column)?.as_blob().map_err(|error| Error::Decode(error.into()))?;
        Uuid::from_slice(bytes).map_err(|error| Error::Decode(error.into()))
    }
}

fn read<T: FromSql>(value: ValueRef<'_>) -> Result<T, Error> {
    T::column_result(value).map_err(|error| Error::Decode(error.into()))
}

/// What SQLite refused, as sqlx would say it, so that it is sorted in one place; anything else is a row or an
/// argument that does not fit.
pub(crate) fn failed(error: rusqlite::Error) -> Error {
    match error.sqlite_error() {
        Some(_) => Error::Database(Box::new(SqliteError { message: error.to_string(), error })),
        None => Error::Decode(error.into()),
    }
}

/// An error of SQLite's.
#[derive(Debug)]
struct SqliteError {
    error: rusqlite::Error,
    message: String,
}

impl fmt::Display for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SqliteError {}

impl DatabaseError for SqliteError {
    fn message(&self) -> &str {
        &self.message
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        self.error.sqlite_error().map(|error| error.extended_code.to_string().into())
    }
    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }
    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
