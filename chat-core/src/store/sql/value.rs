//! What goes into a statement and comes out of a row, the same for both databases.

use sqlx::Error;
use uuid::Uuid;

/// An argument of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arg<'a> {
    Int(i64),
    OptInt(Option<i64>),
    Bool(Option<bool>),
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
    Uuid(Uuid),
    /// A table of rows, the only argument. Every column is one of the statement's: on Postgres an array; on SQLite a
    /// value, for the statement is run for each row.
    Rows(&'a [Column<'a>]),
}

/// A column of a table of rows; all of a table are equally long.
#[derive(Debug, Clone)]
pub(crate) enum Column<'a> {
    Ints(Vec<i64>),
    OptInts(Vec<Option<i64>>),
    Bools(Vec<bool>),
    Texts(Vec<&'a str>),
    OptTexts(Vec<Option<&'a str>>),
    OptBytes(Vec<Option<&'a [u8]>>),
    Uuids(Vec<Uuid>),
}

#[cfg(feature = "sqlite")]
impl Column<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Ints(v) => v.len(),
            Self::OptInts(v) => v.len(),
            Self::Bools(v) => v.len(),
            Self::Texts(v) => v.len(),
            Self::OptTexts(v) => v.len(),
            Self::OptBytes(v) => v.len(),
            Self::Uuids(v) => v.len(),
        }
    }
}

macro_rules! arg_from {
    ($($from:ty => $value:ident $arg:expr),* $(,)?) => {
        $(impl<'a> From<$from> for Arg<'a> {
            fn from($value: $from) -> Self {
                $arg
            }
        })*
    };
}

arg_from! {
    i64 => v Self::Int(v),
    Option<i64> => v Self::OptInt(v),
    bool => v Self::Bool(Some(v)),
    Option<bool> => v Self::Bool(v),
    &'a str => v Self::Text(Some(v)),
    Option<&'a str> => v Self::Text(v),
    &'a [u8] => v Self::Bytes(v),
    &'a [u8; 32] => v Self::Bytes(v),
    crate::api::UserId => v Self::Int(v.get()),
    crate::api::MessageId => v Self::Int(v.get()),
    crate::api::ThreadId => v Self::Uuid(v.get()),
    crate::api::TokenId => v Self::Int(v.get()),
    crate::api::Timestamp => v Self::Int(v.as_micros()),
    &'a [Column<'a>] => v Self::Rows(v),
}

/// A count of rows as the databases know it. What is beyond them is beyond any table.
pub(crate) fn saturating_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A count that came from the database.
pub(crate) fn saturating_u64(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Reads a row by position.
pub(crate) trait Cells {
    fn int(&self, column: usize) -> Result<i64, Error>;
    fn opt_int(&self, column: usize) -> Result<Option<i64>, Error>;
    fn bool(&self, column: usize) -> Result<bool, Error>;
    fn text(&self, column: usize) -> Result<String, Error>;
    fn opt_text(&self, column: usize) -> Result<Option<String>, Error>;
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Error>;
    fn uuid(&self, column: usize) -> Result<Uuid, Error>;
}

macro_rules! cells {
    ($row:ty) => {
        impl $crate::store::sql::value::Cells for $row {
            fn int(&self, column: usize) -> Result<i64, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
            fn opt_int(&self, column: usize) -> Result<Option<i64>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
            fn bool(&self, column: usize) -> Result<bool, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
            fn text(&self, column: usize) -> Result<String, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
            fn opt_text(&self, column: usize) -> Result<Option<String>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
            fn bytes(&self, column: usize) -> Result<Vec<u8>, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
            fn uuid(&self, column: usize) -> Result<uuid::Uuid, sqlx::Error> {
                sqlx::Row::try_get(self, column)
            }
        }
    };
}
pub(crate) use cells;
