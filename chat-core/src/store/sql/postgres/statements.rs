//! The statements on messages, with their indexes, marks and counters.

use crate::store::sql::statements::{is_mine, statements};

/// The columns of a message, in the order of [`rows::message`](crate::store::sql::rows::message).
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
/// The ids of the messages that have the mark `$mark` for a user.
///
/// The user can be the lower or the higher participant. The marks are those of [`super::counters::mark`].
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
/// The message counts of each pair of participants, which [`CounterDeltas`] subtracts.
///
/// The columns after the pair: all messages; unread ones; unread ones sent by the lower participant; unread ones sent
/// by the higher participant.
///
/// [`CounterDeltas`]: super::counters::CounterDeltas
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

statements! {
    THREAD = concat!(
        "select id, user_low, user_high, created, updated from threads where id = $1 and ", is_mine!()
    );
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
    /// A thread of user `$2`, locked.
    ///
    /// Repeats `policy::can_delete_thread` and `policy::can_mark_read`.
    LOCK_THREAD = "select id, user_low, user_high, canonical, has_outside_senders, low_read, high_read from threads \
         where id = $1 and (user_low = $2 or user_high = $2) for no key update";
    /// The thread of a message of user `$2`, locked. Repeats `policy::can_mark_read`.
    LOCK_THREAD_OF = "select id from threads where id = (select thread from messages \
         where id = $1 and (user_low = $2 or user_high = $2)) for no key update";
    /// All threads in which user `$1` participates or sent messages, locked.
    LOCK_THREADS_OF_USER = "select id, user_low, user_high from threads where user_low = $1 or user_high = $1 or \
         (has_outside_senders and exists (select 1 from messages where thread = threads.id and sender = $1)) order by id for no key update";
    /// Messages of user `$1`: at most `$2` after the first `$3`.
    ///
    /// `$4` is the sum of `$2` and `$3`.
    // Because each part is sorted, the parts are merged instead of sorted again.
    MESSAGES = page!("messages", all_ids!(" order by id limit $4"));
    /// The unread messages with ids above `$5`, in the same form.
    UNREAD = page!("unread", unread_ids!(" and id > $5 order by id limit $4"));
    /// The unread messages of other senders with ids above `$5`, in the same form.
    UNREAD_INCOMING = page!("unread_incoming", incoming_ids!(" and id > $5 order by id limit $4"));
    /// Inserts messages.
    ///
    /// Columns: `(id, thread, sender, text, created, user_low, user_high, low_mark, high_mark, key, request)`.
    INSERT_MESSAGES = "insert into messages \
         (id, thread, sender, text, created, user_low, user_high, low_mark, high_mark, key, request) \
         select * from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], \
         $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bytea[])";
    /// Adds `(user, messages, unread, incoming)` to the counters.
    // The rows are in lock order: by ascending user id. `excluded.version` is the default of the column: the next value
    // of the sequence of list versions.
    ADD_COUNTS = "insert into counters (user_id, messages, unread, unread_incoming) \
         select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) order by 1 \
         on conflict (user_id) do update set messages = counters.messages + excluded.messages, \
         unread = counters.unread + excluded.unread, \
         unread_incoming = counters.unread_incoming + excluded.unread_incoming, \
         version = excluded.version";
    /// Advances the sequence of message ids to the highest id.
    SYNC_MESSAGE_ID_SEQUENCE = "select setval('messages_id_seq', greatest((select last_value from messages_id_seq), \
         (select max(id) from messages))) where exists (select 1 from messages)";
}
