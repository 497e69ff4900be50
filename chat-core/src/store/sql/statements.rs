//! The statements, written once in the SQL that both databases understand.
//!
//! The text that each database receives is checked in under `tests/golden`, one file for each dialect.

/// The columns of a message, in the order of [`super::rows::message`].
macro_rules! message {
    () => {
        "id, sender, thread, text, created, low_mark = 0"
    };
}
/// The columns of a message in table `m`.
macro_rules! message_of_m {
    () => {
        "m.id, m.sender, m.thread, m.text, m.created, m.low_mark = 0"
    };
}
/// The columns of an account, in the order of [`super::rows::account`].
macro_rules! account {
    () => {
        "id, username, password, active, created"
    };
}
/// The condition that user `$2` is a participant of a thread or message.
///
/// Repeats [`policy::can_read`](crate::policy::can_read).
macro_rules! is_mine {
    () => {
        "(user_low = $2 or user_high = $2)"
    };
}
/// A page of a user's messages.
///
/// `$ids` reads the ids from indexes alone. Then only the rows of the page are read. The count is part of the result,
/// so that the count and the page belong to one snapshot. An empty page is one row with the count. An offset beyond the
/// count reads no ids.
macro_rules! page {
    ($counter:literal, $ids:expr) => {
        concat!(
            "select (select ",
            $counter,
            " from counters where user_id = $1), ",
            message_of_m!(),
            " from (select 1 as one) o left join (select id from (",
            $ids,
            ") every order by id limit case when $3 < (select ",
            $counter,
            " from counters where user_id = $1) then $2 else 0 end offset $3) page on o.one = 1 \
             left join messages m on m.id = page.id order by page.id"
        )
    };
}
/// The ids of the messages whose mark for a user is `$mark`.
///
/// The user can be the lower or the higher participant. The marks are those of [`super::steps::counts::mark`].
macro_rules! marked_ids {
    ($mark:literal, $branch:expr) => {
        concat!(
            "select id from (select id from messages where user_low = $1 and low_mark = ",
            $mark,
            $branch,
            ") low union all select id from (select id from messages where user_high = $1 and high_mark = ",
            $mark,
            $branch,
            ") high"
        )
    };
}
/// The ids of a user's unread messages of other senders.
macro_rules! incoming_ids {
    ($branch:expr) => {
        marked_ids!(1, $branch)
    };
}
/// The ids of a user's unread messages.
macro_rules! unread_ids {
    ($branch:expr) => {
        concat!(incoming_ids!($branch), " union all ", marked_ids!(2, $branch))
    };
}
/// The ids of a user's messages.
macro_rules! all_ids {
    ($branch:literal) => {
        concat!(unread_ids!($branch), " union all ", marked_ids!(0, $branch))
    };
}
pub(crate) use {all_ids, incoming_ids, marked_ids, message_of_m, page, unread_ids};

/// The message counts of each pair of participants, which [`Counts`] subtracts.
///
/// The columns after the pair: all messages; unread ones; unread ones sent by the lower participant; unread ones sent
/// by the higher participant.
///
/// [`Counts`]: super::steps::counts::Counts
macro_rules! message_counts {
    ($which:literal) => {
        concat!(
            "select user_low, user_high, count(*), count(*) filter (where low_mark > 0), \
             count(*) filter (where low_mark = 2), count(*) filter (where high_mark = 2) from messages where ",
            $which,
            " group by user_low, user_high"
        )
    };
}

/// Declares statements as constants, and a list of them by name.
///
/// The list is for the tests that prepare each statement.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $sql;)*
        #[cfg(feature = "conformance")]
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use statements;

statements! {
    INSERT_USER = "insert into users (username, name_key, owns_name_key, password, active, created) \
         values ($1, $2, true, $3, true, $4) returning id";
    INSERT_USER_WITH_ID = "insert into users (id, username, name_key, owns_name_key, password, active, created) \
         values ($1, $2, $3, true, $4, true, $5)";
    COUNT_USERS = "update totals set count = count + $1 where name = 'users'";
    ACCOUNT = concat!("select ", account!(), " from users where id = $1");
    ACCOUNT_BY_NAME = concat!("select ", account!(), " from users where username = $1");
    ACCOUNTS = concat!("select ", account!(), " from users where id > $1 order by id limit $2");
    NAME_HOLDER = "select id from users where name_key = $1 and owns_name_key";
    USERS = "select t.count, u.id, u.username from totals t left join \
         (select id, username from users order by username limit $1 offset $2) u on t.name = 'users' \
         where t.name = 'users' order by u.username";
    USERS_FOUND = "select c.count, u.id, u.username from \
         (select count(*) as count from users where name_key >= $3 and name_key < $4) c left join \
         (select id, username from users where name_key >= $3 and name_key < $4 \
          order by username limit $1 offset $2) u on c.count > 0 order by u.username";
    RENAME_USER = "update users set username = $2, name_key = $3, owns_name_key = true where id = $1";
    PROMOTE_NAME_OWNER = "update users set owns_name_key = true \
         where id = (select id from users where name_key = $1 order by id limit 1)";
    SET_PASSWORD = "update users set password = $2 where id = $1";
    SET_PASSWORD_IF = "update users set password = $2 where id = $1 and password = $3";
    SET_ACTIVE = "update users set active = $2 where id = $1";
    // An update, because on Postgres it takes the row lock that the deletion needs.
    LOCK_USER_FOR_REMOVAL = "update users set active = false where id = $1 returning name_key";
    DELETE_USER = "delete from users where id = $1";

    // Also locks the user, so that the second of two concurrent log-ins counts the token of the first.
    NEXT_TOKEN_ID = "update users set last_token = last_token + 1 where id = $1 returning last_token";
    INSERT_TOKEN = "insert into tokens (hash, user_id, id, name, created, last_used, ttl) \
         values ($1, $2, $3, $4, $5, $5, $6)";
    // Keeps the token `$2`. Of the other tokens that are valid at time `$4`, keeps the `$3` that were used last.
    // Deletes the rest. A use after `$5` was recorded before the clock was set back. Such a use counts as older than
    // every use that was recorded after that.
    EVICT_TOKENS = "delete from tokens where user_id = $1 and hash <> $2 and (last_used + ttl <= $4 or hash not in \
         (select hash from tokens where user_id = $1 and hash <> $2 and (ttl is null or last_used + ttl > $4) \
          order by case when last_used > $5 then 1 else 0 end, last_used desc, id desc limit $3)) returning hash";
    TOKEN_OWNER = "select t.user_id, u.active, t.last_used, t.ttl \
         from tokens t join users u on u.id = t.user_id where t.hash = $1";
    TOKENS = "select id, hash, name, created, last_used, ttl from tokens where user_id = $1 order by id desc";
    DELETE_TOKEN = "delete from tokens where hash = $1";
    DELETE_TOKEN_BY_ID = "delete from tokens where user_id = $1 and id = $2 returning hash";
    DELETE_TOKENS = "delete from tokens where user_id = $1";
    DELETE_OTHER_TOKENS = "delete from tokens where user_id = $1 and hash <> $2";

    CANONICAL_THREAD = "select id from threads where user_low = $1 and user_high = $2 and canonical";
    THREAD = concat!(
        "select id, user_low, user_high, created, updated from threads where id = $1 and ", is_mine!()
    );
    THREAD_SEQ = concat!("select seq from threads where id = $1 and ", is_mine!());
    DELETE_THREAD = "delete from threads where id = $1";
    DELETE_THREADS_OF = "delete from threads where user_low = $1 or user_high = $1";

    THREAD_MESSAGES_AFTER = concat!(
        "select ", message!(), " from messages where thread = $1 and ", is_mine!(),
        " and id > $3 order by id limit $4"
    );
    THREAD_MESSAGES_BEFORE = concat!(
        "select ", message!(), " from messages where thread = $1 and ", is_mine!(),
        " and id < $3 order by id desc limit $4"
    );
    THREAD_MESSAGES_BETWEEN = concat!(
        "select ", message!(), " from messages where thread = $1 and ", is_mine!(),
        " and id > $3 and id < $5 order by id limit $4"
    );
    MESSAGE = concat!("select ", message!(), " from messages where id = $1 and ", is_mine!());
    MESSAGE_WITH_PARTICIPANTS = concat!(
        "select ", message!(), ", user_low, user_high from messages where id = $1 and ", is_mine!()
    );
    UPDATE_MESSAGE = "update messages set text = coalesce($2, text), low_mark = coalesce($3, low_mark), \
         high_mark = coalesce($4, high_mark) where id = $1";
    DELETE_MESSAGE = "delete from messages where id = $1";
    // Marks the messages with ids above `$2` and up to `$3` that are incoming for one participant and have mark `$4`
    // for the other.
    READ_BY_LOW = "update messages set low_mark = 0, high_mark = 0 \
         where thread = $1 and id > $2 and id <= $3 and low_mark = 1 and high_mark = $4";
    READ_BY_HIGH = "update messages set low_mark = 0, high_mark = 0 \
         where thread = $1 and id > $2 and id <= $3 and high_mark = 1 and low_mark = $4";
    NEWEST_MESSAGE = "select max(id) from messages where thread = $1";
    SET_LOW_READ_POSITION = "update threads set low_read = $2 where id = $1";
    SET_HIGH_READ_POSITION = "update threads set high_read = $2 where id = $1";
    LOWER_READ_POSITIONS = "update threads set low_read = case when low_read < $2 then low_read else $2 - 1 end, \
         high_read = case when high_read < $2 then high_read else $2 - 1 end \
         where id = $1 and (low_read >= $2 or high_read >= $2)";
    SET_IMPORTED_READ_POSITIONS = "update threads set low_read = coalesce( \
             (select min(id) - 1 from messages where thread = threads.id and low_mark = 1), \
             (select max(id) from messages where thread = threads.id), 0), \
         high_read = coalesce( \
             (select min(id) - 1 from messages where thread = threads.id and high_mark = 1), \
             (select max(id) from messages where thread = threads.id), 0)";
    COUNT_THREAD_MESSAGES = message_counts!("thread = $1");
    COUNT_USER_MESSAGES = message_counts!("(user_low = $1 or user_high = $1)");
    COUNT_OUTSIDE_SENDER = message_counts!("sender = $1 and thread in (select id from threads where has_outside_senders)");
    DELETE_MESSAGES_IN = "delete from messages where thread = $1";
    DELETE_MESSAGES_OF = "delete from messages where user_low = $1 or user_high = $1";
    DELETE_MESSAGES_OF_OUTSIDE_SENDER = "delete from messages where sender = $1 \
         and thread in (select id from threads where has_outside_senders)";
    DELETE_COUNTERS = "delete from counters where user_id = $1";

    ANY_USER = "select id from users limit 1";
    IMPORTED = "select at from imports where digest = $1";
    INSERT_IMPORT = "insert into imports (digest, at) values ($1, $2)";
}

/// Declares [`DialectSql`] and a list of its statements by name.
macro_rules! dialect_statements {
    (
        $(#[$doc:meta])* some: { $($(#[$some_doc:meta])* $some:ident,)* }
        all: { $($(#[$all_doc:meta])* $all:ident,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct DialectSql {
            $($(#[$some_doc])* pub(crate) $some: Option<&'static str>,)*
            $($(#[$all_doc])* pub(crate) $all: &'static str,)*
        }

        #[cfg(feature = "conformance")]
        impl DialectSql {
            pub(crate) fn list(&self) -> Vec<(&'static str, &'static str)> {
                let some = [$((stringify!($some), self.$some)),*];
                let some = some.into_iter().filter_map(|(name, sql)| Some((name, sql?)));
                some.chain([$((stringify!($all), self.$all)),*]).collect()
            }
        }
    };
}

dialect_statements! {
    /// The statements whose text differs between the databases.
    ///
    /// Each of them locks rows, takes a [table of rows](super::value::Arg::Rows) as its argument, or has another part
    /// that differs. [`dialect_sql!`] builds them from these parts.
    some: {
        /// Prevents other transactions from assigning user ids.
        ///
        /// Required because this transaction inserts explicit ids.
        lock_user_ids,
        /// Advances the sequence of user ids to the highest id.
        sync_user_id_sequence,
        /// Advances the sequence of message ids to the highest id.
        sync_message_id_sequence,
    }
    all: {
        /// Reads a row of the database.
        ///
        /// The last column is whether the transaction is read-only.
        ping,
        /// Users `$1` and `$2`, locked against removal.
        pair_of_users,
        /// A user, locked.
        lock_user,
        /// A thread of user `$2`, locked.
        ///
        /// Repeats `policy::can_delete_thread` and `policy::can_mark_read`.
        lock_thread,
        /// The thread of a message of user `$2`, locked. Repeats `policy::can_mark_read`.
        lock_thread_of,
        /// All threads in which user `$1` participates or sent messages, locked.
        lock_threads_of_user,
        /// Adds the canonical thread of a pair, created at `$4`, if there is none.
        insert_thread,
        /// Makes the thread of a pair with the lowest id the canonical one.
        ///
        /// The subquery locks the thread that it finds. If another transaction is deleting that thread, the subquery
        /// waits, and then finds the next one.
        promote_canonical_thread,
        /// Threads of user `$1` with a `seq` above `$2`, at most `$3`.
        threads,
        /// Messages of user `$1`: at most `$2` after the first `$3`.
        ///
        /// `$4` is the sum of `$2` and `$3`.
        messages,
        /// The unread messages with ids above `$5`, in the same form.
        unread,
        /// The unread messages of other senders with ids above `$5`, in the same form.
        unread_incoming,
        /// Inserts messages.
        ///
        /// Columns: `(id, thread, sender, text, created, user_low, user_high, low_mark, high_mark, key, request)`.
        insert_messages,
        /// Adds `(user, messages, unread, incoming)` to the counters.
        add_counts,
        /// Sets the last use of tokens.
        ///
        /// The columns are `(hash, last_used, latest)`. A stored use from `last_used` to `latest` is kept. A later one
        /// was recorded before the clock was set back.
        touch_tokens,
        /// Inserts users.
        ///
        /// The columns are `(id, username, name_key, owns_name_key, password, active, created, last_token)`.
        import_users,
        /// Inserts tokens `(hash, user, id, created, last_used)`.
        import_tokens,
        /// Inserts threads, in order.
        ///
        /// The columns are `(id, user_low, user_high, canonical, has_outside_senders, created, updated)`.
        import_threads,
    }
}

/// Builds a [`DialectSql`].
///
/// `$lock` ends a statement that locks rows. `$branch` and `$thread_branch` end a part of a list that is merged with
/// others. `$new`, `$counts`, `$new_users`, `$tokens` and `$threads` are the rows to insert. On SQLite each is one row,
/// because the statement runs once for each row. `$updated` is the column with the time of a thread's last message, and
/// `$new_updated` its value for a new thread. On SQLite the list of the thread has it.
macro_rules! dialect_sql {
    (
        lock_user_ids: $lock_ids:expr, sync_user_id_sequence: $sync_users:expr,
        sync_message_id_sequence: $sync_messages:expr,
        is_read_only: $read_only:literal, share_users: $share:literal, lock: $lock:literal,
        branch: $branch:literal, thread_branch: $thread_branch:literal,
        new_messages: $new:literal, touch_tokens: $touch_tokens:literal,
        counts: $counts:literal, new_version: $new_version:literal,
        users: $new_users:literal, tokens: $tokens:literal, threads: $threads:literal,
        updated: $updated:literal, new_updated: $new_updated:literal $(,)?
    ) => {
        $crate::store::sql::statements::DialectSql {
            lock_user_ids: $lock_ids,
            sync_user_id_sequence: $sync_users,
            sync_message_id_sequence: $sync_messages,
            ping: concat!("select count, ", $read_only, " from totals where name = 'users'"),
            pair_of_users: concat!("select id from users where id in ($1, $2) order by id", $share),
            lock_user: concat!("select id, username, name_key from users where id = $1", $lock),
            lock_thread: concat!(
                "select id, user_low, user_high, canonical, has_outside_senders, low_read, high_read from threads \
                 where id = $1 and (user_low = $2 or user_high = $2)",
                $lock
            ),
            lock_thread_of: concat!(
                "select id from threads where id = (select thread from messages \
                 where id = $1 and (user_low = $2 or user_high = $2))",
                $lock
            ),
            lock_threads_of_user: concat!(
                "select id, user_low, user_high from threads where user_low = $1 or user_high = $1 or \
                 (has_outside_senders and exists (select 1 from messages where thread = threads.id and sender = $1)) order by id",
                $lock
            ),
            insert_thread: concat!(
                "insert into threads (id, user_low, user_high, canonical, has_outside_senders, created", $updated,
                ") values ($1, $2, $3, true, false, $4", $new_updated,
                ") on conflict (user_low, user_high) where canonical do nothing returning id"
            ),
            promote_canonical_thread: concat!(
                "update threads set canonical = true where id = (select id from threads \
                 where user_low = $1 and user_high = $2 and not canonical order by id limit 1",
                $lock,
                ")"
            ),
            threads: concat!(
                "select id, user_low, user_high, seq from (select id, user_low, user_high, seq from threads \
                 where user_low = $1 and seq > $2",
                $thread_branch,
                ") low union all select id, user_low, user_high, seq from \
                 (select id, user_low, user_high, seq from threads where user_high = $1 and seq > $2",
                $thread_branch,
                ") high order by seq limit $3"
            ),
            messages: page!("messages", all_ids!($branch)),
            unread: page!("unread", unread_ids!(concat!(" and id > $5", $branch))),
            unread_incoming: page!("unread_incoming", incoming_ids!(concat!(" and id > $5", $branch))),
            insert_messages: concat!(
                "insert into messages \
                 (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark, key, request) ",
                $new
            ),
            add_counts: concat!(
                "insert into counters (user_id, messages, unread, unread_incoming) ",
                $counts,
                " on conflict (user_id) do update set messages = counters.messages + excluded.messages, \
                 unread = counters.unread + excluded.unread, \
                 unread_incoming = counters.unread_incoming + excluded.unread_incoming",
                $new_version
            ),
            touch_tokens: $touch_tokens,
            import_users: concat!(
                "insert into users (id, username, name_key, owns_name_key, password, active, created, last_token) ",
                $new_users
            ),
            import_tokens: concat!(
                "insert into tokens (hash, user_id, id, created, last_used) ",
                $tokens
            ),
            import_threads: concat!(
                "insert into threads (id, user_low, user_high, canonical, has_outside_senders, created", $updated, ") ",
                $threads
            ),
        }
    };
}
pub(crate) use dialect_sql;
