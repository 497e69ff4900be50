//! What is kept beside the data, against the data itself.

use super::Finding;

/// Something the database keeps that can be found out anew.
pub(super) struct InvariantCheck {
    subject: &'static str,
    /// Counts what is wrong with it.
    pub(super) sql: &'static str,
    fine: &'static str,
    /// What those are that it counts.
    wrong: &'static str,
}

/// All of them. Both databases understand the SQL.
pub(super) const CHECKS: [InvariantCheck; 5] = [
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
        fine: "messages and unread messages of every user are as many as are counted",
        wrong: "users have another number of messages, or of unread ones, than is counted for them",
    },
    InvariantCheck {
        subject: "totals",
        sql: "select cast(case when (select count from totals where name = 'users') = (select count(*) from users) \
             then 0 else 1 end as bigint)",
        fine: "there are as many users as are counted",
        wrong: "totals are not those of what they count",
    },
    InvariantCheck {
        subject: "threads",
        sql: "select count(*) from (select user_low, user_high from threads where user_high is not null \
             group by user_low, user_high having count(case when canonical then 1 end) <> 1) as pairs",
        fine: "every pair that has threads has one that is opened",
        wrong: "pairs of users have several threads that are opened, or none",
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
        fine: "every message belongs to the participants of its thread, and is marked as what it is to them",
        wrong: "messages belong to others than the participants of their threads, or are marked wrongly",
    },
    InvariantCheck {
        subject: "tokens",
        sql: "select count(*) from tokens left join users on users.id = tokens.user_id \
             where users.id is null or users.last_token < tokens.id",
        fine: "every token has a user and a number that was given out",
        wrong: "tokens have no user, or a number that was not given out",
    },
];

/// When the newest user and the newest message were made.
pub(super) const NEWEST: &str = "select max(made) from ( \
     select (select created from messages order by id desc limit 1) as made \
     union all select max(created) from users) as newest";

impl InvariantCheck {
    /// What so many faults mean.
    pub(super) fn judge(&self, faults: i64) -> Finding {
        if faults == 0 {
            return Finding::ok(self.subject, self.fine);
        }
        let advice = "keep a copy as it is, restore the last backup that this command finds nothing in, and report it: \
             a server alone does not do this";
        Finding::problem(self.subject, format!("{faults} {}", self.wrong), advice)
    }
}
