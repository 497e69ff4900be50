//! What goes into a statement and comes out of a row, the same for both databases.

use sqlx::Error;
use std::fmt::Write as _;
use uuid::Uuid;

/// An argument of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arg<'a> {
    Int(i64),
    Bool(Option<bool>),
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
    Uuid(Uuid),
    /// A table of rows. On Postgres every column is an argument of its own, an array; on SQLite the table is one
    /// argument, JSON.
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
    bool => v Self::Bool(Some(v)),
    Option<bool> => v Self::Bool(v),
    &'a str => v Self::Text(Some(v)),
    Option<&'a str> => v Self::Text(v),
    &'a [u8] => v Self::Bytes(v),
    &'a [u8; 32] => v Self::Bytes(v),
    crate::api::UserId => v Self::Int(v.get()),
    crate::api::MessageId => v Self::Int(v.get()),
    crate::api::ThreadId => v Self::Uuid(v.get()),
    crate::api::Timestamp => v Self::Int(v.as_micros()),
    &'a [Column<'a>] => v Self::Rows(v),
}

/// A count of rows as the databases know it. What is beyond them is beyond any table.
pub(crate) fn bounded(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A count that came from the database.
pub(crate) fn counted(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// A table as JSON: an array of arrays. Bytes and ids are hexadecimal digits, since JSON carries neither.
pub(crate) fn json(columns: &[Column<'_>]) -> Result<String, Error> {
    let rows = columns.first().map_or(0, Column::len);
    let mut out = String::with_capacity(2 + rows * columns.len() * 16);
    out.push('[');
    for row in 0..rows {
        out.push_str(if row == 0 { "[" } else { ",[" });
        for (n, column) in columns.iter().enumerate() {
            if n > 0 {
                out.push(',');
            }
            column.write_json(row, &mut out)?;
        }
        out.push(']');
    }
    out.push(']');
    Ok(out)
}

impl Column<'_> {
    fn len(&self) -> usize {
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

    fn write_json(&self, row: usize, out: &mut String) -> Result<(), Error> {
        let written = match self {
            Self::Ints(v) => v.get(row).map(|v| write!(out, "{v}")),
            Self::OptInts(v) => v.get(row).copied().flatten().map(|v| write!(out, "{v}")),
            Self::Bools(v) => v.get(row).map(|v| write!(out, "{v}")),
            Self::Uuids(v) => v.get(row).map(|v| write!(out, "\"{}\"", v.simple())),
            Self::OptBytes(v) => v.get(row).copied().flatten().map(|bytes| {
                out.push('"');
                bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
                out.write_char('"')
            }),
            Self::Texts(v) => v.get(row).map(|text| write_text(out, text)),
            Self::OptTexts(v) => v.get(row).copied().flatten().map(|text| write_text(out, text)),
        };
        written.unwrap_or_else(|| out.write_str("null")).map_err(|error| Error::Encode(error.into()))
    }
}

fn write_text(out: &mut String, text: &str) -> std::fmt::Result {
    let json = serde_json::to_string(text).map_err(|_| std::fmt::Error)?;
    out.write_str(&json)
}

/// Reads a row by position.
pub(crate) trait Cells {
    fn int(&self, column: usize) -> Result<i64, Error>;
    fn opt_int(&self, column: usize) -> Result<Option<i64>, Error>;
    fn bool(&self, column: usize) -> Result<bool, Error>;
    fn text(&self, column: usize) -> Result<String, Error>;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_rows_of_json() {
        let columns = [
            Column::Ints(vec![1, -2]),
            Column::OptInts(vec![None, Some(3)]),
            Column::Bools(vec![true, false]),
            Column::Texts(vec!["a \"b\"\n", "ü"]),
            Column::OptTexts(vec![Some(""), None]),
            Column::OptBytes(vec![Some(&[0, 255]), None]),
            Column::Uuids(vec![Uuid::from_u128(10), Uuid::nil()]),
        ];
        assert_eq!(
            json(&columns).unwrap(),
            r#"[[1,null,true,"a \"b\"\n","","00ff","0000000000000000000000000000000a"],"#.to_owned()
                + r#"[-2,3,false,"ü",null,null,"00000000000000000000000000000000"]]"#
        );
        assert_eq!(json(&[]).unwrap(), "[]");
    }
}
