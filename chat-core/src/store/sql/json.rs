//! Tables of rows as JSON, which is how SQLite takes them in one argument.

use super::value::Column;
use sqlx::Error;
use std::fmt::Write as _;

/// A table as JSON: an array of arrays. Bytes and ids are hexadecimal digits, since JSON carries neither.
pub(super) fn table(columns: &[Column<'_>]) -> Result<String, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

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
            table(&columns).unwrap(),
            r#"[[1,null,true,"a \"b\"\n","","00ff","0000000000000000000000000000000a"],"#.to_owned()
                + r#"[-2,3,false,"ü",null,null,"00000000000000000000000000000000"]]"#
        );
        assert_eq!(table(&[]).unwrap(), "[]");
    }
}
