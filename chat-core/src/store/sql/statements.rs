//! The statements, written once in the SQL that both databases understand.
//!
//! The text that each database receives is checked in under `tests/golden`, one file for each dialect.

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
#[cfg(feature = "postgres")]
pub(crate) use is_mine;
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
    // An update, because on Postgres it also takes the row lock that the removal needs.
    LOCK_USER_FOR_REMOVAL = "update users set active = false where id = $1 returning name_key";
    DELETE_USER = "delete from users where id = $1";

    // Also locks the user, so that the second of two concurrent log-ins counts the token of the first.
    NEXT_TOKEN_ID = "update users set last_token = last_token + 1 where id = $1 returning last_token";
    INSERT_TOKEN = "insert into tokens (hash, user_id, id, name, created, last_used, ttl) \
         values ($1, $2, $3, $4, $5, $5, $6)";
    // Keeps the token `$2`. Of the other tokens that are valid at time `$4`, keeps the `$3` that were used last.
    // Deletes the rest. A use after `$5` was recorded before the clock was set back. Such a use counts as older than
    // every use up to `$5`.
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
    THREAD_SEQ = concat!("select seq from threads where id = $1 and ", is_mine!());
    DELETE_THREAD = "delete from threads where id = $1";
    DELETE_THREADS_OF = "delete from threads where user_low = $1 or user_high = $1";

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
    /// Each of them locks rows, takes a [table of rows](super::value::Table) as its argument, or has another part
    /// that differs. [`dialect_sql!`] builds them from these parts.
    some: {
        /// Prevents other transactions from assigning user ids.
        ///
        /// Required because this transaction inserts explicit ids.
        lock_user_ids,
        /// Advances the sequence of user ids to the highest id.
        sync_user_id_sequence,
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
        /// Adds the canonical thread of a pair, created at `$4`, if there is none.
        insert_thread,
        /// Makes the thread of a pair with the lowest id the canonical one.
        ///
        /// The subquery locks the thread that it finds. If another transaction is deleting that thread, the subquery
        /// waits, and then finds the next one.
        promote_canonical_thread,
        /// Threads of user `$1` with a `seq` above `$2`, at most `$3`.
        threads,
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
/// `$share` and `$lock` end a statement that locks rows. `$thread_branch` ends each of the two parts that are merged to
/// the list of threads. `$new_users`, `$tokens` and `$threads` are the rows to insert. On SQLite each is one row,
/// because the statement runs once for each row. `$updated` is the column with the time of a thread's last message, and
/// `$new_updated` its value for a new thread. Both are empty on SQLite, where the list of the thread has that time.
macro_rules! dialect_sql {
    (
        lock_user_ids: $lock_ids:expr, sync_user_id_sequence: $sync_users:expr,
        is_read_only: $read_only:literal, share_users: $share:literal, lock: $lock:literal,
        thread_branch: $thread_branch:literal,
        touch_tokens: $touch_tokens:literal,
        users: $new_users:literal, tokens: $tokens:literal, threads: $threads:literal,
        updated: $updated:literal, new_updated: $new_updated:literal $(,)?
    ) => {
        $crate::store::sql::statements::DialectSql {
            lock_user_ids: $lock_ids,
            sync_user_id_sequence: $sync_users,
            ping: concat!("select count, ", $read_only, " from totals where name = 'users'"),
            pair_of_users: concat!("select id from users where id in ($1, $2) order by id", $share),
            lock_user: concat!("select id, username, name_key from users where id = $1", $lock),
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
