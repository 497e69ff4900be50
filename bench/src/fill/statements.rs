//! The SQL that fills a database, the same for both but for a few words.

use super::shape::{BURST, Shape, token};
use chat_core::{auth::token::hash, store::TokenHash};
use std::fmt::Write;
use uuid::Uuid;

/// Rows written out in one statement.
const ROWS: u64 = 1000;
/// Messages inserted by one statement.
const CHUNK: u64 = 1_000_000;
/// When it all began, in microseconds.
const BEGAN: u64 = 1_700_000_000_000_000;

/// The words in which the databases differ.
pub(super) trait Words {
    /// Numbers from `first` to `last` as a table `series(n)`.
    fn series(&self, first: u64, last: u64) -> String;
    fn uuid(&self, id: Uuid) -> String;
    fn bytes(&self, bytes: &[u8]) -> String;
}

pub(super) fn users(words: &impl Words, shape: &Shape) -> String {
    format!(
        "insert into users (id, username, name_key, owns_name_key, password, active, created, last_token) \
         select n, 'user' || n, 'user' || n, true, '!', true, {BEGAN}, 1 from {}; \
         update totals set count = {} where name = 'users'",
        words.series(1, shape.users),
        shape.users
    )
}

pub(super) fn tokens(words: &impl Words, shape: &Shape) -> impl Iterator<Item = String> {
    batches(shape.users, "tokens (hash, user_id, id, created, last_used)", |n| {
        let TokenHash(hash) = hash(&token(n + 1));
        format!("({}, {}, 1, {BEGAN}, {BEGAN})", words.bytes(&hash), n + 1)
    })
}

pub(super) fn threads(words: &impl Words, shape: &Shape) -> impl Iterator<Item = String> {
    let into = "threads (seq, id, user_low, user_high, canonical, has_outside_senders, created, updated)";
    batches(shape.threads + 1, into, |n| {
        let thread = if n == 0 { shape.long_thread() } else { shape.thread(n - 1) };
        let id = words.uuid(thread.id);
        format!("({}, {id}, {}, {}, true, false, {BEGAN}, {BEGAN})", n + 1, thread.low, thread.high)
    })
}

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

/// The messages, in chunks. Every tenth is the long thread's; of the others, counted by `m`, ten at a time are one
/// thread's.
pub(super) fn messages(words: &impl Words, shape: &Shape) -> impl Iterator<Item = String> {
    let (total, threads, last) = (shape.messages, shape.threads, shape.rounds() - 1);
    (0..total).step_by(CHUNK as usize).map(move |first| {
        let series = words.series(first, total.min(first + CHUNK) - 1);
        format!(
            "insert into messages (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark) \
             select n + 1, t.id, case when n % 2 = 0 then t.user_low else t.user_high end, \
             'Message ' || n || ' of many: see you at eight, by the lake, as always', {BEGAN} + n, \
             t.user_low, t.user_high, case when seq > 1 and round = {last} then 2 - n % 2 else 0 end, \
             case when seq > 1 and round = {last} then 1 + n % 2 else 0 end \
             from (select n, case when n % 10 = 0 then 1 else 2 + (m / {BURST}) % {threads} end as place, \
             m / {BURST} / {threads} as round from (select n, n - n / 10 - 1 as m from {series}) numbered) placed \
             join threads t on t.seq = placed.place"
        )
    })
}

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

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
