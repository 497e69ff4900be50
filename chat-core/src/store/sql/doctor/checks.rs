//! The invariants of the data.
//!
//! Each check compares stored values with the rows from which they are derived, or to which they refer.

use super::Finding;
use crate::store::sql::Remedy;

/// An invariant of the data, and the check for it.
pub(super) struct InvariantCheck {
    subject: &'static str,
    /// Counts the violations.
    pub(super) sql: &'static str,
    /// The text of the finding if there are no violations.
    ok: &'static str,
    /// The text of the finding after the number of violations.
    violated: &'static str,
}

/// The checks of both databases.
pub(super) const CHECKS: [InvariantCheck; 3] = [
    InvariantCheck {
        subject: "totals",
        sql: "select cast(case when (select count from totals where name = 'users') = (select count(*) from users) \
             then 0 else 1 end as bigint)",
        ok: "the stored number of users matches the users",
        violated: "stored totals do not match the rows that they count",
    },
    InvariantCheck {
        subject: "threads",
        sql: "select count(*) from (select user_low, user_high from threads where user_high is not null \
             group by user_low, user_high having count(case when canonical then 1 end) <> 1) as pairs",
        ok: "every pair of users with threads has one canonical thread",
        violated: "pairs of users have several canonical threads, or none",
    },
    InvariantCheck {
        subject: "tokens",
        sql: "select count(*) from tokens left join users on users.id = tokens.user_id \
             where users.id is null or users.last_token < tokens.id",
        ok: "every token has an owner and an assigned number",
        violated: "tokens have no owner, or a number that was never assigned",
    },
];

/// The checks of messages on Postgres.
#[cfg(feature = "postgres")]
pub(super) const POSTGRES_CHECKS: [InvariantCheck; 2] = [
    InvariantCheck {
        subject: "counters",
        sql: "with seen(user_id, mark) as ( \
                 select user_low, low_mark from messages \
                 union all select user_high, high_mark from messages where user_high is not null \
             ), counted as ( \
                 select user_id, count(*) as messages, count(case when mark > 0 then 1 end) as unread, \
                     count(case when mark = 1 then 1 end) as unread_incoming \
                 from seen group by user_id \
             ) select count(*) from counters full join counted on counted.user_id = counters.user_id \
             where coalesce(counters.messages, 0) <> coalesce(counted.messages, 0) \
                 or coalesce(counters.unread, 0) <> coalesce(counted.unread, 0) \
                 or coalesce(counters.unread_incoming, 0) <> coalesce(counted.unread_incoming, 0)",
        ok: "the counters of every user match their messages",
        violated: "users have counters that do not match their messages",
    },
    InvariantCheck {
        subject: "messages",
        sql: "select count(*) from messages left join threads on threads.id = messages.thread \
             where threads.id is null or messages.user_low <> threads.user_low \
                 or messages.user_high is distinct from threads.user_high \
                 or (low_mark > 0) <> (high_mark > 0) \
                 or low_mark > 0 and (low_mark = 2) <> (sender = messages.user_low) \
                 or high_mark > 0 and (high_mark = 2) <> (sender = coalesce(messages.user_high, 0)) \
                 or low_mark = 1 and messages.id <= low_read or high_mark = 1 and messages.id <= high_read",
        ok: "every message has a thread, and its participants and read marks match it",
        violated: "messages have no thread, or have participants or read marks that do not match it",
    },
];

/// The checks of messages on SQLite.
#[cfg(feature = "sqlite")]
pub(super) const SQLITE_CHECKS: [InvariantCheck; 1] = [InvariantCheck {
    subject: "messages",
    sql: "select count(*) from messages left join threads on threads.seq = messages.thread \
             where threads.seq is null",
    ok: "every message has a thread",
    violated: "messages have no thread",
}];

/// Selects the latest time of the newest message and of all users, threads and tokens.
#[cfg(feature = "postgres")]
pub(super) const NEWEST_ON_POSTGRES: &str = "select max(made) from ( \
     select (select created from messages order by id desc limit 1) as made \
     union all select max(created) from users \
     union all select max(updated) from threads \
     union all select max(last_used) from tokens) as newest";

/// Selects the same on SQLite, where the list of a thread has the time of its last message.
#[cfg(feature = "sqlite")]
pub(super) const NEWEST_ON_SQLITE: &str = "select max(made) from ( \
     select (select created from messages order by id desc limit 1) as made \
     union all select max(created) from users \
     union all select max(created) from threads \
     union all select max(updated) from lists \
     union all select max(last_used) from tokens) as newest";

impl InvariantCheck {
    /// Returns the finding for a number of violations.
    pub(super) fn finding(&self, violations: i64) -> Finding {
        if violations == 0 {
            return Finding::ok(self.subject, self.ok);
        }
        let advice = "restore the last backup that passes every check (on Postgres with pg_restore), and report a bug: \
             the server never writes this";
        Finding::problem(self.subject, format!("{violations} {}", self.violated), advice)
            .with_remedies(&[Remedy::Examine, Remedy::Restore])
    }
}
