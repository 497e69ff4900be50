//! The SQL that fills a database. SQLite and Postgres differ only in [`Dialect`].

use crate::dataset::{BURST, Dataset, token};
use chat_core::auth::token::hash;
use std::fmt::Write;
use uuid::Uuid;

/// Rows in one statement with literal values.
const ROWS: u64 = 1000;
/// Messages inserted by one statement.
const CHUNK: u64 = 1_000_000;
/// The time of the first message, in microseconds since the Unix epoch.
const EPOCH: u64 = 1_700_000_000_000_000;

/// The SQL in which the databases differ.
pub(super) trait Dialect {
    /// Returns a table of the numbers from `first` to `last`, with the column `n`.
    fn series(&self, first: u64, last: u64) -> String;
    /// Returns a UUID literal.
    fn uuid(&self, id: Uuid) -> String;
    /// Returns a literal of bytes.
    fn bytes(&self, bytes: &[u8]) -> String;
}

/// Returns the statements that insert the users and store the number of users.
pub(super) fn users(dialect: &impl Dialect, dataset: &Dataset) -> String {
    format!(
        "insert into users (id, username, name_key, owns_name_key, password, active, created, last_token) \
         select n, 'user' || n, 'user' || n, true, '!', true, {EPOCH}, 1 from {}; \
         update totals set count = {} where name = 'users'",
        dialect.series(1, dataset.users),
        dataset.users
    )
}

/// Returns the statements that insert a token for each user.
pub(super) fn tokens(dialect: &impl Dialect, dataset: &Dataset) -> impl Iterator<Item = String> {
    batches(dataset.users, "tokens (hash, user_id, id, created, last_used)", |n| {
        let hash = hash(&token(n + 1));
        format!("({}, {}, 1, {EPOCH}, {EPOCH})", dialect.bytes(hash.expose()), n + 1)
    })
}

/// Returns the statements that insert the threads, the long one first.
pub(super) fn threads(dialect: &impl Dialect, dataset: &Dataset) -> impl Iterator<Item = String> {
    let into = "threads (seq, id, user_low, user_high, canonical, has_outside_senders, created, updated)";
    batches(dataset.threads + 1, into, |n| {
        let thread = if n == 0 { dataset.long_thread() } else { dataset.thread(n - 1) };
        let id = dialect.uuid(thread.id);
        format!("({}, {id}, {}, {}, true, false, {EPOCH}, {EPOCH})", n + 1, thread.low, thread.high)
    })
}

/// Returns statements that insert `rows` rows with the literal values of `row`.
fn batches(rows: u64, into: &'static str, row: impl Fn(u64) -> String) -> impl Iterator<Item = String> {
    (0..rows).step_by(ROWS as usize).map(move |first| {
        let mut sql = format!("insert into {into} values ");
        for n in first..rows.min(first + ROWS) {
            let comma = if n == first { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(sql, "{comma}{}", row(n));
        }
        sql
    })
}

/// Returns the statements that insert the messages, one for each chunk.
///
/// Every tenth message is in the long thread. The others are numbered by `m`. Each block of ten consecutive numbers is
/// in one thread.
pub(super) fn messages(dialect: &impl Dialect, dataset: &Dataset) -> impl Iterator<Item = String> {
    let (total, threads, last) = (dataset.messages, dataset.threads, dataset.rounds() - 1);
    (0..total).step_by(CHUNK as usize).map(move |first| {
        let series = dialect.series(first, total.min(first + CHUNK) - 1);
        format!(
            "insert into messages (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark) \
             select n + 1, t.id, case when n % 2 = 0 then t.user_low else t.user_high end, \
             'Message ' || n || ' of many: see you at eight, by the lake, as always', {EPOCH} + n, \
             t.user_low, t.user_high, case when seq > 1 and round = {last} then 2 - n % 2 else 0 end, \
             case when seq > 1 and round = {last} then 1 + n % 2 else 0 end \
             from (select n, case when n % 10 = 0 then 1 else 2 + (m / {BURST}) % {threads} end as place, \
             m / {BURST} / {threads} as round from (select n, n - n / 10 - 1 as m from {series}) numbered) placed \
             join threads t on t.seq = placed.place"
        )
    })
}

/// Returns the statement that fills the counters of each user.
pub(super) fn counters() -> String {
    let side = |user: &str, mark: &str| {
        format!(
            "select {user} as u, count(*) as messages, sum(case when {mark} > 0 then 1 else 0 end) as unread, \
             sum(case when {mark} = 1 then 1 else 0 end) as incoming from messages group by {user}"
        )
    };
    format!(
        "insert into counters (user_id, messages, unread, unread_incoming) \
         select u, sum(messages), sum(unread), sum(incoming) from ({} union all {}) sides group by u",
        side("user_low", "low_mark"),
        side("user_high", "high_mark")
    )
}

/// Returns lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
