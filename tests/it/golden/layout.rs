//! Wraps an SQL statement for reading. It changes only line breaks.

/// The texts that begin a line. A longer text comes before its own prefix.
const CLAUSES: [&str; 28] = [
    "with ",
    "select ",
    "insert into ",
    "do update set ",
    "update ",
    "delete from ",
    "values ",
    "from ",
    "left join ",
    "cross join ",
    "join ",
    "where ",
    "and ",
    "or ",
    "group by ",
    "order by ",
    "limit ",
    "offset ",
    "on conflict ",
    "set ",
    "returning ",
    "union all ",
    "for update",
    "for share",
    "for no key update",
    "for key share",
    "when ",
    "else ",
];

/// The maximum number of characters between parentheses that stay on one line.
const SHORT: usize = 60;

/// The length above which a line is wrapped at its next comma.
const LONG: usize = 90;

/// Returns the statement with one line for each clause.
///
/// A line is indented by the number of parentheses around it.
pub(super) fn wrapped(statement: &str) -> String {
    let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let (mut text, mut rest) = (String::new(), words.as_str());
    // For each open parenthesis, whether it is short.
    let mut open: Vec<bool> = Vec::new();
    let mut quoted = false;
    while let Some(next) = rest.chars().next() {
        match next {
            '\'' => quoted = !quoted,
            '(' if !quoted => open.push(is_short(rest)),
            ')' if !quoted => drop(open.pop()),
            ' ' if !quoted && !open.contains(&true) => {
                let line = text.len() - text.rfind('\n').unwrap_or(0);
                let clause = CLAUSES.iter().find(|clause| rest[1..].starts_with(**clause));
                if clause.is_some() || (line > LONG && text.ends_with(',')) {
                    let indent = open.len() + usize::from(clause.is_none());
                    let clause = clause.map_or("", |clause| clause.trim_end());
                    text += &format!("\n{}{clause}", "    ".repeat(indent));
                    rest = &rest[1 + clause.len()..];
                    continue;
                }
            }
            _ => {}
        }
        text.push(next);
        rest = &rest[next.len_utf8()..];
    }
    assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), words, "only line breaks are added");
    text
}

/// Returns whether a parenthesis at the start of `rest` is short.
///
/// It is short if it closes within [`SHORT`] characters.
fn is_short(rest: &str) -> bool {
    let mut depth = 0;
    for (at, next) in rest.char_indices() {
        match next {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at <= SHORT;
        }
    }
    false
}

#[test]
fn a_statement_is_wrapped_at_its_clauses() {
    let statement = "insert into t (a, b) select a, b from (select a, 'x from y' as b \
                     from a_table_with_a_long_name where c) named left join u on u.a in (1, 2) and b";
    let expected = "insert into t (a, b)\nselect a, b\nfrom (select a, 'x from y' as b\n    \
                    from a_table_with_a_long_name\n    where c) named\nleft join u on u.a in (1, 2)\nand b";
    assert_eq!(wrapped(statement), expected);
}
