//! Every statement as each database receives it, wrapped for reading.

use super::layout;
use chat_core::store::sql;
use chat_tests::golden;

fn listing(statements: &[(&str, &str)]) -> String {
    let mut text =
        "-- Written by the tests: each statement as the store sends it, but for line breaks.\n".to_owned();
    for (name, statement) in statements {
        text += &format!("\n-- {name}\n{};\n", layout::wrapped(statement));
    }
    text
}

#[test]
fn sqlite_receives_the_golden_statements() {
    golden::check("sqlite.sql", &listing(&sql::sqlite_statements()));
}

#[test]
fn postgres_receives_the_golden_statements() {
    golden::check("postgres.sql", &listing(&sql::postgres_statements()));
}
