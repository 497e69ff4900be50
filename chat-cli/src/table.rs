//! Tables and text for a terminal, with control characters escaped.

use chat_client::Timestamp;
use chat_program::printable;
use comfy_table::{Table, presets};

/// Formats a table without lines; returns an empty text if there are no rows.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row.map(|cell| printable(&cell).to_string()));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if table.row_count() == 0 { String::new() } else { table.trim_fmt() }
}

/// Formats a time in UTC, without the fraction of a second.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string().replace('T', " ");
    text.split(['.', 'Z']).next().unwrap_or_default().to_owned()
}

/// Formats a boolean as "yes" or "no".
pub(crate) fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_not_cut() {
        let long = "word ".repeat(50);
        let text =
            table(["ID", "TEXT"], [["1".to_owned(), long.clone()], ["1000".to_owned(), "b\nc".to_owned()]]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].contains(long.trim_end()));
        assert_eq!(lines[0].find("TEXT"), lines[2].find(r"b\nc"));
    }

    #[test]
    fn times_are_shown_without_fraction() {
        for text in ["2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00Z"] {
            assert_eq!(time(text.parse().unwrap()), "2026-01-31 12:00:00");
        }
    }
}
