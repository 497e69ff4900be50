//! The arguments of statements and the columns of rows, for both databases.

use super::failure::{Failure, Internal};
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
}

/// A table of rows, the only argument of a statement.
///
/// Each column is one parameter of the statement. On Postgres the parameter is an array. On SQLite the statement runs
/// once for each row, and the parameter is one value.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    columns: Vec<Column<'a>>,
    rows: usize,
}

impl<'a> Table<'a> {
    /// Creates a table.
    ///
    /// # Errors
    /// The columns have different lengths.
    pub(crate) fn new<const N: usize>(columns: [Column<'a>; N]) -> Result<Self, Failure> {
        let rows = columns.first().map_or(0, Column::len);
        if columns.iter().any(|column| column.len() != rows) {
            return Err(Internal::ColumnLengths.into());
        }
        Ok(Self { columns: columns.into(), rows })
    }

    pub(crate) fn columns(&self) -> &[Column<'a>] {
        &self.columns
    }

    /// Returns the number of rows.
    pub(crate) const fn len(&self) -> usize {
        self.rows
    }
}

/// A column of a [`Table`].
#[derive(Debug, Clone)]
pub(crate) enum Column<'a> {
    Ints(Vec<i64>),
    OptInts(Vec<Option<i64>>),
    Bools(Vec<bool>),
    Texts(Vec<&'a str>),
    #[cfg(feature = "postgres")]
    OptTexts(Vec<Option<&'a str>>),
    OptBytes(Vec<Option<&'a [u8]>>),
    Uuids(Vec<Uuid>),
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Ints(v) => v.len(),
            Self::OptInts(v) => v.len(),
            Self::Bools(v) => v.len(),
            Self::Texts(v) => v.len(),
            #[cfg(feature = "postgres")]
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
}

/// Converts a count of rows for the database.
///
/// Saturates at `i64::MAX`, which is larger than the number of rows of any table.
pub(crate) fn saturating_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Converts a count from the database. A negative count is read as 0.
pub(crate) fn saturating_u64(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Reads the columns of a row by position, from 0 on.
pub(crate) trait Columns {
    fn int(&self, column: usize) -> Result<i64, Failure>;
    fn opt_int(&self, column: usize) -> Result<Option<i64>, Failure>;
    fn bool(&self, column: usize) -> Result<bool, Failure>;
    fn text(&self, column: usize) -> Result<String, Failure>;
    fn opt_text(&self, column: usize) -> Result<Option<String>, Failure>;
    fn bytes(&self, column: usize) -> Result<Vec<u8>, Failure>;
    fn uuid(&self, column: usize) -> Result<Uuid, Failure>;
}
